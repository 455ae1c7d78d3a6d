"""What a type checker knows about guarded code. Checked by mypy, never run."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import assert_type

import genlock
from genlock import GuardedGenerator, GuardedIterator, Policy


def words_to_lengths(first: str, *, last: bytes = b"") -> Generator[int, str, bytes]:
    sent = yield len(first)
    while sent:
        sent = yield len(sent)
    return last


# A guard keeps what the generator yields, takes and returns.

lengths = genlock.guard(words_to_lengths("a"))
assert_type(lengths, GuardedGenerator[int, str, bytes])
assert_type(lengths.send("a word"), int)
assert_type(next(lengths), int)
assert_type(lengths.__next__(), int)
assert_type(iter(lengths), Generator[int, str, bytes])
assert_type(lengths.throw(ValueError("thrown")), int)
assert_type(lengths.throw(ValueError), int)
lengths.close()

for length in lengths:
    assert_type(length, int)


def delegating() -> Generator[int, str, None]:
    returned = yield from lengths
    assert_type(returned, bytes)


# It goes wherever the generator went.

as_generator: Generator[int, str, bytes] = lengths
as_iterator: Iterator[int] = lengths
as_iterable: Iterable[int] = lengths
assert_type(list(lengths), list[int])

assert_type(
    genlock.guard(
        words_to_lengths("a"),
        policy=Policy(on_busy="raise"),
        name="lengths",
        on_close="wait",
        timeout=1,
        warn_after=None,
    ),
    GuardedGenerator[int, str, bytes],
)

# Any other iterator keeps what it yields.

numbers = genlock.guard(iter([1, 2, 3]))
assert_type(numbers, GuardedIterator[int])
assert_type(next(numbers), int)
assert_type(iter(numbers), Iterator[int])
assert_type(genlock.guard(map(str, numbers), timeout=0.5), GuardedIterator[str])
numbers_as_iterator: Iterator[int] = numbers

# So does whatever else is sent values.


class Scale:
    def send(self, kilograms: float) -> str:
        return f"{kilograms} kg"


scale = genlock.guard(Scale(), name="scale", timeout=1)
assert_type(scale, genlock.GuardedSender[str, float])
assert_type(scale.send(1.5), str)
as_iterator_guard: GuardedIterator[str] = scale
as_sender: genlock.GuardedSender[int, str] = lengths
weighing = genlock.guard(Scale(), on_reentry="defer")
assert_type(weighing.send(2), str | genlock.Deferred)


class WeighingLines(Scale):
    def __next__(self) -> str:
        return ""

    def __iter__(self) -> Iterator[str]:
        return self


assert_type(genlock.guard(WeighingLines()), genlock.GuardedSender[str, float])

# A guarded function keeps its parameters.


@genlock.guarded
def plain(first: str, *, last: bytes = b"") -> Generator[int, str, bytes]:
    return (yield from words_to_lengths(first, last=last))


@genlock.guarded(prime=True, name="lengths", policy=Policy(), timeout=1.5, on_busy="raise")
def with_options(first: str, *, last: bytes = b"") -> Generator[int, str, bytes]:
    return (yield from words_to_lengths(first, last=last))


@genlock.guarded()
def with_parentheses(first: str) -> Generator[int, str, bytes]:
    return (yield from words_to_lengths(first))


@genlock.coroutine
def primed(first: str, *, last: bytes = b"") -> Generator[int, str, bytes]:
    return (yield from words_to_lengths(first, last=last))


@genlock.guarded
def declared_as_iterator(limit: int) -> Iterator[int]:
    yield from range(limit)


assert_type(plain("a", last=b"b"), GuardedGenerator[int, str, bytes])
assert_type(with_options("a", last=b"b"), GuardedGenerator[int, str, bytes])
assert_type(with_parentheses(first="a"), GuardedGenerator[int, str, bytes])
assert_type(primed("a", last=b"b"), GuardedGenerator[int, str, bytes])
assert_type(declared_as_iterator(limit=3), GuardedIterator[int])

# So does a method, of whatever kind.


class Meter:
    @genlock.guarded
    def readings(self, scale: float, *, unit: str = "m") -> Generator[float, int, str]:
        sent = yield scale
        yield scale * sent
        return unit

    @genlock.coroutine
    def primed_readings(self, scale: float) -> Generator[float, int, str]:
        return (yield from self.readings(scale))

    @classmethod
    @genlock.guarded
    def of_class(cls, scale: float) -> Generator[float, int, str]:
        return (yield from cls().readings(scale))

    @staticmethod
    @genlock.guarded(timeout=1.0)
    def of_nobody(scale: float) -> Generator[float, int, str]:
        return (yield from Meter().readings(scale))


assert_type(Meter().readings(1.0, unit="cm"), GuardedGenerator[float, int, str])
assert_type(Meter.readings(Meter(), 1.0), GuardedGenerator[float, int, str])
assert_type(Meter().primed_readings(scale=1.0), GuardedGenerator[float, int, str])
assert_type(Meter.of_class(1.0), GuardedGenerator[float, int, str])
assert_type(Meter().of_class(1.0), GuardedGenerator[float, int, str])
assert_type(Meter.of_nobody(1.0), GuardedGenerator[float, int, str])
assert_type(Meter().of_nobody(scale=1.0), GuardedGenerator[float, int, str])

# Policies are values.

before = genlock.configure(Policy(on_busy="raise"), warn_after=None)
assert_type(before, Policy)
assert_type(before.timeout, float | None)
genlock.configure(before)
genlock.configure(timeout=2.0)

# The errors say what happened, and an existing `except` clause catches them.

busy: type[ValueError] = genlock.ReentrantCallError
refused: type[ValueError] = genlock.ContendedCallError
deadlock: type[ValueError] = genlock.DeadlockError
late: type[TimeoutError] = genlock.GuardTimeoutError
unprimed: type[TypeError] = genlock.NotPrimedError

try:
    lengths.send("a word")
except genlock.GeneratorBusyError as error:
    assert_type(error.code, str)
    error.diagnosis.to_json()


# What is deferred shows in the types only where it can happen.

deferring = genlock.guard(words_to_lengths("a"), on_reentry="defer", timeout=1)
assert_type(deferring, genlock.DeferringGenerator[int, str, bytes])
assert_type(deferring.send("a word"), int | genlock.Deferred)
assert_type(deferring.throw(ValueError), int | genlock.Deferred)
assert_type(next(deferring), int)
for own_length in deferring:
    assert_type(own_length, int)
assert_type([own_length for own_length in deferring], list[int])  # noqa: C416  # what is asserted


def delegating_to_deferring() -> Generator[int, str, None]:
    assert_type((yield from deferring), bytes)


closing = genlock.guard(words_to_lengths("a"), on_close="defer")
assert_type(closing.send("a word"), int)


@genlock.coroutine(on_reentry="defer")
def player(name: str) -> Generator[None, int, None]:
    while True:
        yield


assert_type(player("ping"), genlock.DeferringGenerator[None, int, None])


@genlock.coroutine(on_reentry="defer")
def deferring_iterator(limit: int) -> Iterator[int]:
    yield from range(limit)


@genlock.guarded(on_reentry="defer", on_close="defer")
def another_deferring_iterator(limit: int) -> Iterator[int]:
    yield from range(limit)


assert_type(deferring_iterator(3), GuardedIterator[int])
assert_type(another_deferring_iterator(limit=3), GuardedIterator[int])

with genlock.exclusive(closing, timeout=1.0) as block:
    assert_type(block, genlock.exclusive)

# A file is left as a file is.

with genlock.guard(open("access.log")) as log:  # noqa: PTH123  # left by the guard
    assert_type(next(log), str)
log.close()
