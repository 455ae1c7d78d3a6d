"""Schedules: which thread goes on at which decision, and the token that says so.

A schedule is sparse. A thread goes on as long as it can, then the first one that can goes on; the
schedule says only where that is not so: `((4, 1), (13, 2))` lets the thread with the number 1 go
on at decision 4, and number 2 at decision 13. Threads are numbered from 0, and called T1, T2, …
"""

from __future__ import annotations

import re
import sys
from itertools import pairwise
from typing import NamedTuple

Schedule = tuple[tuple[int, int], ...]
"""Pairs of a decision and a thread, in the order of the decisions."""

_CHOICE = re.compile(r"(\d+)>T([1-9]\d*)")
_TOKEN = re.compile(
    r"g1(-line-(?P<version>\d+\.\d+))?:(?P<choices>({0}(,{0})*)?)".format(r"\d+>T[1-9]\d*")
)


class DrawnToken(str):
    """A token that was drawn at random, and not made from a run: it need not fit a program.

    `replay` does not warn where it does not; equal to the token that it would be otherwise.
    """

    __slots__ = ()


class Token(NamedTuple):
    """What a token says."""

    schedule: Schedule
    at_lines: bool


def thread_name(number: int) -> str:
    """What the thread of a worker is called."""
    return f"T{number + 1}"


def to_text(schedule: Schedule, *, at_lines: bool) -> str:
    """The token of a schedule, such as `g1:4>T2,13>T3`.

    Where the lines of a body are executed is up to the version of Python, so a token of the
    granularity "line" names that.
    """
    choices = ",".join(f"{decision}>{thread_name(number)}" for decision, number in schedule)
    return f"g1-line-{_version()}:{choices}" if at_lines else f"g1:{choices}"


def from_text(text: str, threads: int) -> Token:
    """What a token says to so many threads; raises ValueError if it is none for them, or here."""
    if not isinstance(text, str):
        raise TypeError(f"a token must be a text such as 'g1:13>T3', not {text!r}")
    found = _TOKEN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no token of genlock.testing.explore, such as 'g1:13>T3'")
    if found["version"] not in (None, _version()):
        raise ValueError(
            f"the token {text!r} is for Python {found['version']}, whose lines are not those of"
            f" {_version()}: replay it there, or explore again"
        )
    schedule = tuple(
        (int(decision), int(thread) - 1) for decision, thread in _CHOICE.findall(found["choices"])
    )
    if any(one >= next_one for (one, _), (next_one, _) in pairwise(schedule)):
        raise ValueError(f"the decisions in the token {text!r} do not come one after the other")
    highest = max((thread for _, thread in schedule), default=0)
    if highest >= threads:
        raise ValueError(
            f"the token {text!r} names {thread_name(highest)}, but there are {threads} workers"
        )
    return Token(schedule, found["version"] is not None)


def _version() -> str:
    return "{}.{}".format(*sys.version_info)
