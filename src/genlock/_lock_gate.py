"""The way into a generator where nothing is known of the interpreter but that locks lock.

On free-threaded builds any two lines can run at once, and on an unknown interpreter any line may
be split. So every change of `busy` but its owner's own, to False, is made under a lock, the
`mutex`. That is held for straight lines only, never while any other code can run.
"""

from __future__ import annotations

import _thread
import os
import sys
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

from genlock import _diagnoses, _evidence, _waits
from genlock._evidence import Presence, way_in
from genlock._gate import Gate, asks
from genlock._interpreter import _frames, _stacks
from genlock._interpreter._threads import own
from genlock._waits import WaitQueue

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from genlock._evidence import Claim
    from genlock._policy import Policy
    from genlock._records import Operation, Status
    from genlock._waits import Patience, Ticket


class LockGate(Gate):
    """`busy` is the thread that owns the gate: a weak reference, which dies with the thread.

    `frame` is that of the call that runs the generator. A thread that reads the stack from there
    outwards wants it to stay, so a call takes its frame away first and then looks for readers.
    """

    __slots__ = ("__weakref__", "frame", "mutex")

    def __init__(
        self, guarded: object, resume: Callable[[Any], Any], policy: Policy, label: str | None
    ) -> None:
        super().__init__(guarded, resume, policy, label)
        self.mutex = _thread.RLock()
        self.frame: FrameType | None = None

    @way_in
    def send(self, value: Any, /) -> Any:
        # Hot path, and so not in terms of `enter`.
        was = True
        me = own.me
        try:
            with self.mutex:
                if not self.busy:
                    was, self.busy = False, me
            if was:
                return self.take_turn(asks(value), self.resume, value)
            self.frame = sys._getframe()
            try:
                return self.resume(value)
            except BaseException as error:
                try:
                    is_to_retry = self.account_for(error, value)
                except RecursionError:  # as in `run`
                    is_to_retry = False
                    if getattr(self.guarded, "gi_frame", self) is None:
                        self.ending = self.ending or error.__class__
                if not is_to_retry:
                    value = None  # which may be `error`: it would hold this frame, and itself
                    raise
            return self.run(asks(value), self.resume, value)
        finally:
            if not was:
                was, self.frame, self.busy = True, None, False
                if _stacks.reader:
                    _stacks.stay_for_readers()
                if self.queue:
                    self.pass_on()

    @way_in
    def enter(self, operation: Operation, call: Callable[..., Any], *args: Any) -> Any:
        was = True
        me = own.me
        try:
            with self.mutex:
                if not self.busy:
                    was, self.busy = False, me
            if was:
                return self.take_turn(operation, call, *args)
            self.frame = sys._getframe()
            return self.run(operation, call, *args)
        finally:
            if not was:
                was, self.frame, self.busy = True, None, False
                _stacks.stay_for_readers()
                self.after_release()

    @way_in
    def wait_and_run(
        self,
        ticket: Ticket,
        patience: Patience,
        operation: Operation,
        call: Callable[..., Any],
        *args: Any,
    ) -> Any:
        was = True
        try:
            self.join_queue(ticket)
            self.await_turn(ticket, operation, patience)
            was = False
            self.leave_queue(ticket)
            self.frame = sys._getframe()
            return self.run(operation, call, *args)
        finally:
            ticket.gone, ticket.frame = True, None
            with self.mutex:
                if ticket.granted:
                    # `was` is read by _evidence.
                    was, self.frame = True, None  # noqa: F841
                    ticket.granted, self.busy = False, False
            _stacks.stay_for_readers()
            self.leave_queue(ticket)
            self.after_release()

    @way_in
    def run_if_free(self, call: Callable[[], None]) -> bool:
        was = True
        me = own.me
        try:
            with self.mutex:
                if not self.busy:
                    was, self.busy = False, me
            if was:
                return False
            self.frame = sys._getframe()
            call()
        finally:
            if not was:
                was, self.frame, self.busy = True, None, False
                _stacks.stay_for_readers()
        return True

    def standing(self, *, wants_line: bool) -> tuple[Status, int | None] | None:
        """The status and the line of a generator that nobody is inside of; else None.

        Not read as the owner, for whom others would have to wait, or would be refused.
        """
        generator: Any = self.guarded
        with self.mutex:
            if self.busy:
                return None
            if generator.gi_suspended:
                return "suspended", generator.gi_frame.f_lineno if wants_line else None
            frame = generator.gi_frame
            if frame is None:
                return "closed", None
            return "running" if generator.gi_running else "created", frame.f_lineno

    def keep_if_free(self, me: Claim) -> bool:
        thread = own.me
        with self.mutex:
            if not self.busy:
                self.keeper, me.over, self.busy = me, False, thread
        return self.keeper is me

    def wait_and_keep(self, ticket: Ticket, patience: Patience, me: Claim) -> None:
        try:
            self.join_queue(ticket)
            self.await_turn(ticket, "exclusive", patience)
            with self.mutex:
                self.keeper, me.over, ticket.granted = me, False, False
        finally:
            ticket.gone, ticket.frame = True, None
            with self.mutex:
                if ticket.granted:
                    ticket.granted, self.busy = False, False
            _stacks.stay_for_readers()
            self.leave_queue(ticket)
            if self.keeper is not me:
                self.after_release()

    def give_back(self, claim: Claim) -> None:
        with self.mutex:
            if not claim.over:
                self.keeper, claim.over, self.busy = None, True, False

    def open_queue(self) -> WaitQueue:
        fresh = WaitQueue()
        with self.mutex:
            if self.queue is None:
                self.queue = fresh
        return self.queue

    def try_for(self, ticket: Ticket) -> None:
        with self.mutex:
            if not self.busy:
                ticket.granted, self.busy = True, ticket.thread

    def hand_over(self, head: Ticket) -> bool:
        with self.mutex:
            if self.busy:
                return True  # whoever overtook comes here when it has finished
            if head.gone:
                return False
            head.granted, self.busy = True, head.thread
        head.wake_as_owner()
        return True

    def reclaim(self, ticket: Ticket, operation: Operation) -> None:
        self.end_dead_claim()
        self.try_for(ticket)
        self.finish_leaving()
        owner = self.busy
        if ticket.granted or not self.is_abandoned_by(owner):
            return
        if self.is_left_inside():
            raise _diagnoses.abandoned(self, operation, sys._getframe())
        with self.mutex:
            if self.busy is owner and self.keeper is None:
                ticket.granted, self.busy = True, ticket.thread

    def finish_leaving(self) -> None:
        """Give the gate back for those whom an exception kept from it, while they left."""
        for ticket in [] if self.queue is None else self.queue.tickets():
            with self.mutex:
                if ticket.gone and ticket.granted:
                    ticket.granted, self.busy = False, False

    def is_abandoned_by(self, owner: Any) -> bool:
        """Whether `owner` has ended, or is this thread and does not know of it."""
        if not owner:
            return False
        keep = _evidence.keep_of(self)
        thread = owner() if keep is None else keep.thread()
        if thread is None:
            return True
        if thread.ident != _thread.get_ident() or not _evidence.all_stacks_are_seen(
            is_running_known=_frames.is_running(self.guarded) is not None
        ):
            return False
        stack = _evidence.own_stack(sys._getframe(), self.guarded)
        return not self.is_granted() and self not in stack.held and not stack.passes_through

    def is_lost(self) -> bool:
        return self.is_abandoned_by(self.busy) and self.is_left_inside()

    def tally(self, waited: int) -> None:
        queue = self.open_queue()
        with self.mutex:
            queue.contended += 1
            queue.waited += waited
            if waited > queue.longest:  # noqa: PLR1730  # max() is a call
                queue.longest = waited

    def holder(self) -> Presence | None:
        if not _stacks.RUN_AT_ONCE:
            return _evidence.presence(self)
        owner: Any = self.busy
        thread = owner() if owner else None
        if thread is None or thread.ident == _thread.get_ident():
            return None
        path = _waits.stacks({thread.ident}).get(thread.ident)
        if path:
            return Presence(thread.ident, path)
        # What the body calls comes and goes. Who called the body stays while it is read.
        outer = _stacks.read(lambda: self.frame)
        body = _frames.body_of(self.guarded)
        return Presence(thread.ident, (body, *outer) if body is not None and outer else outer)


class _Entry(weakref.ref[LockGate]):
    """The entry of a gate in the list of all, under the identity of what it guards."""

    __slots__ = ("key",)

    def __init__(self, gate: LockGate, when_dead: Callable[[_Entry], None]) -> None:
        super().__init__(gate, when_dead)  # type: ignore[call-arg]  # typeshed knows __new__ only
        self.key = id(gate.guarded)


_gates: dict[int, _Entry] = {}
"""All gates there are: two on one generator would let two threads in, one each."""

_dead: deque[_Entry] = deque()
"""Entries whose gates are gone. Not taken out at that moment: it can be any."""

_listing = _thread.RLock()
"""Held for changes of `_gates`, and like a mutex for straight lines only."""


def only_gate(fresh: LockGate) -> LockGate:
    """The gate of what `fresh` guards: `fresh`, or the one that was there before."""
    while _dead:
        try:
            _forget(_dead.popleft())
        except IndexError:
            break  # another thread was quicker
    entry = _Entry(fresh, _dead.append)
    key = entry.key
    while True:
        with _listing:
            # Not get(): what is called can be interrupted.
            known = _gates[key] = _gates[key] if key in _gates else entry  # noqa: SIM401
        gate = known()
        if gate is not None:
            return gate
        _forget(known)


def _forget(entry: _Entry) -> None:
    key = entry.key
    with _listing:
        if key in _gates and _gates[key] is entry:
            del _gates[key]


def all_gates() -> list[LockGate]:
    """The gates there are at this moment."""
    entries = _gates.copy().values()  # a dictionary that changes cannot be iterated over
    return [gate for entry in entries if (gate := entry()) is not None]


def _renew_locks() -> None:
    """In a forked child: another thread may have held them."""
    global _listing  # noqa: PLW0603  # state of this module
    _listing = _thread.RLock()
    for entry in list(_gates.values()):
        gate = entry()
        if gate is not None:
            gate.mutex = _thread.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)
