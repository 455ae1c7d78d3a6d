"""What keeps a scheduled thread from going on, as it can be seen before its call enters the gate.

A thread that would wait is not let go on while the gate is busy, and so never stands in a queue:
which of those who wait comes next is the schedule's to say. Only where no thread can go on are the
queues used, so that the gates themselves find the deadlock, or the timeout.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from genlock import _evidence
from genlock._interpreter import _frames
from genlock._waits import Ticket

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    from genlock._gate import Gate
    from genlock._records import Operation


class BusyGate:
    """A call of the thread with this identifier, at `frame`, waits while `gate` is busy."""

    __slots__ = ("frame", "gate", "ident", "timeout")

    def __init__(self, gate: Gate, ident: int, frame: FrameType, timeout: float) -> None:
        self.gate = gate
        self.ident = ident
        self.frame = frame
        self.timeout = timeout

    def is_there(self) -> bool:
        """Whether the call would wait now."""
        return bool(self.gate.busy)

    def can_be_deferred(self) -> bool:
        """Whether a cycle that the wait closes is no deadlock: the call need not wait."""
        operation = _evidence.operation_in(self.frame)
        return operation is not None and self.gate.can_defer(operation)

    def ticket(self, gates: Iterable[Gate]) -> Ticket:
        """The wait, with those of `gates` that its thread holds."""
        held = [_evidence.owned_by(frame) for frame in _frames.stack(self.frame)]
        ticket = Ticket(self.gate, (*filter(None, held), *filter(self.keeps, gates)))
        ticket.ident, ticket.outer, ticket.frame = self.ident, None, self.frame
        return ticket

    def keeps(self, gate: Gate) -> bool:
        """Whether the thread of this call uses `gate` exclusively."""
        keep = _evidence.keep_of(gate)
        thread = None if keep is None else keep.thread()
        return thread is not None and thread.ident == self.ident


class RunningGenerator:
    """A call sleeps and tries again while somebody runs the bare generator behind the guard."""

    __slots__ = ("gate", "timeout")

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.timeout = math.inf

    def is_there(self) -> bool:
        """Whether the call would poll now."""
        return bool(getattr(self.gate.guarded, "gi_running", False))


Obstacle = BusyGate | RunningGenerator


def before_call(gate: Gate, operation: Operation, ident: int, frame: FrameType) -> BusyGate | None:
    """What can keep a call from entering; nothing if it will not wait."""
    timeout = gate.policy.timeout
    if operation == "exclusive":
        deadline = frame.f_locals["patience"].deadline
        timeout = None if deadline == math.inf else deadline - frame.f_locals["patience"].started
    if timeout == 0 or not gate.policy.waits(operation):
        return None
    if gate.busy:
        stack = _evidence.own_stack(frame, gate.guarded)
        if gate in stack.held or gate.is_inside(stack):
            return None
    return BusyGate(gate, ident, frame, math.inf if timeout is None else timeout)


def before_poll(gate: Gate, operation: Operation, frame: FrameType) -> RunningGenerator | None:
    """What keeps a call polling that found the bare generator in use; nothing if it raises."""
    if gate.policy.refuses(operation):
        return None
    if _evidence.own_stack(frame, gate.guarded).passes_through:
        return None
    return RunningGenerator(gate)


def cycle(obstacles: Iterable[Any]) -> list[tuple[BusyGate, Ticket]]:
    """The calls that wait for one another, if there are any, each for what the next one holds."""
    busy = [obstacle for obstacle in obstacles if isinstance(obstacle, BusyGate)]
    gates = [obstacle.gate for obstacle in busy]
    waits = [(obstacle, obstacle.ticket(gates)) for obstacle in busy]
    for start in waits:
        path = [start]
        while True:
            wanted = path[-1][1].wanted
            owner = next((wait for wait in waits if wait[1].has(wanted)), None)
            if owner is None:
                break
            if owner in path:
                return path[path.index(owner) :]
            path.append(owner)
    return []
