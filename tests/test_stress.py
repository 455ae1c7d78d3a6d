"""Many threads for some seconds, each program in a process of its own with a timeout."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "programs"

pytestmark = pytest.mark.stress


def printed_by(program: str, argument: str) -> str:
    ran = subprocess.run(
        [sys.executable, PROGRAMS / f"{program}.py", argument],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        timeout=55,
        check=False,
    )
    assert (ran.stderr, ran.returncode) == ("", 0)
    return ran.stdout.strip()


def test_no_thread_gets_less_than_a_tenth_of_its_fair_share() -> None:
    assert float(printed_by("fair_shares", "10")) >= 0.1


def test_one_thread_of_every_ring_is_told_and_none_of_a_chain() -> None:
    assert printed_by("deadlock_rounds", "300") == "300 rings, 300 chains"


def test_everything_at_once() -> None:
    assert "served" in printed_by("soak", "5")
