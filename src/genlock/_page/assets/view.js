// The part of the recording that is in view: what the time line and its overview have in common.

const SHORTEST_VIEW = 20;
const MARGIN = 0.015;

class View extends EventTarget {
  constructor(length) {
    super();
    const whole = Math.max(length, 1);
    this.least = -whole * MARGIN;
    this.most = whole * (1 + MARGIN);
    this.start = this.least;
    this.span = this.most - this.least;
  }

  get end() {
    return this.start + this.span;
  }

  show(start, span) {
    this.span = Math.min(Math.max(span, SHORTEST_VIEW), this.most - this.least);
    this.start = Math.min(Math.max(start, this.least), this.most - this.span);
    this.dispatchEvent(new Event("change"));
  }

  fit() {
    this.show(this.least, this.most - this.least);
  }

  /** Show more or less, with one moment where it is. */
  zoom(factor, at = this.start + this.span / 2) {
    const span = Math.min(Math.max(this.span * factor, SHORTEST_VIEW), this.most - this.least);
    this.show(at - ((at - this.start) / this.span) * span, span);
  }

  pan(share) {
    this.show(this.start + this.span * share, this.span);
  }

  /** Bring a stretch of time into view; nearer, if it could not be seen. */
  reveal(from, to) {
    const length = Math.max(to - from, 1);
    const isSeen = from >= this.start && to <= this.end && length > this.span / 50;
    if (isSeen) this.dispatchEvent(new Event("change"));
    else this.show((from + to) / 2 - length * 4, length * 8);
  }
}
