// What is wrong, or may be, with who drives whom: calls that come back, inverted orders.

const MOST_FINDINGS = 25; // of each kind

function showFindings(box, { cycles, possible, inversions, without }) {
  const kinds = [
    [cycles, "cycle"],
    [possible, "possible"],
    [inversions, "inversion"],
  ];
  const shown = kinds.flatMap(([found, kind]) =>
    found
      .slice(0, MOST_FINDINGS)
      .map((lines) => element("pre", { class: `finding ${kind}` }, lines.join("\n"))),
  );
  const left = kinds.reduce((sum, [found]) => sum + Math.max(0, found.length - MOST_FINDINGS), 0);
  const quiet = (line) => element("p", { class: "quiet" }, line);
  box.replaceChildren(
    ...shown,
    ...without.map(quiet),
    ...(left ? [quiet(`and ${left.toLocaleString("en")} more`)] : []),
  );
}
