"""Under gevent, a thread keeps a guard, and one ends without having left it."""

# ruff: noqa: E402  # the patches come before what they patch is imported
from gevent import monkey

monkey.patch_all()

from collections.abc import Generator

import genlock
from crew import Worker


def body() -> Generator[None, int, None]:
    while True:
        yield


def told(guard: genlock.GuardedGenerator[None, int, None]) -> str:
    try:
        guard.send(1)
    except genlock.GeneratorBusyError as error:
        return str(error)
    return "got in"


guard = genlock.guard(body(), prime=True, timeout=0.1)
with genlock.exclusive(guard):
    print(Worker(lambda: told(guard)).result().splitlines()[0])
block = genlock.exclusive(guard)
Worker(block.__enter__, name="gone").result()
print(told(guard).splitlines()[2].split()[:4])
