"""Calls to a guard with next to no stack left: `too_deep.py ROUNDS`.

Every round goes through all the depths, from none to sixty calls below the limit of recursion, so
that the limit is met in the body, at every step of the gate, and nowhere; the rounds take turns
with what the guard is in the middle of.
"""

import gc
import sys
import threading
from collections.abc import Callable
from typing import Any

from crew import PATIENCE, Occupied, Worker, until
from ledger import Ledger, open_ledger

ROUNDS, MOST = int(sys.argv[1]), 60


def depth() -> int:
    frame, depth = sys._getframe(), 0
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    return depth


def with_little_left(left: int, call: Callable[[], Any]) -> Any:
    """What `call` returns, where it can call some `left` calls deep."""

    def descend(further: int) -> Any:
        return descend(further - 1) if further > 0 else call()

    return descend(sys.getrecursionlimit() - depth() - left)


class Met:
    """How often the limit was met, and whether the guard served on."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(["rounds", "through", "too_deep", "ended"], 0)

    def send(self, ledger: Ledger, left: int) -> None:
        try:
            with_little_left(left, lambda: ledger.send("deep"))
            self.counts["through"] += 1
        except RecursionError:
            self.counts["too_deep"] += 1

    def close_round(self, ledger: Ledger, in_doubt: int) -> None:
        serves = ledger.close_round(in_doubt=in_doubt, ended_by="RecursionError")
        self.counts["ended"] += not serves

    def when_free(self, left: int) -> None:
        ledger = open_ledger()
        self.send(ledger, left)
        self.close_round(ledger, 1)

    def when_deferring(self, left: int) -> None:
        ledger = open_ledger(on_reentry="defer")
        self.send(ledger, left)
        self.close_round(ledger, 1)

    def when_the_body_has_no_end(self, left: int) -> None:
        def for_ever(value: object) -> None:
            if value == "deep":
                for_ever(value)

        ledger = open_ledger(for_ever)
        self.send(ledger, left)
        self.close_round(ledger, 1)

    def when_the_call_waits(self, left: int) -> None:
        with Occupied(timeout=PATIENCE) as stage:
            ledger = Ledger(stage.guard, stage.taken)
            ledger.sent.append("held")
            waiter = Worker(lambda: self.send(ledger, left))
            until(lambda: stage.waiters() or not waiter.is_alive())
            stage.leave.set()
            waiter.result()
        self.close_round(ledger, 2)  # what the holder sent is not in the books

    def when_another_waits(self, left: int) -> None:
        is_inside = threading.Event()

        def during(value: object) -> None:
            if value == "deep":
                is_inside.set()
                until(lambda: ledger.guard._self_gate.queue)

        def send_meanwhile() -> None:
            assert is_inside.wait(PATIENCE)
            ledger.send("other")

        ledger = open_ledger(during)
        other = Worker(send_meanwhile)
        self.send(ledger, left)
        is_inside.set()  # if it did not get that far
        other.result()
        self.close_round(ledger, 1)


# A collection that meets the limit would report what its own callbacks could not do.
gc.disable()
met = Met()
scenes = [
    met.when_free,
    met.when_deferring,
    met.when_the_body_has_no_end,
    met.when_the_call_waits,
    met.when_another_waits,
]
for number in range(ROUNDS):
    for left in range(MOST + 1):
        scenes[number % len(scenes)](left)
    gc.collect()
    met.counts["rounds"] += 1
print(met.counts)
