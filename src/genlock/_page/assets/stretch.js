// A stretch of time that was marked: what each coroutine did in it.

const MOST_IN_STRETCH = 12;

/** Of each guard that did something from one time to another: its calls, time inside, waits. */
function inStretch(recording, lanes, from, to) {
  const sums = new Map();
  const within = (begin, end) => Math.max(0, Math.min(end, to) - Math.max(begin, from));
  for (const row of lanes.flat()) {
    for (let place = row.firstEndingAfter(from); row.since[place] < to; place++) {
      const event = row.events[place];
      const guard = recording.guard[event];
      const sum =
        sums.get(guard) ?? sums.set(guard, { guard, calls: 0, inside: 0, waited: 0 }).get(guard);
      sum.calls++;
      if (recording.isResumption(event)) {
        sum.inside += within(recording.begin[event], recording.end(event));
      }
      sum.waited += within(row.since[place], recording.begin[event]);
    }
  }
  return [...sums.values()].sort((one, other) => other.inside - one.inside);
}

function stretchElements(recording, sums, from, to) {
  const titles = ["coroutine", "calls", "inside", "waited"];
  const cells = ({ guard, calls, inside, waited }) => [
    element("th", { scope: "row" }, recording.guards[guard].name),
    ...[calls.toLocaleString("en"), duration(inside), duration(waited)].map((text) =>
      element("td", { class: "figure" }, text),
    ),
  ];
  const left = sums.length - MOST_IN_STRETCH;
  return [
    element("h3", {}, `${duration(to - from)}, from ${moment(Math.max(0, from), stepFor(to - from))} on`),
    element(
      "table",
      {},
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          ...titles.map((it, column) =>
            element("th", { scope: "col", class: column ? "figure" : "" }, it),
          ),
        ),
      ),
      element(
        "tbody",
        {},
        ...sums.slice(0, MOST_IN_STRETCH).map((it) => element("tr", {}, ...cells(it))),
      ),
    ),
    ...(left > 0
      ? [element("p", { class: "quiet" }, `and ${inWords(left, "more coroutine")}`)]
      : []),
  ];
}
