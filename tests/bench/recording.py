"""What recording costs: while it is off, while it is on, and when it is off again."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from statistics import median
from timeit import Timer
from typing import TYPE_CHECKING, Any

import genlock
import peers
from genlock import _stacks
from tables import Reach, Table, at_most

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from effort import Effort

BOUND = 1.6 if sys.version_info >= (3, 13) else 1.9
"""Of a recorded send to one through serialize, which nobody records; on builds with the GIL."""

BOUND_OFF = 1.05
"""Of a send after a recording to one before it: no more than what two like measurements differ."""

SIZE = 20_000
PAIRS = 12
"""How many short measurements there are for each round of a long one."""

WAYS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "before any recording": nullcontext,
    "recorded": lambda: genlock.trace(size=SIZE),
    "recorded with values=repr": lambda: genlock.trace(size=SIZE, values=repr),
    "with a subscriber": lambda: genlock.subscribe(lambda _: None),
    "after all that": nullcontext,
}
BEFORE, ON, *_, AFTER = WAYS


def recording(effort: Effort) -> tuple[Table, list[Reach]]:
    """The time of a call in every way of recording, as a ratio to serialize.

    Guard and serialize take turns every few milliseconds, so that whatever else the machine does
    hits both alike, and the median of the ratios leaves out what hit one alone. What serialize
    does is not recorded, and costs the same in every way.
    """
    echoes = peers.echoes()
    table = Table(
        "Recording: a call by one thread, median of the ratios to serialize; least times",
        ["guard", "send", "ns", "next", "ns"],
    )
    ratios = {}
    for way, enter in WAYS.items():
        with enter():
            send, send_ns = _paired("peer.send(1)", echoes, effort)
            next_, next_ns = _paired("next(peer)", echoes, effort)
        ratios[way] = send
        table.add(way, f"{send:.2f}x", f"{send_ns:.0f}", f"{next_:.2f}x", f"{next_ns:.0f}")
    off_again = ratios[AFTER] / ratios[BEFORE]
    reaches = [at_most("send after recording / before it", off_again, BOUND_OFF)]
    if not _stacks.RUN_AT_ONCE:
        reaches.append(at_most("recorded send / serialize", ratios[ON], BOUND))
    return table, reaches


def _paired(statement: str, echoes: dict[str, peers.Peer], effort: Effort) -> tuple[float, float]:
    """The median of the ratios of guard to serialize, and the least time of the guard in ns."""
    runs = max(1, effort.calls // 20)
    guard, serialize = (
        Timer(statement, globals={"peer": echoes[name]}) for name in (peers.GUARD, peers.SERIALIZE)
    )
    guard.timeit(min(runs, SIZE) * 2)  # the ring buffer is full from here on
    times = [(guard.timeit(runs), serialize.timeit(runs)) for _ in range(effort.rounds * PAIRS)]
    ratio = median(of_guard / of_serialize for of_guard, of_serialize in times)
    return ratio, min(of_guard for of_guard, _ in times) / runs * 1e9
