"""The errors that guards raise while somebody collects them, as plain data."""

from __future__ import annotations

import itertools
import operator
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from genlock import _diagnoses
from genlock._traces import _clock
from genlock._traces._events import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genlock._errors import GenlockError
    from genlock._records import Site

_MOST = 200
"""How many different ones are kept: the text of each may be a page long."""

_Key = tuple[str, str, "Site | None"]


class Failures:
    """Collects errors: of like ones that come from one line the first, and their number.

    Of those beyond that, the number alone.
    Without a lock, which a thread that is lost in a fork could leave locked.
    """

    def __init__(self) -> None:
        self._found: dict[_Key, tuple[Failure, Iterator[None]]] = {}
        self._uncounted_more = _countdown()

    def start(self) -> None:
        """Collect from now on."""
        _diagnoses.listeners[self._take] = None

    def stop(self) -> None:
        """Collect no more; nothing if that is so."""
        _diagnoses.listeners.pop(self._take, None)

    def found(self) -> tuple[Failure, ...]:
        """What came up so far, the oldest first."""
        return tuple(
            # One that is just being added was not counted yet.
            replace(failure, number=max(1, _counted(uncounted)))
            for failure, uncounted in list(self._found.values())
        )

    def more(self) -> int:
        """How many came up beyond those."""
        return _counted(self._uncounted_more)

    def _take(self, error: GenlockError) -> None:
        failure = _failure(error)
        key = failure.code, failure.guard, failure.site
        entry = self._found.get(key)
        if entry is None and len(self._found) < _MOST:
            entry = self._found.setdefault(key, (failure, _countdown()))
        next(self._uncounted_more if entry is None else entry[1])


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
