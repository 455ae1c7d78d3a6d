"""Many threads for some seconds, each program in a process of its own with a timeout."""

import ast
from pathlib import Path

import pytest

from subprocesses import run_program

PROGRAMS = Path(__file__).parent / "programs"

pytestmark = pytest.mark.stress


def printed_by(program: str, argument: str) -> str:
    ran = run_program(PROGRAMS / f"{program}.py", argument, timeout=55)
    assert (ran.stderr, ran.returncode) == ("", 0)
    return ran.stdout.strip()


def test_no_thread_gets_less_than_a_tenth_of_its_fair_share() -> None:
    assert float(printed_by("fair_shares", "10")) >= 0.1


def test_one_thread_of_every_ring_is_told_and_none_of_a_chain() -> None:
    assert printed_by("deadlock_rounds", "300") == "300 rings, 300 chains"


def test_everything_at_once() -> None:
    counts = ast.literal_eval(printed_by("soak", "5"))
    assert counts.keys() == {"served", "late", "ended", "hit"}
    assert min(counts.values()) > 0, counts
