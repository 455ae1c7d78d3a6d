// Draws calls: each that can be told from its neighbours as a box, and those that cannot as cells.

const CELL = 2; // calls that begin within so many pixels, and are no longer, are drawn as one
const FADED = 0.15;
const STRIPE = 4; // at the foot of a wait: the colour of what it waits for

class Painter {
  constructor(line) {
    this.line = line;
    this.context = line.context;
    this.colours = line.colours;
    this.recording = line.recording;
  }

  draw(row) {
    const y = this.line.yOf(row.lane, row.depth);
    if (y + ROW < AXIS || y > this.line.height) return;
    const { end: latest } = this.line.view;
    let place = row.firstEndingAfter(this.line.view.start - 1);
    while (place < row.events.length && row.since[place] <= latest) {
      const x = this.line.xOf(row.since[place]);
      if (this.line.xOf(row.end[place]) - x >= CELL) {
        this.#drawCall(row, place, y);
        place++;
      } else {
        place = this.#drawCell(row, place, x, y);
      }
      this.line.drawn++;
    }
  }

  /** Draw as one what begins within a few pixels; returns the place after it. */
  #drawCell(row, place, x, y) {
    const { context, colours } = this;
    const left = Math.floor(x);
    let next = row.firstFrom(this.line.timeOf(left + CELL), place);
    const last = next - 1;
    if (last > place && this.line.xOf(row.end[last]) - this.line.xOf(row.since[last]) >= CELL)
      next = last;
    const inside = row.inside[next] - row.inside[place];
    const waiting = row.waiting[next] - row.waiting[place];
    const share = (inside + waiting) / ((CELL / this.line.plot) * this.line.view.span);
    const isOut = row.marks && !row.countMarked(place, next);
    const height = ROW - 3;
    const waitHeight = waiting ? Math.round((height * waiting) / (inside + waiting)) : 0;
    context.globalAlpha = isOut ? FADED : Math.min(1, Math.max(0.6, share));
    context.fillStyle = colours.wait;
    if (waitHeight) context.fillRect(left, y, CELL, waitHeight);
    const isOfOne = row.alikeUntil[place] >= next;
    const guard = this.recording.guard[row.events[place]];
    context.fillStyle = isOfOne ? colours.of(guard) : colours.many;
    context.fillRect(left, y + waitHeight, CELL, height - waitHeight);
    context.globalAlpha = 1;
    if (row.failed[next] > row.failed[place]) this.#drawMark(left + CELL / 2, y, isOut);
    else if (row.putOff[next] > row.putOff[place]) {
      this.#drawPutOff(left + CELL / 2, y, isOut);
    } else if (row.marks && !isOut) fill(context, colours.found, left, y + height - 3, CELL, 3);
    return next;
  }

  #drawCall(row, place, y) {
    const { context, colours, recording } = this;
    const event = row.events[place];
    const isOut = this.line.found && !this.line.found[event];
    const since = Math.max(this.line.xOf(row.since[place]), this.line.gutter - 50);
    const begin = Math.max(this.line.xOf(recording.begin[event]), this.line.gutter - 50);
    const end = Math.min(this.line.xOf(row.end[place]), this.line.width + 50);
    context.globalAlpha = isOut ? FADED : 1;
    if (begin - since > 0.5) this.#drawWait(event, since, begin - since, y);
    if (recording.took[event]) this.#drawInside(event, begin, Math.max(end - begin, 1), y);
    context.globalAlpha = 1;
    const outcome = recording.textOf("outcome", event);
    if (recording.hasFailed(event)) {
      this.#drawMark(outcome === "refused" ? begin : end, y, isOut);
    } else if (outcome === "deferred") {
      this.#drawPutOff(begin, y, isOut);
    }
    if (this.line.found && !isOut) fill(context, colours.found, since, y + ROW - 6, end - since, 3);
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
    const guard = this.recording.guard[event];
    fill(context, colours.of(guard), x, y + height - STRIPE, width, STRIPE);
    const room = Math.min(x + width, this.line.width) - Math.max(x, this.line.gutter);
    const texts = [`${this.recording.nameOf(event)}: waits ${duration(this.recording.waited[event])}`];
    texts.push(`waits ${duration(this.recording.waited[event])}`);
    const text = texts.find((it) => room >= it.length * this.line.letter + 14);
    if (!text) return;
    const length = text.length * this.line.letter + 8;
    fill(
      context,
      colours["wait-paper"],
      Math.max(x, this.line.gutter) + 4,
      y + 1,
      length,
      height - STRIPE - 1,
    );
    context.fillStyle = colours.ink;
    context.font = FONT;
    context.textBaseline = "middle";
    context.fillText(text, Math.max(x, this.line.gutter) + 8, y + (height - STRIPE) / 2 + 1);
  }

  #drawInside(event, x, width, y) {
    const { context, colours, recording } = this;
    const height = ROW - 3;
    const isKept = recording.textOf("outcome", event) === "kept";
    const colour = colours.of(recording.guard[event]);
    const alpha = context.globalAlpha;
    if (isKept) context.globalAlpha = alpha * 0.35;
    fill(context, colour, x, y, width > 4 ? width - 0.5 : width, height);
    context.globalAlpha = alpha;
    if (isKept && width > 3) {
      context.setLineDash([4, 3]);
      context.strokeStyle = colours.ink;
      context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
      context.setLineDash([]);
    }
    const left = Math.max(x, this.line.gutter);
    const letters = this.line.lettersIn(Math.min(x + width, this.line.width) - left - 8);
    if (letters < 3) return;
    const label = recording.label(event);
    const long = `${label}  ${duration(recording.took[event])}`;
    context.font = FONT;
    context.textBaseline = "middle";
    context.fillStyle = isKept ? colours.ink : colours.label;
    const text = long.length <= letters ? long : clipped(label, letters);
    context.fillText(text, left + 4, y + height / 2 + 0.5);
  }

  /** A disc: a call was put off here. */
  #drawPutOff(x, y, isOut) {
    const { context } = this;
    context.beginPath();
    context.arc(x, y + (ROW - 3) / 2, 4, 0, 2 * Math.PI);
    this.#fillMark(this.colours.accent, isOut);
  }

  /** A diamond: something went wrong here. */
  #drawMark(x, y, isOut) {
    const { context } = this;
    const middle = y + (ROW - 3) / 2;
    context.beginPath();
    context.moveTo(x, middle - 6);
    context.lineTo(x + 5, middle);
    context.lineTo(x, middle + 6);
    context.lineTo(x - 5, middle);
    context.closePath();
    this.#fillMark(this.colours.bad, isOut);
  }

  #fillMark(colour, isOut) {
    const { context } = this;
    context.globalAlpha = isOut ? FADED : 1;
    context.fillStyle = colour;
    context.fill();
    context.strokeStyle = this.colours.paper;
    context.lineWidth = 1;
    context.stroke();
    context.globalAlpha = 1;
  }
}

function fill(context, colour, ...place) {
  context.fillStyle = colour;
  context.fillRect(...place);
}
