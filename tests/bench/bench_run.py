"""Measure what `genlock run` costs a program, and print tables.

The same program runs under `python` and under `genlock run`, in turns, in processes of their own,
each of which times itself, so that starting up does not count. Compare ratios of one run only.

    python tests/bench/bench_run.py [--quick] [--markdown]
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
from pathlib import Path
from statistics import median

from tables import Reach, Table, at_most, summary

PROGRAM = Path(__file__).with_name("raising.py")
BARE, RUN = "python", "genlock run"
LAUNCHERS = {BARE: (), RUN: ("-m", "genlock", "run")}
EXCEPTIONS_A_SECOND = (0, 1_000, 10_000)
MOST_SLOWED = 1.03
NANOSECONDS = 1e9


def main() -> None:
    """Measure, and print each table as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="only show that everything runs")
    parser.add_argument("--markdown", action="store_true", help="print tables for a README")
    options = parser.parse_args()
    rounds, seconds = (1, 0.02) if options.quick else (11, 1.0)
    print(f"{platform.python_implementation()} {platform.python_version()}")
    tables = [*slowed(rounds, seconds), raised(rounds, seconds)]
    for table in tables:
        print(f"\n{table.to_markdown() if options.markdown else table.to_text()}", flush=True)


def slowed(rounds: int, seconds: float) -> list[Table]:
    """How much longer a program of generators takes that raises so many exceptions a second."""
    table = Table(
        "A program of generators: the same work, ms of processor time",
        ["exceptions a second", BARE, RUN, "ratio of least", "median of ratios"],
    )
    reaches: list[Reach] = []
    for rate in EXCEPTIONS_A_SECOND:
        times = in_turns(rounds, "work", seconds, rate)
        least = min(times[RUN]) / min(times[BARE])
        middle = median(run / bare for bare, run in zip(times[BARE], times[RUN], strict=True))
        cells = (f"{min(times[launcher]) * 1000:.0f}" for launcher in (BARE, RUN))
        table.add(f"{rate:,}", *cells, f"{least:.3f}x", f"{middle:.3f}x")
        reaches.append(at_most(f"{rate:,} exceptions a second", least, MOST_SLOWED))
    return [table, summary(reaches)]


def raised(rounds: int, seconds: float) -> Table:
    """What an exception costs besides, for each frame that it passes."""
    table = Table("An exception: ns for each frame it passes", ["", BARE, RUN, "more"])
    for kind in ("KeyError", "ValueError"):
        times = in_turns(rounds, "frames", seconds / 10, kind)
        bare, run = (min(times[launcher]) * NANOSECONDS for launcher in (BARE, RUN))
        table.add(kind, f"{bare:.0f}", f"{run:.0f}", f"{run - bare:.0f}")
    return table


def in_turns(rounds: int, *arguments: object) -> dict[str, list[float]]:
    """What the program measured, by launcher and round."""
    times: dict[str, list[float]] = {launcher: [] for launcher in LAUNCHERS}
    for _ in range(rounds):
        for name, launcher in LAUNCHERS.items():
            done = subprocess.run(
                [sys.executable, *launcher, str(PROGRAM), *map(str, arguments)],
                capture_output=True,
                text=True,
                check=True,
            )
            times[name].append(float(done.stdout))
    return times


if __name__ == "__main__":
    main()
