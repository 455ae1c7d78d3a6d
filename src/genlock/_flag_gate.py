"""The way into a generator on builds with the GIL: one flag, tested and set in one line.

CPython 3.11 to 3.13 switches threads and delivers signals and asynchronous exceptions only at
calls, at backward jumps and at the entry of functions. A line of straight bytecode that swaps the
flag for True is therefore a test-and-set that nothing can split: see the lines that are marked
"swap" below, which the tests disassemble on every version. Everything that can happen besides
the fast path is reached by two tests: was the flag set before the call, and does somebody wait
after it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from genlock import _diagnoses, _evidence
from genlock._evidence import way_in
from genlock._gate import Gate, asks
from genlock._waits import WaitQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from genlock._evidence import Claim, Presence
    from genlock._records import Operation
    from genlock._waits import Patience, Ticket


class FlagGate(Gate):
    """`busy` is the lock, and no more than a flag.

    While a call owns the gate, its frame is the evidence for that: its local `was` is false.
    """

    __slots__ = ()

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
    def run_if_free(self, call: Callable[[], None]) -> bool:
        was, self.busy = self.busy, True  # swap: taken if it was False
        if was:
            return False
        try:
            call()
        finally:
            was, self.busy = True, False  # swap: given back
        return True

    @way_in
    def keep_if_free(self, me: Claim) -> bool:
        was, self.busy = self.busy, True  # swap: taken if it was False
        if was:
            return False
        self.keeper, me.over = me, False
        return True

    def wait_and_keep(self, ticket: Ticket, patience: Patience, me: Claim) -> None:
        try:
            self.join_queue(ticket)
            self.await_turn(ticket, "exclusive", patience)
            self.keeper, me.over, ticket.granted = me, False, False  # swap: to the keeper
        finally:
            ticket.gone = True
            if ticket.granted:
                ticket.granted, self.busy = False, False  # swap: given back
            self.leave_queue(ticket)
            if self.keeper is not me:
                self.after_release()

    @way_in
    def give_back(self, claim: Claim) -> None:
        # Who has ended the claim owns the gate until it is free; and any mark of `reclaim` is gone.
        was, claim.over, self.busy = claim.over, True, not not self.busy  # noqa: SIM208  # swap
        if not was:
            self.keeper, was, self.busy = None, True, False  # swap: given back

    def open_queue(self) -> WaitQueue:
        fresh = WaitQueue()
        # One line, so that at most a monitor of branches can come between. What that costs is
        # a ticket in a queue that nobody sees, until it looks up.
        self.queue = queue = fresh if self.queue is None else self.queue
        return queue

    def try_for(self, ticket: Ticket) -> None:
        ticket.granted, self.busy = ticket.granted | (not self.busy), True  # swap

    @way_in
    def hand_over(self, head: Ticket) -> bool:
        was, self.busy = self.busy, True  # swap: taken back
        if was:
            return True  # whoever overtook comes here when it has finished
        was = given = head.granted = not head.gone  # swap: to the head, if that is there
        if given:
            head.wake_as_owner()
        else:
            was, self.busy = True, False  # swap: given back
        return given

    def reclaim(self, ticket: Ticket, operation: Operation) -> None:
        self.end_dead_claim()
        # The flag is marked with the ticket meanwhile. Whoever takes or gives back the gate wipes
        # that off; so where it is still there in the end, no call came or went, and an owner
        # would have been seen.
        ticket.granted, self.busy = ticket.granted | (not self.busy), ticket  # swap
        if ticket.granted or self.is_granted():
            return
        if not _evidence.is_abandoned(self) or self.busy is not ticket:
            return
        if self.is_left_inside():
            raise _diagnoses.abandoned(self, operation, sys._getframe())
        # A claim that has just died is ended by its callback.
        ticket.granted |= (self.busy is ticket) & (self.keeper is None)  # swap

    def is_lost(self) -> bool:
        # Marked as in `reclaim`, by somebody who does not want in: a free gate has to stay free.
        # So the mark is a number, which can be left out without a branch: 0 is as good as False.
        mine = object()
        mark = id(mine)
        self.busy = mark * (not not self.busy)  # noqa: SIM208  # swap; bool() is a call
        is_abandoned = self.is_left_inside() and _evidence.is_abandoned(self)
        return is_abandoned and self.busy == mark

    def tally(self, waited: int) -> None:
        queue = self.open_queue()
        # Without a call, so that no other thread gets in.
        queue.contended += 1
        queue.waited += waited
        if waited > queue.longest:  # noqa: PLR1730  # max() is a call
            queue.longest = waited

    def holder(self) -> Presence | None:
        return _evidence.presence(self)
