// The pointer on the time line: hovering, choosing, dragging, the wheel.

const WHEEL_LINES = 16;
const STILL = 4; // pixels that a click may move

class Pointer {
  constructor(timeLine, tooltip, { choose, mark }) {
    Object.assign(this, { timeLine, tooltip, choose, mark });
    this.grip = null;
    const { canvas } = timeLine;
    const on = (name, listener) =>
      canvas.addEventListener(name, (event) => listener(event), {
        passive: false,
      });
    on("pointerdown", (event) => this.#press(event));
    on("pointermove", (event) => (this.grip ? this.#drag(event) : this.#hover(event)));
    on("pointerup", (event) => this.#release(event));
    on("pointercancel", () => this.#letGo());
    on("pointerleave", () => this.#leave());
    on("dblclick", (event) => timeLine.view.zoom(0.25, timeLine.timeOf(event.offsetX)));
    on("wheel", (event) => this.#turn(event));
  }

  #hover(event) {
    const { timeLine, tooltip } = this;
    const { event: call, more } = timeLine.at(event.offsetX, event.offsetY);
    if (call >= 0) tooltip.show(call, more, event.clientX, event.clientY);
    else tooltip.hide();
    timeLine.canvas.style.cursor = call >= 0 ? "pointer" : "default";
    if (call === timeLine.hovered) return;
    timeLine.hovered = call;
    timeLine.drawSoon();
  }

  #leave() {
    this.tooltip.hide();
    this.timeLine.hovered = -1;
    this.timeLine.drawSoon();
  }

  #press(event) {
    if (event.button !== 0) return;
    const { canvas, view, scroller } = this.timeLine;
    canvas.setPointerCapture(event.pointerId);
    this.tooltip.hide();
    this.grip = {
      x: event.offsetX,
      y: event.clientY,
      time: this.timeLine.timeOf(event.offsetX),
      start: view.start,
      top: scroller.scrollTop,
      isBand: event.shiftKey,
      hasMoved: false,
    };
  }

  #drag(event) {
    const { timeLine, grip } = this;
    grip.hasMoved ||=
      Math.abs(event.offsetX - grip.x) > STILL || Math.abs(event.clientY - grip.y) > STILL;
    if (!grip.hasMoved) return;
    timeLine.canvas.classList.add("dragged");
    if (grip.isBand) {
      timeLine.band = [grip.time, timeLine.timeOf(event.offsetX)];
      timeLine.drawSoon();
      return;
    }
    const { view } = timeLine;
    timeLine.scroller.scrollTop = grip.top - (event.clientY - grip.y);
    view.show(grip.start - ((event.offsetX - grip.x) / timeLine.plot) * view.span, view.span);
  }

  #release(event) {
    const { timeLine, grip } = this;
    if (!grip) return;
    if (!grip.hasMoved) this.choose(timeLine.at(event.offsetX, event.offsetY).event);
    else if (timeLine.band && Math.abs(event.offsetX - grip.x) > STILL) {
      const [from, to] = timeLine.band.sort((one, other) => one - other);
      timeLine.view.show(from, to - from);
      this.mark(from, to);
    }
    this.#letGo();
  }

  #letGo() {
    this.grip = null;
    this.timeLine.band = null;
    this.timeLine.canvas.classList.remove("dragged");
    this.timeLine.drawSoon();
  }

  #turn(event) {
    const { timeLine } = this;
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? WHEEL_LINES : 1;
    const across = (event.deltaX || (event.shiftKey ? event.deltaY : 0)) * pixels;
    if (event.ctrlKey || event.metaKey) {
      const factor = Math.exp(Math.max(-1, Math.min(1, event.deltaY * pixels * 0.004)));
      timeLine.view.zoom(factor, timeLine.timeOf(event.offsetX));
    } else if (Math.abs(across) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
      timeLine.view.pan(across / timeLine.plot);
    } else {
      return; // the page scrolls, as anywhere
    }
    event.preventDefault();
    this.tooltip.hide();
  }
}
