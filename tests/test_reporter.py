"""What a program catches is told of once each, by one thread, when it has settled."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from crew import together, until
from genlock import _reporter
from genlock._explain import explain
from genlock._lookout import Seen
from genlock._reporter import Reporter

ERROR = TypeError("can't send non-None value to a just-started generator")


def seen_at(line: int) -> Seen:
    return Seen((f"{line}.py", compile("0", f"{line}.py", "eval"), 0), 1)


def test_one_that_comes_beside_another_is_told_of_like_that() -> None:
    told: list[object] = []
    reporter = Reporter(lambda _, facts: told.append(facts["fate"]), tells_caught=True)
    # As where another thread has got as far as this, and is about to see who tells.
    reporter._unsettled.append((time.monotonic(), seen_at(1), explain(ERROR)))
    reporter._notice(ERROR, seen_at(2))
    until(lambda: len(told) == 2)
    assert told == ["caught", "caught"]
    until(lambda: not reporter._is_teller_at_work.locked())


def test_all_that_threads_notice_at_once_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(_reporter, "_SETTLED_AFTER", 0.0)
    reporter = Reporter(lambda _, facts: told.append(facts["fate"]), tells_caught=True)

    def notice() -> None:
        for line in range(25):
            reporter._notice(ERROR, seen_at(line))

    together(*[notice] * 4)
    until(lambda: len(told) == 100)


def test_one_that_comes_while_another_is_told_of_has_its_time_to_settle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    told: list[float] = []

    def sleep(seconds: float) -> None:
        now[0] += seconds

    def write(*_: object) -> None:
        told.append(now[0])
        if len(told) == 1:
            reporter._notice(ERROR, seen_at(2))

    clock = SimpleNamespace(monotonic=lambda: now[0], sleep=sleep)
    monkeypatch.setattr(_reporter, "time", clock)
    reporter = Reporter(write, tells_caught=True)
    reporter._notice(ERROR, seen_at(1))
    until(lambda: len(told) == 2)
    assert told == pytest.approx([0.1, 0.2])
    until(lambda: not reporter._is_teller_at_work.locked())


def test_of_several_that_would_tell_of_an_error_one_does() -> None:
    for _ in range(50):
        seen = seen_at(1)
        assert sorted(together(*[seen.is_to_be_told] * 4)) == [False, False, False, True]
        assert seen.is_told


def test_where_no_thread_can_be_started_the_end_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    told: list[object] = []
    reporter = Reporter(lambda _, facts: told.append(facts["genlock"]), tells_caught=True)
    with monkeypatch.context() as patch:
        patch.setattr("_thread.start_new_thread", refuse)
        reporter._notice(ERROR, seen_at(1))
    assert told == []
    reporter.finish()
    assert told == ["error"]
