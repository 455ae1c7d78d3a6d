"""Round after round something goes wrong around a guard: it serves on, or says what ended it.

Each kind of fault is a program of its own, in a process of its own, for it may hang or crash.
"""

import ast
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from subprocesses import run_program

FAULTS = Path(__file__).parent / "programs" / "faults"

pytestmark = [pytest.mark.stress, pytest.mark.timeout(900)]

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
needs_signals = pytest.mark.skipif(
    not hasattr(signal, "pthread_kill"), reason="this system sends no signals to threads"
)


@pytest.mark.parametrize(
    "fault",
    [
        "interrupted",
        pytest.param("signalled", marks=needs_signals),
        "collected",
        "dying_waiters",
        pytest.param("forked", marks=needs_fork),
        pytest.param("exiting", marks=needs_fork),
        "too_deep",
        "out_of_memory",
    ],
)
def test_the_guard_serves_on_or_says_what_ended_it(
    fault: str, rounds: int, tell: Callable[[object], None]
) -> None:
    ran = run_program(FAULTS / f"{fault}.py", str(rounds), timeout=40 + rounds / 2)
    assert (ran.stderr, ran.returncode) == ("", 0)
    counts = ast.literal_eval(ran.stdout)
    tell(counts)
    assert counts.pop("rounds") == rounds
    assert counts
    assert min(counts.values()) > 0, "some of what can happen never did"
