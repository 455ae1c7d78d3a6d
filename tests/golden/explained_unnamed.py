"""An expression that names no generator: all that are running may be meant."""

from collections.abc import Iterator

import genlock


def inner() -> Iterator[int]:
    yield next(whichever())


def outer() -> Iterator[int]:
    yield from inner()


def whichever() -> Iterator[int]:
    return outer_


outer_ = outer()
try:
    next(outer_)
except ValueError as error:
    print(genlock.explain(error))
print(genlock.explain(ValueError("generator already executing")))
