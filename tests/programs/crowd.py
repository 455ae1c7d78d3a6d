"""Threads share one generator where they run at the same time: `crowd.py bare|guarded`."""

import sys
from collections.abc import Iterator

from crew import together

EACH, THREADS = 30_000 if sys.argv[1] == "guarded" else 100_000, 4


def numbers() -> Iterator[int]:
    number = 0
    while True:
        yield number
        number += 1


def drain() -> list[int]:
    own: list[int] = []
    while len(own) < EACH:
        try:
            own.append(next(shared))
        except ValueError:  # the bare generator, where it does not crash
            continue
    return own


shared = numbers()
if sys.argv[1] == "guarded":
    import genlock

    shared = genlock.guard(shared)
got = sorted(number for own in together(*[drain] * THREADS) for number in own)
assert got == list(range(EACH * THREADS)), "not every number once"
print("each number once")
