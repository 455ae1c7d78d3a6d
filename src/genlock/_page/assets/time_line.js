// The time line: draws what is in view, and tells what is under the pointer.

const ROW = 20;
const LANE_GAP = 12;
const AXIS = 26;
const NEAR = 3;
const TICK_WIDTH = 110;
const DAY = 86400;
const LONG_STEPS = [2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200];
const BASE_STEPS = 1000; // more of them would take too many digits
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
    this.paper = null;
    this.painter = new Painter(this);
    this.arrows = new Arrows(this);
  }

  // Where things are ----------------------------------------------------------------------------

  #fitSize() {
    const width = this.paper?.width ?? this.scroller.clientWidth;
    const height =
      this.paper?.height ?? Math.min(this.total, this.scroller.clientHeight || this.total);
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

  /** How much of the lanes is out of sight above. */
  get above() {
    return this.paper?.above ?? this.scroller.scrollTop;
  }

  yOf(lane, depth) {
    return AXIS + this.tops[lane] + depth * ROW - this.above;
  }

  rowAt(y) {
    const below = y - AXIS + this.above;
    if (y < AXIS) return null;
    const lane = firstWhere(0, this.tops.length, (it) => this.tops[it] > below) - 1;
    return this.lanes[lane]?.[Math.floor((below - this.tops[lane]) / ROW)] ?? null;
  }

  /** The call at a point, or -1; and how many more are drawn at the same place. */
  at(x, y) {
    const row = x < this.gutter ? null : this.rowAt(y);
    if (!row) return { event: -1, more: 0 };
    const time = this.timeOf(x);
    const pixel = this.view.span / this.plot;
    const there = row.firstEndingAfter(time);
    const isThere = there < row.events.length && row.since[there] <= time;
    if (isThere && row.end[there] - row.since[there] >= CELL * pixel) {
      return { event: row.events[there], more: 0 };
    }
    const [from, to] = row.around(time, NEAR * pixel);
    if (from >= to) return { event: -1, more: 0 };
    const best = row.firstFailed(from, to) ?? (isThere ? there : row.nearest(time, from, to));
    const [first, next] = row.around(time, (CELL / 2) * pixel);
    return { event: row.events[best], more: Math.max(0, next - first - 1) };
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

  /** The whole height as pictures for paper, each no higher than fits on a page. */
  pictures(width, highest) {
    const pictures = [];
    for (const [above, end] of this.#pieces(highest)) {
      this.paper = { width, above, height: end - above + AXIS };
      this.resize();
      const copy = element("canvas", { width: this.canvas.width, height: this.canvas.height });
      copy.getContext("2d").drawImage(this.canvas, 0, 0);
      pictures.push(copy);
    }
    this.paper = null;
    return pictures;
  }

  /** Parts of the height: each of whole lanes, or of whole rows of a lane that is higher. */
  *#pieces(highest) {
    const ends = this.lanes.flatMap((rows, lane) => {
      const top = this.tops[lane];
      const isHigh = rows.length * ROW + LANE_GAP > highest;
      const within = isHigh ? rows.map((_, depth) => top + depth * ROW) : [];
      return [...within.slice(1), top + rows.length * ROW + LANE_GAP / 2];
    });
    let above = 0;
    for (const [place, end] of ends.entries()) {
      if (place < ends.length - 1 && ends[place + 1] - above <= highest) continue;
      yield [above, end];
      above = end;
    }
  }

  draw() {
    cancelAnimationFrame(this.pending);
    this.pending = null;
    if (this.plot <= 0) return; // it is not shown at all
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
    const long = LONG_STEPS.map((it) => it * SECOND).find((it) => it >= least);
    if (least > SECOND && long) return long;
    const unit = long ? 1 : DAY * SECOND;
    const power = 10 ** Math.floor(Math.log10(least / unit)) * unit;
    return Math.max(
      1,
      [1, 2, 5, 10].map((it) => it * power).find((it) => it >= least),
    );
  }

  /** What the moments of the axis are told from on: the start, unless that takes many digits. */
  baseOf(step) {
    const big = step * BASE_STEPS;
    return this.view.end < big * BASE_STEPS ? 0 : Math.floor(this.view.start / big) * big;
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
    this.base = this.baseOf(step);
    this.baseInWords = this.base ? moment(this.base, step * BASE_STEPS) : "";
    const scale = this.view.end - this.base;
    for (const time of this.#ticks(step)) {
      const x = this.xOf(time);
      context.fillRect(Math.round(x), AXIS - 6, 1, 5);
      const text = (this.base ? "+" : "") + moment(time - this.base, step, scale);
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
      const low = this.yOf(lane, this.lanes[lane].length - 1);
      const y = Math.max(this.yOf(lane, 0), Math.min(AXIS, low));
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
