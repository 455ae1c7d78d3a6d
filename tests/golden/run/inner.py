"""A lock around the generator that threads share does not help the one inside of it."""

import threading
from collections.abc import Generator, Iterator

begun, leave = threading.Event(), threading.Event()


def numbers() -> Generator[int, None, None]:
    number = 0
    while True:
        begun.set()
        leave.wait(10)
        yield number
        number += 1


class Locked:
    def __init__(self, source: Iterator[int]) -> None:
        self.lock = threading.Lock()
        self.source = source

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        with self.lock:
            return next(self.source)


def squares(source: Iterator[int]) -> Generator[int, None, None]:
    while True:
        yield next(source) ** 2


shared = numbers()
ours, theirs = Locked(squares(shared)), Locked(squares(shared))
worker = threading.Thread(target=next, args=(ours,), name="worker")
worker.start()
begun.wait()
try:
    next(theirs)
finally:
    leave.set()
    worker.join()
