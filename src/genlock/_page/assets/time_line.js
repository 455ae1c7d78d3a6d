// The time line: draws what is in view, and tells what is under the pointer.

const ROW = 20;
const LANE_GAP = 12;
const AXIS = 26;
const NEAR = 3;
const TICK_WIDTH = 110;
const FONT = "11px ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace";

class TimeLine {
  constructor({ scroller, canvas, recording, lanes, colours, view }) {
    Object.assign(this, { scroller, canvas, recording, lanes, colours, view });
    this.context = canvas.getContext("2d");
    this.context.font = FONT;
    this.letter = this.context.measureText("0").width;
    this.tops = [];
    let top = LANE_GAP / 2;
    for (const rows of lanes) {
      this.tops.push(top);
      top += rows.length * ROW + LANE_GAP;
    }
    this.total = top + AXIS;
    this.found = null;
    this.selected = this.hovered = -1;
    this.showsArrows = true;
    this.band = null;
    this.drawn = 0;
    this.painter = new Painter(this);
    this.arrows = new Arrows(this);
    this.#fitSize();
  }

  // Where things are ----------------------------------------------------------------------------

  #fitSize() {
    const width = this.scroller.clientWidth;
    const height = Math.min(this.total, this.scroller.clientHeight || this.total);
    const ratio = window.devicePixelRatio || 1;
    this.width = width;
    this.height = height;
    this.gutter = Math.max(64, Math.min(170, Math.round(width * 0.16)));
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  get plot() {
    return this.width - this.gutter;
  }

  xOf(time) {
    return this.gutter + ((time - this.view.start) / this.view.span) * this.plot;
  }

  timeOf(x) {
    return this.view.start + ((x - this.gutter) / this.plot) * this.view.span;
  }

  yOf(lane, depth) {
    return AXIS + this.tops[lane] + depth * ROW - this.scroller.scrollTop;
  }

  rowAt(y) {
    const below = y - AXIS + this.scroller.scrollTop;
    if (y < AXIS) return null;
    const lane = firstWhere(0, this.tops.length, (it) => this.tops[it] > below) - 1;
    return this.lanes[lane]?.[Math.floor((below - this.tops[lane]) / ROW)] ?? null;
  }

  /** The call at a point, or -1; and how many more are drawn at the same place. */
  at(x, y) {
    const row = x < this.gutter ? null : this.rowAt(y);
    if (!row) return { event: -1, more: 0 };
    const time = this.timeOf(x);
    const reach = (NEAR / this.plot) * this.view.span;
    const first = row.firstEndingAfter(time - reach - 0.5);
    let best = -1;
    for (let place = first; place < Math.min(first + 50, row.events.length); place++) {
      if (row.since[place] > time + reach) break;
      best = place;
      if (row.end[place] >= time) break;
    }
    if (best < 0) return { event: -1, more: 0 };
    const cell = (CELL / this.plot) * this.view.span;
    const isOne = row.end[best] - row.since[best] >= cell;
    const more = isOne ? 0 : row.firstFrom(row.since[best] + cell, best) - best - 1;
    return { event: row.events[best], more };
  }

  /** Scroll the lane of a call into sight, and its time into view. */
  reveal(event) {
    const lane = this.recording.lane[event];
    const top = this.tops[lane] + this.recording.depth[event] * ROW;
    const { scrollTop } = this.scroller;
    if (top < scrollTop || top + ROW > scrollTop + this.height - AXIS) {
      this.scroller.scrollTop = top - this.height / 3;
    }
    this.view.reveal(this.recording.since(event), this.recording.end(event));
  }

  // Drawing -------------------------------------------------------------------------------------

  resize() {
    this.#fitSize();
    this.draw();
  }

  /** Draw when the browser is ready to, however often it was asked for. */
  drawSoon() {
    this.pending ??= requestAnimationFrame(() => this.draw());
  }

  draw() {
    cancelAnimationFrame(this.pending);
    this.pending = null;
    const began = performance.now();
    const { context, colours } = this;
    context.globalAlpha = 1;
    context.fillStyle = colours.paper;
    context.fillRect(0, 0, this.width, this.height);
    const step = this.#tickStep();
    this.#drawGrid(step);
    context.save();
    context.beginPath();
    context.rect(this.gutter, AXIS, this.plot, this.height - AXIS);
    context.clip();
    this.drawn = 0;
    for (const rows of this.lanes) for (const row of rows) this.painter.draw(row);
    this.arrows.draw();
    this.#drawOutline(this.hovered, 1);
    this.#drawOutline(this.selected, 2);
    this.#drawBand();
    context.restore();
    this.#drawLaneNames();
    this.#drawAxis(step);
    const detail = { boxes: this.drawn, milliseconds: performance.now() - began };
    this.canvas.dispatchEvent(new CustomEvent("drawn", { detail }));
  }

  #tickStep() {
    const least = (this.view.span / this.plot) * TICK_WIDTH;
    const power = 10 ** Math.floor(Math.log10(least));
    return Math.max(
      1,
      [1, 2, 5, 10].map((it) => it * power).find((it) => it >= least),
    );
  }

  *#ticks(step) {
    const first = Math.max(0, Math.ceil(this.timeOf(this.gutter) / step));
    for (let tick = first; tick * step <= this.view.end; tick++) yield tick * step;
  }

  #drawGrid(step) {
    const { context, colours } = this;
    context.fillStyle = colours.line;
    for (const time of this.#ticks(step)) {
      context.fillRect(Math.round(this.xOf(time)), AXIS, 1, this.height - AXIS);
    }
    for (const lane of this.lanes.keys()) {
      const y = Math.round(this.yOf(lane, 0) - LANE_GAP / 2);
      if (lane > 0 && y > AXIS) context.fillRect(0, y, this.width, 1);
    }
  }

  #drawAxis(step) {
    const { context, colours } = this;
    context.fillStyle = colours.raised;
    context.fillRect(0, 0, this.width, AXIS);
    context.fillStyle = colours.line;
    context.fillRect(0, AXIS - 1, this.width, 1);
    context.font = FONT;
    context.textBaseline = "middle";
    context.fillStyle = colours.quiet;
    for (const time of this.#ticks(step)) {
      const x = this.xOf(time);
      context.fillRect(Math.round(x), AXIS - 6, 1, 5);
      const text = moment(time, step);
      if (x + 4 + text.length * this.letter < this.width) context.fillText(text, x + 4, AXIS / 2);
    }
    context.fillText(clipped("thread", this.lettersIn(this.gutter - 16)), 8, AXIS / 2);
  }

  #drawLaneNames() {
    const { context, colours } = this;
    context.fillStyle = colours.paper;
    context.fillRect(0, AXIS, this.gutter - 1, this.height - AXIS);
    context.font = FONT;
    context.textBaseline = "middle";
    this.recording.lanes.forEach(({ name }, lane) => {
      const y = this.yOf(lane, 0);
      if (y < AXIS - ROW || y > this.height) return;
      context.fillStyle = colours.line;
      if (lane > 0) context.fillRect(0, Math.round(y - LANE_GAP / 2), this.gutter, 1);
      context.fillStyle = colours.ink;
      context.fillText(clipped(name, this.lettersIn(this.gutter - 16)), 8, y + ROW / 2);
    });
    context.fillStyle = colours.line;
    context.fillRect(this.gutter - 1, AXIS, 1, this.height - AXIS);
  }

  lettersIn(width) {
    return Math.floor(width / this.letter);
  }

  #drawOutline(event, width) {
    if (event < 0) return;
    const { context, colours, recording } = this;
    const y = this.yOf(recording.lane[event], recording.depth[event]);
    const x = this.xOf(recording.since(event));
    context.strokeStyle = colours.ink;
    context.lineWidth = width;
    context.strokeRect(x - 1, y - 1, Math.max(this.xOf(recording.end(event)) - x, 2) + 2, ROW - 1);
  }

  #drawBand() {
    if (!this.band) return;
    const { context, colours } = this;
    const [from, to] = this.band.map((time) => this.xOf(time));
    context.globalAlpha = 0.2;
    fill(this.context, colours.accent, Math.min(from, to), AXIS, Math.abs(to - from), this.height);
    context.globalAlpha = 1;
    context.font = FONT;
    const text = duration(Math.abs(this.band[1] - this.band[0]));
    const x = Math.min(from, to) + 4;
    fill(this.context, colours.raised, x - 2, AXIS + 2, text.length * this.letter + 6, 16);
    context.fillStyle = colours.ink;
    context.fillText(text, x + 1, AXIS + 10);
  }
}
