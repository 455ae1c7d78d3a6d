"""Two threads send to one coroutine. A program that knows nothing of genlock.

    python examples/unguarded_sum.py
    genlock run examples/unguarded_sum.py
    genlock run --guard __main__:add_up examples/unguarded_sum.py

The first ends with ``ValueError: generator already executing``. The second says who was inside.
The third prints the sum.
"""

import time
from collections.abc import Generator
from threading import Event, Thread

begun = Event()


def add_up() -> Generator[int, int, None]:
    """Yield the sum so far; take a while over each value."""
    total = 0
    while True:
        value = yield total
        begun.set()
        time.sleep(0.2)
        total += value


def send_one() -> None:
    """Be the first to send."""
    adder.send(1)


adder = add_up()
next(adder)
worker = Thread(target=send_one, name="worker")
worker.start()
begun.wait()
print("Sum:", adder.send(5))
worker.join()
