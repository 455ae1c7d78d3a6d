"""What must not be in a recording is told in words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import genlock
from crew import Worker
from genlock._records import Site
from genlock._traces._events import Trace
from genlock.testing import assert_no_cycle, assert_no_inversion

if TYPE_CHECKING:
    from collections.abc import Generator

HERE, THERE = Site("here.py", 3, "here", "b.send(1)"), Site("there.py", 7, "there", "a.send(1)")
CYCLE = SimpleNamespace(path=("ping", "pong", "ping"), sites=(HERE, None), is_reentry=True)
APART = SimpleNamespace(path=("a", "b", "a"), sites=(HERE, THERE), is_reentry=False)
INVERSION = SimpleNamespace(
    first="a", second="b", site=HERE, threads=("T1", "T2"), other_site=THERE, other_threads=("T3",)
)


def recording(cycles: tuple[object, ...] = (), inversions: tuple[object, ...] = ()) -> Any:
    graph = SimpleNamespace(cycles=lambda: cycles, inversions=lambda: inversions)
    return SimpleNamespace(call_graph=lambda: graph, trace=Trace())


def test_without_any_it_passes() -> None:
    assert_no_cycle(recording(cycles=(APART,), inversions=(INVERSION,)))
    assert_no_inversion(recording(cycles=(CYCLE,)))


def test_every_cycle_is_told() -> None:
    with pytest.raises(AssertionError) as raised:
        assert_no_cycle(recording(cycles=(CYCLE, CYCLE)))
    told = ["  ping → pong → ping", "    ping calls at here.py:3:  b.send(1)"]
    title = "2 call cycles: a call comes back to its own generator."
    assert str(raised.value).splitlines() == [title, *told, *told]


def test_every_inversion_is_told() -> None:
    with pytest.raises(AssertionError) as raised:
        assert_no_inversion(recording(inversions=(INVERSION,)))
    assert str(raised.value).splitlines() == [
        "1 inverted order: threads may come to wait for each other.",
        "  a → b at here.py:3, in T1, T2",
        "  b → a at there.py:7, in T3",
    ]


def test_names_reach_no_terminal_as_they_are() -> None:
    odd = "A\x1b[2J\nB"
    cycle = SimpleNamespace(path=(odd, "b", odd), sites=(HERE, None), is_reentry=True)
    with pytest.raises(AssertionError) as raised:
        assert_no_cycle(recording(cycles=(cycle,)))
    assert str(raised.value).replace("\n", "").isprintable()
    names = {"first": odd, "second": odd, "threads": (odd,), "other_threads": (odd,)}
    inversion = SimpleNamespace(**vars(INVERSION) | names)
    with pytest.raises(AssertionError) as raised:
        assert_no_inversion(recording(inversions=(inversion,)))
    assert str(raised.value).replace("\n", "").isprintable()


def relay(to: dict[str, genlock.GuardedGenerator[Any, Any, Any]]) -> Generator[None, str, None]:
    while True:
        names = yield
        if names:
            to[names[0]].send(names[1:])


@pytest.fixture
def relays() -> dict[str, genlock.GuardedGenerator[Any, Any, Any]]:
    relays: dict[str, genlock.GuardedGenerator[Any, Any, Any]] = {}
    for name in "ab":
        relays[name] = genlock.guard(relay(relays), name=name, prime=True)
    return relays


def test_a_cycle_that_was_recorded_is_told(relays: dict[str, Any]) -> None:
    with genlock.trace() as recorded, pytest.raises(genlock.ReentrantCallError):
        relays["a"].send("ba")
    assert_no_inversion(recorded)
    with pytest.raises(AssertionError) as raised:
        assert_no_cycle(recorded)
    title, path, *sites = str(raised.value).splitlines()
    assert title == "1 call cycle: a call comes back to its own generator."
    assert path == "  a → b → a"
    assert [site.rpartition(":")[0] for site in sites] == [
        "    a calls at test_orders.py",
        "    b calls at test_orders.py",
    ]


def test_an_inverted_order_that_was_recorded_is_told(relays: dict[str, Any]) -> None:
    with genlock.trace() as recorded:
        relays["a"].send("b")
        Worker(lambda: relays["b"].send("a")).result()
    assert_no_cycle(recorded)
    with pytest.raises(AssertionError) as raised:
        assert_no_inversion(recorded)
    title, one, other = str(raised.value).splitlines()
    assert title == "1 inverted order: threads may come to wait for each other."
    assert one.startswith("  a → b at test_orders.py:")
    assert other.startswith("  b → a at test_orders.py:")


@pytest.mark.parametrize("function", [assert_no_cycle, assert_no_inversion])
def test_what_a_full_buffer_has_dropped_is_no_pass(function: Any, relays: dict[str, Any]) -> None:
    with genlock.trace(size=3) as recorded:
        for _ in range(3):
            relays["a"].send("")
        function(recorded)
        relays["a"].send("")
    with pytest.raises(AssertionError) as raised:
        function(recorded)
    assert str(raised.value).splitlines() == [
        "the recording has kept 3 of 4 calls, its buffer was full: what is lost cannot be judged.",
        "  To keep more:  genlock.trace(size=…)",
    ]


@pytest.mark.parametrize("function", [assert_no_cycle, assert_no_inversion])
def test_a_recording_that_was_cut_short_is_no_pass(function: Any) -> None:
    cut = SimpleNamespace(**vars(recording()) | {"trace": Trace(cut="in line 7")})
    with pytest.raises(AssertionError, match=r"^the recording was cut short: in line 7\. What"):
        function(cut)


def test_a_cycle_in_what_is_left_is_told_all_the_same(relays: dict[str, Any]) -> None:
    with genlock.trace(size=3) as recorded:
        relays["b"].send("")
        with pytest.raises(genlock.ReentrantCallError):
            relays["a"].send("ba")
    assert recorded.dropped == 1
    with pytest.raises(AssertionError, match=r"^1 call cycle: "):
        assert_no_cycle(recorded)


@pytest.mark.parametrize("function", [assert_no_cycle, assert_no_inversion])
def test_what_is_no_recording_is_refused(function: Any) -> None:
    with pytest.raises(TypeError, match=r"^recording must be what `with .* not 5$"):
        function(5)
