// The table of coroutines: a row for each, in the order that the reader asks for.

const ROWS_AT_FIRST = 100;
const COLUMNS = [
  { title: "coroutine", of: "name", text: (value) => value },
  {
    title: "resump\u00adtions",
    of: "resumptions",
    text: (value) => value.toLocaleString("en"),
    isFigure: true,
  },
  { title: "time inside", of: "inside", text: duration, isFigure: true, bar: "inside" },
  { title: "waited", of: "waited", text: duration, isFigure: true, bar: "waited" },
  {
    title: "con\u00adtended",
    of: "contended",
    text: (value) => (value ? value.toLocaleString("en") : "–"),
    isFigure: true,
  },
  { title: "longest wait", of: "longest_wait", text: duration, isFigure: true },
  { title: "how it ended", of: "ended", text: (value) => value || "–" },
];

class Table extends Limited {
  constructor(box, rows, find) {
    super(ROWS_AT_FIRST);
    Object.assign(this, { box, find });
    this.column = 2;
    this.isRising = false;
    this.setRows(rows);
  }

  setRows(rows) {
    this.rows = rows;
    this.most = COLUMNS.map(({ of, bar }) =>
      bar ? rows.reduce((most, row) => Math.max(most, row[of]), 0) : 0,
    );
    this.draw();
  }

  draw() {
    const rows = this.#sorted();
    const shown = rows.slice(0, this.limit);
    const body = element("tbody", {}, ...shown.map((row) => this.#row(row)));
    const head = element(
      "thead",
      {},
      element("tr", {}, ...COLUMNS.map((_, it) => this.#title(it))),
    );
    this.box.replaceChildren(element("table", {}, head, body));
    const left = rows.length - shown.length;
    if (left > 0) {
      const more = () => {
        this.showAll();
        this.box.querySelectorAll("tbody button")[shown.length].focus();
      };
      const text = `Show ${inWords(left, "more row")}`;
      this.box.append(element("button", { type: "button", class: "more", onclick: more }, text));
    }
    if (!rows.length) this.box.replaceChildren(element("p", { class: "empty" }, "No calls."));
  }

  #sorted() {
    const { column, isRising } = this;
    const direction = isRising ? 1 : -1;
    const { of, isFigure } = COLUMNS[column];
    const compare = isFigure
      ? (one, other) => one[of] - other[of]
      : (one, other) => one[of].localeCompare(other[of], "en", { numeric: true });
    return [...this.rows].sort((one, other) => direction * compare(one, other));
  }

  #title(column) {
    const { title, isFigure } = COLUMNS[column];
    const isSorted = column === this.column;
    const sort = isSorted ? (this.isRising ? "ascending" : "descending") : "none";
    const arrow = element(
      "span",
      { "aria-hidden": "true" },
      isSorted ? (this.isRising ? " ▲" : " ▼") : "",
    );
    const onclick = () => this.#sortBy(column);
    const button = element("button", { type: "button", onclick }, title, arrow);
    return element(
      "th",
      { scope: "col", "aria-sort": sort, class: isFigure ? "figure" : "" },
      button,
    );
  }

  #sortBy(column) {
    this.isRising = column === this.column ? !this.isRising : !COLUMNS[column].isFigure;
    this.column = column;
    this.draw();
    this.box.querySelectorAll("th button")[column].focus();
  }

  #row(row) {
    const cells = COLUMNS.map(({ of, text, isFigure, bar }, column) => {
      const cell = element("td", { class: isFigure ? "figure" : "" }, text(row[of]));
      if (bar && row[of]) {
        cell.classList.add("bar", bar);
        cell.style.setProperty("--share", `${(100 * row[of]) / this.most[column]}%`);
      }
      return cell;
    });
    const find = element("button", {
      type: "button",
      class: "link",
      onclick: () => this.find(row.name),
    });
    find.textContent = row.name;
    find.title = "Find it in the time line";
    if (row.ended.startsWith("raised")) cells[6].classList.add("bad");
    return element("tr", {}, element("th", { scope: "row" }, find), ...cells.slice(1));
  }
}
