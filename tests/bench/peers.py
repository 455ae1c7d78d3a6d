"""What the guard is measured against: the same work, shared between threads in other ways."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import wrapt
from more_itertools import serialize

import genlock

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

Y = TypeVar("Y")

BARE = "bare generator"
LOCKED_OBJECT = "object with a lock"
SERIALIZE = "more_itertools.serialize"
NAIVE_PROXY = "naive proxy with a lock"
GUARD = "genlock.guard"


class Peer(Protocol):
    """What every peer can do."""

    def send(self, value: int, /) -> object: ...

    def __iter__(self) -> Iterator[object]: ...

    def __next__(self) -> object: ...


def echo() -> Generator[int, int, None]:
    """Yield back what was sent."""
    value = 0
    while True:
        value = yield value


def echo_after_steps(steps: int) -> Generator[int, int, None]:
    """Yield back what was sent, after as many steps of a loop."""
    value = 0
    while True:
        for _ in range(steps):
            pass
        value = yield value


class LockedEcho:
    """The echo as an object: what one writes by hand instead of sharing a generator."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value = 0

    def send(self, value: int) -> int:
        with self._lock:
            self._value = value
            return self._value

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        with self._lock:
            return self._value


class NaiveProxy(wrapt.ObjectProxy):  # type: ignore[type-arg]  # not generic before wrapt 2.3
    """The proxy one writes first: a lock around each call, found anew through the proxy."""

    def __init__(self, wrapped: Generator[int, int, None]) -> None:
        super().__init__(wrapped)
        self._self_lock = threading.Lock()

    def send(self, value: int) -> object:
        with self._self_lock:
            return self.__wrapped__.send(value)

    def __iter__(self) -> Iterator[object]:
        return self

    def __next__(self) -> object:
        with self._self_lock:
            return next(self.__wrapped__)


def primed(generator: Generator[Y, int, None]) -> Generator[Y, int, None]:
    """Run the generator to its first yield, so that it takes values."""
    next(generator)
    return generator


def echoes() -> dict[str, Peer]:
    """One primed echo of each kind, by its name in the tables."""
    return {
        BARE: primed(echo()),
        LOCKED_OBJECT: LockedEcho(),
        SERIALIZE: serialize(primed(echo())),
        NAIVE_PROXY: NaiveProxy(primed(echo())),
        GUARD: genlock.guard(primed(echo())),
    }


class Recipe(NamedTuple):
    """How a peer is made: a body, and what is put around it."""

    body: Callable[[], object]
    wrapper: Callable[[Any], object] | None = None


RECIPES = {
    BARE: Recipe(echo),
    LOCKED_OBJECT: Recipe(LockedEcho),
    SERIALIZE: Recipe(echo, serialize),
    NAIVE_PROXY: Recipe(echo, NaiveProxy),
    GUARD: Recipe(echo, genlock.guard),
}


def makers_of_shared(steps: int) -> dict[str, Callable[[], Peer]]:
    """How to make the two that guard a generator, for a body of as many steps a send."""

    def body() -> Generator[int, int, None]:
        return primed(echo_after_steps(steps) if steps else echo())

    return {SERIALIZE: lambda: serialize(body()), GUARD: lambda: genlock.guard(body())}


class RunningMean:
    """The running mean as an object with a method."""

    def __init__(self) -> None:
        self._total = 0
        self._count = 0

    def send(self, value: int) -> float:
        self._total += value
        self._count += 1
        return self._total / self._count


class LockedRunningMean(RunningMean):
    """The running mean as an object that threads may share."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def send(self, value: int) -> float:
        with self._lock:
            self._total += value
            self._count += 1
            return self._total / self._count


def running_mean() -> Generator[float | None, int, None]:
    """Yield the mean of all values sent so far."""
    total = count = 0
    mean = None
    while True:
        total += yield mean
        count += 1
        mean = total / count


OBJECT = "object with a method"
COROUTINE = "coroutine"
GUARDED_COROUTINE = "guarded coroutine"


def running_means() -> dict[str, object]:
    """A running mean of each kind, ready to take values."""
    return {
        OBJECT: RunningMean(),
        COROUTINE: primed(running_mean()),
        LOCKED_OBJECT: LockedRunningMean(),
        GUARDED_COROUTINE: genlock.guard(primed(running_mean())),
    }
