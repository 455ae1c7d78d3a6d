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
import threading
import time
from time import monotonic
from typing import TYPE_CHECKING, Any

from genlock import _diagnoses, _evidence, _waits, _wording
from genlock._evidence import way_in
from genlock._waits import Patience, Ticket, WaitQueue

if TYPE_CHECKING:
    import weakref
    from collections.abc import Callable

    from genlock._evidence import Keep, OwnStack
    from genlock._policy import Policy
    from genlock._records import Ending, Operation

if (
    sys.implementation.name != "cpython"
    or sys.version_info >= (3, 14)
    or "free-threading" in sys.version  # sysconfig, which also knows, takes longer to import
):
    raise ImportError(_wording.no_gate(sys.version))

_log = logging.getLogger("genlock")
_own = threading.local()

_ALREADY_EXECUTING = "generator already executing"
_NOT_STARTED = "can't send non-None value to a just-started generator"
_SHORTEST_POLL = 1e-5  # seconds: what a short body takes
_LONGEST_POLL = 5e-3  # seconds: what the interpreter lets a thread run before it switches


class FlagGate:
    """Lets one call at a time into `guarded`, a generator or any iterator.

    `busy` is the lock. Whoever finds it false owns the gate, until it sets it to False or hands
    it over still set. While a call owns the gate, its frame is the evidence for that (see
    `_evidence`): its local `was` is False.
    """

    __slots__ = ("busy", "ending", "guarded", "keeper", "label", "policy", "queue", "resume")

    guarded: Any

    def __init__(
        self, guarded: object, resume: Callable[[Any], Any], policy: Policy, label: str | None
    ) -> None:
        self.busy: object = False
        self.resume = resume
        self.queue: WaitQueue | None = None
        self.keeper: weakref.ref[Keep] | None = None
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
    def send(self, value: Any, /) -> Any:
        # Hot path. A `with` on a real lock costs 100 ns more, writing an owner down 20 to 30 ns.
        was, self.busy = self.busy, True  # swap: taken if it was False
        if was:
            return self.take_turn(asks(value), self.resume, value)
        try:
            try:
                return self.resume(value)
            except BaseException as error:
                if not self.is_shut_out(error):
                    self.note_ending(error, value)
                    value = None  # which may be `error`: it would hold this frame, and itself
                    raise
            return self.poll_until_free(asks(value), self.resume, value)
        finally:
            was, self.busy = True, False  # swap: given back
            if self.queue:
                self.pass_on()

    @way_in
    def enter(self, operation: Operation, call: Callable[..., Any], *args: Any) -> Any:
        """What `send` does, for operations that are too rare to be written out."""
        was, self.busy = self.busy, True  # swap: taken if it was False
        if was:
            return self.take_turn(operation, call, *args)
        try:
            return self.run(operation, call, *args)
        finally:
            was, self.busy = True, False  # swap: given back
            self.after_release()

    def take_turn(self, operation: Operation, call: Callable[..., Any], *args: Any) -> Any:
        """The call found the gate busy: by whom, and what does the policy say to that?"""
        stack = _evidence.own_stack(sys._getframe(), self.guarded)
        if self.is_inside(stack):
            return self.come_back(operation, call, *args)
        if self in stack.held:
            # Exclusive use; or a signal handler or finaliser between the yield and the release.
            return self.run_as_owner(None, operation, call, *args)
        patience = Patience(self.policy.timeout, self.policy.warn_after)
        ticket = Ticket(self, stack.held)
        if not self.policy.waits(operation):
            if self.policy.refuses(operation) and not getattr(self.guarded, "gi_running", False):
                self.reclaim(ticket, operation)
            if not ticket.granted:
                return self.turn_away(operation, call, *args)
        waiting = _waits.own_wait_for(self)
        if waiting is not None:
            self.await_turn_again(waiting, stack.held, operation, patience)
            return self.run_as_owner(waiting, operation, call, *args)
        return self.wait_and_run(ticket, patience, operation, call, *args)

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
            return self.run(operation, call, *args)
        finally:
            ticket.gone = True
            if ticket.granted:
                # `was` is read by _evidence.
                was, ticket.granted, self.busy = True, False, False  # noqa: F841  # swap: given back
            self.leave_queue(ticket)
            self.after_release()

    @way_in
    def run_as_owner(
        self, waiting: Ticket | None, operation: Operation, call: Callable[..., Any], *args: Any
    ) -> Any:
        """Run within a turn that an outer call of this thread has, or `waiting` was given."""
        was = False
        try:
            return self.run(operation, call, *args)
        finally:
            was = True  # noqa: F841  # read by _evidence
            if waiting is not None:
                waiting.rouse()

    def is_inside(self, stack: OwnStack) -> bool:
        """Whether this thread is in the middle of the generator's body."""
        if stack.passes_through:
            return True
        return self in stack.held and _evidence.is_executing(self.guarded)

    def come_back(self, operation: Operation, _call: Callable[..., Any], *_args: Any) -> Any:
        """The call came from the body it calls."""
        raise _diagnoses.reentrant(self, operation, sys._getframe())

    def turn_away(self, operation: Operation, _call: Callable[..., Any], *_args: Any) -> Any:
        """Another thread is inside, and the policy says not to wait."""
        raise _diagnoses.contended(self, operation, sys._getframe())

    def after_release(self) -> None:
        if self.queue:
            self.pass_on()

    # Exclusive use is the flag kept: nobody can have slipped past it, and no call pays for it.

    def keep(self, me: weakref.ref[Keep], patience: Patience) -> None:
        """Take the gate and keep it until `give_back`, unless this thread owns it already."""
        was, self.busy = self.busy, True  # swap: taken if it was False
        if not was:
            self.keeper = me
            return
        stack = _evidence.own_stack(sys._getframe(), self.guarded)
        if self.is_inside(stack):
            raise _diagnoses.reentrant(self, "exclusive", sys._getframe())
        if self in stack.held:
            return
        if not self.policy.waits("exclusive"):
            raise _diagnoses.contended(self, "exclusive", sys._getframe())
        waiting = _waits.own_wait_for(self)
        if waiting is not None:
            self.await_turn_again(waiting, stack.held, "exclusive", patience)
            waiting.rouse()
            return
        ticket = Ticket(self, stack.held)
        try:
            self.join_queue(ticket)
            self.await_turn(ticket, "exclusive", patience)
            self.keeper, ticket.granted = me, False  # swap: from the ticket to the keeper
        finally:
            ticket.gone = True
            if ticket.granted:
                ticket.granted, self.busy = False, False  # swap: given back
            self.leave_queue(ticket)
            if self.keeper is not me:
                self.after_release()

    def give_back(self) -> None:
        """End exclusive use."""
        self.keeper, self.busy = None, False  # swap: given back
        self.after_release()

    # The body ran, or refused to.

    def run(self, operation: Operation, call: Callable[..., Any], *args: Any) -> Any:
        try:
            result = call(*args)
        except BaseException as error:
            if not self.is_shut_out(error, *args):
                self.note_ending(error, *args)
                raise
        else:
            if operation == "close" and self.ending is None and self.has_ended():
                self.ending = _diagnoses.closed(sys._getframe())
            return result
        return self.poll_until_free(operation, call, *args)

    def is_shut_out(self, error: BaseException, *thrown: Any) -> bool:
        """Whether `error` says that somebody runs the bare generator, behind the guard's back."""
        return (
            type(error) is ValueError
            and _says(error, _ALREADY_EXECUTING)
            and self.is_refusal(error)
            and not any(error is exception for exception in thrown)
        )

    def is_refusal(self, error: BaseException) -> bool:
        """Whether `error` came of asking the generator, not out of its body.

        Then no frame is below that of the call. Of other iterators nothing of the kind is known.
        """
        traceback = error.__traceback__
        is_from_the_call = traceback is None or traceback.tb_next is None
        return is_from_the_call and hasattr(self.guarded, "gi_frame")

    def has_ended(self) -> bool:
        return getattr(self.guarded, "gi_frame", self) is None

    def poll_until_free(self, operation: Operation, call: Callable[..., Any], *args: Any) -> Any:
        """Try again until the bare generator is free. Nobody will say when, so poll."""
        if _evidence.own_stack(sys._getframe(), self.guarded).passes_through:
            raise _diagnoses.reentrant(self, operation, sys._getframe()) from None
        if self.policy.refuses(operation):
            raise _diagnoses.contended(self, operation, sys._getframe()) from None
        patience = Patience(self.policy.timeout, self.policy.warn_after)
        pause = _SHORTEST_POLL
        while True:
            self.check(operation, patience)
            time.sleep(patience.pause(pause))
            pause = min(pause * 2, _LONGEST_POLL)
            try:
                return call(*args)
            except BaseException as error:
                if not self.is_shut_out(error, *args):
                    self.note_ending(error, *args)
                    raise

    def note_ending(self, error: BaseException, *given: Any) -> None:
        """Remember what ended the generator; say so to who comes later, or comes too early."""
        if type(error) is TypeError and _says(error, _NOT_STARTED) and self.is_refusal(error):
            raise _diagnoses.not_primed(self, sys._getframe()) from None
        if not self.has_ended():
            return
        if self.ending is None:
            self.ending = _diagnoses.ended(error)
        elif isinstance(error, StopIteration) and (
            self.ending.how != "returned" or any(value is not None for value in given)
        ):
            # A loop that meets the end of a generator has lost nothing, and needs no note.
            _diagnoses.tell_ending(self, error, self.ending)

    # Waiting, and passing the turn on: quantum hand-over. Newcomers may overtake while the head
    # of the queue has been head for at most a quantum; after that the call that leaves takes the
    # flag back and gives it to the head.

    def join_queue(self, ticket: Ticket) -> None:
        # Before it can be given a turn: a signal handler that runs here must find this wait.
        _waits.begin_wait(ticket)
        if self.queue is None:
            fresh = WaitQueue()
            # One line, so that at most a monitor of branches can come between. What that costs is
            # a ticket in a queue that nobody sees, until it looks up.
            self.queue = fresh if self.queue is None else self.queue  # type: ignore[redundant-expr]
        self.queue.append(ticket)

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
            if patience.is_over():
                self.look_up(ticket, operation)
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

    def await_turn_again(
        self,
        waiting: Ticket,
        held: tuple[object, ...],
        operation: Operation,
        patience: Patience,
    ) -> None:
        """A handler or finaliser that runs during a wait needs the same turn.

        It takes what comes of that wait, and leaves it to it. Meanwhile this thread keeps from
        others what it has entered since the wait began.
        """
        with _waits.renewed(waiting, held):
            self.await_turn(waiting, operation, patience)

    def check(self, operation: Operation, patience: Patience) -> None:
        """Raise GuardTimeoutError when the wait has been long enough; warn when it gets long."""
        if patience.is_over():
            waited = patience.waited()
            raise _diagnoses.timed_out(self, operation, sys._getframe(), waited) from None
        if patience.wants_warning() and not getattr(_own, "is_warning", False):
            _own.is_warning = True  # a log handler that waits, too, is not to warn of that
            try:
                text = _diagnoses.long_wait(self, operation, sys._getframe(), patience)
                _log.warning("%s", text)
            except Exception:  # a broken logging set-up must not cost the user the value
                pass
            finally:
                _own.is_warning = False

    def look_up(self, ticket: Ticket, operation: Operation) -> None:
        """Nobody woke this waiter in time: see whether anybody ever can."""
        ticket.has_looked = True
        if self.queue is not None and ticket not in self.queue:
            self.queue.append(ticket)
        cycle = _waits.closed_cycle(ticket)
        if cycle:
            raise _diagnoses.deadlock(self, operation, cycle)
        self.reclaim(ticket, operation)

    def reclaim(self, ticket: Ticket, operation: Operation) -> None:
        """Take the gate over if its owner vanished without giving it back.

        The flag is marked with the ticket meanwhile. Whoever takes or gives back the gate wipes
        that off; so where it is still there in the end, no call came or went, and an owner would
        have been seen. Where the owner left the generator in the middle of its body, or under
        exclusive use, there is nothing that could be taken over.
        """
        ticket.granted, self.busy = ticket.granted | (not self.busy), ticket  # swap
        if ticket.granted or any(
            other.granted and not other.gone for other in list(self.queue or ())
        ):
            return
        if not _evidence.is_abandoned(self) or self.busy is not ticket:
            return
        if self.keeper is not None or getattr(self.guarded, "gi_running", False):
            raise _diagnoses.abandoned(self, operation, sys._getframe())
        ticket.granted |= self.busy is ticket  # swap

    def pass_on(self) -> None:
        """After the gate was given back: see to it that the head of the queue gets its turn."""
        # Hot path under contention: the head is mostly awake already, and on its way.
        queue = self.queue
        while queue:
            try:
                head = queue[0]
            except IndexError:
                return
            if head.gone:  # an exception kept it from leaving the queue itself
                queue.leave(head)
                continue
            if monotonic() - head.head_since <= queue.quantum:
                if not head.awake:
                    head.wake()
                return
            was, self.busy = self.busy, True  # swap: taken back
            if was:
                return  # whoever overtook comes here when it has finished
            head.head_since = monotonic()
            given = head.granted = not head.gone  # swap
            if given:
                head.wake()
                return
            self.busy = False


def asks(value: Any) -> Operation:
    """send(None) is what next() does."""
    return "next" if value is None else "send"


def _says(error: BaseException, text: str) -> bool:
    """Whether `error` has this text, and nothing whose comparison could be of the user's making."""
    return len(error.args) == 1 and type(error.args[0]) is str and error.args[0] == text
