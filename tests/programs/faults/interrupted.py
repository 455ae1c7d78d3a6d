"""An exception is set into a thread that uses a guard: `interrupted.py ROUNDS`.

In every second round while it runs the body, in the others wherever it is.
"""

import random
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import genlock
from crew import Worker, strike_down, until
from ledger import Ledger, open_ledger

ROUNDS, OTHERS = int(sys.argv[1]), 2
OPTIONS: list[Any] = [{}, {"on_reentry": "defer"}]


def use(ledger: Ledger, name: str, is_over: Callable[[], bool]) -> None:
    """Call in every way, as long as the guard serves or until it is over."""
    number, serves = 0, True
    while not is_over():
        number += 1
        if number % 5 == 0:
            with genlock.exclusive(ledger.guard):
                ledger.send((name, number, "kept"))
                serves = ledger.send((name, number, "kept, too"))
        elif number % 7 == 0 and serves:
            try:
                ledger.guard.throw(KeyError())
            except KeyError:
                serves = False
        else:
            serves = ledger.send((name, number))
        if not serves and name != "victim":
            return


def one_round(chance: random.Random, *, in_the_body: bool) -> bool:
    """Whether the guard still served in the end."""
    inside = ""

    def work(value: Any) -> None:
        nonlocal inside
        inside = value[0]
        for _ in range(200):
            pass
        inside = ""

    ledger, over = open_ledger(work, **chance.choice(OPTIONS)), threading.Event()
    others = [Worker(partial(use, ledger, f"other {n}", over.is_set)) for n in range(OTHERS)]
    victim = Worker(lambda: use(ledger, "victim", lambda: False))
    moment = chance.randrange(300)
    until(lambda: len(ledger.accepted) > moment)
    if in_the_body:
        until(lambda: inside == "victim")
    strike_down(victim)
    over.set()
    for other in others:
        other.result()
    return ledger.close_round(in_doubt=1, ended_by="Interrupt")


sys.setswitchinterval(1e-5)
chance = random.Random(7)
serving = sum(one_round(chance, in_the_body=number % 2 == 0) for number in range(ROUNDS))
print({"rounds": ROUNDS, "serving": serving, "ended": ROUNDS - serving})
