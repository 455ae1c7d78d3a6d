"""From events to the call graph: which guard drove which, and what may come of that."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from genlock._text import in_mermaid
from genlock._traces import _nesting
from genlock._traces._both_orders import both_orders
from genlock._traces._events import by_function, told_apart
from genlock._traces._graph import Digraph
from genlock._traces._paths import Paths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genlock._records import Site
    from genlock._traces._events import Event, Trace
    from genlock._traces._nesting import Around
    from genlock._traces._paths import Step


@dataclass(slots=True)
class Node:
    """A guard, or all guards of one function, and what happened to it. Times in nanoseconds.

    `time` is that inside, with what it drove; `own_time` without.
    """

    name: str
    resumptions: int = 0
    time: int = 0
    own_time: int = 0
    waited: int = 0


@dataclass(slots=True)
class Edge:
    """`driver` was inside its generator when it called `driven`: how often, and for how long.

    `site` is one line that did it, `threads` the names of those in which it happened.
    """

    driver: str
    driven: str
    count: int = 0
    time: int = 0
    site: Site | None = None
    threads: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Cycle:
    """A path of calls that comes back to where it began: its first name is its last.

    `sites` are the lines of the calls. With `is_reentry` it happened as one path, in one thread:
    the call met its own generator. Else its parts were seen, at different times or in different
    threads; `others` are then further names from which there are ways in and out of this cycle.
    With `is_recursion` these are functions that drove one another through ever other guards, none
    of which can come back to itself.
    """

    path: tuple[str, ...]
    sites: tuple[Site | None, ...]
    is_reentry: bool
    others: tuple[str, ...] = ()
    is_recursion: bool = False


@dataclass(frozen=True, slots=True)
class Inversion:
    """`first` was held when `second` was called, and elsewhere the other way round.

    A potential deadlock: two threads that do so at one moment wait for each other. `site` and
    `threads` are of the one order, `other_site` and `other_threads` of the other.
    """

    first: str
    second: str
    site: Site | None
    threads: tuple[str, ...]
    other_site: Site | None
    other_threads: tuple[str, ...]


class CallGraph:
    """Which guards drove which; made by `Recording.call_graph`. Times in nanoseconds."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._edges: dict[tuple[str, str], Edge] = {}
        # By the numbers of guards: two functions may drive each other's guards, and never meet.
        self._names: dict[int, str] = {}
        self._pairs: dict[tuple[int, int], None] = {}
        self._reentries: dict[tuple[str, ...], Cycle] = {}
        self._paths = Paths()
        # The calls that would have waited for a guard while others were held.
        self._calls: dict[Step, Site | None] = {}

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Everything that was called, in the order of names."""
        return tuple(sorted(self._nodes.values(), key=lambda node: node.name))

    @property
    def edges(self) -> tuple[Edge, ...]:
        """What drove what, in the order of names."""
        return tuple(sorted(self._edges.values(), key=lambda edge: (edge.driver, edge.driven)))

    def cycles(self) -> tuple[Cycle, ...]:
        """Calls that came back to their own generator, then paths that would come back.

        Of the latter, one for each group of guards that can all be reached from one another, and
        by more calls than those that came back.
        """
        graph = self._digraph()
        found = list(self._reentries.values())
        known = {pair for cycle in found for pair in pairwise(cycle.path)}
        for component in graph.cyclic_components():
            pairs = graph.edges_within(component)
            if not known.issuperset(pairs):
                first = min(pair for pair in pairs if pair not in known)
                found.append(self._cycle_by(first, graph, component))
        return tuple(found)

    def _cycle_by(self, pair: tuple[str, str], graph: Digraph[str], component: list[str]) -> Cycle:
        path = graph.cycle_by(*pair, set(component))
        sites = tuple(self._edges[pair].site for pair in pairwise(path))
        others = tuple(sorted(set(component).difference(path)))
        is_recursion = self._may_come_back.isdisjoint(path)
        return Cycle(tuple(path), sites, False, others, is_recursion)

    @property
    def _may_come_back(self) -> set[str]:
        """The names of the guards that can be reached from themselves."""
        components = Digraph(self._pairs).cyclic_components()
        return {self._names[number] for component in components for number in component}

    def inversions(self) -> tuple[Inversion, ...]:
        """Pairs that were taken in one order here and in the other order in another thread.

        Potential deadlocks, whether or not the threads ever met. Left out are pairs that were
        taken inside of one and the same third guard each time: that lets one thread in at a time;
        and calls that would not have waited.
        """
        found: dict[tuple[str, str], Inversion] = {}
        orders = both_orders(self._paths, self._calls)
        for (first, second), order in orders.items():
            other = orders.get((second, first))
            if other is None or order.within & other.within:
                continue
            names = self._names[first], self._names[second]
            if names[0] <= names[1] and len(order.threads.keys() | other.threads.keys()) > 1:
                found.setdefault(names, Inversion(*names, *order.told(), *other.told()))
        return tuple(found[names] for names in sorted(found))

    def longest_path(self) -> tuple[str, ...]:
        """The names on a longest path of edges; a cycle counts as one step of it."""
        return tuple(self._digraph().longest_path())

    def busiest(self, count: int = 5) -> tuple[Node, ...]:
        """The nodes with the most time of their own, that first."""
        nodes = sorted(self._nodes.values(), key=lambda node: (-node.own_time, node.name))
        return tuple(nodes[:count])

    def to_dot(self) -> str:
        """The graph in the language of Graphviz."""
        lines = ["digraph genlock {"]
        lines += [f"  {_quoted(node.name)};" for node in self.nodes]
        lines += [
            f'  {_quoted(edge.driver)} -> {_quoted(edge.driven)} [label="{edge.count}"];'
            for edge in self.edges
        ]
        return "\n".join([*lines, "}"]) + "\n"

    def to_mermaid(self) -> str:
        """The graph as a Mermaid flowchart, which many pages that show Markdown draw."""
        numbers = {node.name: f"n{number}" for number, node in enumerate(self.nodes)}
        lines = ["flowchart LR"]
        lines += [f'  {number}["{in_mermaid(name)}"]' for name, number in numbers.items()]
        lines += [
            f"  {numbers[edge.driver]} -->|{edge.count}| {numbers[edge.driven]}"
            for edge in self.edges
        ]
        return "\n".join(lines) + "\n"

    def to_json(self) -> str:
        """Nodes, edges, cycles and inversions as a JSON object."""
        import json

        parts = {
            "nodes": [asdict(node) for node in self.nodes],
            "edges": [asdict(edge) for edge in self.edges],
            "cycles": [asdict(cycle) for cycle in self.cycles()],
            "inversions": [asdict(inversion) for inversion in self.inversions()],
        }
        return json.dumps(parts)

    def _digraph(self) -> Digraph[str]:
        graph: Digraph[str] = Digraph(self._edges)
        for name in self._nodes:
            graph.add_node(name)
        return graph

    # How it is put together.

    def add(self, event: Event, around: Around | None, me: str) -> None:
        """Add an event, the calls that it was made inside of, and the name of its guard.

        Those calls have been added before.
        """
        self._names[event.guard.number] = me
        node = self._node(me)
        took = event.end - event.begin if event.is_resumption else 0
        node.resumptions += event.is_resumption
        node.waited += event.waited
        node.time += took
        node.own_time += took
        if event.outcome == "deferred":
            return
        step = self._paths.step(event, around)
        if step.outer is not None and _may_wait(event):
            self._calls.setdefault(step, event.site)
        if step.is_exclusive:
            return
        if step.driver is not None:
            self._pairs[step.driver.number, step.number] = None
            self._drive(self._names[step.driver.number], me, event, took)
        if step.is_reentry:
            self._note_reentry(event, around)

    def _node(self, name: str) -> Node:
        return self._nodes.get(name) or self._nodes.setdefault(name, Node(name))

    def _drive(self, driver: str, driven: str, event: Event, took: int) -> None:
        pair = driver, driven
        edge = self._edges.get(pair) or self._edges.setdefault(pair, Edge(*pair))
        edge.count += 1
        edge.time += took
        edge.site = edge.site or event.site
        if event.thread.name not in edge.threads:
            edge.threads.append(event.thread.name)
        self._node(driver).own_time -= took

    def _note_reentry(self, event: Event, around: Around | None) -> None:
        calls = [event]
        for outer in _outwards(around):
            if outer.operation != "exclusive":
                calls.append(outer)
                if outer.guard.number == event.guard.number:
                    break
        calls.reverse()
        names = tuple(self._names[it.guard.number] for it in calls)
        if names not in self._reentries:
            sites = tuple(it.site for it in calls[1:])
            self._reentries[names] = Cycle(names, sites, is_reentry=True)


def _outwards(around: Around | None) -> Iterator[Event]:
    while around is not None:
        yield around.event
        around = around.outer


def _may_wait(event: Event) -> bool:
    """Whether the call would have waited, had another thread been inside.

    Not so of a guard that refuses then, and of a call that is delivered to its generator.
    """
    return event.guard.waits and not event.deferred


def call_graph(trace: Trace, *, by: str = "guard") -> CallGraph:
    """The call graph of a trace, by "guard" or by "function"; ValueError for anything else."""
    if by not in ("guard", "function"):
        raise ValueError(f"a call graph is made by 'guard' or by 'function', not {by!r}")
    names = told_apart(trace.guards) if by == "guard" else by_function(trace.guards)
    graph = CallGraph()
    for place in _nesting.placed(trace.events):
        graph.add(place.event, place.around, names[place.event.guard.number])
    return graph


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
