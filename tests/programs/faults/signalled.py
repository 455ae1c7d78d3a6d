"""A signal's handler sends to the guard that it interrupted: `signalled.py ROUNDS`.

The main thread is running the guard, or waiting for it, or anywhere else.
"""

import itertools
import random
import signal
import sys
import threading
from typing import Any

from crew import PATIENCE, Occupied, Worker, until
from ledger import Ledger, open_ledger

ROUNDS = int(sys.argv[1])
OPTIONS: list[Any] = [{}, {"on_reentry": "defer"}]
MAIN = threading.get_ident()

numbers = itertools.count()
handled = threading.Event()


def handle_by(ledger: Ledger) -> None:
    """From now on, a signal is one more value."""

    def handle(*_: object) -> None:
        ledger.send(("handler", next(numbers)))
        handled.set()

    handled.clear()
    signal.signal(signal.SIGUSR1, handle)


def while_running(options: Any) -> int:
    """How many were refused."""

    def during(value: object) -> None:
        if value == "own":
            signal.raise_signal(signal.SIGUSR1)

    ledger = open_ledger(during, **options)
    handle_by(ledger)
    ledger.send("own")
    ledger.close_round()
    assert len(ledger.taken) == 2 - len(ledger.refused)
    assert len(ledger.refused) == (not options)
    return len(ledger.refused)


def while_waiting(options: Any) -> None:
    with Occupied(timeout=PATIENCE, **options) as stage:
        ledger = Ledger(stage.guard, stage.taken)
        ledger.sent.append("held")
        handle_by(ledger)

        def signal_the_waiter() -> None:
            until(stage.waiters)
            signal.pthread_kill(MAIN, signal.SIGUSR1)
            # The handler's call waits for the same turn.
            until(lambda: len(ledger.sent) == 3)
            stage.leave.set()

        signaller = Worker(signal_the_waiter)
        assert ledger.send("own")
        signaller.result()
        until(handled.is_set)
    ledger.close_round(in_doubt=1)  # what the holder sent is not in the books
    assert len(ledger.accepted) == 2


def while_anything(chance: random.Random, options: Any) -> None:
    ledger, over = open_ledger(**options), threading.Event()
    handle_by(ledger)

    def feed(name: int) -> None:
        for number in itertools.takewhile(lambda _: not over.is_set(), itertools.count()):
            ledger.send((name, number))

    def signal_now_and_then() -> None:
        for _ in range(5):
            moment = len(ledger.taken) + chance.randrange(20)
            until(lambda m=moment: len(ledger.taken) > m)  # type: ignore[misc]
            handled.clear()
            signal.pthread_kill(MAIN, signal.SIGUSR1)
            assert handled.wait(PATIENCE)
        over.set()

    workers = [Worker(lambda: feed(1)), Worker(signal_now_and_then)]
    feed(0)
    for worker in workers:
        worker.result()
    ledger.close_round()


sys.setswitchinterval(1e-5)
chance = random.Random(3)
refused = 0
for number in range(ROUNDS):
    chosen = OPTIONS[number % 2]
    refused += while_running(chosen)
    while_waiting(chosen)
    while_anything(chance, chosen)
print({"rounds": ROUNDS, "handled": next(numbers), "refused": refused})
