// The head of the page: what it is of, what is missing, and what was found, at a glance.

function tellHead(data) {
  const { name, facts, missing, nothing, count } = data;
  byId("name").textContent = name;
  byId("facts").textContent = facts;
  byId("nothing").hidden = !nothing;
  byId("nothing").textContent = nothing;
  for (const id of ["time-line", "calls", "coroutines"]) byId(id).hidden = !count;
  byId("missing").hidden = !missing.length;
  byId("missing").replaceChildren(...missing.map((line) => element("li", {}, line)));
  byId("summary").replaceChildren(...chipsOf(data), ...(count ? [ways()] : []));
}

function chip([text, target, kind]) {
  return element("a", { href: `#${target}`, class: kind }, text);
}

/** What was found, the worst first; each leads to where it is told. */
function chipsOf({ errors, troubled, unfinished, findings, rows, count, isPartial }) {
  const { cycles, possible, inversions } = findings;
  const contended = rows.guard.reduce((sum, row) => sum + row.contended, 0);
  const waited = duration(rows.guard.reduce((sum, row) => sum + row.waited, 0));
  const told = [
    [errors, "error", "", "errors", "bad"],
    [troubled, "call", " raised or refused", "errors", errors ? "warn" : "bad"],
    [unfinished, "call", " under way at the end", "missing", "warn"],
    [cycles.length, "call cycle", "", "calls", "bad"],
    [possible.length, "possible call cycle", "", "calls", "warn"],
    [inversions.length, "inverted order", "", "calls", "warn"],
    [contended, "call", ` met a busy guard, waited ${waited}`, "coroutines", "warn"],
  ]
    .filter(([number]) => number)
    .map(([number, thing, rest, ...where]) => chip([inWords(number, thing) + rest, ...where]));
  if (told.length || !count) return told;
  const where = isPartial ? " in what is shown" : "";
  return [chip([`No errors, no cycles, no waits${where}`, "time-line", ""])];
}

function ways() {
  const sections = [
    ["Time line", "time-line", "to"],
    ["Call graph", "calls", "to"],
    ["Coroutines", "coroutines", "to"],
  ];
  return element("span", { class: "ways" }, ...sections.map(chip));
}
