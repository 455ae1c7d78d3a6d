"""Greenlets that share a guard: with gevent's threads they wait for each other."""

from pathlib import Path

import pytest

from subprocesses import run_program

pytest.importorskip("gevent")

PROGRAM = Path(__file__).parent / "programs" / "with_gevent.py"


def printed(mode: str) -> str:
    ran = run_program(PROGRAM, mode)
    assert (ran.stderr, ran.returncode) == ("", 0)
    return ran.stdout.strip()


def test_patched_threads_wait_cooperatively_and_are_served() -> None:
    assert printed("patched") == "['served', 'served'] 200 200"


def test_unpatched_a_greenlet_of_the_same_thread_is_not_waited_for() -> None:
    assert printed("bare") == "['served', 'GL005'] 100 {'a'}"
