"""What recording costs: while it is off, while it is on, and when it is off again."""

from __future__ import annotations

import sys
from contextlib import nullcontext
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

BEFORE, AFTER, ON = "guard, before any recording", "guard, after it", "guard, recorded"
STATEMENTS = {"send": "peer.send(1)", "next": "next(peer)"}
SIZE = 20_000

States = dict[str, tuple[peers.Peer, "Callable[[], AbstractContextManager[Any]]"]]
Times = dict[str, dict[str, float]]


def recording(effort: Effort) -> tuple[Table, list[Reach]]:
    """The time of a call in every state of recording; the states take turns."""
    echoes = peers.echoes()
    serialize = (echoes[peers.SERIALIZE], nullcontext)
    guard = echoes[peers.GUARD]
    before = _fastest({peers.SERIALIZE: serialize, BEFORE: (guard, nullcontext)}, effort)
    states: States = {
        peers.SERIALIZE: serialize,
        ON: (guard, lambda: genlock.trace(size=SIZE)),
        "guard, recorded with values=repr": (guard, lambda: genlock.trace(size=SIZE, values=repr)),
        "guard, with a subscriber": (guard, lambda: genlock.subscribe(lambda _: None)),
        AFTER: (guard, nullcontext),
    }
    times = _fastest(states, effort)
    table = Table(
        "Recording: ns of a call by one thread, and ratio to serialize",
        ["", "send, ns", "ratio", "next, ns", "ratio"],
    )
    _add(table, before)
    _add(table, {name: times[name] for name in times if name != peers.SERIALIZE}, times)
    ratio = _ratio(times, ON)
    ratio_off = times[AFTER]["send"] / before[BEFORE]["send"]
    reaches = [at_most("send after recording / before it", ratio_off, BOUND_OFF)]
    if not _stacks.RUN_AT_ONCE:
        reaches.append(at_most("recorded send / serialize", ratio, BOUND))
    return table, reaches


def _add(table: Table, times: Times, of: Times | None = None) -> None:
    serialize = (of or times)[peers.SERIALIZE]
    for name, by_call in times.items():
        pairs = ((time, time / serialize[call]) for call, time in by_call.items())
        cells = ((f"{time:.0f}", f"{ratio:.2f}x") for time, ratio in pairs)
        table.add(name, *(cell for pair in cells for cell in pair))


def _ratio(times: Times, name: str) -> float:
    return times[name]["send"] / times[peers.SERIALIZE]["send"]


def _fastest(states: States, effort: Effort) -> Times:
    times = {name: dict.fromkeys(STATEMENTS, float("inf")) for name in states}
    runs = max(1, effort.calls // 4)
    for _ in range(effort.rounds):
        for name, (peer, enter) in states.items():
            with enter():
                for call, statement in STATEMENTS.items():
                    timer = Timer(statement, globals={"peer": peer})
                    timer.timeit(min(runs, 2 * SIZE))  # the ring buffer is full from here on
                    time = timer.timeit(runs) / runs * 1e9
                    times[name][call] = min(times[name][call], time)
    return times
