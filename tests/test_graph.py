"""The graph against a naive transitive closure, on graphs drawn at random with kept seeds."""

from __future__ import annotations

import random
import time
from itertools import pairwise

import pytest

from genlock._traces._graph import Digraph

Edges = set[tuple[int, int]]


def drawn(seed: int) -> tuple[list[int], Edges]:
    chance = random.Random(seed)
    count = chance.randint(1, 12)
    density = chance.choice([0.05, 0.1, 0.2, 0.5])
    nodes = list(range(count))
    return nodes, {(a, b) for a in nodes for b in nodes if chance.random() < density}


def closure(nodes: list[int], edges: Edges) -> Edges:
    """All pairs with a path of one edge or more between them (Warshall)."""
    reached = set(edges)
    for middle in nodes:
        reached |= {(a, b) for a in nodes for b in nodes if {(a, middle), (middle, b)} <= reached}
    return reached


def graph_of(nodes: list[int], edges: Edges) -> Digraph[int]:
    graph: Digraph[int] = Digraph(sorted(edges))
    for node in nodes:
        graph.add_node(node)
    return graph


SEEDS = range(300)


def test_components_are_the_classes_of_mutual_reach() -> None:
    for seed in SEEDS:
        nodes, edges = drawn(seed)
        reached = closure(nodes, edges)
        expected = {
            frozenset(b for b in nodes if a == b or {(a, b), (b, a)} <= reached) for a in nodes
        }
        components = graph_of(nodes, edges).components()
        assert {frozenset(component) for component in components} == expected, seed
        assert sum(map(len, components)) == len(nodes), seed


def test_a_component_comes_after_all_those_it_leads_to() -> None:
    for seed in SEEDS:
        nodes, edges = drawn(seed)
        components = graph_of(nodes, edges).components()
        home = {node: place for place, component in enumerate(components) for node in component}
        assert all(home[a] >= home[b] for a, b in edges), seed


def test_the_nodes_of_cyclic_components_are_those_that_reach_themselves() -> None:
    for seed in SEEDS:
        nodes, edges = drawn(seed)
        reached = closure(nodes, edges)
        found = {node for part in graph_of(nodes, edges).cyclic_components() for node in part}
        assert found == {node for node in nodes if (node, node) in reached}, seed


def test_every_edge_of_a_cyclic_component_begins_a_cycle_that_is_one() -> None:
    for seed in SEEDS:
        nodes, edges = drawn(seed)
        graph = graph_of(nodes, edges)
        for component in graph.cyclic_components():
            within = graph.edges_within(component)
            assert set(within) == {it for it in edges if set(it) <= set(component)}, seed
            for edge in within:
                cycle = graph.cycle_by(*edge, set(component))
                assert cycle[0] == cycle[-1], seed
                assert tuple(cycle[:2]) == edge, seed
                assert set(pairwise(cycle)) <= set(within), seed
                assert len(set(cycle)) == len(cycle) - 1, seed


def longest(nodes: list[int], edges: Edges) -> int:
    """The number of nodes on a longest path, by trying all: for graphs without cycles."""

    def from_(node: int) -> int:
        return 1 + max((from_(b) for a, b in edges if a == node), default=0)

    return max(map(from_, nodes))


def test_the_longest_path_of_a_graph_without_cycles_is_one() -> None:
    for seed in SEEDS:
        nodes, edges = drawn(seed)
        edges = {(a, b) for a, b in edges if a < b}
        path = graph_of(nodes, edges).longest_path()
        assert set(pairwise(path)) <= edges, seed
        assert len(path) == longest(nodes, edges), seed


def test_the_longest_path_crosses_as_many_components_as_any() -> None:
    for seed in SEEDS:
        nodes, edges = drawn(seed)
        graph = graph_of(nodes, edges)
        components = graph.components()
        home = {node: place for place, component in enumerate(components) for node in component}
        between = {(home[a], home[b]) for a, b in edges if home[a] != home[b]}
        path = graph.longest_path()
        assert set(pairwise(path)) <= edges, seed
        assert len(set(path)) == len(path), seed
        assert len({home[node] for node in path}) == longest([*set(home.values())], between), seed


def test_an_empty_graph_has_nothing() -> None:
    graph: Digraph[int] = Digraph()
    assert (graph.components(), graph.longest_path(), len(graph)) == ([], [], 0)


@pytest.mark.parametrize("shape", ["random", "ring", "chain"])
def test_ten_thousand_nodes_take_seconds_and_no_recursion(shape: str) -> None:
    count = 10_000
    chance = random.Random(7)
    edges = {(node, node + 1) for node in range(count - 1)}
    if shape == "ring":
        edges.add((count - 1, 0))
    if shape == "random":
        edges = {(chance.randrange(count), chance.randrange(count)) for _ in range(100_000)}
    began = time.perf_counter()
    graph = graph_of(list(range(count)), edges)
    components = graph.cyclic_components()
    path = graph.longest_path()
    assert time.perf_counter() - began < 10
    assert len(path) == (count if shape == "chain" else len(path))
    assert len(components) == (0 if shape == "chain" else len(components))
    if shape == "ring":
        assert [len(component) for component in components] == [count]
        assert len(graph.cycle_by(0, 1, set(range(count)))) == count + 1
