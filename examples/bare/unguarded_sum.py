"""Two threads send to one coroutine. A program that knows nothing of genlock.

    python examples/bare/unguarded_sum.py
    genlock run examples/bare/unguarded_sum.py
    genlock run --guard __main__:add_up examples/bare/unguarded_sum.py

The first ends with ``ValueError: generator already executing``. The second says who was inside.
The third prints the sum.
"""

from collections.abc import Generator
from threading import Event, Thread

begun, leave = Event(), Event()


def add_up() -> Generator[int, int, None]:
    """Yield the sum so far; take a while over the first value."""
    total = 0
    while True:
        value = yield total
        begun.set()
        leave.wait(1)
        total += value


def send_one() -> None:
    """Be the first to send, and let the next one be quick."""
    adder.send(1)
    leave.set()


adder = add_up()
next(adder)
worker = Thread(target=send_one, name="worker")
worker.start()
begun.wait()
print("Sum:", adder.send(5))
worker.join()
