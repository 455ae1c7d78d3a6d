"""A greenlet keeps a guard while it is switched out; gevent's patches came after genlock."""

# ruff: noqa: E402  # the order is what is tried
from collections.abc import Generator

import genlock

from gevent import monkey  # isort: skip

monkey.patch_all()

import gevent


def body() -> Generator[None, int, None]:
    while True:
        yield


guard = genlock.guard(body(), prime=True, on_busy="raise")


def keep() -> str:
    with genlock.exclusive(guard):
        gevent.sleep(0)
    return "kept"


def send() -> str:
    try:
        guard.send(1)
    except genlock.ContendedCallError as error:
        return error.code
    return "got in"


both = [gevent.spawn(keep), gevent.spawn(send)]
gevent.joinall(both)
print(*[greenlet.value for greenlet in both])
