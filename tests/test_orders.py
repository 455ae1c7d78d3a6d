"""What must not be in a recording is told in words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from genlock._records import Site
from genlock.testing import assert_no_cycle, assert_no_inversion

HERE, THERE = Site("here.py", 3, "here", "b.send(1)"), Site("there.py", 7, "there", "a.send(1)")
CYCLE = SimpleNamespace(path=("ping", "pong", "ping"), sites=(HERE, None))
INVERSION = SimpleNamespace(
    first="a", second="b", site=HERE, threads=("T1", "T2"), other_site=THERE, other_threads=("T3",)
)


def recording(cycles: tuple[object, ...] = (), inversions: tuple[object, ...] = ()) -> Any:
    graph = SimpleNamespace(cycles=lambda: cycles, inversions=lambda: inversions)
    return SimpleNamespace(call_graph=lambda: graph)


def test_without_any_it_passes() -> None:
    assert_no_cycle(recording(inversions=(INVERSION,)))
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
