"""The call graph: who drove whom, what comes back, and what is taken in both orders."""

from __future__ import annotations

import json
import random
import time
import tracemalloc
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

import genlock
from crew import Worker
from genlock._records import Site
from genlock._traces import _report_wording as wording
from genlock._traces._calls import CallGraph, call_graph
from genlock._traces._events import Event, Trace, TracedGuard, TracedThread
from traces import drawn_trace

if TYPE_CHECKING:
    from collections.abc import Iterator

GUARDS: dict[str, TracedGuard] = {
    name: TracedGuard(number, name, f"demo.{name[0]}") for number, name in enumerate("abcdeg", 1)
}
THREADS = [TracedThread(number, f"thread-{number}", number) for number in range(1, 5)]


class Calls:
    """Writes a trace: each call path, in a thread, as calls that lie within one another."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.now = 0

    def path(self, thread: int, names: str, *, refused: bool = False, held: str = "") -> Calls:
        """One call that drives the next, and so on; those in `held` are exclusive use."""
        depth = len(names)
        for place in range(depth - 1, -1, -1):
            name = names[place]
            is_refused = refused and place == depth - 1
            self.events.append(
                Event(
                    GUARDS[name],
                    THREADS[thread],
                    "exclusive" if name in held else "send",
                    self.now + 10 * place,
                    self.now + 10 * place if is_refused else self.now + 10 * (2 * depth - place),
                    "refused" if is_refused else "kept" if name in held else "yielded",
                    site=Site("demo.py", ord(name), "main"),
                )
            )
        self.now += 10 * (2 * depth + 2)
        return self

    def graph(self, by: str = "guard") -> CallGraph:
        return call_graph(Trace(tuple(self.events)), by=by)


def test_edges_count_calls_and_add_up_times() -> None:
    graph = Calls().path(0, "abc").path(1, "ab").graph()
    edges = [(it.driver, it.driven, it.count, it.time, it.threads) for it in graph.edges]
    assert edges == [
        ("a", "b", 2, 40 + 20, ["thread-1", "thread-2"]),
        ("b", "c", 1, 20, ["thread-1"]),
    ]
    assert graph.edges[0].site == Site("demo.py", ord("b"), "main")
    nodes = {node.name: (node.resumptions, node.time, node.own_time) for node in graph.nodes}
    assert nodes == {"a": (2, 60 + 40, 40), "b": (2, 40 + 20, 40), "c": (1, 20, 20)}


def test_a_reentry_is_a_cycle_that_happened() -> None:
    (cycle,) = Calls().path(0, "abcb", refused=True).graph().cycles()
    assert cycle.path == ("b", "c", "b")
    assert [site and chr(site.line) for site in cycle.sites] == ["c", "b"]
    assert cycle.is_reentry


def test_parts_that_would_come_back_are_a_possible_cycle() -> None:
    (cycle,) = Calls().path(0, "ab").path(0, "bc").path(1, "ca").graph().cycles()
    assert cycle.path == ("a", "b", "c", "a")
    assert not cycle.is_reentry


def test_calls_that_lead_one_way_are_no_cycle() -> None:
    assert Calls().path(0, "abc").path(1, "ac").path(2, "bc").graph().cycles() == ()


def test_both_orders_in_two_threads_are_an_inversion_with_both_sites() -> None:
    (found,) = Calls().path(0, "ab").path(1, "ba").graph().inversions()
    assert (found.first, found.second) == ("a", "b")
    assert (found.threads, found.other_threads) == (("thread-1",), ("thread-2",))
    assert found.site
    assert found.other_site
    assert (chr(found.site.line), chr(found.other_site.line)) == ("b", "a")


def test_an_inversion_by_way_of_others_is_found() -> None:
    (found,) = Calls().path(0, "acb").path(1, "bda").graph().inversions()
    assert (found.first, found.second) == ("a", "b")


def test_both_orders_in_one_thread_are_no_inversion() -> None:
    assert Calls().path(0, "ab").path(0, "ba").graph().inversions() == ()


def test_an_order_that_a_third_guard_keeps_apart_is_no_inversion() -> None:
    assert Calls().path(0, "gab").path(1, "gba").graph().inversions() == ()
    assert len(Calls().path(0, "gab").path(1, "ba").graph().inversions()) == 1
    assert len(Calls().path(0, "gab").path(1, "gba").path(2, "ab").graph().inversions()) == 1


def test_guards_that_never_wait_are_in_no_inversion() -> None:
    def inversions(*changed: str, **facts: object) -> int:
        calls = Calls().path(0, "ab").path(1, "ba")
        calls.events = [
            replace(it, **facts)  # type: ignore[arg-type]
            if it.guard.name in changed and is_inner(it, calls)
            else it
            for it in calls.events
        ]
        return len(calls.graph().inversions())

    def is_inner(event: Event, calls: Calls) -> bool:
        return any(it.begin < event.begin < event.end < it.end for it in calls.events)

    impatient = replace(GUARDS["b"], waits=False)
    assert inversions() == 1
    assert inversions("b", guard=impatient) == 0
    assert inversions("b", deferred=5) == 0


def test_a_recorded_guard_tells_whether_it_waits() -> None:
    with genlock.trace() as recording:
        for options in ({}, {"on_busy": "raise"}, {"timeout": 0}, {"timeout": 1}):
            next(genlock.guard(iter([1]), **options))
    assert [it.guard.waits for it in recording.events] == [True, False, False, True]


def test_functions_whose_guards_never_meet_are_in_no_inversion() -> None:
    calls = Calls().path(0, "ab")
    other = Calls().path(1, "ba").events
    calls.events += [
        replace(it, guard=replace(it.guard, number=it.guard.number + 50)) for it in other
    ]
    assert calls.graph("function").inversions() == ()
    assert len(Calls().path(0, "ab").path(1, "ba").graph("function").inversions()) == 1


def test_guards_of_one_function_that_a_caller_of_its_own_keeps_apart_may_still_meet() -> None:
    """Within g, but not the same g: functions would hide it."""
    calls = Calls().path(0, "gab")
    other = Calls().path(1, "gba").events
    calls.events += [
        replace(it, guard=replace(it.guard, number=77)) if it.guard.name == "g" else it
        for it in other
    ]
    assert len(calls.graph("function").inversions()) == 1
    assert len(calls.graph().inversions()) == 1


def test_reentries_hide_no_cycle_that_leads_through_them() -> None:
    calls = Calls().path(0, "aba", refused=True).path(0, "cdc", refused=True)
    assert [it.path for it in calls.graph().cycles()] == [("a", "b", "a"), ("c", "d", "c")]
    found = calls.path(0, "bc").path(1, "da").graph().cycles()[2:]
    assert [(it.path, it.is_reentry) for it in found] == [(("b", "c", "d", "a", "b"), False)]


def test_a_function_that_drives_other_guards_of_its_own_is_recursion_and_no_cycle() -> None:
    def tree(depth: int) -> Iterator[int]:
        yield depth
        if depth:
            yield from genlock.guard(tree(depth - 1), name=f"tree {depth - 1}")

    with genlock.trace() as recording:
        assert list(genlock.guard(tree(3), name="tree 3")) == [3, 2, 1, 0]
    assert recording.call_graph().cycles() == ()
    (cycle,) = recording.call_graph(by="function").cycles()
    assert cycle.is_recursion
    assert wording.cycle(cycle)[0].startswith("Recursion: ")
    (possible,) = Calls().path(0, "ab").path(1, "ba").graph("function").cycles()
    assert not possible.is_recursion


def test_exclusive_use_counts_for_the_order_but_drives_nothing() -> None:
    graph = Calls().path(0, "ab", held="a").path(1, "ba", held="b").graph()
    assert graph.edges == ()
    assert graph.cycles() == ()
    assert len(graph.inversions()) == 1


def test_exclusive_use_and_a_call_of_the_same_guard_is_no_cycle() -> None:
    calls = Calls()
    calls.events = [
        Event(GUARDS["a"], THREADS[0], "send", 10, 20),
        Event(GUARDS["a"], THREADS[0], "exclusive", 0, 30, "kept"),
    ]
    assert calls.graph().cycles() == ()


def test_by_function_guards_of_one_function_are_one_node() -> None:
    other = TracedGuard(77, "a", "demo.a")
    calls = Calls().path(0, "ab")
    calls.events.append(Event(other, THREADS[0], "send", 900, 910))
    assert [node.name for node in calls.graph(by="function").nodes] == ["demo.a", "demo.b"]
    assert [node.name for node in calls.graph().nodes] == ["a#1", "a#77", "b"]
    with pytest.raises(ValueError, match="by 'guard' or by 'function', not 'thread'"):
        calls.graph(by="thread")


def test_the_longest_path_and_the_busiest() -> None:
    graph = Calls().path(0, "abc").path(1, "cd").path(2, "ce").graph()
    assert graph.longest_path() in (("a", "b", "c", "d"), ("a", "b", "c", "e"))
    busiest = graph.busiest(2)
    assert len(busiest) == 2
    assert busiest[0].own_time == max(node.own_time for node in graph.nodes)


def test_forms_for_others() -> None:
    calls = Calls().path(0, "ab")
    odd = TracedGuard(9, 'o"d\\<d>\n')
    calls.events.append(Event(odd, THREADS[0], "send", 900, 910))
    graph = calls.graph()
    assert graph.to_dot() == (
        'digraph genlock {\n  "a";\n  "b";\n  "o\\"d\\\\<d>\\n";\n  "a" -> "b" [label="1"];\n}\n'
    )
    assert graph.to_mermaid() == (
        'flowchart LR\n  n0["a"]\n  n1["b"]\n  n2["o#34;d#92;#60;d#62;#92;n"]\n  n0 -->|1| n1\n'
    )
    told = json.loads(graph.to_json())
    assert [node["name"] for node in told["nodes"]] == ["a", "b", odd.name]
    assert told["edges"][0]["count"] == 1
    assert told["cycles"] == told["inversions"] == []


def test_cycles_and_inversions_of_drawn_traces_are_those_of_the_naive_way() -> None:
    found_some = [0, 0]
    for seed in range(200):
        chance = random.Random(seed)
        calls = Calls()
        for _ in range(chance.randint(1, 6)):
            names = "".join(chance.sample("abcde", chance.randint(1, 5)))
            calls.path(chance.randrange(3), names)
        graph = calls.graph()
        paths = naive_paths(calls.events)
        cyclic = naive_cyclic({pair for path, _ in paths for pair in pairwise(path)})
        in_cycles = {name for cycle in graph.cycles() for name in (*cycle.path, *cycle.others)}
        assert in_cycles == cyclic, seed
        inverted = {(it.first, it.second) for it in graph.inversions()}
        assert inverted == naive_inversions(paths), seed
        found_some[0] += bool(cyclic)
        found_some[1] += bool(inverted)
    assert min(found_some) > 20


Paths = list[tuple[str, TracedThread]]


def naive_paths(events: list[Event]) -> Paths:
    """Every call with those around it, found by comparing all with all."""
    return [
        (
            "".join(
                other.guard.name
                for other in sorted(events, key=lambda it: it.begin)
                if other.thread == event.thread
                and other.begin <= event.begin
                and event.end <= other.end
            ),
            event.thread,
        )
        for event in events
    ]


def naive_cyclic(edges: set[tuple[str, str]]) -> set[str]:
    reached = set(edges)
    while True:
        more = {(a, d) for a, b in reached for c, d in reached if b == c} - reached
        if not more:
            return {a for a, b in reached if a == b}
        reached |= more


def naive_inversions(paths: Paths) -> set[tuple[str, str]]:
    orders: dict[tuple[str, str], list[tuple[set[str], TracedThread]]] = {}
    for path, thread in paths:
        for place, first in enumerate(path[:-1]):
            orders.setdefault((first, path[-1]), []).append((set(path[:place]), thread))
    found = set()
    for (first, second), seen in orders.items():
        others = orders.get((second, first), [])
        if first > second or not others:
            continue
        common = set.intersection(*(within for within, _ in [*seen, *others]))
        if len({thread for _, thread in [*seen, *others]}) > 1 and not common:
            found.add((first, second))
    return found


def test_a_hundred_thousand_calls_in_four_threads_take_seconds() -> None:
    chance = random.Random(3)
    guards = [TracedGuard(number, f"guard-{number}") for number in range(10_000)]
    events = []
    seen: dict[tuple[int, int], set[int]] = {}
    for number in range(100_000):
        driver, driven = chance.sample(guards, 2)
        thread = chance.choice(THREADS)
        begin = number * 10
        events.append(Event(driven, thread, "send", begin + 2, begin + 4))
        events.append(Event(driver, thread, "send", begin, begin + 8))
        seen.setdefault((driver.number, driven.number), set()).add(thread.number)
    began = time.process_time()
    graph = call_graph(Trace(tuple(events)))
    cycles, path, inversions = graph.cycles(), graph.longest_path(), graph.inversions()
    assert time.process_time() - began < 15
    assert len(graph.edges) == len(seen)
    assert cycles
    assert path
    both = {
        frozenset((f"guard-{one}", f"guard-{other}"))
        for one, other in seen
        if len(seen[one, other] | seen.get((other, one), seen[one, other])) > 1
        and (other, one) in seen
    }
    assert both
    assert {frozenset((it.first, it.second)) for it in inversions} == both


def deep_events(depth: int, passes: int) -> list[Event]:
    """Calls through a pipeline of so many stages."""
    stages = [TracedGuard(level + 1, f"stage-{level}") for level in range(depth)]
    return [
        Event(stages[level], THREADS[0], "send", start + level, start + 2 * depth - 1 - level)
        for start in range(0, passes * 2 * depth, 2 * depth)
        for level in reversed(range(depth))
    ]


def test_events_of_a_deep_pipeline_take_seconds() -> None:
    depth = 2_000
    events = tuple(deep_events(depth, passes=20))
    begun = time.process_time()
    graph = call_graph(Trace(events))
    assert len(graph.longest_path()) == depth
    assert not graph.inversions()
    assert not graph.cycles()
    assert time.process_time() - begun < 20


def test_what_a_graph_takes_grows_with_the_depth_and_with_no_power_of_it() -> None:
    def taken(depth: int) -> int:
        trace = Trace(tuple(deep_events(depth, passes=1)))
        tracemalloc.start()
        try:
            call_graph(trace).inversions()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert taken(400) < 8 * taken(100)


def test_a_recorded_cycle_and_a_recorded_inversion() -> None:
    def drive(target: str) -> object:
        while True:
            if (yield) == "go on":
                guards[target].send("stop")

    guards: dict[str, genlock.GuardedGenerator[object, object, object]] = {}
    for name, target in (("left", "right"), ("right", "left")):
        guards[name] = genlock.guard(drive(target), prime=True, name=name)  # type: ignore[call-overload]
    with genlock.trace() as recording:
        Worker(lambda: guards["left"].send("go on"), name="one").result()
        Worker(lambda: guards["right"].send("go on"), name="two").result()
    graph = recording.call_graph()
    (inversion,) = graph.inversions()
    assert (inversion.threads, inversion.other_threads) == (("one",), ("two",))
    (cycle,) = graph.cycles()
    assert cycle.path == ("left", "right", "left")


def test_drawn_traces_make_graphs_whose_times_add_up() -> None:
    for seed in range(20):
        graph = call_graph(drawn_trace(seed))
        assert all(node.own_time <= node.time for node in graph.nodes), seed
