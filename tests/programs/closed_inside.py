"""A thread closes the bare generator that another one is inside of: `closed_inside.py op|line`."""

import sys
from collections.abc import Callable, Generator
from typing import Any

from genlock.testing import explore

Body = Generator[Any, Any, Any]


def receives() -> Body:
    received = 0
    while True:
        received += yield received


def counts() -> Body:
    for number in range(4):
        yield -number


def spreads() -> Body:
    values: list[Any] = []
    while True:
        values.append(
            (yield values),
        )


def delegates() -> Body:
    yield from receives()


def started(function: Callable[[], Body]) -> Callable[[], Body]:
    def setup() -> Body:
        generator = function()
        next(generator)
        return generator

    return setup


def send_twice(generator: Body) -> None:
    try:
        generator.send(1)
        generator.send(1)
    except StopIteration:
        pass


def close(generator: Body) -> None:
    generator.close()


for function in (receives, counts, spreads, delegates):
    result = explore(started(function), [send_twice, close], granularity=sys.argv[1])  # type: ignore[arg-type]
    print(f"{function.__name__}: {result.report.partition('.')[0].splitlines()[0]}")
    print(next(line.strip() for line in result.report.splitlines() if " was inside " in line))
