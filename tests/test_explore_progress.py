"""When a thread of an exploration is said to get no further: by clocks that the tests set."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from genlock import _waits
from genlock.testing import _progress
from genlock.testing._progress import BLOCKED_AFTER, ENDLESS_AFTER, LOOK_EVERY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

IDENT = 1


@pytest.fixture
def run() -> Any:
    return SimpleNamespace(is_too_long=False, trace=[], current=SimpleNamespace(ident=IDENT))


def seconds_until_verdict(run: Any, computed: Iterable[float]) -> tuple[float, str]:
    """After how long there is a verdict on a thread that computes so long between two looks."""

    def now() -> float:
        return clock

    def time_computed(_: object) -> float:
        return spent

    clock = spent = 0.0
    progress = _progress.Progress(run)
    with (
        patch.object(time, "monotonic", now),
        patch.object(_progress.Progress, "time_computed", time_computed),
    ):
        for seconds in computed:
            if verdict := progress.verdict():
                return clock, verdict
            clock += LOOK_EVERY
            spent += seconds
    return clock, ""


def forever(seconds: float) -> Iterator[float]:
    while True:
        yield seconds


def test_who_does_nothing_is_blocked(run: Any) -> None:
    seconds, verdict = seconds_until_verdict(run, forever(0))
    assert verdict == "blocked"
    assert seconds == pytest.approx(BLOCKED_AFTER, abs=2 * LOOK_EVERY)


@pytest.mark.parametrize("share", [0.01, 0.045])
def test_who_polls_is_blocked_as_soon(run: Any, share: float) -> None:
    seconds, verdict = seconds_until_verdict(run, forever(share * LOOK_EVERY))
    assert verdict == "blocked"
    assert seconds == pytest.approx(BLOCKED_AFTER, abs=2 * LOOK_EVERY)


@pytest.mark.parametrize("share", [0.1, 1])
def test_who_computes_is_waited_for_for_longer(run: Any, share: float) -> None:
    seconds, verdict = seconds_until_verdict(run, forever(share * LOOK_EVERY))
    assert verdict == "endless"
    assert seconds == pytest.approx(ENDLESS_AFTER, abs=2 * LOOK_EVERY)


def test_who_gets_the_processor_now_and_then_is_waited_for(run: Any) -> None:
    starved = ([0] * 8 + [LOOK_EVERY]) * 20
    assert seconds_until_verdict(run, starved)[1] == ""


def test_who_waits_for_a_guard_is_blocked_whatever_that_costs(run: Any) -> None:
    with patch.dict(_waits._waiting, {IDENT: SimpleNamespace(gone=False, outer=None)}):
        seconds, verdict = seconds_until_verdict(run, forever(LOOK_EVERY / 2))
    assert verdict == "blocked"
    assert seconds == pytest.approx(BLOCKED_AFTER, abs=2 * LOOK_EVERY)
