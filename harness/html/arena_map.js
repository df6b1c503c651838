// SPDX-License-Identifier: Apache-2.0
//
// The map of the heap: a block for each arena (64 MiB), a row in it for each huge page (2 MiB), a cell for each Go page
// (8 KiB). The colour is the page's state, full where the page is resident and faint where it is not; from a certain
// size on each cell has its letter. Pointer and keyboard tell of a single page in words; a table has the sums.
//
// The canvas is as large as the window on the map and stands still in it; what is to be seen is drawn anew when the map
// is scrolled, so that hundreds of arenas cost no more than those in view.

const PAGE_BYTES = 8192n;
const ARENA_PAGES = 8192;
const ROW_PAGES = 256;
const ROWS = ARENA_PAGES / ROW_PAGES;
const ZOOMS = [0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 16];
const MAP = { gap: 12, label: 17, height: 560, letters: 12, grid: 6 };

const STATE_CLASSES = {
  o: ['go.objects', 'go.unused'],
  u: ['go.unused'],
  s: ['go.stacks'],
  f: ['go.free'],
  r: ['go.released'],
  x: ['go.reserved'],
  m: ['go.metadata'],
  h: ['go.heap'],
};

// "O512F3r" as one code a page; the command has checked the text.
function decodePages(text) {
  const letters = new Uint8Array(ARENA_PAGES);
  let [at, page] = [0, 0];
  while (at < text.length) {
    const letter = text.charCodeAt(at++);
    let count = 0;
    for (let digit; at < text.length && (digit = text.charCodeAt(at) - 48) <= 9; at++) count = count * 10 + digit;
    letters.fill(letter, page, page + (count || 1));
    page += count || 1;
  }
  return letters;
}

function isResident(letter) {
  return letter === letter.toUpperCase();
}

// ---- colours for pixels ----

function rgbOf(property) {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(property).trim();
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) || 0);
}

function mix(colour, ground, share) {
  return colour.map((part, i) => Math.round(part * share + ground[i] * (1 - share)));
}

function pixel([red, green, blue]) {
  return (255 << 24) | (blue << 16) | (green << 8) | red;
}

// Black or white, whichever can be read on the colour.
function inkOn([red, green, blue]) {
  return 0.3 * red + 0.59 * green + 0.11 * blue > 140 ? '#14161a' : '#ffffff';
}

// A pixel for each letter; all but the `chosen` letter are faded when there is one.
function makePalette(states, chosen) {
  const palette = { pixels: new Uint32Array(128), inks: [] };
  const ground = rgbOf('--map');
  for (const { letter } of states) {
    const colour = rgbOf(`--class-${(STATE_CLASSES[letter] || ['new'])[0].replaceAll('.', '-')}`);
    for (const [code, share] of [[letter.toUpperCase(), 1], [letter, letter === 'x' || letter === 'r' ? 0.17 : 0.27]]) {
      const plain = mix(colour, ground, share);
      const shown = chosen === null ? plain : code === chosen ? colour : mix(plain, ground, 0.16);
      palette.pixels[code.charCodeAt(0)] = pixel(shown);
      palette.inks[code.charCodeAt(0)] = inkOn(shown);
    }
  }
  return palette;
}

class ArenaMap {
  constructor(body, states) {
    this.body = body;
    this.states = states;
    this.meanings = new Map(states.map(({ letter, meaning }) => [letter, meaning]));
    this.chosen = null;
    this.zoom = null;
    this.makeElements();
    this.listen();
  }

  // ---- elements ----

  makeElements() {
    const button = (label, text, act) => {
      const element = make('button', { type: 'button', 'aria-label': label }, text);
      element.addEventListener('click', act);
      return element;
    };
    this.canvas = make('canvas', {
      id: 'arena-canvas', tabIndex: 0, role: 'application',
      'aria-label': 'Map of the pages of the heap. Arrow keys go page by page and row by row, N and P from run to run, Page Up and Page Down from arena to arena, plus and minus zoom. The table below has the sums.',
    });
    this.space = make('div', { class: 'map-space' }, this.canvas);
    this.frame = make('div', { class: 'map-frame' }, this.space);
    this.tip = make('div', { class: 'tip', id: 'arena-tip', hidden: true });
    this.status = make('p', { class: 'readout', id: 'arena-status', role: 'status' });
    this.legend = make('div', { class: 'states', role: 'group', 'aria-label': 'States of pages; one can be chosen to stand out' });
    this.addressBox = make('input', { id: 'address', type: 'text', placeholder: '0xc000000000', spellcheck: false, autocomplete: 'off', size: 18 });
    this.zoomText = make('output', { class: 'zoom' });
    this.tools = make('form', { class: 'tools' },
      button('Zoom out', '\u2212', () => this.zoomBy(-1)), this.zoomText, button('Zoom in', '+', () => this.zoomBy(1)),
      make('label', { for: 'address' }, 'find address'), this.addressBox, make('button', { type: 'submit' }, 'Go'));
    this.intro = make('p', { class: 'legend' });
    this.context = this.canvas.getContext('2d');
    this.scratch = make('canvas', { width: ROW_PAGES, height: ROWS });
    this.image = this.scratch.getContext('2d').createImageData(ROW_PAGES, ROWS);
  }

  listen() {
    this.canvas.addEventListener('pointermove', (event) => this.hover(event));
    this.canvas.addEventListener('pointerleave', () => { this.tip.hidden = true; });
    this.canvas.addEventListener('click', (event) => this.setCursor(this.pageAt(event.offsetX, event.offsetY)));
    this.canvas.addEventListener('keydown', (event) => this.key(event));
    this.frame.addEventListener('scroll', () => { this.tip.hidden = true; this.draw(); });
    this.frame.addEventListener('wheel', (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      this.zoomBy(event.deltaY < 0 ? 1 : -1);
    }, { passive: false });
    this.tools.addEventListener('submit', (event) => { event.preventDefault(); this.goTo(this.addressBox.value); });
    new ResizeObserver(() => this.resize()).observe(this.frame);
    for (const query of ['(prefers-color-scheme: dark)', 'print'])
      matchMedia(query).addEventListener('change', () => this.draw());
  }

  // ---- a dump ----

  show(dump) {
    this.arenas = dump.go.arenas.map((arena) => ({ start: BigInt(arena.start), resident: arena.resident, letters: decodePages(arena.pages) }));
    this.cursor = null;
    this.knowsResidency = knowsResidency(dump);
    if (this.arenas.length === 0) {
      const leftOut = dump.left_out.arenas;
      this.body.replaceChildren(make('p', { class: 'notice' }, leftOut > 0
        ? `Left out to keep this page small: ${plural(leftOut, 'arena')}. A page of this dump alone has them: gopagewatch report --html FILE ${dump.file}`
        : 'No arena of a Go heap was found.'));
      return;
    }
    this.counts = this.count();
    this.fillLegend();
    this.intro.textContent = `${plural(this.arenas.length, 'arena')} of 64 MiB, in the order of their addresses. A cell is a page of 8 KiB, a row of a block is 2 MiB: one huge page.${this.knowsResidency ? ' Full colour: resident, any part of it; faint: not.' : ''} Sums count whole pages.`;
    this.status.textContent = 'Point at a page, or click the map and use the arrow keys.';
    this.body.replaceChildren(this.intro, this.legend, this.tools, make('div', { class: 'map' }, this.frame, this.tip), this.status,
      makeLazyDetails('The arenas as a table', () => this.makeTable()));
    this.tip.hidden = true;
    this.resize();
  }

  // Pages of each letter.
  count() {
    const pages = new Uint32Array(128);
    for (const { letters } of this.arenas) for (const letter of letters) pages[letter]++;
    return pages;
  }

  bytesOf(letter) {
    return this.counts[letter.charCodeAt(0)] * Number(PAGE_BYTES);
  }

  residencyText(letter) {
    if (isResident(letter)) return ', resident';
    return this.knowsResidency ? ', not resident' : '';
  }

  presentLetters() {
    return this.states.flatMap(({ letter }) => [letter.toUpperCase(), letter]).filter((letter) => this.bytesOf(letter) > 0);
  }

  fillLegend() {
    if (this.chosen !== null && this.bytesOf(this.chosen) === 0) this.chosen = null;
    const present = this.presentLetters().map((letter) => {
      const resident = isResident(letter);
      const button = make('button', { type: 'button', 'aria-pressed': String(letter === this.chosen) },
        make('span', { class: resident ? 'key' : 'key faint', colour: classColour(STATE_CLASSES[letter.toLowerCase()]?.[0] || '') }, letter),
        make('span', {}, `${this.meanings.get(letter.toLowerCase())}${this.residencyText(letter)} `, make('b', {}, bytesText(this.bytesOf(letter)))));
      button.addEventListener('click', () => this.choose(letter === this.chosen ? null : letter));
      return button;
    });
    this.legend.replaceChildren(...present);
  }

  choose(letter) {
    this.chosen = letter;
    this.fillLegend();
    this.draw();
    this.legend.querySelector('[aria-pressed="true"]')?.focus();
  }

  makeTable() {
    const letters = this.presentLetters();
    const rows = this.arenas.map((arena, i) => {
      const pages = new Uint32Array(128);
      for (const letter of arena.letters) pages[letter]++;
      return { arena, number: i + 1, pages };
    });
    const columns = [
      { head: 'arena', kind: 'address', cell: (row) => this.makeJump(row.arena) },
      ...(this.knowsResidency ? [{ head: 'resident', cell: (row) => bytesCell(row.arena.resident) }] : []),
      ...letters.map((letter) => ({
        head: `${letter}: ${this.meanings.get(letter.toLowerCase())}${this.residencyText(letter)}`,
        cell: (row) => bytesCell(row.pages[letter.charCodeAt(0)] * Number(PAGE_BYTES)),
      })),
    ];
    return makeTable({ caption: 'Arenas by address; a page counts whole where any part of it is resident', columns, rows, limit: 32 });
  }

  makeJump(arena) {
    const button = make('button', { type: 'button', class: 'link' }, addressText(arena.start));
    button.addEventListener('click', () => { this.canvas.focus(); this.setCursor({ arena: this.arenas.indexOf(arena), page: 0 }); });
    return button;
  }

  // ---- layout and drawing ----

  layout(zoom, width) {
    const tile = { width: ROW_PAGES * zoom, height: ROWS * zoom };
    const label = zoom < 0.5 ? 0 : MAP.label;
    const columns = Math.max(1, Math.floor((width + MAP.gap) / (tile.width + MAP.gap)));
    const rows = Math.ceil(this.arenas.length / columns);
    const step = { x: tile.width + MAP.gap, y: tile.height + label + MAP.gap };
    return { zoom, tile, label, columns, rows, step, width: Math.min(columns, this.arenas.length) * step.x - MAP.gap, height: rows * step.y };
  }

  // The largest zoom at which all of the heap is in view, but never so small that pages run together.
  fittingZoom(width) {
    const fits = (zoom) => { const layout = this.layout(zoom, width); return layout.width <= width && layout.height <= MAP.height; };
    return [4, 3, 2].find(fits) || (width < ROW_PAGES ? 0.5 : 1);
  }

  resize() {
    const width = this.frame.clientWidth;
    if (width === 0 || this.arenas.length === 0) return;
    this.placed = this.layout(this.zoom ?? this.fittingZoom(width), width);
    this.space.style.width = `${Math.max(width, this.placed.width)}px`;
    this.space.style.height = `${this.placed.height}px`;
    this.frame.style.height = `${Math.min(this.placed.height + (this.placed.width > width ? 16 : 0), MAP.height)}px`;
    this.zoomText.textContent = `${this.placed.zoom}\u00d7`;
    const ratio = window.devicePixelRatio || 1;
    const size = { width, height: this.frame.clientHeight };
    this.canvas.style.width = `${size.width}px`;
    this.canvas.style.height = `${size.height}px`;
    this.canvas.width = Math.round(size.width * ratio);
    this.canvas.height = Math.round(size.height * ratio);
    this.draw();
  }

  // The place of an arena's block in the window.
  origin(index) {
    const { columns, step, label } = this.placed;
    return {
      x: (index % columns) * step.x - this.frame.scrollLeft,
      y: Math.floor(index / columns) * step.y + label - this.frame.scrollTop,
    };
  }

  draw() {
    if (!this.placed || this.arenas.length === 0) return;
    const { context, placed } = this;
    const ratio = window.devicePixelRatio || 1;
    const style = getComputedStyle(document.documentElement);
    const palette = makePalette(this.states, this.chosen);
    const view = { width: this.canvas.width / ratio, height: this.canvas.height / ratio };
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, view.width, view.height);
    const firstRow = Math.floor(this.frame.scrollTop / placed.step.y);
    const lastRow = Math.floor((this.frame.scrollTop + view.height) / placed.step.y);
    const end = Math.min(this.arenas.length, (lastRow + 1) * placed.columns);
    for (let i = firstRow * placed.columns; i < end; i++) this.drawArena(i, palette, style, view);
    if (this.cursor) this.drawCursor(style);
  }

  drawArena(index, palette, style, view) {
    const { context, placed } = this;
    const arena = this.arenas[index];
    const { x, y } = this.origin(index);
    const pixels = new Uint32Array(this.image.data.buffer);
    for (let page = 0; page < ARENA_PAGES; page++) pixels[page] = palette.pixels[arena.letters[page]];
    this.scratch.getContext('2d').putImageData(this.image, 0, 0);
    context.imageSmoothingEnabled = placed.zoom < 1;
    context.imageSmoothingQuality = 'high';
    context.drawImage(this.scratch, x, y, placed.tile.width, placed.tile.height);
    if (placed.label > 0) {
      context.font = style.getPropertyValue('--label-font');
      context.fillStyle = style.getPropertyValue('--quiet');
      context.fillText(addressText(arena.start) + (placed.zoom >= 1 && this.knowsResidency ? `  ${bytesText(arena.resident)} resident` : ''), x, y - 5);
    }
    if (placed.zoom >= MAP.grid) this.drawCells(arena, x, y, palette, style, view);
  }

  // Lines between cells, and letters where there is room.
  drawCells(arena, x, y, palette, style, view) {
    const { context, placed: { zoom, tile } } = this;
    const first = { column: Math.max(0, Math.floor(-x / zoom)), row: Math.max(0, Math.floor(-y / zoom)) };
    const last = { column: Math.min(ROW_PAGES, Math.ceil((view.width - x) / zoom)), row: Math.min(ROWS, Math.ceil((view.height - y) / zoom)) };
    context.fillStyle = style.getPropertyValue('--map');
    for (let column = first.column + 1; column < last.column; column++) context.fillRect(x + column * zoom - 1, Math.max(0, y), 1, tile.height + Math.min(0, y));
    for (let row = first.row + 1; row < last.row; row++) context.fillRect(Math.max(0, x), y + row * zoom - 1, tile.width + Math.min(0, x), 1);
    if (zoom < MAP.letters) return;
    context.font = `${Math.round(zoom * 0.72)}px ui-monospace, monospace`;
    context.textAlign = 'center';
    for (let row = first.row; row < last.row; row++) {
      for (let column = first.column; column < last.column; column++) {
        const code = arena.letters[row * ROW_PAGES + column];
        context.fillStyle = palette.inks[code];
        context.fillText(String.fromCharCode(code), x + (column + 0.5) * zoom - 0.5, y + (row + 0.74) * zoom);
      }
    }
    context.textAlign = 'start';
  }

  drawCursor(style) {
    const { context, placed: { zoom } } = this;
    const { x, y } = this.origin(this.cursor.arena);
    const size = Math.max(zoom, 3);
    const left = x + (this.cursor.page % ROW_PAGES) * zoom;
    const top = y + Math.floor(this.cursor.page / ROW_PAGES) * zoom;
    context.lineWidth = 2;
    context.strokeStyle = style.getPropertyValue('--map');
    context.strokeRect(left - 3, top - 3, size + 6, size + 6);
    context.strokeStyle = style.getPropertyValue('--text');
    context.strokeRect(left - 1.5, top - 1.5, size + 3, size + 3);
  }

  // ---- one page ----

  // The page at a place of the window, or null.
  pageAt(x, y) {
    const { columns, step, tile, label, zoom } = this.placed;
    const at = { x: x + this.frame.scrollLeft, y: y + this.frame.scrollTop };
    const column = Math.floor(at.x / step.x);
    const inTile = { x: at.x - column * step.x, y: (at.y % step.y) - label };
    const arena = Math.floor(at.y / step.y) * columns + column;
    if (column >= columns || arena >= this.arenas.length || inTile.x >= tile.width || inTile.y < 0 || inTile.y >= tile.height) return null;
    return { arena, page: Math.floor(inTile.y / zoom) * ROW_PAGES + Math.floor(inTile.x / zoom) };
  }

  // The run of pages of one letter around a page of an arena.
  runOf({ arena, page }) {
    const { letters } = this.arenas[arena];
    let [first, end] = [page, page + 1];
    while (first > 0 && letters[first - 1] === letters[page]) first--;
    while (end < ARENA_PAGES && letters[end] === letters[page]) end++;
    return { first, end };
  }

  // A page in words, line by line.
  describe(place) {
    const { start, letters } = this.arenas[place.arena];
    const letter = String.fromCharCode(letters[place.page]);
    const { first, end } = this.runOf(place);
    const address = (page) => addressText(start + BigInt(page) * PAGE_BYTES);
    return [
      address(place.page),
      `${letter}: ${this.meanings.get(letter.toLowerCase())}${this.residencyText(letter)}`,
      `class ${(STATE_CLASSES[letter.toLowerCase()] || ['not known']).join(' and ')}`,
      `run of ${plural(end - first, 'page')} (${bytesText((end - first) * Number(PAGE_BYTES))}) from ${address(first)} to ${address(end)}`,
      `page ${place.page} of arena ${place.arena + 1} of ${this.arenas.length}`,
    ];
  }

  hover(event) {
    const place = this.pageAt(event.offsetX, event.offsetY);
    this.tip.hidden = place === null;
    if (place === null) return;
    const [address, ...lines] = this.describe(place);
    this.tip.replaceChildren(make('b', {}, address), ...lines.map((line) => make('span', {}, line)));
    const room = this.frame.clientWidth - this.tip.offsetWidth - 8;
    this.tip.style.left = `${Math.max(0, Math.min(event.offsetX + 14, room))}px`;
    const below = event.offsetY + 18;
    const fits = below + this.tip.offsetHeight < Math.max(this.frame.clientHeight, 200);
    this.tip.style.top = `${fits ? below : event.offsetY - this.tip.offsetHeight - 10}px`;
  }

  setCursor(place) {
    this.cursor = place;
    if (place !== null) {
      this.status.textContent = this.describe(place).join('; ');
      this.scrollTo(place);
    }
    this.draw();
  }

  scrollTo(place) {
    const { zoom, label } = this.placed;
    const origin = this.origin(place.arena);
    const at = { x: origin.x + (place.page % ROW_PAGES) * zoom, y: origin.y + Math.floor(place.page / ROW_PAGES) * zoom };
    const margin = 24;
    const over = (value, size) => (value < margin ? value - margin : Math.max(0, value + zoom + margin - size));
    this.frame.scrollTop += over(at.y - label, this.frame.clientHeight - label);
    this.frame.scrollLeft += over(at.x, this.frame.clientWidth);
  }

  goTo(text) {
    let address = null;
    try {
      address = BigInt(/^0x/i.test(text.trim()) ? text.trim() : `0x${text.trim()}`);
    } catch {
      this.status.textContent = `\u201c${text}\u201d is no address: type it in hexadecimal, as 0xc000123000`;
      return;
    }
    const arena = this.arenas.findIndex(({ start }) => address >= start && address < start + BigInt(ARENA_PAGES) * PAGE_BYTES);
    if (arena < 0) this.status.textContent = `${addressText(address)} is in no arena of this heap`;
    else this.setCursor({ arena, page: Number((address - this.arenas[arena].start) / PAGE_BYTES) });
  }

  // ---- keys and zoom ----

  zoomBy(by) {
    const index = ZOOMS.indexOf(this.placed.zoom) + by;
    if (index < 0 || index >= ZOOMS.length) return;
    const anchor = this.cursor || this.pageAt(4, this.placed.label + 4) || { arena: 0, page: 0 };
    this.zoom = ZOOMS[index];
    this.resize();
    this.scrollTo(anchor);
    this.draw();
  }

  key(event) {
    const cursor = this.cursor || this.pageAt(1, this.placed.label + 1) || { arena: 0, page: 0 };
    const at = cursor.arena * ARENA_PAGES + cursor.page;
    const run = this.runOf(cursor);
    const before = at - cursor.page + run.first - 1;
    const moves = {
      ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - ROW_PAGES, ArrowDown: at + ROW_PAGES,
      PageUp: at - ARENA_PAGES, PageDown: at + ARENA_PAGES,
      Home: at - cursor.page, End: at - cursor.page + ARENA_PAGES - 1,
      n: at - cursor.page + run.end, p: before,
    };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === '+' || event.key === '-') this.zoomBy(event.key === '+' ? 1 : -1);
    else if (event.key === 'Escape' && this.chosen !== null) this.choose(null);
    else if (Object.hasOwn(moves, event.key)) this.moveTo(this.cursor === null ? at : moves[event.key]);
    else return;
    event.preventDefault();
  }

  moveTo(at) {
    const last = this.arenas.length * ARENA_PAGES - 1;
    const to = Math.max(0, Math.min(last, at));
    this.setCursor({ arena: Math.floor(to / ARENA_PAGES), page: to % ARENA_PAGES });
  }
}
