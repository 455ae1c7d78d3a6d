"""Waiting: the ticket of a call that waits, the queue it stands in, and who waits for whom.

Knows no gate: what is waited for is any object, compared by identity. Nothing here takes a lock
that a signal handler or a finaliser could need; what must not be split is a single operation of
the interpreter.
"""

from __future__ import annotations

import _thread
import itertools
import math
import os
import sys
from collections import deque
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from genlock._interpreter import _stacks
from genlock._interpreter._threads import own

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

    from genlock._records import Operation

# Seconds.
ROUND = 0.004  # in which every waiter is to get its turn, so that switching costs little
SHORTEST_QUANTUM = 0.0002  # measured: less costs throughput, more makes 32 threads wait longer
LONGEST_QUANTUM = 0.02
LOOK_AFTER = 0.002  # most waits are shorter, and need nobody to look for a deadlock
BACKSTOP = 0.25  # an asynchronous exception can lose a wake-up: every wait looks up this often

_serial = itertools.count(1).__next__
_waiting: dict[int, Ticket] = {}
"""By thread identifier, the innermost wait of every thread that waits."""


class Patience:
    """How long one call is willing to wait, and when it says so. Times in seconds.

    A call that `refuses` does not wait at all, nor is that a timeout.
    """

    __slots__ = ("blocks_loop", "deadline", "refuses", "started", "warn_at")

    def __init__(
        self, timeout: float | None, warn_after: float | None, *, refuses: bool = False
    ) -> None:
        self.started = monotonic()
        self.refuses = refuses
        self.blocks_loop = _runs_event_loop()
        self.deadline = math.inf if timeout is None else self.started + timeout
        if warn_after is None:
            self.warn_at = math.inf
        else:
            self.warn_at = self.started + (0 if self.blocks_loop else warn_after)

    def is_over(self) -> bool:
        """Whether the call has waited as long as it may."""
        return self.deadline < math.inf and monotonic() >= self.deadline

    def wants_warning(self) -> bool:
        """Whether the time to warn has come; true once."""
        if self.warn_at == math.inf or monotonic() < self.warn_at:
            return False
        self.warn_at = math.inf
        return True

    def waited(self) -> float:
        """Seconds since the call began to wait."""
        return monotonic() - self.started

    def pause(self, longest: float) -> float:
        """How long to sleep before looking up again: at most `longest`."""
        return max(0.0, min(longest, min(self.deadline, self.warn_at) - monotonic()))


class Ticket:
    """The place of one call in the queue for `wanted`.

    `entered` is what its thread is inside of: as long as it waits, it cannot leave any of that.
    `awake`, `granted` and `gone` are the protocol between the waiter and whoever passes the turn
    on; see the gate. `began` is when the wait did, `operation` what it is for, and `frame` that of
    the method that waits, as long as it does.
    """

    __slots__ = (
        "_sleep",
        "_wake",
        "awake",
        "began",
        "entered",
        "frame",
        "gone",
        "granted",
        "has_looked",
        "head_since",
        "ident",
        "operation",
        "outer",
        "serial",
        "thread",
        "wanted",
    )

    def __init__(
        self, wanted: object, entered: tuple[object, ...], operation: Operation = "next"
    ) -> None:
        # Looked up now, not at import: gevent replaces both.
        lock = _thread.allocate_lock()
        self.ident = _thread.get_ident()
        self.thread = own.me
        lock.acquire()
        self._sleep, self._wake = lock.acquire, lock.release
        self.wanted = wanted
        self.entered = entered
        self.operation = operation
        self.frame: FrameType | None = None
        self.began = self.head_since = monotonic()
        self.awake = self.granted = self.gone = False
        self.serial: float = math.inf
        self.outer = innermost_wait(self.ident)
        # A thread that keeps nothing from others cannot close a cycle.
        self.has_looked = not self.can_be_in_a_cycle()

    @property
    def held(self) -> tuple[object, ...]:
        """All that its thread keeps from others: what it is inside of, or keeps exclusively.

        That can be ended meanwhile by another thread, and begun by a signal handler.
        """
        thread = self.thread()
        kept = () if thread is None else thread.kept(self.ident)
        return (*self.entered, *(keep.gate for keep in kept))

    def can_be_in_a_cycle(self) -> bool:
        """Whether the thread of this wait keeps anything from others."""
        return bool(self.held) or self.outer is not None

    def sleep(self, patience: Patience) -> bool:
        """Park until woken or until there is something to look after; whether it was woken."""
        longest = BACKSTOP if self.has_looked else LOOK_AFTER
        return self._sleep(True, patience.pause(longest))

    def stack(self) -> tuple[FrameType, ...]:
        """The stack of its thread from the method that waits outwards; empty if it has left."""
        return _stacks.read(lambda: self.frame)

    def rouse(self) -> None:
        """Undo that somebody else has used up the wake-up."""
        try:
            self._wake()
        except RuntimeError:
            pass  # it has not been used up

    def wake(self) -> None:
        """Wake the waiter, once for each time that it lay down."""
        if not self.awake:
            self.awake = True
            try:
                self._wake()
            except RuntimeError:
                # It had timed out, and another thread has woken it meanwhile: awake is awake.
                pass

    def wake_as_owner(self) -> None:
        """Tell the waiter that it has its turn."""
        self.head_since = monotonic()
        self.wake()

    def keeps(self) -> Iterator[object]:
        """All that this waiting thread keeps from everybody else."""
        yield from self.held
        ticket: Ticket | None = self
        while ticket is not None:
            if ticket.granted:
                yield ticket.wanted
            ticket = ticket.outer

    def has(self, thing: object) -> bool:
        """Whether this waiting thread keeps `thing` from everybody else."""
        return any(kept is thing for kept in self.keeps())


class WaitQueue(deque[Ticket]):
    """The calls that wait for one thing, first come first; `quantum` in seconds.

    And what became of those that have gone: how many were `contended`, and how long they waited
    in all and at most, in nanoseconds. Kept here, where only things that are contended have it.
    """

    __slots__ = ("contended", "longest", "quantum", "waited")

    def __init__(self) -> None:
        super().__init__()
        self.quantum = SHORTEST_QUANTUM
        self.contended = self.waited = self.longest = 0

    def tickets(self) -> list[Ticket]:
        """Those who wait; others may join and leave meanwhile."""
        # One by one: iterators over what changes meanwhile raise, or worse where threads run at
        # the same time. From the last to the first: when one leaves, those behind it move up, and
        # none of them may be overlooked.
        found: list[Ticket] = []
        for place in reversed(range(len(self))):
            try:
                found.append(self[place])
            except IndexError:
                continue
        found.reverse()
        return found

    def leave(self, ticket: Ticket) -> None:
        """Take a ticket out, wherever it stands; the next one is head from now on."""
        try:
            was_head = self[0] is ticket
            while True:
                try:
                    self.remove(ticket)
                    break
                except IndexError:  # where threads run at once: it changed meanwhile
                    continue
            if was_head:
                self[0].head_since = monotonic()
        except (IndexError, ValueError):
            pass  # another thread took it out, or it was the last

    def adapt(self, latency: float) -> None:
        """Choose the quantum by how many wait, and how long the last hand-over took.

        Newcomers may overtake for about as long as it takes to wake the head, so that the gate
        is not idle meanwhile.
        """
        share = ROUND / (len(self) or 1)
        self.quantum = max(SHORTEST_QUANTUM, share, min(latency, LONGEST_QUANTUM))


def _forget_other_threads() -> None:
    """In a forked child, the waits of threads that were not forked are over."""
    me = _thread.get_ident()
    for ident, innermost in list(_waiting.items()):
        if ident == me:
            continue
        del _waiting[ident]
        ticket: Ticket | None = innermost
        while ticket is not None:
            ticket.gone, ticket.granted = True, False
            ticket = ticket.outer


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_other_threads)


def begin_wait(ticket: Ticket) -> None:
    """Make known that the calling thread waits."""
    _waiting[ticket.ident] = ticket
    # Numbered after it can be seen, so that the one with the highest number sees all the others.
    ticket.serial = _serial()


def end_wait(ticket: Ticket) -> bool:
    """The calling thread no longer waits on `ticket`; what it waited on before is in force.

    Returns whether it waited on it until now.
    """
    if _waiting.get(ticket.ident) is not ticket:
        return False
    if ticket.outer is None:
        _waiting.pop(ticket.ident, None)
    else:
        _waiting[ticket.ident] = ticket.outer
    return True


def innermost_wait(ident: int) -> Ticket | None:
    """The wait that the thread with this identifier is in, if any."""
    ticket = _waiting.get(ident)
    while ticket is not None and ticket.gone:  # an exception kept it from being taken out
        ticket = ticket.outer
    return ticket


def stacks(idents: set[int]) -> Mapping[int, tuple[FrameType, ...]]:
    """The stacks of threads that wait, innermost frame first, by thread identifier.

    Where threads run at the same time, they begin at the method that waits, and threads that wait
    for nothing are left out.
    """
    if not _stacks.RUN_AT_ONCE:
        frames = _stacks.current_frames()
        return {ident: _stacks.walk(frames[ident]) for ident in idents if ident in frames}
    waits = {ident: wait for ident in idents if (wait := innermost_wait(ident)) is not None}
    return {ident: stack for ident, wait in waits.items() if (stack := wait.stack())}


def own_wait_for(thing: object) -> Ticket | None:
    """The ticket with which the calling thread waits for `thing` already.

    That is so in a signal handler or a finaliser that runs during the wait.
    """
    ticket = innermost_wait(_thread.get_ident())
    while ticket is not None and ticket.wanted is not thing:
        ticket = ticket.outer
    return ticket


@contextmanager
def renewed(ticket: Ticket, entered: tuple[object, ...]) -> Iterator[None]:
    """The calling thread waits on `ticket` again, innermost, and is inside of `entered`."""
    before, entered_before = _waiting.get(ticket.ident), ticket.entered
    try:
        ticket.entered = entered
        ticket.has_looked = False
        begin_wait(ticket)
        yield
    finally:
        ticket.entered = entered_before
        if before is not None:
            _waiting[ticket.ident] = before


def closed_cycle(ticket: Ticket) -> list[Ticket]:
    """The waits of a deadlock, `ticket` first, if it is the one that closed it; else nothing.

    No lock is needed. A thread that waits cannot leave what it is inside of, and exclusive use
    that has been ended does not come back: so every edge that is still there at the end was there
    all the time. The youngest ticket registered last, sees all
    the edges, and is the only one to answer: exactly one thread of a cycle gives way.
    """
    if not ticket.can_be_in_a_cycle():
        return []
    keepers = _who_keeps_what()
    cycle, idents = [ticket], {ticket.ident}
    while True:
        owner = keepers.get(id(cycle[-1].wanted))
        if owner is None:
            return []
        if owner.ident == ticket.ident:
            break
        if owner.ident in idents:
            return []
        cycle.append(owner)
        idents.add(owner.ident)
    if not all(map(is_in_force, cycle)) or not all(map(_still_has, [*cycle[1:], ticket], cycle)):
        return []
    return cycle if all(known.serial <= ticket.serial for known in cycle) else []


def standing() -> list[Ticket]:
    """The innermost wait of every thread that waits, the longest one first."""
    tickets = [innermost_wait(ident) for ident in list(_waiting)]
    found = [ticket for ticket in tickets if ticket is not None and not ticket.granted]
    return sorted(found, key=lambda ticket: ticket.began)


def is_in_force(ticket: Ticket) -> bool:
    """Whether its thread waits on this ticket, and has not been given its turn."""
    return not ticket.granted and not ticket.gone and _waiting.get(ticket.ident) is ticket


def _runs_event_loop() -> bool:
    """Whether the calling thread runs an asyncio loop, which a wait then blocks."""
    # Another thread may be in the middle of importing it.
    running_loop = getattr(sys.modules.get("asyncio"), "_get_running_loop", None)
    return running_loop is not None and running_loop() is not None


def _still_has(owner: Ticket, waiter: Ticket) -> bool:
    return owner.has(waiter.wanted)


def _who_keeps_what() -> dict[int, Ticket]:
    """The waiting thread that keeps a thing from others, by the identity of that.

    In one pass: to look for each in turn costs a second, where a hundred threads wait.
    """
    keepers: dict[int, Ticket] = {}
    for ident in list(_waiting):
        ticket = innermost_wait(ident)
        if ticket is not None:
            for thing in ticket.keeps():
                keepers.setdefault(id(thing), ticket)
    return keepers
