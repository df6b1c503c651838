// SPDX-License-Identifier: Apache-2.0
//
// Who keeps it and who did it: rows with the most bytes, each with its stack to unfold. Names were found when the page was
// made.

const SITE_SUBJECTS = new Map([
  ['c.mmap, resident', 'Resident memory that C code mapped, by stack'],
  ['go.metadata, resident', 'Resident memory that the Go runtime mapped for itself, by purpose'],
  ['heap growth', 'Growth of the Go heap since the start, by stack'],
  ['given back', 'Memory that Go gave back since the start, by reason'],
]);

function stackList(stack) {
  return make('ol', { class: 'stack' }, stack.map((frame) =>
    make('li', {}, make('code', {}, frame.function), frame.is_inlined ? ' (inlined)' : null,
      frame.place ? make('span', { class: 'place' }, frame.place) : null)));
}

// `note` stands above the stack.
function stackName(row, note) {
  if (row.stack.length === 0) return row.who;
  const details = makeLazyDetails(row.who, () => make('div', {},
    note ? make('p', { class: 'legend' }, note) : null, stackList(row.stack)));
  details.className = 'site';
  return details;
}

function siteTable(subject) {
  const { rows, left_out: leftOut } = subject;
  const most = rows.reduce((largest, row) => Math.max(largest, row.bytes), 0);
  const columns = [
    { head: 'bytes', cell: (row) => bytesCell(row.bytes) },
    { head: '', kind: 'bars', cell: (row) => bar([{ bytes: row.bytes, colour: 'var(--accent)' }], most) },
    { head: 'calls', cell: (row) => countText(row.calls) },
    // A purpose has many stacks, and one of them stands for all.
    { head: 'by (innermost first)', kind: 'caller', cell: (row) => stackName(row, subject.is_by_purpose ? 'one of its stacks:' : null) },
  ];
  const more = leftOut > 0 ? `; ${plural(leftOut, 'row')} more with less` : '';
  return makeTable({ caption: `${SITE_SUBJECTS.get(subject.of) || subject.of}${more}`, columns, rows });
}

// What was left out of older dumps, or why there are no names.
function stackNotes(dump) {
  const notes = dump.nameless.map((why) => `Without names: ${why}`);
  if (dump.left_out.arenas > 0) notes.push('The stacks of this dump were left out to keep this page small. The dump has them.');
  return notes.map((note) => make('p', { class: 'notice' }, note));
}

function showSites(dump) {
  const notes = dump.keepers.rows.length > 0 || dump.sites.length > 0 || dump.left_out.arenas > 0 ? stackNotes(dump) : [];
  document.getElementById('sites').hidden = dump.sites.length === 0 && notes.length === 0;
  bodyOf('sites').replaceChildren(...dump.sites.map(siteTable), ...notes);
}

// ---- the heap profile ----

function keepersNote({ rate }) {
  if (rate === null) return 'Of sampled objects only: MemProfileRate is not known.';
  if (rate <= 1) return null;
  return `Estimates: the program samples an object every ${bytesText(rate)} (MemProfileRate); spans of several objects count only where all of them were sampled.`;
}

function showKeepers({ keepers }) {
  const { rows } = keepers;
  const most = rows.reduce((largest, row) => Math.max(largest, row.pinned), 0);
  const columns = [
    { head: 'pinned', cell: (row) => bytesCell(row.pinned) },
    { head: '', kind: 'bars', cell: (row) => bar([{ bytes: row.pinned, colour: 'var(--waste)' }], most) },
    { head: 'resident', cell: (row) => bytesCell(row.resident) },
    { head: 'objects', cell: (row) => countText(row.objects) },
    { head: 'of size', cell: (row) => bytesText(row.size) },
    { head: 'allocated by (innermost first)', kind: 'caller', cell: (row) => stackName(row, null) },
  ];
  const note = keepersNote(keepers);
  document.getElementById('keepers').hidden = rows.length === 0;
  bodyOf('keepers').replaceChildren(
    makeTable({ caption: 'Resident spans whose objects all come from one stack of the program\u2019s heap profile', columns, rows, limit: 12 }),
    ...(note ? [make('p', { class: 'quiet' }, note)] : []));
}
