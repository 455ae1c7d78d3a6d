"""Who holds up whom, in a program where one thread has stopped inside of two guards."""

import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

import genlock

leave = threading.Lock()
leave.acquire()


@genlock.coroutine(warn_after=None)
def inner() -> Generator[None, str, None]:
    while True:
        yield
        leave.acquire()


@genlock.coroutine(warn_after=None)
def outer() -> Generator[None, str, None]:
    while True:
        value = yield
        inner_.send(value)


@genlock.coroutine(warn_after=None)
def side() -> Generator[None, str, None]:
    while True:
        value = yield
        outer_.send(value)


@genlock.guarded
def numbers(end: int) -> Iterator[float]:
    for number in range(end):
        yield 1 / (1 - number)


def start(name: str, job: Callable[[], None]) -> None:
    threading.Thread(target=job, name=name, daemon=True).start()


def first() -> None:
    outer_.send("one")


def second() -> None:
    side_.send("two")


def third() -> None:
    side_.send("three")


def close() -> None:
    inner_.close()


def until_waiting(guard: genlock.GuardedIterator[None], count: int) -> None:
    while len(genlock.state(guard).waiters) < count:
        pass


def without_times(guard: genlock.GuardState) -> genlock.GuardState:
    waiters = tuple(replace(wait, waited=2.5 - n) for n, wait in enumerate(guard.waiters))
    return replace(guard, waiters=waiters)


inner_, outer_, side_ = inner(), outer(), side()
start("first", first)
while not (holder := genlock.state(inner_).holder) or not holder.steps:
    pass
start("second", second)
until_waiting(outer_, 1)
start("third", third)
until_waiting(side_, 1)
start("closer", close)
until_waiting(inner_, 1)

resting = [numbers(1), *(numbers(1) for _ in range(2)), numbers(3), numbers(3)]
next(resting[2])
for _ in resting[3]:
    break
resting[3].close()
try:
    list(resting[4])
except ZeroDivisionError:
    pass
kept = genlock.guard(iter("kept"), name="kept")
with genlock.exclusive(kept):
    found = genlock.snapshot()

order = sorted(map(without_times, found.guards), key=lambda guard: guard.name)
snapshot = replace(found, guards=tuple(order))
print(snapshot.to_text().partition("\n")[2])
text = snapshot.to_mermaid()
for thread in threading.enumerate():
    text = text.replace(f"t{thread.ident}", f"t_{thread.name}")
print(text)
