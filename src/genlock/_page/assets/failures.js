// The errors: what the terminal showed of them, and the calls that raised or were refused.

const FATES = {
  refused: "the guard refused the call",
  program: "ended the program",
  thread: "ended its thread",
  ignored: "could not be raised where it came up",
  caught: "the program caught it",
};

const OPEN_AT_FIRST = 4;
const MOST_AT_FIRST = 20;

class Errors extends Limited {
  constructor(section, data, recording, { choose, find }) {
    super(MOST_AT_FIRST);
    Object.assign(this, { section, data, recording, choose, find });
    section.hidden = !data.errors && !data.troubled;
    this.draw();
  }

  draw() {
    const { failures, troubles } = this.data;
    this.section
      .querySelector("#failures")
      .replaceChildren(
        ...failures.slice(0, this.limit).map((failure, place) => this.#failure(failure, place)),
      );
    this.#drawTroubles(troubles.slice(0, this.limit));
    const left = [
      [failures.length - this.limit, "more error"],
      [troubles.length - this.limit, "more line of the table", "more lines of the table"],
    ].filter(([count]) => count > 0);
    const more = this.section.querySelector("#more-errors");
    more.hidden = !left.length;
    more.textContent = `Show ${left.map((it) => inWords(...it)).join(" and ")}`;
    more.onclick = () => this.showAll();
  }

  #failure(failure, place) {
    const event = this.#eventOf(failure);
    const where = [
      FATES[failure.fate] ?? failure.fate,
      failure.number > 1 ? `${inWords(failure.number, "time")} in all` : "",
      failure.where,
      event >= 0 ? whenOf(this.recording, event) : momentOf(failure.at),
    ];
    const summary = element(
      "summary",
      {},
      element("span", { class: "code" }, failure.code),
      element("strong", {}, failure.error.split("\n")[0]),
      element("span", { class: "quiet" }, where.filter(Boolean).join(", ")),
    );
    const made = element(
      "details",
      { open: place < OPEN_AT_FIRST },
      summary,
      element("pre", { tabindex: "0" }, failure.text),
    );
    if (event >= 0) {
      const onclick = () => this.choose(event);
      const button = element("button", { type: "button", onclick }, "Show it in the time line");
      made.append(element("p", { class: "buttons" }, button));
    }
    return made;
  }

  /** The refused call that an error was about, so that both tell the same moments; or -1. */
  #eventOf({ fate, error, guard, thread, at }) {
    const { recording } = this;
    if (!guard || at === null) return -1;
    const first = firstWhere(0, recording.count, (event) => recording.begin[event] >= at);
    for (let event = first; event < recording.count; event++) {
      if (
        recording.textOf("outcome", event) === "refused" &&
        recording.textOf("error", event) === error &&
        recording.lanes[recording.lane[event]].name === thread &&
        isNamed(recording.nameOf(event), guard)
      )
        return event;
    }
    return -1;
  }

  #drawTroubles(troubles) {
    const { moreTroubles } = this.data;
    const box = this.section.querySelector("#troubles");
    box.hidden = !troubles.length;
    const titles = ["error", "", "called at", "how often", ""];
    const head = titles.map((it) => element(it ? "th" : "td", it ? { scope: "col" } : {}, it));
    head[3].classList.add("figure");
    const left = moreTroubles ? `; ${inWords(moreTroubles, "kind")} more not shown` : "";
    box.replaceChildren(
      element("caption", {}, `Calls that raised, or were refused, by function and line${left}`),
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...troubles.map((it) => this.#trouble(it))),
    );
  }

  /** A line for each kind of call that raised or was refused, with a button that finds them. */
  #trouble(trouble) {
    const [outcome, error, made, place, number] = trouble;
    const verb = outcome === "refused" ? "refused" : "raised";
    const find = () => this.#findAll(trouble);
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, error),
      element("td", {}, `${verb} by ${made}`),
      element("td", { title: place }, place ? shortPlace(place) : "–"),
      element("td", { class: "figure" }, `${number.toLocaleString("en")} ×`),
      element("td", {}, element("button", { type: "button", onclick: find }, "Find")),
    );
  }

  #findAll([outcome, error, made, place]) {
    const { recording } = this;
    const text = [made, outcome, error, place && shortPlace(place)].filter(Boolean).join(" ");
    this.find(text, (event) => {
      const guard = recording.guards[recording.guard[event]];
      const site = recording.siteOf(event);
      return (
        recording.textOf("error", event) === error &&
        recording.textOf("outcome", event) === outcome &&
        (guard.made || guard.name) === made &&
        (site ? `${site.file}:${site.line}` : "") === place
      );
    });
  }
}

function momentOf(at) {
  if (at === null) return "";
  return at < 0 ? "before what is shown" : `at ${at ? moment(at, stepFor(at)) : "0"}`;
}

/** Whether a guard that may be told apart by a number has a name. */
function isNamed(shown, name) {
  return shown === name || shown.replace(/#\d+$/, "") === name;
}
