"""Greenlets that share a guard: with gevent's threads they wait for each other."""

from pathlib import Path

import pytest

from subprocesses import run_program

pytest.importorskip("gevent")

PROGRAMS = Path(__file__).parent / "programs"


def printed(program: str, *arguments: str) -> str:
    ran = run_program(PROGRAMS / program, *arguments)
    assert (ran.stderr, ran.returncode) == ("", 0)
    return ran.stdout.strip()


def test_patched_threads_wait_cooperatively_and_are_served() -> None:
    assert printed("with_gevent.py", "patched") == "['served', 'served'] 200 200"


def test_unpatched_a_greenlet_of_the_same_thread_is_not_waited_for() -> None:
    assert printed("with_gevent.py", "bare") == "['served', 'GL005'] 100 {'a'}"


def test_exclusive_use_is_a_greenlets_own_even_if_the_patches_come_late() -> None:
    assert printed("exclusive_greenlets.py") == "kept GL002"


def test_exclusive_use_of_a_patched_thread_is_told_and_not_waited_for_when_that_has_ended() -> None:
    held, gone = printed("exclusive_of_patched_threads.py").splitlines()
    assert held.endswith("was not free within 0.1 s: MainThread is still inside.")
    assert gone == "['gone,', 'which', 'is', 'gone']"
