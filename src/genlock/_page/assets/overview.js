// The whole recording in a strip: how busy each thread was, and which part of it is in view.

class Overview {
  constructor({ canvas, lanes, colours, view }) {
    Object.assign(this, { canvas, lanes, colours, view });
    this.context = canvas.getContext("2d");
    this.busy = document.createElement("canvas");
    view.addEventListener("change", () => this.drawSoon());
    this.#listen();
  }

  /** Become as wide as the time line, which begins so far from the left. */
  resize(gutter, width) {
    Object.assign(this, { gutter, width });
    const ratio = window.devicePixelRatio || 1;
    this.canvas.style.width = `${width}px`;
    this.height = this.canvas.clientHeight;
    for (const canvas of [this.canvas, this.busy]) {
      canvas.width = Math.round(this.width * ratio);
      canvas.height = Math.round(this.height * ratio);
      canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    this.#drawBusy();
    this.draw();
  }

  get whole() {
    return this.view.most - this.view.least;
  }

  xOf(time) {
    return this.gutter + ((time - this.view.least) / this.whole) * (this.width - this.gutter);
  }

  timeOf(x) {
    return this.view.least + ((x - this.gutter) / (this.width - this.gutter)) * this.whole;
  }

  drawSoon() {
    this.pending ??= requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.pending = null;
    if (!this.width) return; // there is nothing to show
    const { context, colours, view } = this;
    context.globalAlpha = 1;
    context.clearRect(0, 0, this.width, this.height);
    context.drawImage(this.busy, 0, 0, this.width, this.height);
    const from = this.xOf(view.start);
    const to = Math.max(this.xOf(view.end), from + 2);
    context.fillStyle = colours.paper;
    context.globalAlpha = 0.65;
    context.fillRect(this.gutter, 0, from - this.gutter, this.height);
    context.fillRect(to, 0, this.width - to, this.height);
    context.globalAlpha = 1;
    context.strokeStyle = colours.accent;
    context.lineWidth = 1.5;
    context.strokeRect(from + 0.75, 0.75, to - from - 1.5, this.height - 1.5);
  }

  /** A stripe for each lane: dark where its outermost calls were inside, another where waiting. */
  #drawBusy() {
    const context = this.busy.getContext("2d");
    context.clearRect(0, 0, this.width, this.height);
    const stripe = (this.height - 4) / Math.max(this.lanes.length, 1);
    const pixel = this.whole / (this.width - this.gutter);
    this.lanes.forEach(([row], lane) => {
      const y = 2 + lane * stripe;
      for (let x = this.gutter; x < this.width; x++) {
        this.#drawMoment(context, row, x, y, Math.max(stripe - 1, 0.5), pixel);
      }
    });
  }

  #drawMoment(context, row, x, y, height, pixel) {
    const time = this.timeOf(x);
    const from = row.firstEndingAfter(time);
    if (from >= row.events.length || row.since[from] > time + pixel) return;
    const to = Math.max(from + 1, row.firstFrom(time + pixel, from));
    const inside = row.inside[to] - row.inside[from];
    const waiting = row.waiting[to] - row.waiting[from];
    const whole = Math.max(pixel, row.end[to - 1] - row.since[from]);
    context.fillStyle = waiting > inside ? this.colours.wait : this.colours.many;
    context.globalAlpha = Math.min(1, Math.max(0.3, (inside + waiting) / whole)) * 0.75;
    context.fillRect(x, y, 1, height);
  }

  /** A drag within the part in view moves it; one that begins elsewhere shows another part. */
  #listen() {
    let grip = null;
    const { canvas, view } = this;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      const time = this.timeOf(event.offsetX);
      const isWithin = time >= view.start && time <= view.end && view.span < this.whole * 0.98;
      grip = isWithin ? { offset: time - view.start } : { from: time };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!grip) return;
      const time = this.timeOf(event.offsetX);
      if ("offset" in grip) view.show(time - grip.offset, view.span);
      else if (Math.abs(this.xOf(grip.from) - event.offsetX) > 3) {
        view.show(Math.min(grip.from, time), Math.abs(time - grip.from));
      }
    });
    canvas.addEventListener("pointerup", (event) => {
      const time = this.timeOf(event.offsetX);
      const isClick = grip && "from" in grip && Math.abs(this.xOf(grip.from) - event.offsetX) <= 3;
      if (isClick) view.show(time - view.span / 2, view.span);
      grip = null;
    });
    canvas.addEventListener("dblclick", () => view.fit());
  }
}
