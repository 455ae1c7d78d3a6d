"""Subjects and workers for explorations."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import genlock

Worker = Callable[[Any], object]


def steps() -> Generator[None, Any, None]:
    while True:
        yield


def total() -> Generator[int, int, None]:
    added = 0
    while True:
        added += yield added


def bare() -> Generator[int, int, None]:
    generator = total()
    next(generator)
    return generator


def guarded() -> Any:
    return genlock.guard(total(), prime=True)


def send_one(generator: Any) -> None:
    generator.send(1)


def on_part(number: int, work: Worker) -> Worker:
    """The work on one part of the subject."""
    return lambda parts: work(parts[number])
