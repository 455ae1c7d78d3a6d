"""A program of generators that raises exceptions now and then, and times itself.

Usage: python raising.py work SECONDS RATE | frames SECONDS KIND

`work` prints how much processor time a piece of work takes, about SECONDS seconds bare, and raises
RATE exceptions a second in it. `frames` prints what an exception takes for each frame it passes.
"""

from __future__ import annotations

import sys
import time
from itertools import repeat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

DEPTH = 3
FRAMES = 10
STEPS_A_SECOND = 12_000_000
"""As many as this work takes on the machine where the figures were taken."""


def numbers(count: int) -> Iterator[int]:
    yield from range(count)


def doubled(source: Iterator[int]) -> Iterator[int]:
    for number in source:
        yield 2 * number


def summed() -> Generator[int, int, None]:
    total = 0
    while True:
        total += yield total


def work(steps: int) -> None:
    """Go through a pipeline of generators."""
    total = summed()
    next(total)
    for number in doubled(numbers(steps)):
        total.send(number)


def fail(error: Callable[[], Exception], depth: int) -> None:
    """Raise an exception so many calls below."""
    if depth:
        fail(error, depth - 1)
    raise error()


def time_work(seconds: float, rate: int) -> float:
    steps = int(STEPS_A_SECOND * seconds)
    errors = int(rate * seconds)
    pieces = max(errors, 100)
    begun = time.process_time()
    for piece in range(pieces):
        work(steps // pieces)
        if piece < errors:
            try:
                fail(KeyError, DEPTH)
            except KeyError:
                pass
    return time.process_time() - begun


def time_frames(seconds: float, error: type[Exception]) -> float:
    """The least time of several; the loop around it is not counted."""
    times: list[float] = []
    deadline = time.perf_counter() + seconds
    while not times or time.perf_counter() < deadline:
        spans = []
        for depth in (0, FRAMES):
            begun = time.perf_counter()
            for _ in repeat(None, 500):
                try:
                    fail(error, depth)
                except error:
                    pass
            spans.append((time.perf_counter() - begun) / 500)
        times.append((spans[1] - spans[0]) / FRAMES)
    return sorted(times)[len(times) // 4]


if __name__ == "__main__":
    what, seconds, how = sys.argv[1:]
    if what == "work":
        print(time_work(float(seconds), int(how)))
    else:
        print(time_frames(float(seconds), {"KeyError": KeyError, "ValueError": ValueError}[how]))
