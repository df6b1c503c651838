// SPDX-License-Identifier: Apache-2.0
//
// What all parts of the page use: elements, numbers as people read them, colours, tables.
//
// Text from a dump reaches the page as text nodes only. Colours are the style sheet's custom properties; what has a
// colour has a name or a letter beside it.
'use strict';

// ---- elements ----

// make('td', { class: 'number', title: '...' }, child, 'text', ...); a property is set, "aria-x" is an attribute.
function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name === 'class') element.className = value;
    else if (name === 'colour') element.style.setProperty('--colour', value);
    else if (name.startsWith('aria-') || name === 'role' || name === 'for' || name === 'scope') element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

function makeSvg(tag, attributes, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// The part of a section that changes with the dump.
function bodyOf(section) {
  return document.querySelector(`#${section} .body`);
}

// ---- numbers, as the command prints them ----

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

function bytesText(bytes) {
  let unit = 0;
  while (unit + 1 < UNITS.length && Math.round(bytes / 1024 ** unit) >= 1024) unit++;
  const value = bytes / 1024 ** unit;
  if (unit === 0 || (unit === 1 && bytes % 1024 === 0) || Math.round(value * 10) >= 1000) return `${Math.round(value)} ${UNITS[unit]}`;
  return `${value.toFixed(Math.round(value * 100) >= 1000 ? 1 : 2)} ${UNITS[unit]}`;
}

function percentText(part, whole) {
  if (whole === 0) return '-';
  if (part === 0) return '0 %';
  const tenths = Math.round((part * 1000) / whole);
  return tenths === 0 ? '<0.1 %' : `${(tenths / 10).toFixed(1)} %`;
}

// Rounded down: "100.00 %" is said only of the whole.
function percentFloorText(part, whole) {
  return whole === 0 ? '-' : `${(Math.floor((part * 10000) / whole) / 100).toFixed(2)} %`;
}

function changeText(bytes) {
  if (bytes === 0) return '0';
  return (bytes > 0 ? '+' : '\u2212') + bytesText(Math.abs(bytes));
}

function countText(count) {
  return count.toLocaleString('en-US').replaceAll(',', '\u202f');
}

function plural(count, noun) {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`;
}

// Addresses have more bits than a number.
function addressText(address) {
  return '0x' + address.toString(16);
}

function durationText(nanoseconds) {
  if (nanoseconds < 1e6) return `${(nanoseconds / 1e3).toFixed(0)} µs`;
  if (nanoseconds < 1e9) return `${(nanoseconds / 1e6).toFixed(1)} ms`;
  const seconds = nanoseconds / 1e9;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  if (seconds < 7200) return `${(seconds / 60).toFixed(1)} min`;
  return seconds < 172800 ? `${(seconds / 3600).toFixed(1)} h` : `${(seconds / 86400).toFixed(1)} days`;
}

// "2026-11-24T07:50:38.174Z" as "2026-11-24 07:50:38"; the time of day alone where the date goes without saying.
function timeText(utc) {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(utc) ? utc.slice(0, 19).replace('T', ' ') : utc;
}

function timeOfDay(utc) {
  const text = timeText(utc);
  return text.length === 19 ? text.slice(11) : text;
}

// ---- classes of memory and their colours ----

let classMeanings = new Map();

function classColour(name) {
  return classMeanings.has(name) ? `var(--class-${name.replaceAll('.', '-')})` : 'var(--class-new)';
}

function classMeaning(name) {
  return classMeanings.get(name) || '(a class of a later version)';
}

function className(name) {
  return make('span', { class: 'class-name' }, make('span', { class: 'swatch', colour: classColour(name) }), name);
}

// Rows of rss.classes that have anything: the most resident first, "other" last.
function classRows(dump) {
  const rows = Object.entries(dump.rss.classes).map(([name, sizes]) => ({ ...sizes, name }));
  const isOther = (row) => (row.name === 'other' ? 1 : 0);
  return rows
    .filter((row) => row.mapped || row.resident || row.swapped || row.huge || row.lazyfree)
    .sort((a, b) => isOther(a) - isOther(b) || b.resident - a.resident || b.mapped - a.mapped || (a.name < b.name ? -1 : 1));
}

function sumOf(rows, key) {
  return rows.reduce((sum, row) => sum + row[key], 0);
}

function otherBytes(dump) {
  return dump.rss.classes.other?.resident || 0;
}

function explainedBytes(dump) {
  return sumOf(classRows(dump), 'resident') - otherBytes(dump);
}

// ---- tables ----

// A bare 0 stands out less than "0 B".
function bytesCell(bytes) {
  return bytes === 0 ? make('span', { class: 'nothing' }, '0') : bytesText(bytes);
}

// A bar of parts [{ bytes, colour }] within a whole.
function bar(parts, whole) {
  const segments = parts.map((part) => {
    const segment = make('span', { colour: part.colour });
    segment.style.width = `${whole === 0 ? 0 : Math.min(100, (part.bytes * 100) / whole)}%`;
    return segment;
  });
  return make('span', { class: 'bar', 'aria-hidden': 'true' }, segments);
}

// columns: [{ head, cell(row), kind: 'number' | 'text' | 'name' }]; the first column names its row. More than `limit`
// rows are shown when asked for.
function makeTable({ caption, columns, rows, foot, limit }) {
  const makeRow = (row, cells) =>
    make('tr', {}, columns.map((column, i) => {
      const content = cells ? cells[i] : column.cell(row);
      const properties = { class: column.kind || 'number' };
      return i === 0 ? make('th', { ...properties, scope: 'row' }, content) : make('td', properties, content);
    }));
  const shown = limit && rows.length > limit ? rows.slice(0, limit) : rows;
  const body = make('tbody', {}, shown.map((row) => makeRow(row)));
  const table = make('table', {},
    make('caption', {}, caption),
    make('thead', {}, make('tr', {}, columns.map((column) => make('th', { class: column.kind || 'number', scope: 'col' }, column.head)))),
    body,
    foot ? make('tfoot', {}, makeRow(null, foot)) : null);
  const frame = make('div', { class: 'table', tabIndex: 0, role: 'region', 'aria-label': caption }, table);
  if (shown.length === rows.length) return frame;
  const more = make('button', { class: 'more', type: 'button' }, `Show all ${countText(rows.length)}`);
  more.addEventListener('click', () => {
    body.append(...rows.slice(limit).map((row) => makeRow(row)));
    more.remove();
  });
  return make('div', {}, frame, more);
}

// A table that is made when it is opened.
function makeLazyDetails(summary, makeContent) {
  const details = make('details', {}, make('summary', {}, summary));
  details.addEventListener('toggle', () => {
    if (details.open && details.childElementCount === 1) details.append(makeContent());
  });
  return details;
}
