"""The process forks while other threads are inside of a guard: `forked.py ROUNDS`.

Once a thread is inside of the body for sure; once threads send as quickly as they can, and are
anywhere. The child is served, or told that the generator is abandoned; the parent goes on.
"""

import os
import random
import signal
import sys
import threading
import warnings
from functools import partial

import genlock
from crew import PATIENCE, Occupied, Worker, until
from ledger import Ledger, open_ledger

ROUNDS, AT_A_TIME = int(sys.argv[1]), 25
SERVED, ABANDONED, WRONG = range(3)
TOO_LONG = 20  # seconds


def call_in_a_child(ledger: Ledger) -> int:
    """Fork, and in the child send to the guard; the status of the child says what came of it."""
    child = os.fork()
    if child:
        return child
    status = WRONG
    try:
        signal.alarm(TOO_LONG)
        ledger.guard.send("child")
        status = SERVED if "child" in ledger.taken else WRONG
    except genlock.AbandonedGeneratorError:
        status = ABANDONED
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    os._exit(status)


def while_running() -> int:
    """The child."""
    with Occupied(timeout=PATIENCE) as stage:
        ledger = Ledger(stage.guard, stage.taken)
        ledger.sent.append("held")
        child = call_in_a_child(ledger)
        waiter = Worker(lambda: ledger.send("waiter"))
        stage.leave.set()
        waiter.result()
    ledger.close_round(in_doubt=1)  # what the holder sent is not in the books
    return child


def while_anything(chance: random.Random) -> int:
    """The child."""
    ledger, over = open_ledger(lambda _: None), threading.Event()

    def feed(name: int) -> None:
        number = 0
        while not over.is_set():
            number += 1
            ledger.send((name, number))

    feeders = [Worker(partial(feed, n)) for n in range(2)]
    moment = chance.randrange(100)
    until(lambda: len(ledger.taken) > moment)
    child = call_in_a_child(ledger)
    over.set()
    for feeder in feeders:
        feeder.result()
    ledger.close_round()
    return child


def statuses(children: list[int]) -> list[int]:
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


warnings.simplefilter("ignore", DeprecationWarning)  # threads and fork: the subject
sys.setswitchinterval(1e-5)
chance = random.Random(11)
counts = {"rounds": ROUNDS, "abandoned": 0, "served": 0}
for done in range(0, ROUNDS, AT_A_TIME):
    # A child waits a quarter of a second before it looks who is inside: let many wait together.
    batch = range(min(AT_A_TIME, ROUNDS - done))
    assert set(statuses([while_running() for _ in batch])) == {ABANDONED}
    ended = statuses([while_anything(chance) for _ in batch])
    assert set(ended) <= {SERVED, ABANDONED}, ended
    counts["served"] += ended.count(SERVED)
    counts["abandoned"] += len(batch) + ended.count(ABANDONED)
print(counts)
