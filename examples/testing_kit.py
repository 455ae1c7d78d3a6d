"""What `genlock.testing` has besides `explore`: threads at random, transcripts, leaks, schedules.

Needs ``pip install "genlock[hypothesis]"`` for the last of them. `explored_parser.py` shows
`explore` and `replay` at work.
"""

from collections.abc import Generator, Iterator

from hypothesis import given, settings

import genlock
from genlock.testing import (
    Exploration,
    Leak,
    Transcript,
    drive,
    hammer,
    leaks,
    replay,
    schedules,
    transcript,
)

THREADS = 4
ROUNDS = 500


def running_sum() -> Generator[int, int, None]:
    total = 0
    while True:
        total += yield total


def numbers() -> Iterator[int]:
    yield 1
    yield 2


def shared_sum() -> Generator[int, int, None]:
    return genlock.guard(running_sum(), prime=True)


def one_generator() -> None:
    print("Sums:", drive(running_sum(), [3, 4, 5]))
    written: Transcript = transcript(running_sum())
    next(written)
    written.send(3)
    written.close()
    print(written, end="")


def many_threads() -> None:
    counter = shared_sum()
    hammer(lambda: counter.send(1), threads=THREADS, rounds=ROUNDS)
    print(f"Hammered by {THREADS} threads, {ROUNDS} times each:", counter.send(0))


def left_open() -> None:
    left: list[Leak]
    try:
        with leaks() as left:
            lines = genlock.guard(numbers())
            next(lines)
    except AssertionError:
        print("Left suspended:", ", ".join(leak.name for leak in left))


@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(schedules(threads=2, decisions=8))
def adds_up(token: str) -> None:
    workers = [lambda total: total.send(2), lambda total: total.send(3)]
    ran: Exploration = replay(shared_sum, workers, token, lambda total: total.send(0) == 5)
    ran.assert_ok()


if __name__ == "__main__":
    one_generator()
    many_threads()
    left_open()
    adds_up()
    print("Any schedule adds up")
