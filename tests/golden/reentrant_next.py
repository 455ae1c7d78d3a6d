"""A generator that asks itself, through a function and an unguarded generator."""

from collections.abc import Generator, Iterator

import genlock


def squares() -> Iterator[int]:
    yield next(numbers_) ** 2


def total() -> int:
    return sum(squares())


@genlock.guarded
def numbers() -> Generator[int, None, None]:
    yield 1
    yield total()
    yield 3


numbers_ = numbers()
next(numbers_)

try:
    next(numbers_)
except ValueError as error:
    print(f"{type(error).__name__}: {error}")
