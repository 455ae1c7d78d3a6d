// What the keys do: anywhere but in what one types or chooses in; some need the time line.

const NEED_FOCUS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "Enter"];

class Keys {
  constructor(page, canvas, searchBox) {
    Object.assign(this, { page, searchBox });
    document.addEventListener("keydown", (event) => {
      if (hasModifier(event) || event.target === searchBox) return;
      const isElsewhere = event.target !== canvas && NEED_FOCUS.includes(event.key);
      const action = isElsewhere ? null : this.#actions[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    });
  }

  get #actions() {
    const { view, recording } = this.page;
    const { selected } = this.page.timeLine;
    const step = (by) => () => this.#step(by);
    const [left, right] = [() => view.pan(-0.2), () => view.pan(0.2)];
    const [nearer, further] = [() => view.zoom(0.6), () => view.zoom(1 / 0.6)];
    return {
      ArrowLeft: left,
      a: left,
      ArrowRight: right,
      d: right,
      "+": nearer,
      "=": nearer,
      w: nearer,
      "-": further,
      "−": further,
      s: further,
      0: () => view.fit(),
      Home: () => view.fit(),
      n: step(1),
      p: step(-1),
      ArrowUp: () =>
        selected >= 0 &&
        recording.outerOf(selected) >= 0 &&
        this.page.choose(recording.outerOf(selected)),
      ArrowDown: () => this.#chooseWithin(selected),
      Enter: () => selected >= 0 && this.#zoomTo(selected),
      Escape: () => this.page.choose(-1),
      "/": () => this.searchBox.select(),
    };
  }

  #step(by) {
    const { selected, found } = this.page.timeLine;
    if (found) return this.page.goToFound(by);
    const first = firstWhere(
      0,
      this.page.recording.count,
      (it) => this.page.recording.begin[it] >= this.page.view.start,
    );
    const next = selected < 0 ? first : selected + by;
    if (next >= 0 && next < this.page.recording.count) this.page.choose(next);
  }

  #chooseWithin(event) {
    const { recording } = this.page;
    for (let inner = event + 1; inner < recording.count && event >= 0; inner++) {
      if (recording.begin[inner] > recording.end(event)) return;
      if (recording.outerOf(inner) === event) return this.page.choose(inner);
    }
  }

  #zoomTo(event) {
    const since = this.page.recording.since(event);
    const length = Math.max(this.page.recording.end(event) - since, 1);
    this.page.view.show(since - length * 0.25, length * 1.5);
  }
}

function hasModifier({ ctrlKey, metaKey, altKey }) {
  return ctrlKey || metaKey || altKey;
}
