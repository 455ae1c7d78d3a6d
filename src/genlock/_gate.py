"""A gate: lets one call at a time into a generator, and says what becomes of the others.

All of it but the way in itself, of which there are two kinds. Which of a gate's methods can own
it, and how that is known, is told in `_evidence`.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from time import monotonic
from typing import TYPE_CHECKING, Any

from genlock import _diagnoses, _evidence, _waits
from genlock._body import Body
from genlock._evidence import way_in
from genlock._interpreter import _frames
from genlock._logged import for_handlers
from genlock._waits import Patience, Ticket, WaitQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from genlock._evidence import Claim, OwnStack, Presence
    from genlock._policy import Policy
    from genlock._records import Operation

_log = logging.getLogger("genlock")
_own = threading.local()

_SHORTEST_POLL = 1e-5  # seconds: what a short body takes
_LONGEST_POLL = 5e-3  # seconds: what the interpreter lets a thread run before it switches


class BackByOthersError(Exception):
    """A call comes back to its generator by way of other threads, and can be deferred."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self.gate = gate


class Gate(Body):
    """What both kinds of gate have in common.

    `busy` is false while nobody owns the gate. Whoever takes it sets it, until it sets it to
    False again or hands the gate over with it still set.
    """

    __slots__ = ("busy", "keeper", "policy", "queue", "resume")

    def __init__(
        self, guarded: object, resume: Callable[[Any], Any], policy: Policy, label: str | None
    ) -> None:
        super().__init__(guarded, label)
        self.resume = resume
        self.policy = policy
        self.busy: object = False
        self.queue: WaitQueue | None = None
        self.keeper: Claim | None = None

    # What the two kinds do differently: every change of `busy`.

    def send(self, value: Any, /) -> Any:
        """Resume the generator: in a turn of this call, or as `take_turn` decides."""
        raise NotImplementedError

    def enter(self, operation: Operation, call: Callable[..., Any], *args: Any) -> Any:
        """What `send` does, for operations that are too rare to be written out."""
        raise NotImplementedError

    def wait_and_run(
        self,
        ticket: Ticket,
        patience: Patience,
        operation: Operation,
        call: Callable[..., Any],
        *args: Any,
    ) -> Any:
        """Wait for the turn of `ticket`, use it, and give it back."""
        raise NotImplementedError

    def run_if_free(self, call: Callable[[], None]) -> bool:
        """Run `call` as the owner, if nobody owns the gate; whether it was so."""
        raise NotImplementedError

    def keep_if_free(self, me: Claim) -> bool:
        """Take the gate for exclusive use, if nobody owns it; whether it was so."""
        raise NotImplementedError

    def wait_and_keep(self, ticket: Ticket, patience: Patience, me: Claim) -> None:
        """Wait for the turn of `ticket`, and make exclusive use of it."""
        raise NotImplementedError

    def give_back(self, claim: Claim) -> None:
        """End the exclusive use of this claim, if it is in force."""
        raise NotImplementedError

    def end_keep(self, claim: Claim) -> None:
        """End the exclusive use of this claim, if it is in force, and pass the turn on."""
        self.give_back(claim)
        self.after_release()

    def end_dead_claim(self) -> None:
        """End exclusive use whose end was interrupted."""
        keeper = self.keeper
        if keeper is not None and keeper() is None:
            self.end_keep(keeper)

    def open_queue(self) -> WaitQueue:
        """The queue, made where there is none yet."""
        raise NotImplementedError

    def try_for(self, ticket: Ticket) -> None:
        """Grant `ticket` the gate, if nobody owns it."""
        raise NotImplementedError

    def hand_over(self, head: Ticket) -> bool:
        """Give the gate to `head`; False if that has gone, and the next one is to be looked at."""
        raise NotImplementedError

    def reclaim(self, ticket: Ticket, operation: Operation) -> None:
        """Grant `ticket` the gate if its owner vanished without giving it back.

        Raises AbandonedGeneratorError where the owner left the generator in the middle of its
        body, or under exclusive use: there is nothing that could be taken over.
        """
        raise NotImplementedError

    def is_lost(self) -> bool:
        """Whether its owner can never come back, and left what nobody can take over."""
        raise NotImplementedError

    def tally(self, waited: int) -> None:
        """Count a call that found the gate busy and `waited` so many nanoseconds, or none."""
        raise NotImplementedError

    def holder(self) -> Presence | None:
        """The other thread that is inside."""
        raise NotImplementedError

    # A call that owns the gate.

    def run(self, operation: Operation, call: Callable[..., Any], *args: Any) -> Any:
        """Call; where somebody runs the bare generator, until that is over."""
        polling = None
        while True:
            try:
                result = call(*args)
            except BaseException as error:
                try:
                    is_to_retry = self.account_for(error, *args)
                except RecursionError:  # so has_ended() has to do without a call
                    is_to_retry = False
                    if getattr(self.guarded, "gi_frame", self) is None:
                        self.ending = self.ending or error.__class__
                if not is_to_retry:
                    raise
            else:
                if operation == "close":
                    try:
                        self.note_close()
                    except RecursionError:  # it has been closed all the same
                        pass
                return result
            polling = polling or self.poll(operation)
            next(polling)

    def poll(self, operation: Operation) -> Iterator[None]:
        """Sleep for longer and longer, while the bare generator is not free: nobody says when."""
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
            yield

    def check(self, operation: Operation, patience: Patience) -> None:
        """Raise GuardTimeoutError when the wait has been long enough; warn when it gets long."""
        if patience.is_over():
            waited = patience.waited()
            raise _diagnoses.timed_out(self, operation, sys._getframe(), waited) from None
        if patience.wants_warning() and not getattr(_own, "is_warning", False):
            _own.is_warning = True  # a log handler that waits, too, is not to warn of that
            try:
                _warn(_diagnoses.long_wait(self, operation, sys._getframe(), patience))
            finally:
                _own.is_warning = False

    # A call that finds the gate busy.

    def take_turn(self, operation: Operation, call: Callable[..., Any], *args: Any) -> Any:
        """The call found the gate busy: by whom, and what does the policy say to that?"""
        stack = _evidence.own_stack(sys._getframe(), self.guarded)
        if self.is_inside(stack):
            return self.come_back(operation, call, *args)
        if self in stack.held:
            # Exclusive use; or a signal handler or finaliser between the yield and the release.
            return self.run_as_owner(None, operation, call, *args)
        refuses = self.policy.refuses(operation)
        if not self.policy.waits(operation):
            # Where nobody runs the generator, an owner may have vanished: only a look can tell.
            is_running = _frames.is_running(self.guarded)
            if is_running or not refuses:
                self.see_if_lost(operation)
                return self.turn_away(operation, call, *args)
        patience = Patience(self.policy.timeout, self.policy.warn_after, refuses=refuses)
        waiting = _waits.own_wait_for(self)
        if waiting is not None:
            self.await_turn_again(waiting, stack.entered, operation, patience)
            return self.run_as_owner(waiting, operation, call, *args)
        return self.wait_and_run(
            Ticket(self, stack.entered, operation), patience, operation, call, *args
        )

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
        return self in stack.entered and _evidence.is_executing(self.guarded)

    def come_back(self, operation: Operation, _call: Callable[..., Any], *_args: Any) -> Any:
        """The call came from the body it calls."""
        raise _diagnoses.reentrant(self, operation, sys._getframe())

    def see_if_lost(self, operation: Operation) -> None:
        """Raise AbandonedGeneratorError if a later call would find the gate as busy as this one."""
        try:
            is_lost = self.is_lost()
        except Exception as failure:  # the refusal stands
            if _frames.is_interruption(failure):
                raise
            return
        if is_lost:
            raise _diagnoses.abandoned(self, operation, sys._getframe())

    def can_defer(self, _operation: Operation) -> bool:
        """Whether what comes back to the generator waits for its next yield."""
        return False

    def turn_away(self, operation: Operation, _call: Callable[..., Any], *_args: Any) -> Any:
        """Another thread is inside, and the policy says not to wait."""
        self.tally(0)
        raise _diagnoses.contended(self, operation, sys._getframe())

    def after_release(self) -> None:
        if self.queue:
            self.pass_on()

    def keep(self, me: Claim, patience: Patience) -> None:
        """Take the gate and keep it until `end_keep`, unless this thread owns it already.

        Exclusive use is the gate kept: nobody can have slipped past it, and no call pays for it.
        """
        if self.keep_if_free(me):
            return
        stack = _evidence.own_stack(sys._getframe(), self.guarded)
        if self.is_inside(stack):
            raise _diagnoses.reentrant(self, "exclusive", sys._getframe())
        if self in stack.held:
            return
        if not self.policy.waits("exclusive"):
            self.see_if_lost("exclusive")
            self.tally(0)
            raise _diagnoses.contended(self, "exclusive", sys._getframe())
        waiting = _waits.own_wait_for(self)
        if waiting is None:
            self.wait_and_keep(Ticket(self, stack.entered, "exclusive"), patience, me)
        else:
            self.await_turn_again(waiting, stack.entered, "exclusive", patience)
            waiting.rouse()

    # Waiting, and passing the turn on: quantum hand-over. Newcomers may overtake while the head
    # of the queue has been head for at most a quantum; after that the call that leaves takes the
    # gate back and gives it to the head.

    def join_queue(self, ticket: Ticket) -> None:
        ticket.frame = sys._getframe(1)
        # Before it can be given a turn: a signal handler that runs here must find this wait.
        _waits.begin_wait(ticket)
        (self.queue or self.open_queue()).append(ticket)

    def leave_queue(self, ticket: Ticket) -> None:
        ticket.frame = None
        # Known to wait as long as it is queued: a forked child strikes out only known waits.
        try:
            if self.queue is not None:
                self.queue.leave(ticket)
        finally:
            if _waits.end_wait(ticket):
                self.tally(round((monotonic() - ticket.began) * 1e9))

    def await_turn(self, ticket: Ticket, operation: Operation, patience: Patience) -> None:
        """Return when `ticket` owns the gate, found free or handed over."""
        while not ticket.granted:
            ticket.awake = False  # before the gate is tried: a wake-up after that is for us
            self.try_for(ticket)
            if ticket.granted:
                return
            if patience.refuses:
                self.reclaim(ticket, operation)
                if not ticket.granted:
                    raise _diagnoses.contended(self, operation, sys._getframe())
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
        entered: tuple[object, ...],
        operation: Operation,
        patience: Patience,
    ) -> None:
        """A handler or finaliser that runs during a wait needs the same turn.

        It takes what comes of that wait, and leaves it to it. Meanwhile this thread keeps from
        others what it has entered since the wait began.
        """
        with _waits.renewed(waiting, entered):
            self.await_turn(waiting, operation, patience)

    def look_up(self, ticket: Ticket, operation: Operation) -> None:
        """Nobody woke this waiter in time: see whether anybody ever can."""
        ticket.has_looked = True
        if self.queue is None or ticket not in self.queue.tickets():
            (self.queue or self.open_queue()).append(ticket)
        cycle = _waits.closed_cycle(ticket)
        if cycle and self.can_defer(operation):
            raise BackByOthersError(self)
        if cycle:
            raise _diagnoses.deadlock(self, operation, sys._getframe(), cycle)
        self.reclaim(ticket, operation)

    def is_left_inside(self) -> bool:
        """Whether an owner that vanished left what nobody can take over."""
        return _evidence.keep_of(self) is not None or bool(_frames.is_running(self.guarded))

    def is_granted(self) -> bool:
        """Whether a waiter has been given the gate and has not taken it up yet."""
        waiting = [] if self.queue is None else self.queue.tickets()
        return any(ticket.granted and not ticket.gone for ticket in waiting)

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
            elif monotonic() - head.head_since <= queue.quantum:
                if not head.awake:
                    head.wake()
                return
            elif self.hand_over(head):
                return


def _warn(text: str) -> None:
    try:
        _log.warning("%s", for_handlers(text, _log))
    except Exception:  # a broken logging set-up must not cost the user the value
        pass


def asks(value: Any) -> Operation:
    """send(None) is what next() does."""
    return "next" if value is None else "send"
