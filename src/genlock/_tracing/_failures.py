"""The errors that guards raise while somebody collects them, as plain data."""

from __future__ import annotations

import itertools
import operator
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from genlock import _diagnoses
from genlock._traces import _clock
from genlock._traces._events import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genlock._errors import GenlockError
    from genlock._records import Site

_MOST = 200
"""How many different ones are kept: the text of each may be a page long."""

_MOST_OTHERS = 8
"""How many other threads are named that got one like the first."""

_Key = tuple[str, str, "Site | None"]


class _Alike(NamedTuple):
    """The first error of a kind, what counts them, and the names of the other threads in order."""

    first: Failure
    uncounted: Iterator[None]
    others: dict[str, None]

    def failure(self) -> Failure:
        """What is known of them."""
        # One that is just being added was not counted yet.
        number = max(1, _counted(self.uncounted))
        names = list(self.others)  # in one go: others may come meanwhile
        more = ("…",) if len(names) > _MOST_OTHERS else ()
        return replace(self.first, number=number, others=(*names[:_MOST_OTHERS], *more))

    def note_thread(self, name: str) -> None:
        """One came up in the thread of this name."""
        if name != self.first.thread and len(self.others) <= _MOST_OTHERS:
            self.others[name] = None


class Failures:
    """Collects errors: of like ones that come from one line the first, and their number.

    Of those beyond that, the number alone.
    Without a lock, which a thread that is lost in a fork could leave locked.
    """

    def __init__(self) -> None:
        self._found: dict[_Key, _Alike] = {}
        self._uncounted_more = _countdown()

    def start(self) -> None:
        """Collect from now on."""
        _diagnoses.listeners[self._take] = None

    def stop(self) -> None:
        """Collect no more; nothing if that is so."""
        _diagnoses.listeners.pop(self._take, None)

    def found(self) -> tuple[Failure, ...]:
        """What came up so far, the oldest first."""
        return tuple(alike.failure() for alike in list(self._found.values()))

    def more(self) -> int:
        """How many came up beyond those."""
        return _counted(self._uncounted_more)

    def _take(self, error: GenlockError) -> None:
        failure = _failure(error)
        key = failure.code, failure.guard, failure.site
        alike = self._found.get(key)
        if alike is None and len(self._found) < _MOST:
            alike = self._found.setdefault(key, _Alike(failure, _countdown(), {}))
        if alike is None:
            next(self._uncounted_more)
            return
        next(alike.uncounted)
        alike.note_thread(failure.thread)


def _countdown() -> Iterator[None]:
    """Counts by being used up, in one operation of the interpreter."""
    return itertools.repeat(None, sys.maxsize)


def _counted(countdown: Iterator[None]) -> int:
    return sys.maxsize - operator.length_hint(countdown)


def _failure(error: GenlockError) -> Failure:
    diagnosis = error.diagnosis
    call = diagnosis.strands[0] if diagnosis.strands else None
    steps = call.steps if call is not None else ()
    return Failure(
        error.code,
        type(error).__name__,
        str(error),
        guard=diagnosis.guard,
        thread="" if call is None else call.thread,
        at=_clock.now(),
        site=steps[-1].site if steps else None,
    )
