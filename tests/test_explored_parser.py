"""A real race of a package from the index is found, replayed, and gone behind a guard."""

from __future__ import annotations

from pathlib import Path

import pytest

from subprocesses import run_program

pytest.importorskip("ijson")

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_race_of_a_shared_parser() -> None:
    ran = run_program(EXAMPLES / "explored_parser.py", timeout=50)
    assert (ran.stderr, ran.returncode) == ("", 0)
    lines = ran.stdout.splitlines()
    assert lines[0] == "failed: ValueError: generator already executing, in T2"
    assert lines[1] == "  Found by schedule 3, with 1 preemption."
    assert any(line.startswith("  T1 was inside 'utf8_encoder', at ") for line in lines)
    assert 'replay(setup, workers, "g1:1>T2", check=…)' in ran.stdout
    assert lines[-3:] == [
        "Replayed 1,000 times: 1 report",
        "",
        "Guarded: ok: all 36 schedules there are",
    ]
