"""The interpreter exits while daemon threads use guards: `exiting.py ROUNDS`.

They are inside of bodies, at work or asleep, wait for their turn, or keep a guard for themselves.
Every round is a child that ends as programs do, by running off the end of this one.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Generator

import genlock
from crew import PATIENCE, Occupied, until
from ledger import open_ledger

ROUNDS = int(sys.argv[1])
PROMPTLY = 5.0  # seconds


def start(job: object) -> None:
    threading.Thread(target=job, daemon=True).start()  # type: ignore[arg-type]


def busy_body(entered: threading.Event) -> Generator[None, None, None]:
    yield
    entered.set()
    while True:
        pass


def occupy() -> None:
    """Leave threads in all those places."""
    asleep = Occupied(timeout=PATIENCE)
    asleep.__enter__()
    start(lambda: asleep.guard.send("waits"))
    start(genlock.exclusive(asleep.guard).__enter__)

    entered = threading.Event()
    at_work = genlock.guard(busy_body(entered), prime=True)
    start(lambda: next(at_work))

    contended = open_ledger()
    for name in range(3):
        start(lambda name=name: [contended.guard.send((name, n)) for n in range(10**9)])

    kept = open_ledger()
    keeping = threading.Event()

    def keep() -> None:
        with genlock.exclusive(kept.guard):
            keeping.set()
            threading.Event().wait()

    start(keep)
    assert keeping.wait(PATIENCE)
    start(lambda: kept.guard.send("waits"))

    assert entered.wait(PATIENCE)
    until(lambda: asleep.waiters() == 2)
    until(lambda: contended.taken)


def await_end(child: int) -> float:
    """Seconds until the child has ended well."""
    began = time.monotonic()
    while time.monotonic() < began + PATIENCE:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            assert os.waitstatus_to_exitcode(status) == 0, status
            return time.monotonic() - began
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    sys.exit("a process does not end")


def main() -> None:
    slowest = 0.0
    for _ in range(ROUNDS):
        child = os.fork()
        if child == 0:
            sys.setswitchinterval(1e-4)
            occupy()
            return
        slowest = max(slowest, await_end(child))
    assert slowest < PROMPTLY, f"one round took {slowest:.1f} s"
    print({"rounds": ROUNDS, "slowest": round(slowest, 3)})


main()
