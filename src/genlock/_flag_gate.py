"""The way into a generator on builds with the GIL: one flag, tested and set in one line.

CPython 3.11 to 3.13 switches threads and delivers signals and asynchronous exceptions only at
calls, at backward jumps and at the entry of functions. A line of straight bytecode that swaps the
flag for True is therefore a test-and-set that nothing can split: see the lines that are marked
"swap" below, which the tests disassemble on every version. Everything that can happen besides
the fast path is reached by two tests: was the flag set before the call, and does somebody wait
after it.
"""

from __future__ import annotations

import logging
import sys
import time
from time import monotonic
from typing import TYPE_CHECKING, Any

from genlock import _diagnoses, _evidence, _waits, _wording
from genlock._evidence import way_in
from genlock._waits import Patience, Ticket, WaitQueue

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from genlock._policy import Policy
    from genlock._records import Ending, Operation

if (
    sys.implementation.name != "cpython"
    or sys.version_info >= (3, 14)
    or "free-threading" in sys.version  # sysconfig, which also knows, takes longer to import
):
    raise ImportError(_wording.no_gate(sys.version))

_log = logging.getLogger("genlock")

_ALREADY_EXECUTING = ("generator already executing",)
_NOT_STARTED = ("can't send non-None value to a just-started generator",)
_SHORTEST_POLL = 1e-5
_LONGEST_POLL = 5e-3


class FlagGate:
    """Lets one call at a time into `guarded`, a generator or any iterator.

    `busy` is the lock. Whoever finds it false owns the gate, until it sets it to False or hands
    it over still set. While a call owns the gate, its frame is the evidence for that (see
    `_evidence`): its local `was` is False.
    """

    __slots__ = ("busy", "ending", "guarded", "label", "policy", "queue", "resume")

    guarded: Any

    def __init__(
        self, guarded: object, resume: Callable[[Any], Any], policy: Policy, label: str | None
    ) -> None:
        self.busy: object = False
        self.resume = resume
        self.queue: WaitQueue | None = None
        self.guarded = guarded
        self.policy = policy
        self.label = label
        self.ending: Ending | None = None

    @property
    def name(self) -> str:
        """What messages call the guard."""
        if self.label is not None:
            return self.label
        name = getattr(self.guarded, "__qualname__", None) or type(self.guarded).__name__
        return str(name).rpartition("<locals>.")[2]

    @way_in
    def send(self, value: Any) -> Any:
        # Hot path. A `with` on a real lock costs 100 ns more, writing an owner down 20 to 30 ns.
        was, self.busy = self.busy, True  # swap: taken if it was False
        if was:
            return self.take_turn(_asks(value), self.resume, value)
        try:
            return self.resume(value)
        except BaseException as error:
            if self.is_shut_out(error):
                return self.outlast_bare_user(_asks(value), self.resume, value)
            self.digest(error, value)
            raise
        finally:
            self.busy, was = False, True  # swap: given back
            if self.queue:
                self.pass_on()

    @way_in
    def enter(self, operation: Operation, operate: Callable[..., Any], *args: Any) -> Any:
        """What `send` does, for operations that are too rare to be written out."""
        was, self.busy = self.busy, True  # swap: taken if it was False
        if was:
            return self.take_turn(operation, operate, *args)
        try:
            return self.operate(operation, operate, *args)
        finally:
            self.busy, was = False, True  # swap: given back
            if self.queue:
                self.pass_on()

    @way_in
    def take_turn(self, operation: Operation, operate: Callable[..., Any], *args: Any) -> Any:
        """The way in for a call that found the gate busy: wait for the turn, then operate."""
        was = True
        patience = Patience(self.policy)
        ticket = self.line_up(operation, patience, sys._getframe())
        if ticket is None:
            return operate(*args)
        try:
            self.join_queue(ticket)
            self.await_turn(ticket, operation, patience)
            was = False
            self.leave_queue(ticket)
            return self.operate(operation, operate, *args)
        finally:
            ticket.gone = True
            if ticket.granted:
                # `was` is read by _evidence.
                self.busy, ticket.granted, was = False, False, True  # noqa: F841  # swap: given back
            self.leave_queue(ticket)
            if self.queue:
                self.pass_on()

    def close(self) -> Any:
        """Close the generator, and remember who did."""
        return self.enter("close", self.shut, sys._getframe(1))

    def shut(self, caller: FrameType) -> Any:
        had_ended = self.has_ended()
        result = self.guarded.close()
        if not had_ended:
            self.ending = _diagnoses.closed(caller)
        return result

    # The body ran, or refused to.

    def operate(self, operation: Operation, operate: Callable[..., Any], *args: Any) -> Any:
        try:
            return operate(*args)
        except BaseException as error:
            if self.is_shut_out(error):
                return self.outlast_bare_user(operation, operate, *args)
            self.digest(error, *args)
            raise

    def is_shut_out(self, error: BaseException) -> bool:
        """Whether `error` says that somebody runs the bare generator, behind the guard's back."""
        return type(error) is ValueError and error.args == _ALREADY_EXECUTING and self.is_refusal()

    def is_refusal(self) -> bool:
        """Whether an error came from the generator's being asked, not out of its body.

        What comes out of a body ends it. Of other iterators nothing of the kind is known.
        """
        return getattr(self.guarded, "gi_frame", None) is not None

    def has_ended(self) -> bool:
        return getattr(self.guarded, "gi_frame", self) is None

    def outlast_bare_user(
        self, operation: Operation, operate: Callable[..., Any], *args: Any
    ) -> Any:
        """Try again until the bare generator is free. Nobody will say when, so poll."""
        if _evidence.is_on_stack(self.guarded, sys._getframe()):
            raise _diagnoses.reentrant(self, operation, sys._getframe()) from None
        if not self.policy.waits(operation):
            raise _diagnoses.contended(self, operation, sys._getframe()) from None
        patience = Patience(self.policy)
        pause = _SHORTEST_POLL
        while True:
            self.check(operation, patience)
            time.sleep(patience.pause(pause))
            pause = min(pause * 2, _LONGEST_POLL)
            try:
                return operate(*args)
            except BaseException as error:
                if not self.is_shut_out(error):
                    self.digest(error, *args)
                    raise

    def digest(self, error: BaseException, *given: Any) -> None:
        """Remember what ended the generator; say so to who comes later, or comes too early."""
        if type(error) is TypeError and error.args == _NOT_STARTED and self.is_refusal():
            raise _diagnoses.not_primed(self, sys._getframe()) from None
        if not self.has_ended():
            return
        if self.ending is None:
            self.ending = _diagnoses.ended(error)
        elif isinstance(error, StopIteration) and (
            self.ending.how != "returned" or any(value is not None for value in given)
        ):
            # A loop that meets the end of a generator has lost nothing, and needs no note.
            error.add_note(_wording.already_ended(self.name, self.ending))

    # Waiting, and passing the turn on: quantum hand-over. Newcomers may overtake while the head
    # of the queue has been head for at most a quantum; after that the call that leaves takes the
    # flag back and gives it to the head.

    def line_up(self, operation: Operation, patience: Patience, frame: FrameType) -> Ticket | None:
        """A ticket to wait with, or None where this thread owns the gate already.

        Raises ReentrantCallError where this thread is what the call would wait for.
        """
        held = _evidence.held_gates(frame)
        on_stack = _evidence.is_on_stack(self.guarded, frame)
        if on_stack or self in held:
            if on_stack or _evidence.is_executing(self.guarded):
                raise _diagnoses.reentrant(self, operation, frame)
            # A signal handler or a finaliser that runs between the yield and the release.
            return None
        if not self.policy.waits(operation):
            raise _diagnoses.contended(self, operation, frame)
        waiting = _waits.own_wait_for(self)
        if waiting is not None:
            # A handler or finaliser that runs during a wait takes the turn that comes of it
            # first, and leaves it to the wait.
            self.await_turn(waiting, operation, patience)
            return None
        return Ticket(self, held)

    def join_queue(self, ticket: Ticket) -> None:
        fresh = WaitQueue()
        # One line, so that at most a monitor of branches can come between. What that costs then
        # is a ticket in a queue that nobody sees: it finds its turn at the backstop.
        self.queue = fresh if self.queue is None else self.queue
        self.queue.append(ticket)
        _waits.begin_wait(ticket)

    def leave_queue(self, ticket: Ticket) -> None:
        _waits.end_wait(ticket)
        if self.queue is not None:
            self.queue.leave(ticket)

    def await_turn(self, ticket: Ticket, operation: Operation, patience: Patience) -> None:
        """Return when `ticket` owns the gate, by the flag found free or by a hand-over."""
        while not ticket.granted:
            ticket.awake = False  # before the flag is tried: a wake-up after that is for us
            ticket.granted, self.busy = ticket.granted | (not self.busy), True  # swap
            if ticket.granted:
                return
            self.check(operation, patience)
            while not ticket.sleep(patience):
                self.look_up(ticket, operation)
                if ticket.granted:
                    return
                self.check(operation, patience)
        if self.queue is not None:
            self.queue.adapt(monotonic() - ticket.head_since)

    def check(self, operation: Operation, patience: Patience) -> None:
        """Raise GuardTimeoutError when the wait has been long enough; warn when it gets long."""
        if patience.is_over():
            waited = patience.waited()
            raise _diagnoses.timed_out(self, operation, sys._getframe(), waited) from None
        if patience.wants_warning():
            text = _diagnoses.long_wait(self, operation, sys._getframe(), patience)
            try:
                _log.warning("%s", text)
            except Exception:  # a broken logging set-up must not cost the user the value
                pass

    def look_up(self, ticket: Ticket, operation: Operation) -> None:
        """Nobody woke this waiter in time: see whether anybody ever can."""
        ticket.has_looked = True
        cycle = _waits.closed_cycle(ticket)
        if cycle:
            raise _diagnoses.deadlock(self, operation, cycle)
        mark = self.busy
        if mark is ticket:
            self.reclaim(ticket)
        elif not isinstance(mark, Ticket) or mark.gone:
            # Mark the flag with the ticket. Whoever takes or gives back the gate wipes it off.
            ticket.granted, self.busy = ticket.granted | (not self.busy), ticket  # swap

    def reclaim(self, ticket: Ticket) -> None:
        """Take the gate over if its owner vanished without giving it back.

        The mark still on the flag proves that no call came or went since it was put there: an
        owner would have been inside all that time, and its frame on some stack.
        """
        queue = self.queue or ()
        if any(other.granted for other in list(queue)) or not _evidence.is_abandoned(self):
            return
        ticket.granted |= self.busy is ticket  # swap

    def pass_on(self) -> None:
        """After the gate was given back: see to it that the head of the queue gets its turn."""
        now = monotonic()
        queue = self.queue
        while queue:
            try:
                head = queue[0]
            except IndexError:
                return
            if head.gone:  # an exception kept it from leaving the queue itself
                queue.leave(head)
                continue
            if now - head.head_since <= queue.quantum:
                head.wake()
                return
            was, self.busy = self.busy, True  # swap: taken back
            if was:
                return  # whoever overtook comes here when it has finished
            head.head_since = now
            given = head.granted = not head.gone  # swap
            if given:
                head.wake()
                return
            self.busy = False


def _asks(value: Any) -> Operation:
    """send(None) is what next() does."""
    return "next" if value is None else "send"
