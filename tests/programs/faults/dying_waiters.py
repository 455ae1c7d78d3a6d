"""Threads die while they wait for a guard: `dying_waiters.py ROUNDS`.

One is interrupted while it is parked; another waits for exclusive use, and is out of patience.
The turns that they leave behind must reach those that live.
"""

import random
import sys
from functools import partial

import genlock
from crew import PATIENCE, Interrupt, Occupied, Worker, interrupt, until
from ledger import Ledger

ROUNDS, WAITERS = int(sys.argv[1]), 3
TOO_SHORT = 0.001  # seconds


def one_round(chance: random.Random) -> bool:
    """Whether the guard still served in the end."""
    with Occupied(timeout=PATIENCE) as stage:
        ledger = Ledger(stage.guard, stage.taken)
        ledger.sent.append("held")
        waiters = []
        for number in range(WAITERS):
            waiters.append(Worker(partial(ledger.send, number)))
            until(lambda: stage.waiters() == len(waiters))
        victim = waiters.pop(chance.randrange(WAITERS))
        interrupt(victim)
        impatient = Worker(genlock.exclusive(stage.guard, timeout=TOO_SHORT).__enter__)
        impatient.join(PATIENCE)
        assert type(impatient.raised) is genlock.GuardTimeoutError, impatient.raised
        stage.leave.set()
        victim.join(PATIENCE)
        assert type(victim.raised) is Interrupt, victim.raised
        for waiter in waiters:
            waiter.result()
    # What the holder sent is not in the books; what the victim sent is in doubt.
    serves = ledger.close_round(in_doubt=2, ended_by="Interrupt")
    assert not serves or len(ledger.accepted) >= WAITERS - 1
    return serves


sys.setswitchinterval(1e-5)
chance = random.Random(5)
print({"rounds": ROUNDS, "serving": sum(one_round(chance) for _ in range(ROUNDS))})
