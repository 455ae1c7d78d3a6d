"""hammer() raises all that goes wrong in its threads, and says where those are that hang."""

from __future__ import annotations

import re
import sys
import threading
from typing import TYPE_CHECKING

import pytest

import genlock
from crew import PATIENCE, until
from genlock.testing import hammer

if TYPE_CHECKING:
    from collections.abc import Generator


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


@pytest.mark.parametrize("numbers", [{"threads": 0}, {"rounds": 0}])
def test_nothing_to_do_is_refused(numbers: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be 1 or more"):
        hammer(print, **numbers)
