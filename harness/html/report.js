// SPDX-License-Identifier: Apache-2.0
//
// The start: reads the data, shows the newest dump, and another when it is chosen.

class Report {
  constructor(data) {
    this.dumps = data.dumps;
    this.index = this.dumps.length - 1;
    classMeanings = new Map(data.classes.map(({ name, meaning }) => [name, meaning]));
    nameDumps(this.dumps);
    this.arenaMap = new ArenaMap(bodyOf('arenas'), data.page_states);
    if (this.dumps.length > 1) {
      document.getElementById('timeline').hidden = false;
      this.timeLine = new TimeLine(bodyOf('timeline'), this.dumps, (index) => this.show(index));
      this.makePicker();
    }
    document.getElementById('footer').textContent = `gopagewatch ${data.gopagewatch}. One file, nothing is loaded from anywhere. Bytes are binary: 1 MiB is 1 048 576 bytes.`;
    this.show(this.index);
  }

  makePicker() {
    const step = (sign, by, label) => {
      const button = make('button', { type: 'button', 'aria-label': label }, sign);
      button.addEventListener('click', () => this.show(this.index + by));
      return button;
    };
    this.select = make('select', { id: 'dump' }, this.dumps.map((dump, i) =>
      make('option', { value: i }, `${i + 1} of ${this.dumps.length}: ${dump.name}, ${bytesText(dump.rss.total)}`)));
    this.select.addEventListener('change', () => this.show(Number(this.select.value)));
    this.steps = [step('\u2039', -1, 'The dump before'), step('\u203a', 1, 'The next dump')];
    const picker = document.getElementById('picker');
    picker.append(make('label', { for: 'dump' }, 'Dump'), this.steps[0], this.select, this.steps[1]);
    picker.hidden = false;
  }

  show(index) {
    if (index < 0 || index >= this.dumps.length) return;
    this.index = index;
    const dump = this.dumps[index];
    const before = index > 0 && isOneProcess([this.dumps[index - 1], dump]) ? this.dumps[index - 1] : null;
    showIdentity(dump);
    showHeadline(dump);
    showFindings(dump);
    showClasses(dump, before);
    showSizeClasses(dump);
    showGoMaps(dump);
    showKeepers(dump);
    showSites(dump);
    showThreads(dump);
    showMappings(dump);
    showCircumstances(dump);
    this.arenaMap.show(dump);
    if (!this.timeLine) return;
    this.timeLine.select(index);
    this.select.value = String(index);
    this.steps[0].disabled = index === 0;
    this.steps[1].disabled = index === this.dumps.length - 1;
  }
}

const report = new Report(JSON.parse(document.getElementById('data').textContent));
