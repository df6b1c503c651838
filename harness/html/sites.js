// SPDX-License-Identifier: Apache-2.0
//
// Who did it: call sites with the most bytes, each with its stack to unfold. Names were found when the page was made.

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

// A purpose has many stacks, and one of them stands for all.
function siteName(row, isByPurpose) {
  if (row.stack.length === 0) return row.who;
  const details = makeLazyDetails(row.who, () => make('div', {},
    isByPurpose ? make('p', { class: 'legend' }, 'one of its stacks:') : null, stackList(row.stack)));
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
    { head: 'by (innermost first)', kind: 'caller', cell: (row) => siteName(row, subject.is_by_purpose) },
  ];
  const more = leftOut > 0 ? `; ${plural(leftOut, 'row')} more with less` : '';
  return makeTable({ caption: `${SITE_SUBJECTS.get(subject.of) || subject.of}${more}`, columns, rows });
}

function showSites(dump) {
  const section = document.getElementById('sites');
  const isLeftOut = dump.left_out.arenas > 0;
  section.hidden = dump.sites.length === 0 && !isLeftOut;
  bodyOf('sites').replaceChildren(...dump.sites.map(siteTable),
    ...(isLeftOut ? [make('p', { class: 'notice' }, 'The stacks of this dump were left out to keep this page small. The dump has them.')] : []));
}
