"""Deferral: what comes back to its own generator waits for the next yield and is delivered then.

The thread that runs the generator delivers, first in first out, before its call returns. So a
cycle of coroutines becomes a loop: the stack stays as deep as it is, however many hops there are.
"""

from __future__ import annotations

import _thread
import enum
import logging
import sys
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from genlock import _diagnoses, _wording
from genlock._gate import BackByOthersError, Gate, asks
from genlock._logged import for_handlers

if TYPE_CHECKING:
    from collections.abc import Callable

    from genlock._records import Operation

_log = logging.getLogger("genlock")
_MANY = 100_000


class Deferred(enum.Enum):
    """The type of `DEFERRED`."""

    DEFERRED = "deferred"

    def __repr__(self) -> str:
        return "genlock.DEFERRED"


DEFERRED: Final = Deferred.DEFERRED
"""What send and throw return when what they bring was deferred to the next yield."""


class Delivery(NamedTuple):
    """A call that waits for the next yield; another thread's, for the end of exclusive use, too."""

    operation: Operation
    call: Callable[..., Any]
    args: tuple[Any, ...]
    is_others: bool = False


class Deliveries(deque[Delivery]):
    """What is deferred, first come first; and the thread that delivers it at the moment.

    And the one whose call now ends by an exception: what is left is for the next call.
    """

    __slots__ = ("deliverer", "raising")

    def __init__(self) -> None:
        super().__init__()
        self.deliverer: int | None = None
        self.raising: int | None = None


class Deferral(Gate):
    """What makes a gate of either kind one for policies that defer."""

    __slots__ = ()

    deferred: Deliveries

    def send(self, value: Any, /) -> Any:
        return self.enter(asks(value), self.resume, value)

    def run(self, operation: Operation, call: Callable[..., Any], *args: Any) -> Any:
        self.deferred.raising = None
        try:
            if self.deferred:  # left by a call that was interrupted
                self.deliver()
            result = super().run(operation, call, *args)
            if self.deferred:
                self.deliver()
        except BaseException as error:
            self.settle(error)
            raise
        return result

    def settle(self, error: BaseException) -> None:
        """Tell what can no longer be delivered, if `error` has ended the generator."""
        self.deferred.raising = _thread.get_ident()
        has_returned = issubclass(type(error), StopIteration)
        if not has_returned and not self.has_ended():
            return
        values = self.undelivered()
        if values and has_returned:
            error.__traceback__ = None  # of what has returned nothing is left to see
            raise _diagnoses.undelivered(self, values, sys._getframe()) from error
        if values:
            error.add_note(_wording.lost_values(self.name, values))

    def deliver(self) -> None:
        """Hand over what is deferred, and what is deferred meanwhile."""
        me = _thread.get_ident()
        if self.deferred.deliverer == me:
            return  # a handler or finaliser in the middle of a delivery: that goes on after it
        try:
            self.deferred.deliverer = me
            self.deliver_all()
        finally:
            self.deferred.deliverer = None

    def deliver_all(self) -> None:
        delivered, has_warned = 0, False
        while (due := self.due()) is not None:
            operation, call, args, _ = self.deferred[due]
            if self.has_ended() and operation != "close":
                raise StopIteration  # another thread's close came in before this: undelivered
            del self.deferred[due]
            try:
                super().run(operation, call, *args)
            except StopIteration:
                if self.deferred:
                    raise
            delivered += 1
            if delivered >= _MANY and self.queue and not has_warned:
                has_warned = True
                text = _wording.feeds_itself(self.name, delivered)
                _log.warning("%s", for_handlers(text, _log))

    def due(self) -> int | None:
        """The place of what is to be delivered next. Asked by the owner, who alone takes it out."""
        if self.keeper is None:
            return 0 if self.deferred else None
        places = range(len(self.deferred))
        return next((place for place in places if not self.deferred[place].is_others), None)

    def undelivered(self) -> tuple[Any, ...]:
        """Forget what can no longer be delivered; the values and exceptions among it."""
        # One by one: other threads may defer a close meanwhile.
        left: list[Any] = []
        while self.deferred:
            operation, _, args, _ = self.deferred.popleft()
            left += () if operation == "close" else args
        return tuple(left)

    def come_back(self, operation: Operation, call: Callable[..., Any], *args: Any) -> Any:
        if not self.can_defer(operation):
            return super().come_back(operation, call, *args)
        self.deferred.append(Delivery(operation, call, args))
        return None if operation == "close" else DEFERRED

    def can_defer(self, operation: Operation) -> bool:
        return self.policy.defers(operation) and (operation == "close" or not self.is_to_close())

    def is_to_close(self) -> bool:
        """Whether a close is deferred: it is the last then."""
        try:
            last = self.deferred[-1]
        except IndexError:
            return False
        return last.operation == "close" and not (last.is_others and self.keeper is not None)

    def take_turn(self, operation: Operation, call: Callable[..., Any], *args: Any) -> Any:
        try:
            return super().take_turn(operation, call, *args)
        except BackByOthersError as news:
            if news.gate is not self:
                raise
        return self.leave_to_others(operation, call, *args)

    def turn_away(self, operation: Operation, call: Callable[..., Any], *args: Any) -> Any:
        if operation != "close" or self.policy.on_close != "defer":
            return super().turn_away(operation, call, *args)
        return self.leave_to_others(operation, call, *args)

    def leave_to_others(self, operation: Operation, call: Callable[..., Any], *args: Any) -> Any:
        """Have it delivered by whoever is inside."""
        self.deferred.append(Delivery(operation, call, args, is_others=True))
        self.after_release()  # that may have looked already for the last time, or given up waiting
        return None if operation == "close" else DEFERRED

    def after_release(self) -> None:
        # An interruption has to come out, however much there is to deliver. What is to be closed
        # comes to an end by itself, and nobody else may come and do it.
        is_to_end = self.deferred.raising == _thread.get_ident() and not self.is_to_close()
        self.deferred.raising = None
        while self.deferred and not is_to_end and self.run_if_free(self.deliver_rest):
            pass  # where it is not free, whoever is inside delivers
        super().after_release()

    def deliver_rest(self) -> None:
        """Deliver at the end of a call whose result, or error, is to come out."""
        try:
            self.deliver()
        except BaseException as error:
            self.settle(error)
            if not issubclass(type(error), StopIteration):
                raise
