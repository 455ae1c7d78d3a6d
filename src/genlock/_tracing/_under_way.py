"""The calls that are under way when a recording ends: none of them has become an event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genlock._interpreter import _frames
from genlock._traces._events import Unfinished

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genlock._records import GuardState

_MOST = 100
"""How many are told: those of a crowd are alike."""


def calls() -> tuple[Unfinished, ...]:
    """Who is inside of a guard at this moment, or waits for one; nothing if that cannot be seen."""
    from genlock._observing._live import in_use  # which few recordings need before they end

    try:
        return tuple(call for guard in in_use() for call in _of(guard))[:_MOST]
    except Exception as failure:  # what was recorded is kept, whatever cannot be told beside it
        if _frames.is_interruption(failure):
            raise
        return ()


def _of(guard: GuardState) -> Iterator[Unfinished]:
    holder = guard.holder
    if holder is not None:
        steps = holder.steps
        yield Unfinished(
            guard.name,
            holder.thread,
            guard.during or "exclusive",
            site=steps[0].site if steps else None,
            at=guard.site,
        )
    for wait in guard.waiters:
        waited = round(wait.waited * 1e9)
        yield Unfinished(
            guard.name, wait.thread, wait.operation, is_waiting=True, waited=waited, site=wait.call
        )
