"""A directed graph. Knows nothing of what its nodes stand for; nothing in it recurses."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Iterator

N = TypeVar("N", bound="Hashable")


class Digraph(Generic[N]):
    """Nodes and edges, in the order in which they were added; each edge once."""

    def __init__(self, edges: Iterable[tuple[N, N]] = ()) -> None:
        self._successors: dict[N, dict[N, None]] = {}
        for source, target in edges:
            self.add_edge(source, target)

    def add_node(self, node: N) -> None:
        """Add a node; nothing if it is there."""
        self._successors.setdefault(node, {})

    def add_edge(self, source: N, target: N) -> None:
        """Add an edge, and its nodes where they are missing."""
        self._successors.setdefault(source, {})[target] = None
        self._successors.setdefault(target, {})

    def __iter__(self) -> Iterator[N]:
        return iter(self._successors)

    def __len__(self) -> int:
        return len(self._successors)

    def successors(self, node: N) -> Collection[N]:
        """The nodes that edges lead to from `node`."""
        return self._successors[node].keys()

    def components(self) -> list[list[N]]:
        """The strongly connected components, each after all those it leads to (Tarjan, 1972)."""
        return list(_Tarjan(self).components())

    def cyclic_components(self) -> list[list[N]]:
        """The components in which some path comes back."""
        return [
            component
            for component in self.components()
            if len(component) > 1 or component[0] in self._successors[component[0]]
        ]

    def shortest_path(
        self, source: N, is_target: Callable[[N], bool], within: Collection[N]
    ) -> list[N]:
        """A shortest path of one edge or more that stays within some nodes; empty if none."""
        before: dict[N, N] = {}
        queue = deque([source])
        while queue:
            node = queue.popleft()
            for successor in self._successors[node]:
                if is_target(successor):
                    return [*_traced_back(before, node, source), successor]
                if successor in within and successor not in before and successor != source:
                    before[successor] = node
                    queue.append(successor)
        return []

    def edges_within(self, component: Collection[N]) -> list[tuple[N, N]]:
        """The edges that lead from one of some nodes to another one of these."""
        nodes = set(component)
        return [(node, to) for node in component for to in self._successors[node] if to in nodes]

    def cycle_by(self, source: N, target: N, within: Collection[N]) -> list[N]:
        """A shortest path from `source` back to itself that begins with this edge of a cycle."""
        if source == target:
            return [source, target]
        return [source, *self.shortest_path(target, source.__eq__, within)]

    def longest_path(self) -> list[N]:
        """A path through as many components as there are on any.

        In a graph without cycles that is a longest path. A cycle counts as one node on the way,
        and is crossed by a shortest path: a longest one could not be found in reasonable time.
        """
        components = self.components()
        home = {node: index for index, nodes in enumerate(components) for node in nodes}
        length = [1] * len(components)
        ahead: list[tuple[N, N] | None] = [None] * len(components)
        for index, nodes in enumerate(components):
            for node in nodes:
                for successor in self._successors[node]:
                    other = home[successor]
                    if other != index and length[other] + 1 > length[index]:
                        length[index] = length[other] + 1
                        ahead[index] = (node, successor)
        if not components:
            return []
        return self._walk(length.index(max(length)), components, home, ahead)

    def _walk(
        self,
        index: int,
        components: list[list[N]],
        home: dict[N, int],
        ahead: list[tuple[N, N] | None],
    ) -> list[N]:
        step = ahead[index]
        entry = components[index][0] if step is None else step[0]
        path = [entry]
        while step is not None:
            leave, enter = step
            if entry != leave:
                within = set(components[home[entry]])
                path += self.shortest_path(entry, leave.__eq__, within)[1:]
            path.append(enter)
            entry, step = enter, ahead[home[enter]]
        return path


class _Tarjan(Generic[N]):
    """One search for the strongly connected components."""

    def __init__(self, graph: Digraph[N]) -> None:
        self.graph = graph
        self.index: dict[N, int] = {}
        self.low: dict[N, int] = {}
        self.open: list[N] = []
        self.is_open: set[N] = set()

    def components(self) -> Iterator[list[N]]:
        for root in self.graph:
            if root not in self.index:
                yield from self._from(root)

    def _from(self, root: N) -> Iterator[list[N]]:
        work = [self._opened(root)]
        while work:
            node, successors = work[-1]
            for successor in successors:
                if successor not in self.index:
                    work.append(self._opened(successor))
                    break
                if successor in self.is_open:
                    self.low[node] = min(self.low[node], self.index[successor])
            else:
                work.pop()
                if work:
                    driver = work[-1][0]
                    self.low[driver] = min(self.low[driver], self.low[node])
                if self.low[node] == self.index[node]:
                    yield self._closed(node)

    def _opened(self, node: N) -> tuple[N, Iterator[N]]:
        self.index[node] = self.low[node] = len(self.index)
        self.open.append(node)
        self.is_open.add(node)
        return node, iter(self.graph.successors(node))

    def _closed(self, root: N) -> list[N]:
        component = []
        node = None
        while node != root:
            node = self.open.pop()
            self.is_open.discard(node)
            component.append(node)
        return component[::-1]


def _traced_back(before: dict[N, N], node: N, source: N) -> list[N]:
    path = [node]
    while path[-1] != source:
        path.append(before[path[-1]])
    return path[::-1]
