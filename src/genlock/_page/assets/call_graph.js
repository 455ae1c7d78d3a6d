// The call graph: which coroutine drove which, laid out by dagre and drawn as a picture.

const MOST_EDGES = 120;
const MOST_FINDINGS = 25; // cycles, and as many inverted orders
const NODE_HEIGHT = 44;
const LETTER = 7.3;
const LONGEST_NAME = 30;

class CallGraph {
  constructor(box, findings, colours, find) {
    Object.assign(this, { box, findings, colours, find });
  }

  draw(graph) {
    this.#drawFindings(graph);
    const { nodes, edges } = drawable(graph);
    if (!edges.length) {
      this.box.replaceChildren(element("p", { class: "empty" }, "No coroutine drove another one."));
      return;
    }
    this.box.replaceChildren(this.#picture(graph, nodes, edges));
    const counts = [
      [graph.edges.length - edges.length, "link", "of those where the least time was spent"],
      [graph.nodes.length - nodes.length, "coroutine", "without a link that is drawn"],
    ];
    for (const [count, thing, which] of counts) {
      if (count)
        this.box.append(
          element("p", { class: "quiet" }, `Not drawn: ${inWords(count, thing)} ${which}.`),
        );
    }
  }

  #drawFindings(graph) {
    const paragraph = (lines, kind) =>
      element("pre", { class: `finding ${kind}` }, lines.join("\n"));
    const { cycles, inversions, without } = graph;
    const left =
      Math.max(0, cycles.length - MOST_FINDINGS) + Math.max(0, inversions.length - MOST_FINDINGS);
    this.findings.replaceChildren(
      ...cycles.slice(0, MOST_FINDINGS).map((lines) => paragraph(lines, "cycle")),
      ...inversions.slice(0, MOST_FINDINGS).map((lines) => paragraph(lines, "inversion")),
      ...without.map((line) => element("p", { class: "quiet" }, line)),
      ...(left ? [element("p", { class: "quiet" }, `and ${left.toLocaleString("en")} more`)] : []),
    );
  }

  #picture(graph, nodes, edges) {
    const wide = laidOut(nodes, edges, "LR");
    const high = wide.width > this.box.clientWidth ? laidOut(nodes, edges, "TB") : wide;
    const best = high.width < wide.width ? high : wide;
    const { width, height } = best;
    const picture = shape("svg", {
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: "group",
      "aria-label": `${inWords(nodes.length, "coroutine")}, ${inWords(edges.length, "link")}`,
    });
    picture.append(arrowHeads());
    const cyclic = pairs(graph.cyclic);
    const inverted = pairs(
      graph.inverted.flatMap(([one, other]) => [
        [one, other],
        [other, one],
      ]),
    );
    for (const edge of edges) {
      const pair = JSON.stringify(edge.slice(0, 2));
      const kinds = { cycle: cyclic.has(pair), inversion: inverted.has(pair) };
      picture.append(edgeShape(edge, best.edgeOf(edge), kinds));
    }
    for (const node of nodes) picture.append(this.#nodeShape(node, best.nodeOf(node)));
    return picture;
  }

  #nodeShape([name, resumptions, time, waited], { x, y, width, height }) {
    const left = x - width / 2;
    const top = y - height / 2;
    const figures = figuresOf([name, resumptions, time]);
    const told = `${inWords(resumptions, "resumption")}, ${duration(time)} inside`;
    const label = `${name}: ${told}; find it in the time line`;
    const node = shape(
      "g",
      { class: "node", tabindex: "0", role: "button", "aria-label": label },
      shape("title", {}, `${name}\n${told}, ${duration(waited)} waited`),
      shape("rect", { x: left, y: top, width, height, rx: 6 }),
      shape("rect", { x: left, y: top, width: 6, height, rx: 3, class: "stripe" }),
      shape("text", { x: left + 16, y: top + 18, class: "name" }, clipped(name, LONGEST_NAME)),
      shape("text", { x: left + 16, y: top + 34, class: "figures" }, figures),
    );
    node.querySelector(".stripe").style.fill = this.#fillOf(name);
    const find = () => this.find(name);
    node.addEventListener("click", find);
    node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        find();
      }
    });
    return node;
  }

  #fillOf(name) {
    const { guards } = this.colours.recording;
    const guard = guards.findIndex((it) => it.name === name || it.made === name);
    return guard < 0 ? "var(--many)" : `var(--fill-${this.colours.numbers[guard]})`;
  }
}

/** As much of a graph as can be read, and laid out at once: what was found wrong, and most time. */
function drawable(graph) {
  const marked = pairs([...graph.cyclic, ...graph.inverted]);
  const isMarked = ([from, to]) =>
    Number(marked.has(JSON.stringify([from, to])) || marked.has(JSON.stringify([to, from])));
  const edges = [...graph.edges]
    .sort((one, other) => isMarked(other) - isMarked(one) || other[3] - one[3])
    .slice(0, MOST_EDGES);
  const linked = new Set(edges.flatMap(([from, to]) => [from, to]));
  return { edges, nodes: graph.nodes.filter(([name]) => linked.has(name)) };
}

function pairs(found) {
  return new Set(found.map((pair) => JSON.stringify(pair)));
}

/** Where dagre puts nodes and edges. It is given numbers: a name may be anything. */
function laidOut(nodes, edges, direction) {
  const graph = new dagre.graphlib.Graph();
  const numbers = new Map(nodes.map(([name], number) => [name, String(number)]));
  graph.setGraph({ rankdir: direction, nodesep: 22, ranksep: 70, marginx: 10, marginy: 10 });
  for (const node of nodes) {
    const letters = Math.max(Math.min(node[0].length, LONGEST_NAME), figuresOf(node).length);
    graph.setNode(numbers.get(node[0]), { width: letters * LETTER + 32, height: NODE_HEIGHT });
  }
  for (const [from, to, count] of edges) {
    const label = { width: edgeLabel(count).length * 6.5 + 34, height: 16, labelpos: "c" };
    graph.setEdge(numbers.get(from), numbers.get(to), label);
  }
  dagre.layout(graph);
  return {
    width: graph.graph().width,
    height: graph.graph().height,
    nodeOf: ([name]) => graph.node(numbers.get(name)),
    edgeOf: ([from, to]) => graph.edge(numbers.get(from), numbers.get(to)),
  };
}

function figuresOf([, resumptions, time]) {
  return `${resumptions.toLocaleString("en")} × · ${duration(time)}`;
}

function edgeLabel(count) {
  return `${count.toLocaleString("en")} ×`;
}

const SIGNS = { cycle: "⟲ ", inversion: "⇄ " };

function edgeShape([from, to, count, time, place, threads], { points, x, y }, kinds) {
  const [first, ...rest] = points;
  let way = `M${first.x},${first.y}`;
  for (let it = 0; it < rest.length - 1; it++) {
    const end = it < rest.length - 2 ? between(rest[it], rest[it + 1]) : rest[it + 1];
    way += `Q${rest[it].x},${rest[it].y} ${end.x},${end.y}`;
  }
  const found = Object.keys(SIGNS).filter((it) => kinds[it]);
  const kind = found[0] ?? "plain";
  const label = found.map((it) => SIGNS[it]).join("") + edgeLabel(count);
  const calls = `${from} → ${to}: ${inWords(count, "call")}, ${duration(time)}`;
  const told = [calls, place, threads.join(", ")].join("\n");
  const width = label.length * 6.5 + 8;
  return shape(
    "g",
    { class: `edge ${kind}` },
    shape("title", {}, told),
    shape("path", { d: way, "marker-end": `url(#head-${kind})` }),
    shape("rect", { x: x - width / 2, y: y - 9, width, height: 18, rx: 4 }),
    shape("text", { x, y: y + 4, "text-anchor": "middle" }, label),
  );
}

function between(one, other) {
  return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 };
}

function arrowHeads() {
  const heads = ["plain", "cycle", "inversion"].map((kind) =>
    shape(
      "marker",
      {
        id: `head-${kind}`,
        class: `head ${kind}`,
        viewBox: "0 0 10 10",
        refX: 9,
        refY: 5,
        markerWidth: 8,
        markerHeight: 8,
        markerUnits: "userSpaceOnUse",
        orient: "auto-start-reverse",
      },
      shape("path", { d: "M0,0 L10,5 L0,10 z" }),
    ),
  );
  return shape("defs", {}, ...heads);
}
