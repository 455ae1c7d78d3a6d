"""hammer() raises all that goes wrong in its threads, and says where those are that hang."""

from __future__ import annotations

import re
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

import genlock
from crew import PATIENCE, Occupied, until
from crew import together as run_together
from genlock.testing import hammer

if TYPE_CHECKING:
    from collections.abc import Generator


def reading() -> Generator[str, None, None]:
    yield "never read"


def test_all_rounds_of_all_threads_are_run() -> None:
    def count() -> Generator[int, int, None]:
        total = 0
        while True:
            total += yield total

    counter = genlock.guard(count(), prime=True)
    hammer(lambda: counter.send(1), threads=4, rounds=250)
    assert counter.send(0) == 1000


def test_the_errors_of_all_threads_come_in_one_group() -> None:
    together = threading.Barrier(3)

    def fail() -> None:
        together.wait(PATIENCE)
        raise KeyError(threading.current_thread().name)

    with pytest.raises(ExceptionGroup, match="of 3 threads, 3 failed") as raised:
        hammer(fail, threads=3, rounds=5)
    names = ["hammer-1", "hammer-2", "hammer-3"]
    assert sorted(error.args[0] for error in raised.value.exceptions) == names
    for error in raised.value.exceptions:
        assert error.__notes__ == [f"genlock: raised in {error.args[0]}, round 1 of 5"]


def test_a_thread_stops_at_its_first_error() -> None:
    calls: list[int] = []

    def fail_at_third() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise KeyError

    with pytest.raises(ExceptionGroup) as raised:
        hammer(fail_at_third, threads=1, rounds=10)
    assert len(calls) == 3
    assert raised.value.exceptions[0].__notes__ == ["genlock: raised in hammer-1, round 3 of 10"]


def test_what_is_no_exception_comes_out_too() -> None:
    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(BaseExceptionGroup) as raised:
        hammer(leave, threads=1, rounds=1)
    assert not isinstance(raised.value, ExceptionGroup)


def test_threads_that_hang_are_told_with_their_lines() -> None:
    before = threading.active_count()
    leave = threading.Event()
    first = iter(["hangs"])

    def hang() -> None:
        if next(first, None):
            leave.wait(PATIENCE)

    try:
        with pytest.raises(ExceptionGroup, match="of 2 threads, 1 hang") as raised:
            hammer(hang, threads=2, rounds=3, timeout=0.3)
    finally:
        leave.set()
    (error,) = raised.value.exceptions
    assert isinstance(error, TimeoutError)
    told = str(error).splitlines()
    assert told[0] == "1 of 2 threads still run after 0.3 s:"
    where = r" +hammer-[12] +\S*test_hammer\.py:\d+ +leave\.wait\(PATIENCE\)"
    assert re.fullmatch(where, told[1])
    until(lambda: threading.active_count() <= before)


def test_threads_that_hang_come_with_a_snapshot_of_the_guards() -> None:
    with Occupied() as occupied, pytest.raises(ExceptionGroup) as raised:
        hammer(lambda: occupied.guard.send("more"), threads=1, rounds=1, timeout=0.3)
    told = str(raised.value.exceptions[0])
    assert "holder is inside 'occupied'" in told
    assert "Waiting for 'occupied':\n    hammer-1 " in told


def test_the_switch_interval_is_put_back() -> None:
    before = sys.getswitchinterval()
    during: list[float] = []

    def look() -> None:
        during.append(sys.getswitchinterval())
        raise KeyError

    with pytest.raises(ExceptionGroup):
        hammer(look, threads=2, rounds=1)
    assert during == pytest.approx([1e-6, 1e-6])
    assert sys.getswitchinterval() == before


@pytest.mark.parametrize(
    ("fn", "options", "told"),
    [
        (print, {"threads": 0}, "threads must be 1 or more, not 0"),
        (print, {"rounds": 0}, "rounds must be 1 or more, not 0"),
        (print, {"threads": "2"}, "threads must be a whole number, not '2'"),
        (print, {"rounds": 1.5}, "rounds must be a whole number, not 1.5"),
        (print, {"timeout": None}, "timeout must be a number of seconds, not None"),
        (print, {"timeout": 0}, "timeout must be more than 0 seconds, not 0"),
        (None, {}, "fn must be a function, not None"),
        (reading, {}, "fn is a generator function, 'reading': to call it runs nothing of it"),
    ],
)
def test_what_it_cannot_work_with_is_refused(fn: Any, options: dict[str, Any], told: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{told}$"):
        hammer(fn, **options)


def test_an_error_that_takes_no_notes_is_one() -> None:
    @dataclass(frozen=True)
    class Frozen(Exception):
        reason: str

    def fail() -> None:
        raise Frozen("no reason")

    with pytest.raises(ExceptionGroup) as raised:
        hammer(fail, threads=2, rounds=1)
    assert raised.value.exceptions == (Frozen("no reason"), Frozen("no reason"))


def test_no_thread_waits_for_one_that_could_not_be_started() -> None:
    before = threading.active_count()
    ran: list[None] = []
    started: list[threading.Thread] = []
    start = threading.Thread.start

    def start_two(thread: threading.Thread) -> None:
        started.append(thread)
        if len(started) == 3:
            raise RuntimeError("can't start new thread")
        start(thread)

    with (
        patch.object(threading.Thread, "start", start_two),
        pytest.raises(RuntimeError, match="can't start new thread"),
    ):
        hammer(lambda: ran.append(None), threads=3, rounds=1)
    until(lambda: threading.active_count() <= before)
    assert not ran


def test_threads_start_together() -> None:
    together: list[int] = []
    last = threading.Event()
    start = threading.Thread.start

    def start_slowly(thread: threading.Thread) -> None:
        if thread.name == "hammer-3":
            last.wait(0.2)  # what has started runs meanwhile, if nothing holds it
            together.append(len(calls))
        start(thread)

    calls: list[None] = []
    with patch.object(threading.Thread, "start", start_slowly):
        hammer(lambda: calls.append(None), threads=3, rounds=2)
    assert together == [0]
    assert len(calls) == 6


def test_who_hangs_stops_at_the_end_of_the_round() -> None:
    leave = threading.Event()
    rounds: list[None] = []

    def hang() -> None:
        rounds.append(None)
        leave.wait(PATIENCE)

    before = threading.active_count()
    with pytest.raises(ExceptionGroup):
        hammer(hang, threads=1, rounds=1000, timeout=0.2)
    leave.set()
    until(lambda: threading.active_count() <= before)
    assert len(rounds) == 1


def test_the_switch_interval_is_put_back_when_the_last_one_ends() -> None:
    before = sys.getswitchinterval()
    first_in, first_out, second_in = (threading.Event() for _ in range(3))
    seen: list[float] = []

    def first() -> None:
        def wait() -> None:
            first_in.set()
            assert second_in.wait(PATIENCE)

        hammer(wait, threads=1, rounds=1)
        first_out.set()

    def second() -> None:
        def wait() -> None:
            second_in.set()
            assert first_out.wait(PATIENCE)
            seen.append(sys.getswitchinterval())

        assert first_in.wait(PATIENCE)
        hammer(wait, threads=1, rounds=1)

    run_together(first, second)
    assert seen == pytest.approx([1e-6])
    assert sys.getswitchinterval() == before
