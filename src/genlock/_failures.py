"""The errors that guards raise while somebody collects them, as plain data."""

from __future__ import annotations

import itertools
import operator
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from genlock import _clock, _diagnoses
from genlock._events import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genlock._errors import GenlockError
    from genlock._records import Site

_MOST = 200
"""How many different ones are kept: the text of each may be a page long."""

_Key = tuple[str, str, "Site | None"]


class Failures:
    """Collects errors: of like ones that come from one line the first, and their number.

    Without a lock, which a thread that is lost in a fork could leave locked.
    """

    def __init__(self) -> None:
        self._found: dict[_Key, tuple[Failure, Iterator[None]]] = {}

    def start(self) -> None:
        """Collect from now on."""
        _diagnoses.listeners[self._take] = None

    def stop(self) -> None:
        """Collect no more; nothing if that is so."""
        _diagnoses.listeners.pop(self._take, None)

    def found(self) -> tuple[Failure, ...]:
        """What came up so far, the oldest first."""
        return tuple(
            replace(failure, number=sys.maxsize - operator.length_hint(uncounted))
            for failure, uncounted in list(self._found.values())
        )

    def _take(self, error: GenlockError) -> None:
        failure = _failure(error)
        key = failure.code, failure.guard, failure.site
        entry = self._found.get(key)
        if entry is None and len(self._found) < _MOST:
            entry = self._found.setdefault(key, (failure, itertools.repeat(None, sys.maxsize)))
        if entry is not None:
            next(entry[1])


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
