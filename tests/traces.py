"""Traces for tests: recorded, or drawn at random as calls that nest."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import genlock
from crew import together
from genlock._records import Site
from genlock._traces._events import Event, Outcome, Trace, TracedGuard, TracedThread

if TYPE_CHECKING:
    from collections.abc import Generator

THREADS = [TracedThread(number, f"thread-{number}", 1000 + number) for number in range(1, 5)]
GUARDS = [
    TracedGuard(number, name, f"demo.{name}", "demo.py", number)
    for number, name in enumerate(["ping", "pong", "sink", 'na"me<&>\n', "ping"], 1)
]
OUTCOMES: list[Outcome] = ["yielded", "yielded", "yielded", "returned", "raised", "ended"]


def drawn_trace(seed: int, calls: int = 60) -> Trace:
    """Calls of several threads, each driving others; some refused, some that waited."""
    chance = random.Random(seed)
    events: list[Event] = []
    clock = dict.fromkeys(THREADS, 10_000)

    def call(thread: TracedThread, depth: int) -> None:
        waited = chance.choice([0, 0, 0, 700])
        begin = clock[thread] = clock[thread] + waited + chance.randint(1, 50)
        is_refused = chance.random() < 0.1
        if not is_refused:
            for _ in range(chance.randint(0, 2) if depth < 4 else 0):
                call(thread, depth + 1)
            clock[thread] += chance.randint(1, 50)
        error = chance.choice(["ValueError", "KeyError"])
        outcome = "refused" if is_refused else chance.choice(OUTCOMES)
        events.append(
            Event(
                chance.choice(GUARDS),
                thread,
                chance.choice(["send", "next", "throw", "close"]),
                begin,
                clock[thread],
                outcome,
                error if outcome in ("refused", "raised") else "",
                waited,
                chance.choice([0, 0, 30]),
                chance.choice([None, Site("demo.py", chance.randint(1, 9), "main", "x.send(1)")]),
                *chance.choice([(None, None), ("'sent'", "ünïcode \u2028 'got'")]),
            )
        )

    for _ in range(calls):
        call(chance.choice(THREADS), 0)
    return Trace(tuple(events), dropped=3, pid=71, epoch=1_700_000_000_000_000_000)


def recorded() -> genlock.Recording:
    """Four threads, each driving one guard that drives another, and some exclusive use."""

    def pong() -> Generator[None, int, None]:
        while True:
            yield

    def ping() -> Generator[None, int, None]:
        while True:
            pong_.send((yield))

    pong_ = genlock.guard(pong(), prime=True)
    ping_ = genlock.guard(ping(), prime=True)
    with genlock.trace() as recording:
        together(*[lambda: [ping_.send(1) for _ in range(300)]] * 4)
        ping_.close()
        with genlock.exclusive(pong_):
            pong_.close()
    return recording
