// Puts the page together.

const PAPER_WIDTH = 1000;
const PAPER_HEIGHT = 300; // of one picture of the time line: four fit on a page
const MOST_APART = 60; // coroutines; more of them are shown by their functions, unless asked for

class Page {
  constructor(data) {
    this.data = data;
    this.recording = new Recording(data);
    const isMany =
      data.rows.guard.length > MOST_APART && data.rows.function.length < data.rows.guard.length;
    this.by = isMany ? "function" : "guard";
    this.theme = new Theme(byId("theme"), () => this.redraw());
    this.colours = new Colours(this.recording);
    tellHead(data);
    this.#setUpTimeLine();
    this.#setUpSearch();
    new Keys(this, byId("canvas"), byId("search"));
    // What is further down can wait until the time line has been seen.
    requestAnimationFrame(() => setTimeout(() => this.#setUpRest()));
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
    this.overview = new Overview({ canvas: byId("overview"), lanes, colours, view });
    this.overview.resize(this.timeLine.gutter, this.timeLine.width);
    // The window, or a scroll bar that has come or gone.
    new ResizeObserver(() => this.#resize()).observe(scroller);
    canvas.addEventListener("drawn", () => this.#tellView());
    view.addEventListener("change", () => this.timeLine.drawSoon());
    scroller.addEventListener("scroll", () => this.timeLine.drawSoon());
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
    byId("spacer").style.height = `${Math.max(0, total - byId("lanes").clientHeight)}px`;
    this.timeLine.resize();
    this.fittedTo = this.#roomForLanes();
  }

  #roomForLanes() {
    const { clientWidth, clientHeight } = byId("lanes");
    return clientWidth && `${clientWidth} × ${clientHeight}`;
  }

  #resize() {
    const room = this.#roomForLanes();
    if (!room || room === this.fittedTo) return;
    this.#fitLanes();
    this.overview.resize(this.timeLine.gutter, this.timeLine.width);
  }

  #tellView() {
    const { baseInWords } = this.timeLine;
    const from = baseInWords && `, from ${baseInWords} on`;
    byId("in-view").textContent = `${duration(this.view.span)} in view${from}`;
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
      if (event.key === "Escape") {
        input.value = "";
        this.search();
      }
    });
    byId("found-previous").addEventListener("click", () => this.goToFound(-1));
    byId("found-next").addEventListener("click", () => this.goToFound(1));
    this.search();
  }

  search() {
    this.#tellFound(search(this.recording, byId("search").value));
  }

  #tellFound(result) {
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

  /** Show the calls that a test holds of; `text` says which those are. */
  find(text, isMeant) {
    byId("search").value = text;
    this.#tellFound(sifted(this.recording, isMeant));
    this.#goToTimeLine();
    this.timeLine.selected = -1;
    this.goToFound(1);
  }

  /** Show the calls of a guard, or of the guards of a function. */
  #findAllOf(name) {
    const { guards, guard } = this.recording;
    const isMeant = guards.map((it) => it.name === name || (it.made || it.name) === name);
    this.find(name, (event) => isMeant[guard[event]]);
  }

  #goToTimeLine() {
    byId("time-line").scrollIntoView();
    byId("canvas").focus({ preventScroll: true });
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
    const find = (name) => this.#findAllOf(name);
    this.theme.listen();
    this.errors = new Errors(byId("errors"), data, this.recording, {
      choose: (event) => {
        this.#goToTimeLine();
        this.choose(event);
      },
      find: (text, isMeant) => this.find(text, isMeant),
    });
    this.table = new Table(byId("table"), data.rows[this.by], find);
    showFindings(byId("findings"), data.findings);
    this.graph = new CallGraph(byId("graph"), byId("links"), this.colours, find);
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
    let undo = [];
    window.addEventListener("beforeprint", () => {
      undo = [this.table.showAll(), this.errors.showAll()];
      for (const box of document.querySelectorAll("details:not([open])")) {
        box.open = true;
        undo.push(() => (box.open = false));
      }
      this.theme.turn({ isPrinting: true });
      byId("paper").replaceChildren(...this.timeLine.pictures(PAPER_WIDTH, PAPER_HEIGHT));
    });
    window.addEventListener("afterprint", () => {
      byId("paper").replaceChildren();
      for (const step of undo) step();
      this.timeLine.resize();
      this.theme.turn();
    });
  }
}

new Page(JSON.parse(byId("data").textContent));
