// Draws arrows from where a coroutine was left to where it went on, in another thread.

const ARROW_ROOM = 16; // pixels of width that each should have, lest they hide what they join
const LEAVING = 8; // of those that end to the right of the view, so many may have begun in it

class Arrows {
  constructor(line) {
    this.line = line;
    this.context = line.context;
    this.colours = line.colours;
    this.recording = line.recording;
    this.handOvers = line.recording.handOvers();
    this.unseen = 0;
  }

  draw() {
    const { from, to } = this.handOvers;
    const { recording } = this;
    const { view } = this.line;
    const first = firstWhere(0, to.length, (it) => recording.begin[to[it]] >= view.start);
    const last = firstWhere(first, to.length, (it) => recording.begin[to[it]] > view.end);
    const count = last - first;
    const isShown = this.line.showsArrows && count <= this.line.plot / ARROW_ROOM;
    this.unseen = this.line.showsArrows && !isShown ? count : 0;
    const until = isShown ? Math.min(last + LEAVING, to.length) : first;
    for (let it = first; it < until; it++) this.#drawArrow(from[it], to[it], 1);
    if (this.line.selected < 0) return;
    const next = to.indexOf(this.line.selected);
    const before = from.indexOf(this.line.selected);
    if (next >= 0) this.#drawArrow(from[next], to[next], 2);
    if (before >= 0) this.#drawArrow(from[before], to[before], 2);
  }

  #drawArrow(from, to, width) {
    const { context, colours, recording } = this;
    const middle = (ROW - 3) / 2;
    const x0 = this.line.xOf(recording.end(from));
    const y0 = this.line.yOf(recording.lane[from], recording.depth[from]) + middle;
    const x1 = this.line.xOf(recording.begin[to]);
    const y1 = this.line.yOf(recording.lane[to], recording.depth[to]) + middle;
    if (this.line.found && !this.line.found[from] && !this.line.found[to]) return;
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
