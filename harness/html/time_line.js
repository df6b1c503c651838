// SPDX-License-Identifier: Apache-2.0
//
// What was resident over time, a band for each class, when the page has several dumps. A click chooses the nearest
// dump; the table below says the same in numbers.
//
// Dumps of different processes have no common time: they stand side by side in equal distances.

const TIME_LINE = { height: 260, left: 64, right: 120, top: 14, bottom: 34 };

function isOneProcess(dumps) {
  const identity = (dump) => `${dump.process.pid} ${dump.process.host} ${dump.environment.build_id}`;
  return dumps.every((dump) => identity(dump) === identity(dumps[0]));
}

// Gives each dump the shortest `name` that tells them all apart as well as it can.
function nameDumps(dumps) {
  const oneProcess = isOneProcess(dumps);
  const time = (dump, digits) => {
    const isOneDay = dumps.every((other) => other.time.utc.slice(0, 10) === dump.time.utc.slice(0, 10));
    const fraction = digits > 0 ? (/\.\d+/.exec(dump.time.utc) || [''])[0].slice(0, digits + 1) : '';
    return (isOneDay ? timeOfDay(dump.time.utc) : timeText(dump.time.utc)) + fraction;
  };
  const digits = [0, 3].find((count) => new Set(dumps.map((dump) => time(dump, count))).size === dumps.length) ?? 3;
  for (const dump of dumps)
    dump.name = `${oneProcess ? '' : `${dump.process.comm || 'process'} ${dump.process.pid} `}${time(dump, digits)}${dump.label ? ` ${dump.label}` : ''}`;
}

// Classes of any dump, in the order of the stack: the largest at the bottom.
function stackedClasses(dumps) {
  const most = new Map();
  for (const dump of dumps)
    for (const [name, sizes] of Object.entries(dump.rss.classes))
      most.set(name, Math.max(most.get(name) || 0, sizes.resident));
  return [...most.entries()].filter(([, bytes]) => bytes > 0).sort((a, b) => b[1] - a[1]).map(([name]) => name);
}

function residentOf(dump, name) {
  return Object.hasOwn(dump.rss.classes, name) ? dump.rss.classes[name].resident : 0;
}

// Steps of 1, 2 or 5 by powers of ten of a binary unit, four to six of them.
function axisStep(most) {
  const unit = 1024 ** Math.max(0, Math.floor(Math.log2(Math.max(1, most / 4)) / 10));
  const raw = most / 4 / unit;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= raw * 0.8) * power;
  return Math.max(1, step * unit);
}

function axisText(bytes) {
  return bytesText(bytes).replace(/\.0+ /, ' ');
}

class TimeLine {
  constructor(body, dumps, choose) {
    this.dumps = dumps;
    this.choose = choose;
    this.classes = stackedClasses(dumps);
    this.selected = dumps.length - 1;
    this.frame = make('div', { class: 'timeline-frame' });
    this.readout = make('p', { class: 'readout', 'aria-hidden': 'true' });
    body.replaceChildren(this.frame, this.readout, makeLazyDetails('The same in numbers', () => this.makeTable()));
    new ResizeObserver(() => this.draw()).observe(this.frame);
  }

  positions(width) {
    const { left, right } = TIME_LINE;
    const times = this.dumps.map((dump) => dump.time.unix_ns);
    const [first, last] = [times[0], times[times.length - 1]];
    const inTime = isOneProcess(this.dumps) && last > first;
    return times.map((time, i) => left + (width - left - right) * (inTime ? (time - first) / (last - first) : i / (times.length - 1)));
  }

  // From the bottom of each class's band to the top, for each dump.
  bands() {
    const base = this.dumps.map(() => 0);
    return this.classes.map((name) => {
      const low = [...base];
      this.dumps.forEach((dump, i) => { base[i] += residentOf(dump, name); });
      return { name, low, high: [...base] };
    });
  }

  draw() {
    const width = this.frame.clientWidth;
    if (width === 0) return;
    const { height, left, top, bottom } = TIME_LINE;
    const bands = this.bands();
    const most = 1.04 * Math.max(1, ...(bands[bands.length - 1]?.high || []));
    const xs = this.positions(width);
    const y = (bytes) => height - bottom - (height - top - bottom) * (bytes / most);
    const svg = makeSvg('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': this.summary() });
    this.drawAxis(svg, most, y, width);
    for (const band of bands) {
      const points = [...xs.map((x, i) => `${x},${y(band.high[i])}`), ...xs.map((x, i) => `${x},${y(band.low[i])}`).reverse()];
      const area = makeSvg('polygon', { points: points.join(' '), class: 'band' });
      area.style.setProperty('--colour', classColour(band.name));
      svg.append(area);
    }
    this.drawNames(svg, bands, y, xs[xs.length - 1]);
    this.drawDumps(svg, xs, bands, y);
    svg.addEventListener('pointermove', (event) => this.tell(this.nearest(xs, event.offsetX)));
    svg.addEventListener('pointerleave', () => this.tell(this.selected));
    svg.addEventListener('click', (event) => this.choose(this.nearest(xs, event.offsetX)));
    svg.append(makeSvg('line', { x1: left, x2: width - TIME_LINE.right, y1: height - bottom, y2: height - bottom, class: 'axis' }));
    this.frame.replaceChildren(svg);
    this.tell(this.selected);
  }

  drawAxis(svg, most, y, width) {
    const step = axisStep(most);
    for (let bytes = step; bytes <= most; bytes += step) {
      const text = makeSvg('text', { x: TIME_LINE.left - 8, y: y(bytes) + 4, class: 'axis-text end' });
      text.textContent = axisText(bytes);
      svg.append(makeSvg('line', { x1: TIME_LINE.left, x2: width - TIME_LINE.right, y1: y(bytes), y2: y(bytes), class: 'grid' }), text);
    }
  }

  // Beside the bands that are high enough for a name.
  drawNames(svg, bands, y, x) {
    const last = this.dumps.length - 1;
    let free = Infinity;
    for (const band of bands) {
      const [high, low] = [y(band.high[last]), y(band.low[last])];
      const at = (high + low) / 2 + 4;
      if (low - high < 8 || at > free) continue;
      const text = makeSvg('text', { x: x + 8, y: at, class: 'band-name' });
      text.textContent = band.name;
      svg.append(text);
      free = at - 13;
    }
  }

  drawDumps(svg, xs, bands, y) {
    const top = bands[bands.length - 1];
    const isCrowded = (xs[xs.length - 1] - xs[0]) / xs.length < 12;
    this.dumps.forEach((dump, i) => {
      const isSelected = i === this.selected;
      if (isCrowded && !isSelected) return;
      svg.append(
        makeSvg('line', { x1: xs[i], x2: xs[i], y1: TIME_LINE.top, y2: TIME_LINE.height - TIME_LINE.bottom, class: isSelected ? 'dump selected' : 'dump' }),
        makeSvg('circle', { cx: xs[i], cy: y(top ? top.high[i] : 0), r: isSelected ? 4.5 : 3, class: 'dump-dot' }));
    });
    this.drawDumpNames(svg, xs);
  }

  // As many as have room; that of the selected one first.
  drawDumpNames(svg, xs) {
    const taken = [];
    for (const i of [this.selected, ...xs.keys()]) {
      const half = this.dumps[i].name.length * 3.5 + 4;
      if (taken.some((other) => Math.abs(other.x - xs[i]) < other.half + half)) continue;
      taken.push({ x: xs[i], half });
      const text = makeSvg('text', { x: xs[i], y: TIME_LINE.height - 12, class: i === this.selected ? 'axis-text middle selected' : 'axis-text middle' });
      text.textContent = this.dumps[i].name;
      svg.append(text);
    }
  }

  nearest(xs, x) {
    return xs.reduce((best, at, i) => (Math.abs(at - x) < Math.abs(xs[best] - x) ? i : best), 0);
  }

  // The largest classes of a dump in words.
  tell(index) {
    const dump = this.dumps[index];
    const rows = classRows(dump).filter((row) => row.resident > 0).slice(0, 5);
    this.readout.replaceChildren(
      make('b', {}, `${dump.name}: ${bytesText(dump.rss.total)}`),
      ...rows.map((row) => make('span', {}, className(row.name), ' ', bytesText(row.resident))));
  }

  summary() {
    const [first, last] = [this.dumps[0], this.dumps[this.dumps.length - 1]];
    return `Resident memory by class in ${this.dumps.length} dumps, RSS from ${bytesText(first.rss.total)} to ${bytesText(last.rss.total)}; the table below has the numbers`;
  }

  makeTable() {
    const columns = [
      { head: 'dump', kind: 'name', cell: (dump) => this.makeChooser(dump) },
      { head: 'RSS', cell: (dump) => bytesText(dump.rss.total) },
      ...this.classes.map((name) => ({ head: name, cell: (dump) => bytesCell(residentOf(dump, name)) })),
    ];
    return makeTable({ caption: 'Resident memory by class, a row for each dump', columns, rows: this.dumps });
  }

  makeChooser(dump) {
    const button = make('button', { type: 'button', class: 'link' }, dump.name);
    button.addEventListener('click', () => this.choose(this.dumps.indexOf(dump)));
    return button;
  }

  select(index) {
    this.selected = index;
    this.draw();
  }
}
