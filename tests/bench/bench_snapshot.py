"""Measure what a look at many guards takes, and what it leaves behind.

    python tests/bench/bench_snapshot.py [--guards 100000] [--rounds 5] [--markdown]

Each figure is the least of the rounds, in a process that has nothing but the guards; on a machine
with nothing else to do the time of the thread is the time that passes.
"""

from __future__ import annotations

import argparse
import gc
import platform
import time
import tracemalloc
from typing import TYPE_CHECKING

import genlock
from genlock import _gates
from tables import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


def one_yield() -> Generator[None, int, None]:
    """A coroutine that can be suspended at one place."""
    while True:
        yield


def two_yields() -> Generator[None, int, None]:
    """One whose frame has to be asked where it is."""
    while True:
        yield
        yield


def make(count: int) -> list[genlock.GuardedGenerator[None, int, None]]:
    """Guards that are suspended, half of each kind."""
    bodies = (one_yield, two_yields)
    guards = [genlock.guard(bodies[place % 2]()) for place in range(count)]
    for guard in guards:
        next(guard)
    return guards


def least(rounds: int, job: Callable[[], object]) -> float:
    """The least time of this thread that the job took, in seconds."""
    times = []
    for _ in range(rounds):
        begun = time.thread_time()
        job()
        times.append(time.thread_time() - begun)
    return min(times)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--guards", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--markdown", action="store_true", help="print a table for a README")
    options = parser.parse_args()

    guards = make(options.guards)
    genlock.snapshot()  # what is needed for the first one stays
    gc.collect()
    others = make(options.guards)
    tracemalloc.start()
    genlock.snapshot()
    gc.collect()
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del others
    snapshot = genlock.snapshot()
    assert len(snapshot.guards) == len(guards)

    table = Table(f"{len(guards):,} guards, Python {platform.python_version()}", ["", "seconds"])
    table.add("finding them", f"{least(options.rounds, _gates.live_gates):.3f}")
    table.add("snapshot()", f"{least(options.rounds, genlock.snapshot):.3f}")
    table.add("to_text()", f"{least(options.rounds, snapshot.to_text):.3f}")
    table.add("to_json()", f"{least(options.rounds, snapshot.to_json):.3f}")
    table.add("state() of one", f"{least(options.rounds, lambda: genlock.state(guards[0])):.6f}")
    print(table.to_markdown() if options.markdown else table.to_text())
    print(f"\nBytes that the first snapshot leaves with each guard: {left / len(guards):.0f}")


if __name__ == "__main__":
    main()
