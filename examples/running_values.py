"""Coroutines that answer: each ``send`` hands in a value and returns what is known so far.

A guard returns every answer to the thread that sent the value it answers.
"""

from collections import Counter, deque
from collections.abc import Generator

import genlock


def running_minimum() -> Generator[int | None, int, None]:
    """Yield the least value so far."""
    least = yield None
    while True:
        value = yield least
        least = min(least, value)


def running_mean() -> Generator[float | None, float, None]:
    """Yield the mean of the values so far, and None before there is one."""
    total = 0.0
    count = 0
    mean = None
    while True:
        value = yield mean
        total += value
        count += 1
        mean = total / count


def token_counter() -> Generator[dict[str, int], str, None]:
    """Yield how often each token came."""
    counts: Counter[str] = Counter()
    while True:
        # A copy: what one thread was handed must not change when another sends a token.
        token = yield dict(counts)
        counts[token] += 1


def sliding_window(size: int = 3) -> Generator[list[int], int, None]:
    """Yield the last ``size`` values, fewer before there are so many."""
    window: deque[int] = deque(maxlen=size)
    while True:
        value = yield list(window)
        window.append(value)


def main() -> None:
    """Show each in turn."""
    minimum = genlock.coroutine(running_minimum)()
    print("Minimum:", *(minimum.send(value) for value in (10, 4, 22, -1)))

    mean = genlock.guard(running_mean())
    print("Mean before the first value:", next(mean))
    print("Mean:", *(mean.send(value) for value in (10, 20)))

    tokens = genlock.coroutine(token_counter)()
    for token in ["a", "b", "a", "c", "a", "b"]:
        counts = tokens.send(token)
    print("Tokens:", counts)

    window = genlock.coroutine(sliding_window)()
    for value in range(1, 7):
        latest = window.send(value)
    print("Window:", latest)


if __name__ == "__main__":
    main()
