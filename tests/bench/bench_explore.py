"""Measure how fast `genlock.testing.explore` goes through schedules, and print a table.

Schedules a second are told of the time that passed, and of that of the processor, which what else
the machine does counts less for.

    python tests/bench/bench_explore.py [--quick] [--markdown]
"""

from __future__ import annotations

import argparse
import platform
import time
from typing import TYPE_CHECKING, Any

import genlock
from genlock.testing import explore, replay
from tables import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from genlock.testing import Exploration

SENDS = 3


def total() -> Generator[int, int, None]:
    added = 0
    while True:
        added += yield added


def guarded() -> Any:
    return genlock.guard(total(), prime=True)


def two_guarded() -> Any:
    return [guarded(), guarded()]


def bare() -> Any:
    generator = total()
    next(generator)
    return generator


def send(cor: Any) -> None:
    for number in range(SENDS):
        cor.send(number)


def send_to_first(pair: Any) -> None:
    send(pair[0])


def send_to_second(pair: Any) -> None:
    send(pair[1])


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="only show that everything runs")
    parser.add_argument("--markdown", action="store_true", help="print a table for a README")
    options = parser.parse_args()
    rounds = 1 if options.quick else 9
    print(f"{platform.python_implementation()} {platform.python_version()}")
    table = Table(
        "Exploring: the fastest of the rounds",
        ["", "schedules", "outcome", "ms", "a second", "a second of the processor"],
    )
    programs: dict[str, Callable[[], Exploration]] = {
        "2 threads x 3 sends, one guard": lambda: explore(guarded, [send] * 2, preemptions=None),
        "2 threads x 3 sends, a guard each": lambda: explore(
            two_guarded, [send_to_first, send_to_second], preemptions=None, budget=4000
        ),
        "3 threads x 3 sends, one guard, 2 preemptions": lambda: explore(guarded, [send] * 3),
        "2 threads x 3 sends, bare": lambda: explore(bare, [send] * 2),
        "a replay of that": lambda: replay(bare, [send] * 2, "g1:1>T2"),
    }
    for name, program in programs.items():
        table.add(name, *measured(program, rounds))
    print(f"\n{table.to_markdown() if options.markdown else table.to_text()}")


def measured(program: Callable[[], Exploration], rounds: int) -> list[str]:
    """The cells of a program."""
    passed, computed = [], []
    for _ in range(rounds):
        started, began = time.perf_counter(), time.process_time()
        result = program()
        passed.append(time.perf_counter() - started)
        computed.append(time.process_time() - began)
    outcome = "exhausted" if result.exhausted else result.outcome
    rates = [f"{result.schedules / min(times):,.0f}" for times in (passed, computed)]
    return [f"{result.schedules:,}", outcome, f"{min(passed) * 1000:.1f}", *rates]


if __name__ == "__main__":
    main()
