"""The guards that are alive: found when somebody asks, and read without stopping anybody.

Where the flag is the lock, there is no registry: guards that are not in use are found among the
objects that the collector knows. After `gc.freeze()` it does not name the older ones any more.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from itertools import chain
from typing import TYPE_CHECKING, Any

from genlock._gates import hides_gates, is_off, live_gates, unlisted_gate
from genlock._guard import GuardedIterator, gate_of
from genlock._interpreter import _stacks
from genlock._observing import _live_wording
from genlock._observing._destination import check, write
from genlock._observing._look import Look, is_busy, looked
from genlock._observing._snapshots import Snapshot
from genlock._policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from genlock._gate import Gate
    from genlock._observing._destination import Destination
    from genlock._records import GuardState


def state(guard: GuardedIterator[Any], /) -> GuardState:
    """What a guard is doing at this moment: its status and line, who is inside, who waits.

    Reading it disturbs nobody. It is true of one moment: by the time it is returned, the guard may
    be doing something else.

    Args:
        guard: a guard. (With GENLOCK=off, what `guard` returns then.)

    Raises:
        TypeError: not a guard.

    Safe in any thread, in a signal handler, and inside of the guard itself.
    """
    if issubclass(type(guard), GuardedIterator):
        gate = gate_of(guard)
    elif is_off:
        gate = unlisted_gate(guard, Policy())
    else:
        raise TypeError(_live_wording.not_a_guard(guard))
    return looked([gate], lambda look: look.state(gate))


def snapshot() -> Snapshot:
    """All guards that are alive, and the threads that wait for them.

    Finds them among the objects that the garbage collector knows, so that guards cost nothing for
    it: 100,000 guards take less than a second. Guards that were made before a `gc.freeze()` are
    found only while a thread is inside of them or waits for them. (Guards with the lock gate are
    listed, and always found.) Keeps nothing alive.

    Safe in any thread, in a signal handler, and while other threads run. These go on meanwhile:
    each guard is told as it was at one moment, and another one as it was a moment later.
    """
    found = live_gates()
    in_use: dict[int, Gate] = {}

    def look_at_those_in_use(look: Look) -> tuple[Look, list[GuardState]]:
        in_use.update(_in_use(look, found))
        return look, [look.state(gate) for gate in in_use.values()]

    look, guards = looked(found, look_at_those_in_use)  # which is short: these are few
    guards += _at_rest(look, (gate for gate in found if id(gate) not in in_use))
    return Snapshot(
        os.getpid(),
        os.path.basename(sys.argv[0] if sys.argv else ""),
        platform.python_version(),
        time.time(),
        tuple(guards),
        tuple(tuple(ticket.ident for ticket in cycle) for cycle in look.deadlocks),
        hides_gates(),
    )


def in_use() -> list[GuardState]:
    """The guards that some call is inside of or waits for: a short look, at the stacks alone."""
    found = live_gates() if _stacks.RUN_AT_ONCE else []
    return looked(found, lambda look: [look.state(it) for it in _in_use(look, found).values()])


def _in_use(look: Look, found: Iterable[Gate]) -> dict[int, Gate]:
    """The gates that are held or waited for, by identity."""
    return {id(gate): gate for gate in chain(look.gates_in_use(), filter(is_busy, found))}


def _at_rest(look: Look, gates: Iterable[Gate]) -> Iterable[GuardState]:
    for gate in gates:
        try:
            state = look.state(gate)
        except AttributeError:  # it is being made at this moment
            continue
        yield state


def dump(file: Destination = None) -> None:
    """Write `snapshot().to_text()`: who is inside of which guard, where, and who waits for them.

    Args:
        file: a path, to whose end it is written, or an open text file; None is `sys.stderr`.

    Raises:
        TypeError: the file is neither a path nor something to write to.
        ValueError: the file is closed.
        OSError: the file cannot be written.

    Safe in any thread, and in a signal handler.
    """
    check(file)
    write(snapshot().to_text(), file)
