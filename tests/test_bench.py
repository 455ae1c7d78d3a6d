"""The benchmarks run and print whole tables; what they measure is judged by reading."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from subprocesses import run_python

BENCH = Path(__file__).parent / "bench" / "bench_gate.py"
EXPLORE = BENCH.with_name("bench_explore.py")
SNAPSHOT = BENCH.with_name("bench_snapshot.py")
TITLES = (
    "A call by one thread",
    "Making one",
    "A running mean",
    "Threads share one generator: thousand sends",
    "Threads share one generator: mean of the 10 longest",
    "32 threads",
    "Reach",
)


def run_bench(*options: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(BENCH), "--quick", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def markdown() -> str:
    return run_bench("--markdown")


def rows_below(title: str, markdown: str) -> list[list[str]]:
    """The cells of each row of the table with that title, the head included."""
    below = markdown.partition(f"**{title}")[2].partition("\n\n")[2].partition("\n\n")[0]
    return [row.strip("|").split("|") for row in below.splitlines()]


@pytest.mark.parametrize("title", TITLES)
def test_every_table_is_there_and_rectangular(title: str, markdown: str) -> None:
    head, rule, *rows = rows_below(title, markdown)
    assert set("".join(rule)) <= set(" -:")
    assert len(rows) >= 2
    assert {len(row) for row in rows} == {len(head)}


def test_guard_and_serialize_are_measured_alike(markdown: str) -> None:
    names = [row[0].strip() for row in rows_below("A call by one thread", markdown)]
    assert "genlock.guard" in names
    assert "more_itertools.serialize" in names


def test_every_reach_has_a_verdict(markdown: str) -> None:
    verdicts = {row[-1].strip() for row in rows_below("Reach", markdown)[2:]}
    assert verdicts
    assert verdicts <= {"met", "missed"}


def test_text_for_a_terminal_has_the_same_tables() -> None:
    text = run_bench("--only", "running-mean")
    assert "guarded coroutine" in text
    assert "|" not in text


def test_a_look_at_many_guards_is_measured() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(SNAPSHOT), "--guards", "100", "--rounds", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("100 guards, Python ")
    assert "snapshot()" in done.stdout


def test_the_cost_of_running_a_program_is_told() -> None:
    bench = BENCH.with_name("bench_run.py")
    done = run_python(bench.name, "--quick", "--markdown", directory=bench.parent)
    assert done.returncode == 0, done.stderr
    assert len(rows_below("A program of generators", done.stdout)) == 2 + 3
    assert len(rows_below("An exception", done.stdout)) == 2 + 2


def test_the_speed_of_exploring_is_told() -> None:
    done = run_python(EXPLORE.name, "--quick", "--markdown", directory=EXPLORE.parent)
    assert done.returncode == 0, done.stderr
    assert len(rows_below("Exploring", done.stdout)) == 2 + 5
