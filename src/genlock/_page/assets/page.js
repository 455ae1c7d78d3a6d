// Puts the page together.

const PAPER_WIDTH = 1000;
const MOST_APART = 60; // coroutines; more of them are shown by their functions, unless asked for
const byId = (id) => document.getElementById(id);

class Page {
  constructor(data) {
    this.data = data;
    this.recording = new Recording(data);
    const isMany =
      data.rows.guard.length > MOST_APART && data.rows.function.length < data.rows.guard.length;
    this.by = isMany ? "function" : "guard";
    this.theme = new Theme(byId("theme"), () => this.redraw());
    this.colours = new Colours(this.recording);
    this.#tellHead();
    this.#setUpTimeLine();
    this.#setUpSearch();
    new Keys(this, byId("canvas"), byId("search"));
    // What is further down can wait until the time line has been seen.
    requestAnimationFrame(() => setTimeout(() => this.#setUpRest()));
  }

  // The head ------------------------------------------------------------------------------------

  #tellHead() {
    const { name, facts, missing, began } = this.data;
    byId("name").textContent = name;
    const when = began
      ? `, ${new Date(began).toISOString().slice(0, 19).replace("T", " ")} UTC`
      : "";
    byId("facts").textContent = facts + when;
    byId("missing").hidden = !missing.length;
    byId("missing").replaceChildren(...missing.map((line) => element("li", {}, line)));
    byId("summary").replaceChildren(...this.#chips());
  }

  #chips() {
    const { failures, troubles, graphs, rows } = this.data;
    const { cycles, inversions } = graphs[this.by];
    const contended = rows.guard.reduce((sum, row) => sum + row[4], 0);
    const waited = rows.guard.reduce((sum, row) => sum + row[3], 0);
    const errors = failures.length || troubles.length;
    const chip = (text, target, kind) => element("a", { href: `#${target}`, class: kind }, text);
    const chips = [
      [errors, chip(inWords(errors, "error"), "errors", "bad")],
      [cycles.length, chip(inWords(cycles.length, "call cycle"), "calls", "bad")],
      [inversions.length, chip(inWords(inversions.length, "inverted order"), "calls", "warn")],
      [
        contended,
        chip(
          `${inWords(contended, "call")} met a busy guard, waited ${duration(waited)}`,
          "coroutines",
          "warn",
        ),
      ],
    ]
      .filter(([number]) => number)
      .map(([, made]) => made);
    if (!chips.length) chips.push(chip("No errors, no cycles, no waits", "time-line", ""));
    const sections = [
      ["Time line", "time-line"],
      ["Call graph", "calls"],
      ["Coroutines", "coroutines"],
    ];
    chips.push(element("span", { class: "gap" }));
    return chips.concat(sections.map(([text, target]) => chip(text, target, "to")));
  }

  // The theme -----------------------------------------------------------------------------------

  redraw() {
    this.colours.read();
    this.timeLine.draw();
    this.overview.resize(this.timeLine.gutter, this.timeLine.width);
  }

  // The time line -------------------------------------------------------------------------------

  #setUpTimeLine() {
    const { recording, colours } = this;
    const lanes = rowsOf(recording);
    const view = (this.view = new View(recording.length));
    const canvas = byId("canvas");
    const scroller = byId("lanes");
    this.tooltip = new Tooltip(byId("tooltip"), recording);
    this.details = new Details(byId("details"), recording, (event) => this.choose(event));
    this.details.colours = colours;
    this.timeLine = new TimeLine({ scroller, canvas, recording, lanes, colours, view });
    this.#fitLanes();
    this.timeLine.resize();
    this.overview = new Overview({ canvas: byId("overview"), lanes, colours, view });
    this.overview.resize(this.timeLine.gutter, this.timeLine.width);
    canvas.addEventListener("drawn", () => this.#tellView());
    view.addEventListener("change", () => this.timeLine.drawSoon());
    scroller.addEventListener("scroll", () => this.timeLine.drawSoon());
    window.addEventListener("resize", () => this.#resize());
    new Pointer(this.timeLine, this.tooltip, {
      choose: (event) => this.choose(event, { isInView: true }),
      mark: (from, to) => this.#mark(from, to),
    });
    byId("zoom-in").addEventListener("click", () => view.zoom(0.5));
    byId("zoom-out").addEventListener("click", () => view.zoom(2));
    byId("fit").addEventListener("click", () => view.fit());
    byId("arrows").addEventListener("change", (event) => {
      this.timeLine.showsArrows = event.target.checked;
      this.timeLine.drawSoon();
    });
    this.#tellView();
    performance.mark("time line drawn");
  }

  #fitLanes() {
    const { total } = this.timeLine;
    byId("lanes").style.height = `${total + 2}px`;
    this.timeLine.resize();
    byId("spacer").style.height = `${Math.max(0, total - this.timeLine.height)}px`;
  }

  #resize() {
    this.#fitLanes();
    this.overview.resize(this.timeLine.gutter, this.timeLine.width);
  }

  #tellView() {
    byId("in-view").textContent = `${duration(this.view.span)} in view`;
    const { unseen } = this.timeLine.arrows;
    byId("unseen-arrows").textContent = unseen
      ? `${inWords(unseen, "arrow")} in view: zoom in to see them`
      : "";
  }

  /** Choose a call, so that all about it is told; -1 for none. */
  choose(event, { isInView = false } = {}) {
    this.timeLine.selected = event;
    this.details.show(event);
    if (event >= 0 && !isInView) this.timeLine.reveal(event);
    this.timeLine.drawSoon();
  }

  /** Tell what happened from one time to another. */
  #mark(from, to) {
    this.choose(-1);
    const sums = inStretch(this.recording, this.timeLine.lanes, from, to);
    this.details.showStretch(...stretchElements(this.recording, sums, from, to));
  }

  // Search --------------------------------------------------------------------------------------

  #setUpSearch() {
    const input = byId("search");
    input.addEventListener("input", () => this.search());
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.goToFound(event.shiftKey ? -1 : 1);
      if (event.key === "Escape") this.find("");
    });
    byId("found-previous").addEventListener("click", () => this.goToFound(-1));
    byId("found-next").addEventListener("click", () => this.goToFound(1));
    this.search();
  }

  search() {
    const result = search(this.recording, byId("search").value);
    const { timeLine } = this;
    timeLine.found = result && result.found;
    for (const rows of timeLine.lanes) for (const row of rows) row.mark(timeLine.found);
    byId("found").textContent = !result
      ? ""
      : result.count
        ? `${inWords(result.count, "call")} found`
        : "nothing found";
    for (const id of ["found-previous", "found-next"]) byId(id).disabled = !result || !result.count;
    timeLine.drawSoon();
  }

  find(text) {
    byId("search").value = text;
    this.search();
    if (text) {
      byId("time-line").scrollIntoView();
      this.goToFound(1);
    }
  }

  goToFound(direction) {
    const { found, selected } = this.timeLine;
    if (!found) return;
    const from = selected >= 0 || direction > 0 ? selected : 0;
    const event = nextFound(found, from, direction);
    if (event >= 0) this.choose(event);
  }

  // What is further down ------------------------------------------------------------------------

  #setUpRest() {
    const { data } = this;
    const find = (text) => this.find(text);
    this.theme.listen();
    showFailures(byId("errors"), data, find);
    this.table = new Table(byId("table"), data.rows[this.by], find);
    this.graph = new CallGraph(byId("graph"), byId("findings"), this.colours, find);
    this.graph.draw(data.graphs[this.by]);
    for (const choice of document.getElementsByName("by")) {
      choice.checked = choice.value === this.by;
      choice.addEventListener("change", () => {
        this.table.setRows(data.rows[choice.value]);
        this.graph.draw(data.graphs[choice.value]);
      });
    }
    this.#setUpPrinting();
    performance.mark("all drawn");
    document.documentElement.dataset.ready = "";
  }

  /** On paper all is shown, in the light theme, and the time line as wide as the paper. */
  #setUpPrinting() {
    const turn = (isPrinting) => {
      if (isPrinting) this.table.showAll();
      for (const box of document.querySelectorAll("details")) box.open ||= isPrinting;
      byId("lanes").style.maxHeight = isPrinting ? "none" : "";
      byId("lanes").style.width = isPrinting ? `${PAPER_WIDTH}px` : "";
      this.#resize();
      this.theme.turn({ isPrinting });
      byId("lanes").style.width = "";
    };
    window.addEventListener("beforeprint", () => turn(true));
    window.addEventListener("afterprint", () => turn(false));
  }
}

new Page(JSON.parse(byId("data").textContent));
