// The call graph: which coroutine drove which, laid out by dagre and drawn as a picture.

const MOST_EDGES = 120;
const MOST_LINKS = 500;
const MOST_THREADS = 4;
const LOOP = 30; // how far a loop goes from its box
const NODE_HEIGHT = 44;
const LETTER = 7.3;
const LONGEST_NAME = 30;

class CallGraph {
  constructor(box, links, colours, find) {
    Object.assign(this, { box, links, colours, find });
  }

  draw(graph) {
    const { nodes, edges } = drawable(graph);
    this.links.replaceChildren(...linkTable(graph));
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
    const kindsOf = kindsIn(graph);
    for (const edge of edges) picture.append(edgeShape(edge, best.wayOf(edge), kindsOf(edge)));
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
    if (guard < 0) return "var(--many)";
    return guards[guard].name === name ? this.colours.styleOf(guard) : this.colours.baseOf(guard);
  }
}

/** As much of a graph as can be read, and laid out at once: what was found wrong, and most time. */
function drawable(graph) {
  const kindsOf = kindsIn(graph);
  const isMarked = (edge) => Number(kindsOf(edge).length > 0);
  const edges = [...graph.edges]
    .sort((one, other) => isMarked(other) - isMarked(one) || other[3] - one[3])
    .slice(0, MOST_EDGES);
  const linked = new Set(edges.flatMap(([from, to]) => [from, to]));
  return { edges, nodes: graph.nodes.filter(([name]) => linked.has(name)) };
}

const SIGNS = { cycle: "⟲ ", possible: "⟲? ", inversion: "⇄ " };

/** What was found about an edge, the worst first: a function that tells it. */
function kindsIn({ cyclic, possible, inverted }) {
  const pairs = (found) => new Set(found.map((pair) => JSON.stringify(pair)));
  const marked = { cycle: pairs(cyclic), possible: pairs(possible), inversion: pairs(inverted) };
  return ([from, to]) =>
    Object.keys(SIGNS).filter((kind) => marked[kind].has(JSON.stringify([from, to])));
}

/** The links in words: for the keyboard, for paper, and all of them. */
function linkTable(graph) {
  if (!graph.edges.length) return [];
  const kindsOf = kindsIn(graph);
  const titles = ["driver", "driven", "calls", "time", "for example at", "in"];
  const isFigure = (column) => column === 2 || column === 3;
  const cell = (kind) => (content, column) =>
    element(kind, { class: isFigure(column) ? "figure" : "" }, content);
  const row = (edge) => {
    const [from, to, count, time, place, threads] = edge;
    const signs = kindsOf(edge).map((kind) => SIGNS[kind]);
    const where = element("span", { title: place }, place ? shortPlace(place) : "–");
    const cells = [from, signs.join("") + to, edgeLabel(count), duration(time), where];
    return element("tr", {}, ...[...cells, someOf(threads)].map(cell("td")));
  };
  const edges = [...graph.edges].sort((one, other) => other[3] - one[3]);
  const shown = edges.slice(0, MOST_LINKS);
  const table = element(
    "table",
    {},
    element("thead", {}, element("tr", {}, ...titles.map(cell("th")))),
    element("tbody", {}, ...shown.map(row)),
  );
  const left = edges.length - shown.length;
  return [
    element("summary", {}, `${inWords(edges.length, "link")}, with a line that made each`),
    element("div", { class: "scrolling" }, table),
    ...(left ? [element("p", { class: "quiet" }, `and ${inWords(left, "more link")}`)] : []),
  ];
}

function someOf(names) {
  const left = names.length - MOST_THREADS;
  const shown = names.slice(0, MOST_THREADS).join(", ");
  return left > 0 ? `${shown} and ${left} more` : shown;
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
  const nodeOf = ([name]) => graph.node(numbers.get(name));
  const wayOf = ([from, to]) =>
    from === to
      ? loopAt(graph.node(numbers.get(from)), direction)
      : along(graph.edge(numbers.get(from), numbers.get(to)));
  const loops = edges.filter(([from, to]) => from === to).map(wayOf);
  return {
    width: Math.max(graph.graph().width, ...loops.map((it) => it.right)),
    height: Math.max(graph.graph().height, ...loops.map((it) => it.bottom)),
    nodeOf,
    wayOf,
  };
}

/** A smooth line through the points of an edge: so its label, which is at one of them, is on it. */
function along({ points, x, y }) {
  const at = (place) => points[Math.max(0, Math.min(points.length - 1, place))];
  let line = `M${points[0].x},${points[0].y}`;
  for (let it = 0; it < points.length - 1; it++) {
    const [before, from, to, after] = [it - 1, it, it + 1, it + 2].map(at);
    const [x1, y1] = [from.x + (to.x - before.x) / 6, from.y + (to.y - before.y) / 6];
    const [x2, y2] = [to.x - (after.x - from.x) / 6, to.y - (after.y - from.y) / 6];
    line += `C${x1},${y1} ${x2},${y2} ${to.x},${to.y}`;
  }
  return { line, x, y };
}

/** A loop from a box back to itself, on the side where dagre has left room for one. */
function loopAt({ x, y, width, height }, direction) {
  if (direction === "LR") {
    const [edge, low] = [y + height / 2, y + height / 2 + LOOP * 1.35];
    const [from, to] = [`M${x - LOOP / 2},${edge}`, `${x + LOOP / 2},${edge}`];
    const line = `${from}C${x - LOOP},${low} ${x + LOOP},${low} ${to}`;
    return { line, x, y: edge + LOOP + 10, right: 0, bottom: edge + LOOP + 26 };
  }
  const [edge, far] = [x + width / 2, x + width / 2 + LOOP * 1.35];
  const line = `M${edge},${y - 10}C${far},${y - LOOP} ${far},${y + LOOP} ${edge},${y + 10}`;
  return { line, x: edge + LOOP + 26, y, right: edge + LOOP + 70, bottom: 0 };
}

function figuresOf([, resumptions, time]) {
  return `${resumptions.toLocaleString("en")} × · ${duration(time)}`;
}

function edgeLabel(count) {
  return `${count.toLocaleString("en")} ×`;
}

function edgeShape([from, to, count, time, place, threads], { line, x, y }, kinds) {
  const kind = kinds[0] ?? "plain";
  const label = kinds.map((it) => SIGNS[it]).join("") + edgeLabel(count);
  const calls = `${from} → ${to}: ${inWords(count, "call")}, ${duration(time)}`;
  const told = [calls, place, threads.join(", ")].join("\n");
  const width = label.length * 6.5 + 8;
  return shape(
    "g",
    { class: `edge ${kind}` },
    shape("title", {}, told),
    shape("path", { d: line, "marker-end": `url(#head-${kind})` }),
    shape("rect", { x: x - width / 2, y: y - 9, width, height: 18, rx: 4 }),
    shape("text", { x, y: y + 4, "text-anchor": "middle" }, label),
  );
}

function arrowHeads() {
  const heads = ["plain", ...Object.keys(SIGNS)].map((kind) =>
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
