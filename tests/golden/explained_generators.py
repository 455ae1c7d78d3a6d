"""The interpreter's other errors about generators."""

import itertools
from collections.abc import Generator, Iterator

import genlock


def echo() -> Generator[None, str, None]:
    while True:
        print("Echo:", (yield))


echo_ = echo()
try:
    echo_.send("First")
except TypeError as error:
    print(genlock.explain(error))


def stopped() -> Iterator[int]:
    yield 1
    raise StopIteration  # noqa: PLR1708


def exhausted() -> Iterator[int]:
    yield next(iter(()))


def forwarding() -> Iterator[int]:
    ended.send("late")
    yield 1


ended = echo()
ended.close()
for make in stopped, exhausted, forwarding:
    try:
        list(itertools.islice(make(), 9))
    except RuntimeError as error:
        print(genlock.explain(error))


def stubborn() -> Iterator[int]:
    try:
        yield 1
    except:  # noqa: E722
        yield 2


stubborn_ = stubborn()
next(stubborn_)
try:
    stubborn_.close()  # type: ignore[attr-defined]
except RuntimeError as error:
    print(genlock.explain(error))
