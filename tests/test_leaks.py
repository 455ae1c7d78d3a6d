"""leaks() tells which guards were left suspended, and who made them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import genlock
from crew import Worker
from genlock import _guard
from genlock._gates import gate_for
from genlock.testing import Leak, leaks

if TYPE_CHECKING:
    from collections.abc import Generator

HERE = "test_leaks.py"


@genlock.guarded
def reader(file: str = "") -> Generator[str, None, None]:
    try:
        yield file  # left here
        yield "next"
    finally:
        del file


def line_of(text: str) -> int:
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if f"# {text}" in line)


def test_a_guard_that_is_left_suspended_is_named_with_its_lines() -> None:
    with pytest.raises(AssertionError) as raised, leaks() as left:
        one = reader()  # made here
        next(one)
    made_at = line_of("made here")
    (leak,) = left
    assert isinstance(leak, Leak)
    assert (leak.name, leak.made_at and leak.made_at.line) == ("reader", made_at)
    told = str(raised.value).splitlines()
    assert told[0] == "1 guard left suspended:"
    assert f"{HERE}:{made_at}, is at " in told[1]
    assert told[1].endswith(f"{HERE}:{line_of('left here')}:  yield file  # left here")
    one.close()


def test_what_is_closed_or_ended_or_was_not_started_is_not_left() -> None:
    with leaks() as left:
        closed, ended, _unstarted = reader(), reader(), reader()
        next(closed)
        closed.close()
        list(ended)
        genlock.guard(iter([1]))
    assert left == []


def test_what_nobody_can_reach_is_not_left() -> None:
    with leaks():
        next(reader())
        cycle: list[Any] = [reader()]
        next(cycle[0])
        cycle.append(cycle)
        del cycle


def test_guards_made_before_or_after_are_not_looked_at() -> None:
    before = reader()
    with leaks():
        next(before)
    after = reader()
    next(after)
    assert _guard.make_gate is gate_for


def test_guards_of_other_threads_are_looked_at() -> None:
    def make() -> Any:
        made = reader("of a thread")
        next(made)
        return made

    with pytest.raises(AssertionError, match="1 guard left suspended"), leaks():
        kept = Worker(make).result()
    kept.close()


def test_blocks_within_blocks_see_their_own() -> None:
    kept = []
    with pytest.raises(AssertionError, match="2 guards left suspended"), leaks():
        with pytest.raises(AssertionError, match="1 guard left suspended"), leaks():
            kept.append(reader())
            next(kept[-1])
        kept.append(reader())
        next(kept[-1])


def test_it_can_warn() -> None:
    def leave_one() -> Any:
        with leaks(on_leak="warn"):
            kept = reader()
            next(kept)
        return kept

    with pytest.warns(ResourceWarning, match="1 guard left suspended") as warned:
        leave_one().close()
    assert warned[0].filename == __file__


def test_it_can_do_nothing_else() -> None:
    with pytest.raises(ValueError, match="must be 'error' or 'warn', not 'no'"):
        leaks(on_leak="no").__enter__()  # type: ignore[arg-type]


def test_an_error_in_the_block_comes_out_as_it_is() -> None:
    with pytest.raises(KeyError), leaks():
        kept = reader()
        next(kept)
        raise KeyError
    assert sys.exc_info() == (None, None, None)
