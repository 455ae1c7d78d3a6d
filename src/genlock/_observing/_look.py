"""One look at the threads: who is inside of which guard, where, and who waits."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from genlock import _evidence, _waits
from genlock._diagnoses import identity, left_inside, path_into, strand_inside
from genlock._evidence import Presence
from genlock._interpreter import _frames, _stacks
from genlock._observing._prospects import deadlocks, prospects
from genlock._observing._status import Statuses
from genlock._records import Ending, GuardState, Strand, Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType
    from typing import Self

    from genlock._gate import Gate
    from genlock._records import Operation, Site, Status
    from genlock._waits import Ticket

_NANO = 1e9
_Found = TypeVar("_Found")


class Owner(NamedTuple):
    """The thread that is inside of a gate, and the frame of the gate's method that let it in."""

    ident: int
    gate: Gate
    frame: FrameType


class Look:
    """What is read once, for all guards that are asked for.

    Where threads run at once, a stack is known as far as `gates` let one read it: from the call
    that waits on, or else from the innermost of their bodies on. And it can be looked at during the
    look alone, which ends with its `with` block: it knows no stacks from then on. Among them is
    that of the caller, and so the look itself.
    """

    def __init__(self, gates: Iterable[Gate]) -> None:
        self.now = time.monotonic()
        self.tickets = _waits.standing()
        self.names = _frames.thread_names()
        self.statuses = Statuses()
        self.waiting = {ticket.ident: ticket for ticket in self.tickets}
        self.waiters: dict[int, list[Ticket]] = {}
        for ticket in self.tickets:
            self.waiters.setdefault(id(ticket.wanted), []).append(ticket)
        self.stacks = _readable_stacks(gates)
        self.owners: dict[int, Owner] = {}
        self.bodies: dict[FrameType, int] = {}
        self._read_stacks()
        self.deadlocks = deadlocks(self.tickets)
        self.prospects = prospects(self.tickets, self.deadlocks, self._lost())

    def _read_stacks(self) -> None:
        # Not on the stack when that was read: what is in its variables does not hold itself.
        for ident, frames in self.stacks.items():
            for frame in frames:
                self.bodies[frame] = ident
                gate = _evidence.owned_by(frame)
                if gate is not None:
                    self.owners[id(gate)] = Owner(ident, cast("Gate", gate), frame)

    def _lost(self) -> Iterable[Ticket]:
        """The waits for gates whose owners can never come back."""
        for gate_id, tickets in self.waiters.items():
            if gate_id not in self.owners and cast("Gate", tickets[0].wanted).is_lost():
                yield from tickets

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.owners.clear()
        self.bodies.clear()
        self.stacks.clear()

    def gates_in_use(self) -> Iterable[Gate]:
        """The gates that are known to be held or waited for, without a look at the collector."""
        yield from (owner.gate for owner in self.owners.values())
        for ticket in self.tickets:
            yield cast("Gate", ticket.wanted)
            yield from cast("tuple[Gate, ...]", ticket.held)

    def state(self, gate: Gate) -> GuardState:
        """What is known of one guard."""
        is_kept = _evidence.keep_of(gate) is not None
        status, site = self.statuses.of(gate)
        tickets = self.waiters.get(id(gate), ())
        if not (tickets or gate.busy or status == "running" or gate.queue is not None):
            # So are most guards, where there are many.
            return GuardState(gate.name, identity(gate), status, site, ended=_ending(gate))
        holder, during, ident = self._inside(gate, status)
        if gate.busy and status == "idle" and not is_kept:
            status = "running"
        if status == "running" and holder is not None:
            site = _body_site(gate, holder) or site
        waiters = tuple(map(self._wait, tickets))
        is_abandoned = holder is None and (is_kept or status == "running") and gate.is_lost()
        contended, waited, longest = _tallied(gate, waiters)
        return GuardState(
            name=gate.name,
            identity=identity(gate),
            status=status,
            site=site,
            holder=left_inside(gate) if is_abandoned else holder,
            holder_ident=ident,
            during=during,
            exclusive=is_kept,
            waiters=waiters,
            ended=_ending(gate),
            contended=contended,
            waited_ns=waited,
            longest_wait_ns=longest,
            abandoned=is_abandoned,
        )

    def _inside(
        self, gate: Gate, status: Status
    ) -> tuple[Strand | None, Operation | None, int | None]:
        """The thread that has `gate`: its calls from the one that entered on, and what for."""
        holder = self._holder(gate) if gate.busy or status == "running" else None
        if holder is None:
            return None, None, None
        steps, during = path_into(gate, holder.frames, "")
        ticket = self.waiting.get(holder.ident)
        wants = cast("Gate", ticket.wanted) if ticket is not None else None
        strand = strand_inside(self.names[holder.ident], steps, gate, wants)
        return strand, during, holder.ident

    def _holder(self, gate: Gate) -> Presence | None:
        """The thread that is inside or has exclusive use, as far as its stack is known."""
        keep = _evidence.keep_of(gate)
        keeper = keep.thread() if keep is not None else None
        if keeper is not None:
            return Presence(keeper.ident, self.stacks.get(keeper.ident, ()))
        if id(gate) in self.owners:
            ident = self.owners[id(gate)].ident
            return Presence(ident, self.stacks[ident])
        if _stacks.RUN_AT_ONCE:
            return _latecomer(gate)
        body = _frames.body_of(gate.guarded)
        found = self.bodies.get(body) if body is not None else None
        return None if found is None else Presence(found, self.stacks[found])

    def _wait(self, ticket: Ticket) -> Wait:
        """What is known of one wait."""
        caller = next((each for each in ticket.stack() if not _frames.is_internal(each)), None)
        held = cast("tuple[Gate, ...]", ticket.held)
        return Wait(
            self.names[ticket.ident],
            ticket.ident,
            ticket.operation,
            max(0.0, self.now - ticket.began),
            None if caller is None else _frames.site(caller),
            tuple(gate.name for gate in held),
            self.prospects.get(ticket.ident, ""),
            tuple(map(identity, held)),
        )


def looked(gates: Iterable[Gate], ask: Callable[[Look], _Found]) -> _Found:
    """What `ask` finds out by one look at all threads."""

    def look() -> _Found:
        with Look(gates) as it:
            return ask(it)

    return _stacks.while_reading(look)


def is_busy(gate: Gate) -> bool:
    """Whether somebody is inside; a gate that is being made does not know yet."""
    return bool(getattr(gate, "busy", False))


def _readable_stacks(gates: Iterable[Gate]) -> dict[int, tuple[FrameType, ...]]:
    """The stacks of all threads; where threads run at once, of those that are inside of `gates`."""
    if not _stacks.RUN_AT_ONCE:
        return {ident: _stacks.walk(frame) for ident, frame in _stacks.current_frames().items()}
    found = {threading.get_ident(): _stacks.walk(sys._getframe())}
    for gate in gates:
        holder = gate.holder() if is_busy(gate) else None
        # Of a thread that is inside of several, the innermost leads through the others.
        if holder is not None and len(holder.frames) > len(found.get(holder.ident, ())):
            found[holder.ident] = holder.frames
    return found


def _latecomer(gate: Gate) -> Presence | None:
    """The thread that has a gate which knows that itself, and has had it for a moment only."""
    owner: Any = gate.busy
    thread = owner() if owner else None
    return None if thread is None else Presence(thread.ident, ())


def _body_site(gate: Gate, holder: Strand) -> Site | None:
    """The line of the body, with its code, out of the calls that lead through it."""
    sites = [step.site for step in holder.steps if step.identity == identity(gate)]
    return sites[-1] if sites else None


def _tallied(gate: Gate, waiters: tuple[Wait, ...]) -> tuple[int, int, int]:
    """The counters of a gate, with the calls that still wait."""
    waited = [round(wait.waited * _NANO) for wait in waiters]
    queue = gate.queue
    if queue is None:
        return len(waited), sum(waited), max(waited, default=0)
    return (
        queue.contended + len(waited),
        queue.waited + sum(waited),
        max([queue.longest, *waited]),
    )


def _ending(gate: Gate) -> Ending | None:
    ending = gate.ending
    if isinstance(ending, type):  # there was no room on the stack to say more
        return Ending("raised", error=ending.__name__)
    return ending
