"""Waits in words: who waits, since when, where, and what will become of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from genlock._text import plain
from genlock._wording import duration, place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from genlock._records import GuardState, Wait

_WAITS_SHOWN = 12
_NAMES_SHOWN = 6
_NANO = 1e9

PROSPECTS = {
    "deadlock": "a deadlock",
    "behind a deadlock": "behind a deadlock",
    "gone": "whoever is inside is gone",
}
"""Why a wait cannot end by itself."""


def waiting(waits: Sequence[Wait]) -> list[str]:
    """The calls that wait, as aligned rows."""
    if not waits:
        return []
    cells = [
        (
            plain(wait.thread),
            duration(wait.waited),
            f"{wait.operation}()",
            "" if wait.call is None else place(wait.call),
            "" if wait.call is None else plain(wait.call.code),
            _remark(wait),
        )
        for wait in waits[:_WAITS_SHOWN]
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(5)]
    lines = ["    " + "  ".join([*map(str.ljust, row, widths), row[5]]).rstrip() for row in cells]
    if len(waits) > _WAITS_SHOWN:
        lines.append(f"    … {len(waits) - _WAITS_SHOWN:,} more")
    return lines


def _remark(wait: Wait) -> str:
    remarks = [f"has {named(wait.holds)}"] if wait.holds else []
    remarks += [PROSPECTS[wait.prospect]] if wait.prospect else []
    return "; ".join(remarks)


def contention(guards: Sequence[GuardState]) -> str:
    """How often calls have found guards busy, and how long they waited."""
    times = sum(guard.contended for guard in guards)
    waited = sum(guard.waited_ns for guard in guards) / _NANO
    longest = max(guard.longest_wait_ns for guard in guards) / _NANO
    if times == 1:
        return f"contended once: for {duration(longest)}"
    return f"contended {times:,} times: {duration(waited)} in all, at most {duration(longest)}"


def named(guards: Iterable[str]) -> str:
    """Some guards by their names: those of one name together, and not too many."""
    counts = Counter(guards)
    parts = [
        repr(name) if count == 1 else f"{count:,} guards named {name!r}"
        for name, count in counts.items()
    ]
    more = len(parts) - _NAMES_SHOWN
    return listed([*parts[:_NAMES_SHOWN], f"{more:,} more"] if more > 1 else parts)


def listed(parts: Sequence[str]) -> str:
    """One, two and three."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
