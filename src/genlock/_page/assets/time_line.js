// The time line: draws what is in view, and tells what is under the pointer.

const ROW = 20;
const LANE_GAP = 12;
const AXIS = 26;
const CELL = 2; // calls that begin within so many pixels, and are no longer, are drawn as one
const NEAR = 3;
const ARROW_ROOM = 16; // pixels of width that an arrow should have, lest they hide what they join
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
    this.handOvers = recording.handOvers();
    this.found = null;
    this.selected = this.hovered = -1;
    this.showsArrows = true;
    this.band = null;
    this.drawn = 0;
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
    for (const rows of this.lanes) for (const row of rows) this.#drawRow(row);
    this.#drawArrows();
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
    return Math.max(1, [1, 2, 5, 10].map((it) => it * power).find((it) => it >= least));
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
    context.fillText(clipped("thread", this.#lettersIn(this.gutter - 16)), 8, AXIS / 2);
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
      context.fillText(clipped(name, this.#lettersIn(this.gutter - 16)), 8, y + ROW / 2);
    });
    context.fillStyle = colours.line;
    context.fillRect(this.gutter - 1, AXIS, 1, this.height - AXIS);
  }

  #lettersIn(width) {
    return Math.floor(width / this.letter);
  }

  #drawRow(row) {
    const y = this.yOf(row.lane, row.depth);
    if (y + ROW < AXIS || y > this.height) return;
    const { end: latest } = this.view;
    let place = row.firstEndingAfter(this.view.start - 1);
    while (place < row.events.length && row.since[place] <= latest) {
      const x = this.xOf(row.since[place]);
      if (this.xOf(row.end[place]) - x >= CELL) {
        this.#drawCall(row, place, y);
        place++;
      } else {
        place = this.#drawCell(row, place, x, y);
      }
      this.drawn++;
    }
  }

  /** Draw as one what begins within a few pixels; returns the place after it. */
  #drawCell(row, place, x, y) {
    const { context, colours } = this;
    const left = Math.floor(x);
    let next = row.firstFrom(this.timeOf(left + CELL), place);
    const last = next - 1;
    if (last > place && this.xOf(row.end[last]) - this.xOf(row.since[last]) >= CELL) next = last;
    const inside = row.inside[next] - row.inside[place];
    const waiting = row.waiting[next] - row.waiting[place];
    const share = (inside + waiting) / ((CELL / this.plot) * this.view.span);
    const isOut = row.marks && !row.countMarked(place, next);
    const height = ROW - 3;
    const waitHeight = waiting ? Math.round((height * waiting) / (inside + waiting)) : 0;
    context.globalAlpha = isOut ? 0.15 : Math.min(1, Math.max(0.6, share));
    context.fillStyle = colours.wait;
    if (waitHeight) context.fillRect(left, y, CELL, waitHeight);
    const isOfOne = row.alikeUntil[place] >= next;
    const guard = this.recording.guard[row.events[place]];
    context.fillStyle = isOfOne ? colours.of(guard) : colours.many;
    context.fillRect(left, y + waitHeight, CELL, height - waitHeight);
    context.globalAlpha = 1;
    if (row.failed[next] > row.failed[place]) this.#drawMark(left + CELL / 2, y, isOut);
    else if (row.putOff[next] > row.putOff[place]) {
      this.#drawMark(left + CELL / 2, y, isOut, colours.accent);
    } else if (row.marks && !isOut) this.#fill(colours.found, left, y + height - 3, CELL, 3);
    return next;
  }

  #fill(colour, ...place) {
    this.context.fillStyle = colour;
    this.context.fillRect(...place);
  }

  #drawCall(row, place, y) {
    const { context, colours, recording } = this;
    const event = row.events[place];
    const isOut = this.found && !this.found[event];
    const since = Math.max(this.xOf(row.since[place]), this.gutter - 50);
    const begin = Math.max(this.xOf(recording.begin[event]), this.gutter - 50);
    const end = Math.min(this.xOf(row.end[place]), this.width + 50);
    context.globalAlpha = isOut ? 0.15 : 1;
    if (begin - since > 0.5) this.#drawWait(event, since, begin - since, y);
    if (recording.took[event]) this.#drawInside(event, begin, Math.max(end - begin, 1), y);
    context.globalAlpha = 1;
    const outcome = recording.textOf("outcome", event);
    if (recording.hasFailed(event)) {
      this.#drawMark(outcome === "refused" ? begin : end, y, isOut);
    } else if (outcome === "deferred") {
      this.#drawMark(begin, y, isOut, colours.accent);
    }
    if (this.found && !isOut) this.#fill(colours.found, since, y + ROW - 6, end - since, 3);
  }

  #drawWait(event, x, width, y) {
    const { context, colours } = this;
    const height = ROW - 3;
    context.save();
    context.translate(x, y); // the pattern moves with the call
    context.fillStyle = colours.hatching(context);
    context.fillRect(0, 0, width, height);
    context.restore();
    context.strokeStyle = colours.wait;
    context.lineWidth = 1;
    if (width > 3) context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
    const text = `waits ${duration(this.recording.waited[event])}`;
    const room = Math.min(x + width, this.width) - Math.max(x, this.gutter);
    const length = text.length * this.letter + 8;
    if (room < length + 6) return;
    this.#fill(colours["wait-paper"], Math.max(x, this.gutter) + 4, y + 2, length, height - 4);
    context.fillStyle = colours.ink;
    context.font = FONT;
    context.textBaseline = "middle";
    context.fillText(text, Math.max(x, this.gutter) + 8, y + height / 2 + 0.5);
  }

  #drawInside(event, x, width, y) {
    const { context, colours, recording } = this;
    const height = ROW - 3;
    const isKept = recording.textOf("outcome", event) === "kept";
    const colour = colours.of(recording.guard[event]);
    const alpha = context.globalAlpha;
    if (isKept) context.globalAlpha = alpha * 0.35;
    this.#fill(colour, x, y, width > 4 ? width - 0.5 : width, height);
    context.globalAlpha = alpha;
    if (isKept && width > 3) {
      context.setLineDash([4, 3]);
      context.strokeStyle = colours.ink;
      context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
      context.setLineDash([]);
    }
    const left = Math.max(x, this.gutter);
    const letters = this.#lettersIn(Math.min(x + width, this.width) - left - 8);
    if (letters < 3) return;
    const label = recording.label(event);
    const long = `${label}  ${duration(recording.took[event])}`;
    context.font = FONT;
    context.textBaseline = "middle";
    context.fillStyle = isKept ? colours.ink : colours.label;
    const text = long.length <= letters ? long : clipped(label, letters);
    context.fillText(text, left + 4, y + height / 2 + 0.5);
  }

  /** A diamond: something went wrong here, or was put off. */
  #drawMark(x, y, isOut, colour = this.colours.bad) {
    const { context } = this;
    const middle = y + (ROW - 3) / 2;
    context.globalAlpha = isOut ? 0.15 : 1;
    context.beginPath();
    context.moveTo(x, middle - 6);
    context.lineTo(x + 5, middle);
    context.lineTo(x, middle + 6);
    context.lineTo(x - 5, middle);
    context.closePath();
    context.fillStyle = colour;
    context.fill();
    context.strokeStyle = this.colours.paper;
    context.lineWidth = 1;
    context.stroke();
    context.globalAlpha = 1;
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
    this.#fill(colours.accent, Math.min(from, to), AXIS, Math.abs(to - from), this.height);
    context.globalAlpha = 1;
    context.font = FONT;
    const text = duration(Math.abs(this.band[1] - this.band[0]));
    const x = Math.min(from, to) + 4;
    this.#fill(colours.raised, x - 2, AXIS + 2, text.length * this.letter + 6, 16);
    context.fillStyle = colours.ink;
    context.fillText(text, x + 1, AXIS + 10);
  }

  // Arrows --------------------------------------------------------------------------------------

  #drawArrows() {
    const { from, to } = this.handOvers;
    const { recording, view } = this;
    const first = firstWhere(0, to.length, (it) => recording.begin[to[it]] >= view.start);
    const last = firstWhere(first, to.length, (it) => recording.begin[to[it]] > view.end);
    const count = last - first;
    const isShown = this.showsArrows && count <= this.plot / ARROW_ROOM;
    this.unseenArrows = this.showsArrows && !isShown ? count : 0;
    const until = isShown ? Math.min(last + 8, to.length) : first;
    for (let it = first; it < until; it++) this.#drawArrow(from[it], to[it], 1);
    if (this.selected < 0) return;
    const next = to.indexOf(this.selected);
    const before = from.indexOf(this.selected);
    if (next >= 0) this.#drawArrow(from[next], to[next], 2);
    if (before >= 0) this.#drawArrow(from[before], to[before], 2);
  }

  #drawArrow(from, to, width) {
    const { context, colours, recording } = this;
    const middle = (ROW - 3) / 2;
    const x0 = this.xOf(recording.end(from));
    const y0 = this.yOf(recording.lane[from], recording.depth[from]) + middle;
    const x1 = this.xOf(recording.begin[to]);
    const y1 = this.yOf(recording.lane[to], recording.depth[to]) + middle;
    if (this.found && !this.found[from] && !this.found[to]) return;
    const bend = Math.max(10, Math.min(60, Math.abs(x1 - x0) / 2));
    context.strokeStyle = context.fillStyle = colours.accent;
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(x0, y0);
    context.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1 - 5, y1);
    context.stroke();
    context.beginPath();
    context.moveTo(x1, y1);
    context.lineTo(x1 - 6, y1 - 3.5);
    context.lineTo(x1 - 6, y1 + 3.5);
    context.fill();
  }
}
