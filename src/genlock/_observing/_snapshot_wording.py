"""Snapshots to text: what cannot go on first, then who holds up others, then who is at rest."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

from genlock._namesakes import guards_told_apart
from genlock._observing._holders_wording import Crowd
from genlock._observing._waits_wording import contention, listed, waiting
from genlock._text import plain
from genlock._wording import NAMESAKES, duration, place, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genlock._records import GuardState

_KINDS_SHOWN = 20
_FROZEN = "gc.freeze() was called: of older guards, those alone are found that are in use."


def heading(pid: int, program: str, python: str, taken: float) -> str:
    """Of which process a snapshot is, and of when."""
    when = datetime.fromtimestamp(taken).astimezone().isoformat(" ", "seconds")
    what = f" ({plain(program)})" if program else ""
    return f"genlock: process {pid}{what}, Python {python}, {when}"


def report(
    guards: Sequence[GuardState], deadlocks: Sequence[Sequence[int]], *, frozen: bool
) -> list[str]:
    """The lines of a snapshot: what cannot go on first, then who holds up others, then the rest."""
    told = guards_told_apart(guards)
    crowd = Crowd(told)
    lines = [_census(guards), *([_FROZEN] if frozen else []), *_abandoned(guards)]
    for cycle in deadlocks:
        lines += ["", _deadlock(crowd, cycle), *crowd.sections(cycle)]
    lines += crowd.sections(crowd.in_order(skipped=itertools.chain(*deadlocks)))
    for guard in told:
        if guard.waiters and guard.holder is None:
            lines += ["", *_held_by_nobody(guard)]
    lines += ["", NAMESAKES.lstrip()] if told is not guards else []
    resting = _resting(guards)
    return [*lines, "", *resting] if resting else lines


def _deadlock(crowd: Crowd, cycle: Sequence[int]) -> str:
    names = [plain(crowd.waits[ident][1].thread) for ident in cycle if ident in crowd.waits]
    return f"Deadlock: {listed(names)} wait for one another; one of them gets a DeadlockError."


def _census(guards: Sequence[GuardState]) -> str:
    if not guards:
        return "No guards."
    statuses = Counter(guard.status for guard in guards)
    what = ", ".join(f"{count:,} {status}" for status, count in statuses.most_common())
    text = f"{len(guards):,} guard{'s'[: len(guards) > 1]}: {what}"
    broken = sum(guard.abandoned for guard in guards)
    if broken:
        text += f"; {broken:,} broken for good"
    waits = [wait.waited for guard in guards for wait in guard.waiters]
    if not waits:
        return f"{text}; no thread waits for one."
    if len(waits) == 1:
        return f"{text}; 1 thread waits, for {duration(waits[0])}."
    return f"{text}; {len(waits):,} threads wait, the longest for {duration(max(waits))}."


def _abandoned(guards: Sequence[GuardState]) -> list[str]:
    """The guards that nobody will ever get into, those of a kind together."""
    kinds: dict[tuple[object, ...], list[GuardState]] = {}
    for guard in guards:
        if guard.abandoned:
            kinds.setdefault((guard.name, guard.holder), []).append(guard)
    if not kinds:
        return []
    lines = ["", "Broken for good: whoever is inside can never come back, and calls get an"]
    lines[-1] += " AbandonedGeneratorError (GL005)."
    for kind in itertools.islice(kinds.values(), _KINDS_SHOWN):
        lines.append(f"  {_times(kind)}{kind[0].name!r}:")
        lines += rows(kind[0].holder) if kind[0].holder is not None else []
        waits = [wait for guard in kind for wait in guard.waiters]
        lines += ["  Waiting:", *waiting(waits)] if waits else []
    if len(kinds) > _KINDS_SHOWN:
        lines.append(f"  … {len(kinds) - _KINDS_SHOWN:,} more kinds")
    return lines


def _times(kind: Sequence[GuardState]) -> str:
    return f"{len(kind):,} times " if len(kind) > 1 else ""


def _held_by_nobody(guard: GuardState) -> list[str]:
    return [
        f"{guard.name!r} is busy, and who is inside could not be seen at that moment.",
        "  Waiting:",
        *waiting(guard.waiters),
    ]


def _resting(guards: Sequence[GuardState]) -> list[str]:
    """The guards that hold up nobody, those of a kind in one row, the frequent ones first."""
    kinds: dict[tuple[object, ...], list[GuardState]] = {}
    for guard in guards:
        if guard.holder is None and not guard.waiters:
            key = guard.name, guard.status, guard.site, guard.ended
            kinds.setdefault(key, []).append(guard)
    if not kinds:
        return []
    lines = ["At rest:"]
    for kind in sorted(kinds.values(), key=len, reverse=True)[:_KINDS_SHOWN]:
        first = kind[0]
        times = f"; {contention(kind)}" if any(guard.contended for guard in kind) else ""
        lines.append(f"  {_times(kind)}{first.name!r} {_rests(first)}{times}")
    if len(kinds) > _KINDS_SHOWN:
        lines.append(f"  … {len(kinds) - _KINDS_SHOWN:,} more kinds")
    return lines


def _rests(guard: GuardState) -> str:
    if guard.status == "running":
        return "running, by a thread that could not be seen at that moment"
    if guard.status == "closed":
        ending = guard.ended
        if ending is None:
            return "has ended"
        where = f", at {place(ending.site)}" if ending.site else ""
        who = f" ({plain(ending.thread)})" if ending.thread else ""
        how = {
            "returned": "has returned",
            "closed": "was closed",
            "raised": f"was ended by {ending.error}",
        }
        return f"{how[ending.how]}{where}{who}"
    where = f", {place(guard.site)}" if guard.site else ""
    return f"{'not started' if guard.status == 'created' else guard.status}{where}"
