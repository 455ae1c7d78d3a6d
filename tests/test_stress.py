"""Many threads for some seconds, each program in a process of its own with a timeout."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from subprocesses import run_program

PROGRAMS = Path(__file__).parent / "programs"

pytestmark = pytest.mark.stress


def printed_by(program: str, *arguments: str, timeout: float = 55) -> str:
    ran = run_program(PROGRAMS / f"{program}.py", *arguments, timeout=timeout)
    assert (ran.stderr, ran.returncode) == ("", 0)
    return ran.stdout.strip()


def test_no_thread_gets_less_than_a_tenth_of_its_fair_share() -> None:
    assert float(printed_by("fair_shares", "10")) >= 0.1


def test_one_thread_of_every_ring_is_told_and_none_of_a_chain() -> None:
    assert printed_by("deadlock_rounds", "300") == "300 rings, 300 chains"


@pytest.mark.timeout(700)
@pytest.mark.parametrize("faults", ["quiet", "hit"])
def test_everything_at_once(faults: str, rounds: int, tell: Callable[[object], None]) -> None:
    operations = 100 * rounds
    counts = ast.literal_eval(printed_by("soak", str(operations), faults, timeout=650))
    tell(counts)
    assert min(counts[key] for key in ["served", "ended", "kept", "deferred"]) > 0
