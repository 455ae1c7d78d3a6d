// The errors: what the terminal showed of them, and the calls that raised or were refused.

const FATES = {
  refused: "the guard refused the call",
  program: "ended the program",
  thread: "ended its thread",
  ignored: "could not be raised where it came up",
  caught: "the program caught it",
};

const FATAL = ["ignored", "thread", "program"]; // the worst last
const OPEN_AT_FIRST = 4;

function failureElement(failure, place) {
  const where = [
    FATES[failure.fate] ?? failure.fate,
    failure.number > 1 ? `${inWords(failure.number, "time")} in all` : "",
    failure.thread && `in ${failure.thread}`,
    failure.at !== null && `at ${duration(failure.at)}`,
  ];
  const summary = element(
    "summary",
    {},
    element("span", { class: "code" }, failure.code),
    element("strong", {}, failure.error.split("\n")[0]),
    element("span", { class: "quiet" }, where.filter(Boolean).join(", ")),
  );
  return element(
    "details",
    { open: place < OPEN_AT_FIRST },
    summary,
    element("pre", { tabindex: "0" }, failure.text),
  );
}

/** A line for each kind of call that raised or was refused, with a button that finds them. */
function troubleElement([outcome, error, guard, operation, place, number], find) {
  const verb = outcome === "refused" ? "refused" : "raised";
  const words = [guard, error, verb, place && shortPlace(place)].filter(Boolean).join(" ");
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, error),
    element("td", {}, verb === "raised" ? `raised by ${guard}` : `refused by ${guard}`),
    element("td", {}, operation),
    element("td", { title: place }, place ? shortPlace(place) : "–"),
    element("td", { class: "figure" }, `${number.toLocaleString("en")} ×`),
    element("td", {}, element("button", { type: "button", onclick: () => find(words) }, "Find")),
  );
}

/** What the program did not survive comes first. */
function byFate(one, other) {
  const [rank, otherRank] = [one, other].map(({ fate }) => FATAL.indexOf(fate));
  return otherRank - rank;
}

function showFailures(section, data, find) {
  const { troubles } = data;
  const failures = [...data.failures].sort(byFate);
  section.hidden = !failures.length && !troubles.length;
  section.querySelector("#failures").replaceChildren(...failures.map(failureElement));
  const box = section.querySelector("#troubles");
  box.hidden = !troubles.length;
  const titles = ["error", "", "operation", "called at", "how often", ""];
  const head = titles.map((it) => element(it ? "th" : "td", it ? { scope: "col" } : {}, it));
  head[4].classList.add("figure");
  box.replaceChildren(
    element("caption", {}, "Calls that raised, or were refused"),
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...troubles.map((it) => troubleElement(it, find))),
  );
}
