"""A cycle of waits and what is behind it, with the error switched off that would end it."""

import os
import threading
from collections.abc import Generator
from dataclasses import replace

import genlock
from genlock import _waits

both_inside = threading.Barrier(2)
_waits.closed_cycle = lambda ticket: []  # noqa: ARG005  # as it is called


@genlock.coroutine(warn_after=None)
def debit() -> Generator[None, int, None]:
    while True:
        yield
        both_inside.wait()
        credit_.send(1)


@genlock.coroutine(warn_after=None)
def credit() -> Generator[None, int, None]:
    while True:
        yield
        both_inside.wait()
        debit_.send(1)


@genlock.coroutine(warn_after=None)
def audit() -> Generator[None, int, None]:
    while True:
        yield
        debit_.close()


def left() -> None:
    debit_.send(1)


def right() -> None:
    credit_.send(1)


def behind() -> None:
    audit_.send(1)


def last() -> None:
    audit_.send(2)


def steady(guard: genlock.GuardState) -> genlock.GuardState:
    waiters = sorted(guard.waiters, key=lambda wait: wait.thread)
    return replace(guard, waiters=tuple(replace(wait, waited=60.0) for wait in waiters))


debit_, credit_, audit_ = debit(), credit(), audit()
for number, job in enumerate([left, right, behind, last]):
    threading.Thread(target=job, name=job.__name__, daemon=True).start()
    while number and len(genlock.snapshot().waits) <= number:
        pass

found = genlock.snapshot()
guards = tuple(sorted(map(steady, found.guards), key=lambda guard: guard.name))
(cycle,) = found.deadlocks
names = {wait.ident: wait.thread for wait in found.waits}
cycle = tuple(sorted(cycle, key=names.__getitem__))
snapshot = replace(found, guards=guards, deadlocks=(cycle,))
text = snapshot.to_mermaid()
for ident, name in names.items():
    text = text.replace(f"t{ident}", f"t_{name}")
print(snapshot.to_text().partition("\n")[2], text, sep="\n", flush=True)
os._exit(0)
