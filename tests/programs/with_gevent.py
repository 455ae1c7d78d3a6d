"""Two greenlets share a guard whose body switches: `with_gevent.py patched|bare`.

With gevent's threads in the place of the interpreter's, each waits for the other, and all is
served. Without, a wait would stop the thread that has to run the other one, and says so.
"""

# ruff: noqa: E402  # the patches come before what they patch is imported
import sys

IS_PATCHED = sys.argv[1] == "patched"
if IS_PATCHED:
    from gevent import monkey

    monkey.patch_all()

from collections.abc import Generator
from functools import partial
from typing import Any

import gevent

import genlock
from crew import PATIENCE, Alone, Worker

EACH = 100
taken: list[Any] = []


def body() -> Generator[int, Any, None]:
    alone = Alone()
    while True:
        value = yield len(taken)
        with alone:
            gevent.sleep(0)
            taken.append(value)


guard = genlock.guard(body(), prime=True, timeout=PATIENCE, name="switching")


def feed(name: str) -> str:
    for number in range(EACH):
        try:
            guard.send((name, number))
        except genlock.AbandonedGeneratorError as error:
            return error.code
    return "served"


def as_threads() -> None:
    workers = [Worker(partial(feed, name)) for name in ("a", "b")]
    print([worker.result() for worker in workers], len(taken), len(set(taken)))


def as_greenlets() -> None:
    greenlets = [gevent.spawn(feed, name) for name in ("a", "b")]
    gevent.joinall(greenlets, timeout=PATIENCE)
    print([greenlet.value for greenlet in greenlets], len(taken), {name for name, _ in taken})


(as_threads if IS_PATCHED else as_greenlets)()
