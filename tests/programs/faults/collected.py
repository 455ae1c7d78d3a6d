"""The collector runs a finaliser that sends to the guard: `collected.py ROUNDS`.

It runs in the body of the guard, and, with a threshold of one, at every step of every thread.
"""

import gc
import itertools
import sys
from functools import partial
from typing import Any

from crew import together
from ledger import Ledger, open_ledger

ROUNDS, THREADS, EACH = int(sys.argv[1]), 3, 20
OPTIONS: list[Any] = [{}, {"on_reentry": "defer"}]

numbers = itertools.count()


class Sender:
    """Sends when the collector finds it."""

    def __init__(self, ledger: Ledger) -> None:
        self.me = self
        self.ledger = ledger

    def __del__(self) -> None:
        self.ledger.send(("finaliser", next(numbers)))


def in_the_body(options: Any) -> int:
    """How many were refused."""

    def during(value: object) -> None:
        if value == "own":
            Sender(ledger)
            gc.collect()

    ledger = open_ledger(during, **options)
    ledger.send("own")
    ledger.close_round()
    assert len(ledger.taken) == 2 - len(ledger.refused)
    assert len(ledger.refused) == (not options)
    return len(ledger.refused)


def at_every_step(options: Any) -> None:
    def during(value: object) -> None:
        if type(value) is int:
            Sender(ledger)

    ledger = open_ledger(during, **options)

    def feed(name: int) -> None:
        for number in range(EACH):
            Sender(ledger)
            ledger.send(name * EACH + number)

    before = gc.get_threshold()
    gc.set_threshold(1)
    try:
        together(*[partial(feed, name) for name in range(THREADS)])
    finally:
        gc.set_threshold(*before)
    gc.collect()
    ledger.close_round()
    own = [value for value in ledger.accepted if type(value) is int]
    assert len(own) == THREADS * EACH
    assert len(ledger.sent) == 3 * THREADS * EACH, "a finaliser has not run"


sys.setswitchinterval(1e-5)
refused = 0
for number in range(ROUNDS):
    chosen = OPTIONS[number % 2]
    refused += in_the_body(chosen)
    at_every_step(chosen)
print({"rounds": ROUNDS, "finalised": next(numbers), "refused": refused})
