"""Measure the guard against what one would use instead, and print tables.

All peers run in one process and take turns, so that whatever else the machine does hits them
alike. Compare ratios of one run only; times of different runs say little. Where threads meet, the
machine should have nothing else to do: a busy one changes the way in which plain locks hand over.

    python tests/bench/bench_gate.py [--quick] [--markdown] [--only SECTION ...]
"""

from __future__ import annotations

import argparse
import platform
from importlib.metadata import version

import contention
import recording
import single_thread
from effort import FULL, QUICK
from tables import Reach, Table, summary

SECTIONS = {
    "calls": single_thread.calls,
    "making": single_thread.making,
    "running-mean": single_thread.running_mean,
    "recording": recording.recording,
    "throughput": contention.throughput,
    "waits": contention.waits,
    "starvation": contention.starvation,
}


def main() -> None:
    """Run the sections asked for, and print each table as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="only show that everything runs")
    parser.add_argument("--markdown", action="store_true", help="print tables for a README")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    options = parser.parse_args()
    effort = QUICK if options.quick else FULL

    def show(table: Table) -> None:
        text = table.to_markdown() if options.markdown else table.to_text()
        print(f"\n{text}", flush=True)

    packages = ", ".join(f"{name} {version(name)}" for name in ("wrapt", "more-itertools"))
    print(f"{platform.python_implementation()} {platform.python_version()}, {packages}")
    reaches: list[Reach] = []
    for section in options.only:
        table, reached = SECTIONS[section](effort)
        show(table)
        reaches += reached
    show(summary(reaches))


if __name__ == "__main__":
    main()
