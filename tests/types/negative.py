"""Mistakes that a type checker has to find. Checked by mypy, never run.

Every wrong line names its error. Where mypy finds none, the unused comment is an error itself.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator

import genlock
from genlock import Policy


def words_to_lengths(first: str) -> Generator[int, str, bytes]:
    sent = yield len(first)
    yield len(sent)
    return b""


# The guard takes and gives only what the generator does.

lengths = genlock.guard(words_to_lengths("a"))
lengths.send(1)  # type: ignore[arg-type]
lengths.sned("a word")  # type: ignore[attr-defined]
wrong_yield: str = next(lengths)  # type: ignore[assignment]
wrong_guard: Generator[str, str, bytes] = lengths  # type: ignore[assignment]
wrong_thing: list[int] = lengths  # type: ignore[assignment]
lengths.throw("thrown")  # type: ignore[call-overload]

# An iterator takes no values.

numbers = genlock.guard(iter([1, 2, 3]))
numbers.send(1)  # type: ignore[attr-defined]
as_generator: Generator[int, None, None] = numbers  # type: ignore[assignment]

# Only iterators are guarded.

genlock.guard([1, 2, 3])  # type: ignore[call-overload]
genlock.guard(words_to_lengths)  # type: ignore[call-overload]
genlock.guard(obj=words_to_lengths("a"))  # type: ignore[call-overload]

# What has another send takes and gives what that does.


class Scale:
    def send(self, kilograms: float) -> str:
        return f"{kilograms} kg"


class Radio:
    def send(self, *, message: str) -> None:
        pass


scale = genlock.guard(Scale())
scale.send("heavy")  # type: ignore[arg-type]
wrong_weight: float = scale.send(1.5)  # type: ignore[assignment]
scale.gi_frame  # type: ignore[attr-defined]  # noqa: B018  # what is missed
genlock.guard(Radio())  # type: ignore[call-overload]
weighed: str = genlock.guard(Scale(), on_reentry="defer").send(1.5)  # type: ignore[assignment]

# Async objects stay in their event loop.


async def fetch() -> int:
    return 1


async def fetch_all() -> AsyncGenerator[int, None]:
    yield 1


fetching_all = genlock.guard(fetch_all())  # type: ignore[call-overload]


def share_a_coroutine() -> None:
    _fetching = genlock.guard(fetch())  # type: ignore[var-annotated]


# Options are keywords, and words out of a few.

genlock.guard(words_to_lengths("a"), Policy())  # type: ignore[call-overload]
genlock.guard(words_to_lengths("a"), on_busy="never")  # type: ignore[call-overload]
genlock.guard(words_to_lengths("a"), timeout="1")  # type: ignore[call-overload]
genlock.guard(words_to_lengths("a"), patience=1)  # type: ignore[call-overload]

# Policies are checked and frozen.

Policy("raise")  # type: ignore[call-arg]
Policy(on_busy="never")  # type: ignore[arg-type]
Policy(on_close=None)  # type: ignore[arg-type]
Policy(patience=1)  # type: ignore[call-arg]
Policy().timeout = 1  # type: ignore[misc]
genlock.configure(on_busy="never")  # type: ignore[arg-type]
genlock.configure(patience=1)  # type: ignore[call-arg]

# Guarded functions want what the functions want.


@genlock.guarded
def plain(first: str) -> Generator[int, str, bytes]:
    return (yield from words_to_lengths(first))


@genlock.coroutine
def primed(first: str) -> Generator[int, str, bytes]:
    return (yield from words_to_lengths(first))


class Meter:
    @genlock.guarded(timeout=1.0)
    def readings(self, scale: float) -> Generator[float, int, str]:
        yield scale
        return ""


plain(1)  # type: ignore[arg-type]
plain()  # type: ignore[call-arg]
plain("a").send(1)  # type: ignore[arg-type]
primed(1)  # type: ignore[arg-type]
Meter().readings("a")  # type: ignore[arg-type]
Meter().readings(1.0, unit="m")  # type: ignore[call-arg]
Meter.readings(1.0)  # type: ignore[call-arg, arg-type]

# Only generator functions are guarded.


@genlock.guarded  # type: ignore[arg-type]
def no_generator() -> int:
    return 1


@genlock.guarded(patience=1)  # type: ignore[call-overload, untyped-decorator]
def unknown_option() -> Generator[int, str, bytes]:
    return (yield from words_to_lengths("a"))


@genlock.coroutine  # type: ignore[arg-type]
def not_even_an_iterator() -> list[int]:
    return [1]


# What a deferring guard returns may be DEFERRED; other words are none of the policy's.

own_yield: int = genlock.guard(words_to_lengths("a"), on_reentry="defer").send("a")  # type: ignore[assignment]
own_thrown: int = genlock.guard(words_to_lengths("a"), on_reentry="defer").throw(ValueError)  # type: ignore[assignment]
for own_item in genlock.guard(words_to_lengths("a"), on_reentry="defer"):
    item_and_no_more: genlock.Deferred = own_item  # type: ignore[assignment]
deferring_as_generator: Generator[int, str, bytes] = genlock.guard(  # type: ignore[assignment]
    words_to_lengths("a"), on_reentry="defer"
)


@genlock.coroutine(on_reentry="defer")  # type: ignore[arg-type]
def deferring_no_generator() -> int:
    return 1


@genlock.coroutine(on_reentry="defer")
def deferring_iterator() -> Iterator[int]:
    yield 1


deferring_iterator().send(1)  # type: ignore[attr-defined]
genlock.guard(words_to_lengths("a"), on_reentry="later")  # type: ignore[call-overload]
genlock.exclusive(words_to_lengths("a"))  # type: ignore[arg-type]
genlock.exclusive(lengths, 1.0)  # type: ignore[call-arg]
