"""Threads are refused while one of them is inside: `refusals.py SECONDS`; prints how often."""

import sys
import time
from collections.abc import Generator

import genlock
from crew import together

SECONDS, DEPTH = float(sys.argv[1]), 5


def body() -> Generator[None, None, None]:
    while True:
        yield


def call_from_below(depth: int) -> None:
    if depth:
        call_from_below(depth - 1)
    else:
        guard.send(None)


def send() -> int:
    refused, over = 0, time.monotonic() + SECONDS
    while time.monotonic() < over:
        try:
            call_from_below(DEPTH)
        except genlock.ContendedCallError:
            refused += 1
    return refused


sys.setswitchinterval(1e-5)
guard = genlock.guard(body(), on_busy="raise")
print(sum(together(*[send] * 8)))
