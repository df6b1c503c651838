// SPDX-License-Identifier: Apache-2.0
//
// The sections that are words and tables. Each function fills one for the dump that is looked at; `before` is the dump
// before it in time, or null.

// ---- headline ----

function showIdentity(dump) {
  const { process, environment } = dump;
  const name = process.comm || 'process';
  document.title = `${name} (pid ${process.pid}): where the RSS went`;
  document.getElementById('program').textContent = name;
  const words = [
    `pid ${process.pid}${process.host ? ` on ${process.host}` : ''}`,
    environment.go_version || 'Go version not known',
    `dump ${dump.seq} (${dump.reason}${dump.label ? `, \u201c${dump.label}\u201d` : ''})${dump.phase ? ` in phase \u201c${dump.phase}\u201d` : ''}`,
    `${timeText(dump.time.utc)} UTC`,
  ];
  document.getElementById('identity').replaceChildren(...words.map((word) => make('span', {}, word)));
}

function tile(title, value, notes, properties) {
  return make('div', { class: 'tile', ...properties },
    make('p', { class: 'tile-title' }, title),
    make('p', { class: 'tile-value' }, value),
    notes.filter(Boolean).map((note) => make('p', { class: 'tile-note' }, note)));
}

function timesText(whole, part) {
  const times = whole / part;
  return times < 10 ? times.toFixed(1) : countText(Math.floor(times));
}

// False: of a core without holes. Nothing is said then of what is resident.
function knowsResidency(dump) {
  return dump.books.pagemap?.how !== 'none';
}

function rssTile(dump) {
  const { rss, environment } = dump;
  const limit = environment.cgroup_memory_max_bytes;
  const objects = rss.classes['go.objects']?.resident || 0;
  if (!knowsResidency(dump)) return tile('RSS', 'not known', [dump.books.pagemap.missing[0]?.why]);
  return tile('RSS', bytesText(rss.total), [
    dump.reason === 'core' ? 'in the core: unchanged pages of mapped files are not in it' : null,
    rss.peak === null ? null : `peak ${bytesText(rss.peak)}`,
    rss.swapped ? `swapped ${bytesText(rss.swapped)}` : null,
    limit === null ? null : `${percentText(rss.total, limit)} of the cgroup's limit of ${bytesText(limit)}`,
    objects > 0 && rss.total > 0 ? `${timesText(rss.total, objects)} times the Go objects in it (${bytesText(objects)})` : null,
  ]);
}

// Whose memory it is: classes by the beginning of their names.
const OWNERS = [
  ['Go', ['go.']],
  ['C', ['c.', 'thread.stacks']],
  ['files', ['libs', 'files']],
  ['gopagewatch', ['shim']],
];

function ownersText(dump) {
  return OWNERS.map(([owner, prefixes]) => {
    const bytes = sumOf(classRows(dump).filter(({ name }) => prefixes.some((prefix) => name.startsWith(prefix))), 'resident');
    return bytes > 0 ? `${owner} ${bytesText(bytes)} (${percentText(bytes, dump.rss.total)})` : null;
  }).filter(Boolean).join(', ');
}

function explainedTile(dump) {
  const other = otherBytes(dump);
  if (!knowsResidency(dump)) return null;
  return tile('Explained', percentFloorText(explainedBytes(dump), dump.rss.total),
    [ownersText(dump), other > 0 ? `${bytesText(other)} are of no known class` : 'each resident byte has a class']);
}

function largestTile(dump) {
  const largest = classRows(dump)[0];
  if (!largest || !knowsResidency(dump)) return null;
  return tile('Most of it', largest.name,
    [`${bytesText(largest.resident)}, ${percentText(largest.resident, dump.rss.total)} of RSS`, classMeaning(largest.name)],
    { colour: classColour(largest.name) });
}

function findingTile(dump) {
  if (!knowsResidency(dump)) return null;
  const resident = dump.findings.filter((finding) => !NOT_RESIDENT.has(finding.id));
  if (resident.length === 0) return tile('Stands out', 'nothing', ['no waste that Go\u2019s and the kernel\u2019s books show']);
  const [worst] = resident;
  return tile('Stands out', bytesText(worst.bytes),
    [`${worst.id}, ${percentText(worst.bytes, dump.rss.total)} of RSS`,
      resident.length > 1 ? `and ${plural(resident.length - 1, 'more finding')}` : null],
    { colour: findingColour(worst.id), class: 'tile warning' });
}

const LOSSES = [
  ['events_lost', 'events that could not be recorded'],
  ['advice_unrecorded', 'madvise calls that were counted nowhere'],
  ['ranges_untracked', 'ranges that could not be tracked'],
  ['signals_coalesced', 'dumps asked for while one was being made'],
  ['dumps_failed', 'dumps that could not be written'],
];

// Everything that limits what the page says.
function limits(dump) {
  const list = [];
  for (const [name, book] of Object.entries(dump.books)) {
    for (const missing of book.missing) list.push(['Not known', `${missing.what}, because ${missing.why}`]);
    if (book.untrusted > 0) list.push(['Not trusted', `${plural(book.untrusted, 'read')} of ${name}`]);
  }
  for (const [counter, what] of LOSSES) {
    const lost = dump.books.shim?.counters[counter] || 0;
    if (lost > 0) list.push(['Lost', `${what}: ${countText(lost)}`]);
  }
  const difference = sumOf(classRows(dump), 'resident') - dump.rss.total;
  if (difference !== 0)
    list.push(['Note', `the classes add up to ${bytesText(Math.abs(difference))} ${difference > 0 ? 'more' : 'less'} than RSS: the kernel\u2019s counter and the pages were not read at one instant`]);
  if (dump.rss.explained !== explainedBytes(dump))
    list.push(['Warning', `the dump says that ${bytesText(dump.rss.explained)} are explained, its classes add up to ${bytesText(explainedBytes(dump))}`]);
  const later = Object.keys(dump.rss.classes).filter((name) => !classMeanings.has(name));
  if (later.length > 0) list.push(['Warning', `classes that this version does not know: ${later.join(', ')}; a newer gopagewatch tells more`]);
  return list;
}

function showHeadline(dump) {
  const books = Object.entries(dump.books).map(([name, book]) => {
    const isWhole = book.missing.length === 0 && book.untrusted === 0;
    return make('li', { class: isWhole ? 'book' : 'book partial' }, `${isWhole ? '\u2713' : '!'} ${name}: ${book.how}`);
  });
  document.getElementById('headline').replaceChildren(
    make('div', { class: 'tiles' }, [rssTile, explainedTile, largestTile, findingTile].map((makeTile) => makeTile(dump))),
    make('ul', { class: 'books', 'aria-label': 'How it was read' }, books),
    make('ul', { class: 'limits', 'aria-label': 'What limits this report' },
      limits(dump).map(([kind, text]) => make('li', {}, make('b', {}, kind + ': '), text))));
}

// ---- findings ----

// They tell of memory that is no part of the RSS.
const NOT_RESIDENT = new Set(['untouched']);
const FINDING_CLASSES = {
  'released-resident': 'go.released',
  'free-resident': 'go.free',
  'sparse-spans': 'go.unused',
  'large-pages': 'go.unused',
  'c-heap-free': 'c.heap.free',
  lazyfree: 'go.released',
  untouched: 'go.reserved',
};

function findingColour(id) {
  return classColour(Object.hasOwn(FINDING_CLASSES, id) ? FINDING_CLASSES[id] : '');
}

function evidenceText(name, value) {
  if (typeof value === 'string') return [name, value];
  return name.endsWith('_bytes') ? [name.slice(0, -6), bytesText(value)] : [name, countText(value)];
}

function showFindings(dump) {
  document.getElementById('findings').hidden = !knowsResidency(dump);
  const cards = dump.findings.map((finding) =>
    make('article', { class: 'finding', colour: findingColour(finding.id) },
      make('div', { class: 'finding-size' },
        make('p', { class: 'finding-bytes' }, bytesText(finding.bytes)),
        make('p', {}, NOT_RESIDENT.has(finding.id) ? 'no part of the RSS' : `${percentText(finding.bytes, dump.rss.total)} of RSS`),
        NOT_RESIDENT.has(finding.id) ? null : bar([{ bytes: finding.bytes, colour: findingColour(finding.id) }], dump.rss.total)),
      make('div', { class: 'finding-words' },
        make('h3', {}, finding.id),
        make('p', {}, finding.text),
        make('p', { class: 'advice' }, make('b', {}, 'What to do: '), finding.advice),
        make('ul', { class: 'evidence', 'aria-label': 'Evidence' }, Object.entries(finding.evidence).map(([name, value]) => {
          const [what, how] = evidenceText(name, value);
          return make('li', {}, make('span', {}, what.replaceAll('_', ' ')), ' ', make('b', {}, how));
        })))));
  bodyOf('findings').replaceChildren(...(cards.length > 0 ? cards
    : [make('p', { class: 'calm' }, 'Nothing does: none of the known ways to waste memory takes 1 MiB and 1 % of the RSS here.')]));
}

// ---- classes ----

function classBar(rows, total) {
  const label = rows.filter((row) => row.resident > 0).map((row) => `${row.name} ${bytesText(row.resident)}, ${percentText(row.resident, total)}`).join('; ');
  const segments = rows.filter((row) => row.resident > 0).map((row) => {
    const share = row.resident / total;
    const segment = make('div', { class: 'segment', colour: classColour(row.name), title: `${row.name}: ${bytesText(row.resident)}, ${percentText(row.resident, total)}` },
      share < 0.06 ? null : make('span', {}, make('b', {}, row.name), ' ', bytesText(row.resident)));
    segment.style.flexGrow = share;
    return segment;
  });
  return make('div', { class: 'classbar', role: 'img', 'aria-label': `Resident memory: ${label}` }, segments);
}

function showClasses(dump, before) {
  const rows = classRows(dump);
  const total = dump.rss.total;
  const most = rows.reduce((largest, row) => Math.max(largest, row.resident), 0);
  const residentBefore = (row) => before.rss.classes[row.name]?.resident || 0;
  const rare = ['huge', 'lazyfree', 'swapped'].filter((key) => sumOf(rows, key) > 0);
  const columns = [
    { head: 'class', kind: 'name', cell: (row) => className(row.name) },
    ...(knowsResidency(dump) ? [
      { head: 'resident', cell: (row) => bytesCell(row.resident) },
      { head: '% of RSS', cell: (row) => percentText(row.resident, total) },
      { head: '', kind: 'bars', cell: (row) => bar([{ bytes: row.resident, colour: classColour(row.name) }], most) },
    ] : []),
    ...(before ? [{ head: 'change', cell: (row) => changeText(row.resident - residentBefore(row)) }] : []),
    { head: 'mapped', cell: (row) => bytesCell(row.mapped) },
    ...rare.map((key) => ({ head: key, cell: (row) => bytesCell(row[key]) })),
    { head: 'what it is', kind: 'text', cell: (row) => classMeaning(row.name) },
  ];
  const resident = sumOf(rows, 'resident');
  const foot = ['total', ...(knowsResidency(dump) ? [bytesText(resident), percentText(resident, total), ''] : []),
    ...(before ? [changeText(resident - sumOf(classRows(before), 'resident'))] : []),
    bytesText(sumOf(rows, 'mapped')), ...rare.map((key) => bytesText(sumOf(rows, key))), ''];
  document.getElementById('classes-title').textContent = knowsResidency(dump) ? 'Where the RSS went' : 'What is mapped';
  bodyOf('classes').replaceChildren(
    ...(resident > 0 ? [classBar(rows, resident)] : []),
    makeTable({ caption: before ? 'Classes of memory; change: since the dump before' : 'Classes of memory', columns, rows, foot }));
}

// ---- size classes ----

function histogram(occupancy) {
  const most = Math.max(1, ...occupancy);
  const words = occupancy.map((spans, tenth) => (spans > 0 ? `${tenth * 10}\u2013${tenth * 10 + 10} %: ${countText(spans)}` : null)).filter(Boolean).join(', ');
  const bars = occupancy.map((spans, tenth) => {
    const height = spans === 0 ? 0 : Math.max(1.5, (spans * 18) / most);
    return makeSvg('rect', { x: tenth * 8, y: 20 - height, width: 7, height, class: tenth < 3 ? 'sparse' : 'filled' });
  });
  const title = makeSvg('title', {});
  title.textContent = `spans by how full they are: ${words || 'none'}`;
  return makeSvg('svg', { viewBox: '0 0 79 21', width: 79, height: 21, class: 'histogram', role: 'img', 'aria-label': title.textContent },
    title, ...bars, makeSvg('line', { x1: 0, x2: 79, y1: 20.5, y2: 20.5 }));
}

function showSizeClasses(dump) {
  const { sizeclass, large, heaps } = dump.go;
  const rows = Object.entries(sizeclass)
    .map(([slot, row]) => ({ ...row, slot: Number(slot), empty: Math.max(0, row.resident - row.bytes) }))
    .filter((row) => row.spans > 0)
    .sort((a, b) => b.empty - a.empty || a.slot - b.slot);
  const parts = [];
  for (const heap of heaps.filter((heap) => heap.layout === null))
    parts.push(make('p', { class: 'notice' }, `The heap of ${heap.module} was not walked: ${heap.why}`));
  const most = rows.reduce((largest, row) => Math.max(largest, row.resident), 0);
  const columns = [
    { head: 'slot', cell: (row) => bytesText(row.slot) },
    { head: 'holds no object', cell: (row) => make('b', {}, bytesCell(row.empty)) },
    { head: 'resident', cell: (row) => bytesCell(row.resident) },
    { head: '', kind: 'bars', cell: (row) => bar([{ bytes: row.resident - row.empty, colour: 'var(--class-go-objects)' }, { bytes: row.empty, colour: 'var(--waste)' }], most) },
    { head: 'spans', cell: (row) => countText(row.spans) },
    { head: 'slots in use', cell: (row) => `${countText(row.objects)} of ${countText(row.slots)}` },
    { head: '', cell: (row) => percentText(row.objects, row.slots) },
    { head: 'spans, empty to full', kind: 'text', cell: (row) => histogram(row.occupancy) },
    { head: 'in spans < ¼ full', cell: (row) => bytesCell(row.sparse_bytes) },
  ];
  if (rows.length > 0 && knowsResidency(dump)) {
    const foot = ['all', bytesText(sumOf(rows, 'empty')), bytesText(sumOf(rows, 'resident')), '', countText(sumOf(rows, 'spans')),
      `${countText(sumOf(rows, 'objects'))} of ${countText(sumOf(rows, 'slots'))}`, percentText(sumOf(rows, 'objects'), sumOf(rows, 'slots')), '', bytesText(sumOf(rows, 'sparse_bytes'))];
    parts.push(
      make('p', { class: 'legend' }, make('span', { class: 'swatch', colour: 'var(--class-go-objects)' }), 'resident and holds an object ',
        make('span', { class: 'swatch', colour: 'var(--waste)' }), 'resident and holds none: free slots and tail waste'),
      makeTable({ caption: 'Size classes: the most resident memory without an object first', columns, rows, foot, limit: 12 }));
  } else if (rows.length === 0 && parts.length === 0) {
    parts.push(make('p', { class: 'calm' }, 'No span with slots was found.'));
  }
  if (large.spans > 0)
    parts.push(make('p', {}, `Large objects, each with a span of its own: ${countText(large.spans)} of ${bytesText(large.bytes)} in all`,
      knowsResidency(dump) ? `, ${bytesText(large.resident)} resident` : '',
      knowsResidency(dump) && large.untouched > 0 ? `, ${bytesText(large.untouched)} never touched.` : '.'));
  bodyOf('sizeclasses').replaceChildren(...parts);
}

// ---- Go maps ----

// By what is allocated: small parts share pages, and each of them has the page as resident.
function worstPart({ parts }) {
  const [worst] = [...parts].sort((a, b) => b.allocated - a.allocated);
  return worst && worst.allocated > 0 ? `${worst.part} ${bytesText(worst.allocated)}` : '-';
}

function showGoMaps(dump) {
  const maps = dump.go.maps || [];
  const known = (cell) => (map) => (map.why === null ? cell(map) : '-');
  const rows = [...maps].sort((a, b) => (b.total?.resident || 0) - (a.total?.resident || 0) || (a.name < b.name ? -1 : 1));
  const columns = [
    { head: 'map', kind: 'name', cell: (map) => map.name },
    { head: 'type', kind: 'text', cell: (map) => map.why ?? `${map.type}${map.address === '0x0' ? ' (nil)' : ''}` },
    { head: 'resident', cell: known((map) => bytesCell(map.total.resident)) },
    { head: 'alone', cell: known((map) => bytesCell(map.alone)) },
    { head: 'pages', cell: known((map) => countText(map.total.pages)) },
    { head: 'entries', cell: known((map) => countText(map.entries)) },
    { head: 'an entry', cell: known((map) => (map.entries === 0 ? '-' : bytesText(Math.floor(map.total.allocated / map.entries)))) },
    { head: 'most in', kind: 'text', cell: known(worstPart) },
  ];
  const torn = maps.filter((map) => map.torn_reads > 0).length;
  document.getElementById('gomaps').hidden = maps.length === 0;
  bodyOf('gomaps').replaceChildren(
    makeTable({ caption: 'Go maps that are watched; alone: resident of pages with nothing else', columns, rows, limit: 12 }),
    ...(torn > 0 ? [make('p', { class: 'notice' }, `${countText(torn)} of them changed while they were read.`)] : []));
}

// ---- threads ----

function showThreads(dump) {
  const { threads } = dump;
  const most = threads.reduce((largest, thread) => Math.max(largest, thread.resident), 0);
  const size = (thread) => Number(BigInt(thread.end) - BigInt(thread.start));
  const columns = [
    { head: 'resident', cell: (thread) => bytesCell(thread.resident) },
    { head: '', kind: 'bars', cell: (thread) => bar([{ bytes: thread.resident, colour: classColour('thread.stacks') }], most) },
    { head: 'below sp', cell: (thread) => (thread.resident_below === null ? '-' : bytesCell(thread.resident_below)) },
    { head: 'size', cell: (thread) => bytesText(size(thread)) },
    { head: 'thread', kind: 'text', cell: (thread) => (thread.tid === null ? 'none: its thread has ended, libc keeps it' : `${thread.tid} ${thread.name ?? ''}`) },
  ];
  const leftOut = dump.left_out.threads;
  document.getElementById('threads').hidden = !knowsResidency(dump) || (threads.length === 0 && leftOut === 0);
  bodyOf('threads').replaceChildren(
    ...(threads.length > 0 ? [makeTable({ caption: 'Stacks of threads, the most resident first; below sp: used by calls that have returned', columns, rows: threads, limit: 6 })] : []),
    ...(leftOut > 0 ? [make('p', { class: 'notice' }, `Left out to keep this page small: ${plural(leftOut, 'stack')}. The dump has them.`)] : []));
}

// ---- mappings ----

function showMappings(dump) {
  const rare = ['huge', 'lazyfree', 'swapped'].filter((key) => sumOf(dump.maps, key) > 0);
  const most = dump.maps.reduce((largest, map) => Math.max(largest, map.resident), 0);
  const columns = [
    { head: 'mapping', kind: 'address', cell: (map) => `${map.start.slice(2)}\u2013${map.end.slice(2)}` },
    { head: '', kind: 'address', cell: (map) => map.perms },
    ...(knowsResidency(dump) ? [
      { head: 'resident', cell: (map) => bytesCell(map.resident) },
      { head: '', kind: 'bars', cell: (map) => bar([{ bytes: map.resident, colour: classColour(map.class) }], most) },
    ] : []),
    { head: 'mapped', cell: (map) => bytesCell(map.mapped) },
    ...rare.map((key) => ({ head: key, cell: (map) => bytesCell(map[key]) })),
    { head: 'class', kind: 'name', cell: (map) => className(map.class) },
    { head: 'name', kind: 'path', cell: (map) => map.name || make('span', { class: 'nothing' }, 'anonymous') },
  ];
  const parts = [];
  if (dump.maps.length > 0)
    parts.push(makeTable({ caption: `Mappings, the ${knowsResidency(dump) ? 'most resident' : 'largest'} first; one that holds several classes has a row for each`, columns, rows: dump.maps, limit: 12 }));
  const { maps, maps_mapped: mapped, maps_resident: resident } = dump.left_out;
  if (maps > 0)
    parts.push(make('p', { class: 'notice' }, `Left out to keep this page small: ${plural(maps, 'row')}, ${bytesText(resident)} resident of ${bytesText(mapped)} mapped. The dump has them.`));
  bodyOf('mappings').replaceChildren(...parts);
}

// ---- circumstances ----

const DEEDS = {
  DONTNEED: 'given back',
  FREE: 'given back lazily',
  REMOVE: 'given back',
  HUGEPAGE: 'huge pages asked for',
  NOHUGEPAGE: 'huge pages ruled out',
  COLLAPSE: 'collapsed into huge pages',
};

function adviceText({ by, advice, calls, bytes, errors }) {
  const deed = Object.hasOwn(DEEDS, advice) ? DEEDS[advice] : 'advised';
  const failed = errors > 0 ? `, ${countText(errors)} failed` : '';
  return [`${deed} by ${by === 'go' ? 'Go' : by === 'c' ? 'C' : by}`, `${bytesText(bytes)} in ${plural(calls, 'call')} (${advice}${failed})`];
}

function heapFacts(heap) {
  const { gc } = heap;
  const facts = [['Go heap', `${plural(heap.objects, 'object')} in ${plural(heap.spans, 'span')}${heap.spans_unswept > 0 ? `, ${countText(heap.spans_unswept)} not swept yet` : ''}`]];
  if (gc.cycle !== null) facts.push(['collections', `${countText(gc.cycle)} so far, phase now: ${gc.phase === null ? 'not known' : gc.phase}`]);
  if (gc.goal !== null) facts.push(['heap goal', `${bytesText(gc.goal)}${gc.live === null ? '' : `, live ${bytesText(gc.live)}`}`]);
  if (gc.percent !== null) facts.push(['GOGC in force', gc.percent < 0 ? 'off' : String(gc.percent)]);
  if (gc.memory_limit !== null) facts.push(['memory limit in force', bytesText(gc.memory_limit)]);
  return facts;
}

function reinflatedTable({ reinflated }) {
  const withShim = reinflated.ranges.some((range) => range.released_count !== undefined);
  const columns = [
    { head: 'from', kind: 'address', cell: (range) => range.start },
    { head: 'bytes', cell: (range) => bytesText(range.bytes) },
    { head: 'huge', cell: (range) => bytesCell(range.huge) },
    ...(withShim ? [
      { head: 'given back', cell: (range) => (range.released_count ? plural(range.released_count, 'time') : 'not seen') },
      { head: 'last, after the start', cell: (range) => (range.released_count ? durationText(range.released_since_start_ns) : '') },
    ] : []),
  ];
  return makeTable({ caption: `Released by Go and resident all the same: ${bytesText(reinflated.resident)}, the largest ranges`, columns, rows: reinflated.ranges });
}

function showCircumstances(dump) {
  const { environment, process, time, go } = dump;
  const variable = (value) => (value === null ? 'not set' : value);
  const facts = [
    ...go.heaps.filter((heap) => heap.layout !== null).flatMap(heapFacts),
    ...go.advice.map(adviceText),
    ['GOGC', variable(environment.gogc)],
    ['GOMEMLIMIT', variable(environment.gomemlimit)],
    ['GODEBUG', variable(environment.godebug)],
    ['GOMAXPROCS', variable(environment.gomaxprocs)],
    ['cgroup limit', environment.cgroup_memory_max_bytes === null ? 'none' : bytesText(environment.cgroup_memory_max_bytes)],
    ['huge pages', `enabled ${environment.thp.enabled ?? 'not known'}, defrag ${environment.thp.defrag ?? 'not known'}, khugepaged max_ptes_none ${environment.thp.khugepaged_max_ptes_none ?? 'not known'}`],
    ['kernel', `${environment.kernel ?? 'not known'} ${environment.machine ?? ''}${environment.cpus === null ? '' : `, ${plural(environment.cpus, 'CPU')}`}`],
    ['program', `${process.exe ?? 'not known'}${process.threads === null ? '' : `, ${plural(process.threads, 'thread')}`}`],
    ['build id', environment.build_id ?? 'none'],
    ['dump', [dump.file, time.since_start_ns === null ? null : `${durationText(time.since_start_ns)} after the start`,
      time.took_ns === null ? null : `took ${durationText(time.took_ns)}`].filter(Boolean).join(', ')],
  ];
  bodyOf('circumstances').replaceChildren(
    ...(go.reinflated.ranges.length > 0 ? [reinflatedTable(go)] : []),
    make('dl', { class: 'facts' }, facts.map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value)))));
}
