"""Two threads, each with a generator of its own, that draw from one and the same."""

import threading
from collections.abc import Iterator
from linecache import getline

import genlock

leave = threading.Lock()
leave.acquire()


def numbers() -> Iterator[int]:
    while True:
        leave.acquire()
        yield 1


def squares() -> Iterator[int]:
    yield from numbers_


def cubes() -> Iterator[int]:
    for number in numbers_:
        yield number**3


numbers_ = numbers()
first = threading.Thread(target=lambda: next(squares()), name="first")
first.start()
while getline(__file__, numbers_.gi_frame.f_lineno).strip() != "leave.acquire()":  # type: ignore[attr-defined]
    pass
for make in squares, cubes:
    try:
        next(make())
    except ValueError as error:
        print(genlock.explain(error))
leave.release()
first.join()
