"""A worker that catches what befalls it, and tries again."""

import logging
import threading
from collections.abc import Generator

logger = logging.getLogger("asker")
begun, leave = threading.Event(), threading.Event()


def numbers() -> Generator[int, None, None]:
    begun.set()
    leave.wait(10)
    yield 1


def ask() -> None:
    for _ in range(5):
        try:
            next(shared)
        except ValueError:
            logger.exception("no number")


shared = numbers()
slow = threading.Thread(target=next, args=(shared,), name="slow")
slow.start()
begun.wait()
quick = threading.Thread(target=ask, name="quick")
quick.start()
quick.join()
leave.set()
slow.join()
