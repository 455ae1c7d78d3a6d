"""The detours of the gates' methods, which tell of what they do: all but the quick way of `send`.

`run` tells of resumptions, whatever operation asks for them; the others of what comes before: that
a call waited, was refused or deferred; and of exclusive use.
"""

from __future__ import annotations

import _thread
import functools
from types import FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from genlock._errors import ContendedCallError, ReentrantCallError
from genlock._gate import Gate
from genlock._interpreter import _frames
from genlock._traces import _clock
from genlock._tracing import _log, _telling
from genlock._tracing._telling import Telling

if TYPE_CHECKING:
    from collections.abc import Callable

    from genlock._evidence import Claim
    from genlock._records import Operation
    from genlock._traces._events import Outcome
    from genlock._tracing._log import Place
    from genlock._tracing._telling import Audience
    from genlock._waits import Patience, Ticket


class _Queued(functools.partial[Any]):
    """A call that found the gate busy, so that it may wait, be deferred or be refused.

    To call it leaves no frame on the stack.
    """

    since: int
    place: Place | None
    thread: int
    ran_in: int | None = None
    has_waited = True
    is_deferred = False

    @classmethod
    def now(cls, call: Callable[..., Any]) -> _Queued:
        queued = cls(call)
        queued.since = _clock.now()
        try:
            queued.place = _telling.place()
        except RecursionError:  # no room on the stack
            queued.place = None
        queued.thread = _thread.get_ident()
        return queued


def _traced_run(gate: Gate, operation: Operation, call: Callable[..., Any], *args: Any) -> Any:
    """Where somebody runs the bare generator, the time until it is free counts as inside."""
    if isinstance(call, _Queued):
        call.ran_in = _thread.get_ident()
    telling = _begin(gate, operation, call, args)
    try:
        result = _run(gate, operation, call, *args)
    except BaseException as error:
        if telling is not None:
            telling.end_with(error)
        raise
    if telling is not None:
        telling.end("returned" if operation == "close" else "yielded", result)
    return result


def _begin(
    gate: Gate, operation: Operation, call: Callable[..., Any], args: tuple[Any, ...]
) -> Telling | None:
    """Begin to tell of a call; None where that cannot be done, for want of room on the stack.

    Nor of a call that is made to put a value into words: its values would want words, too.
    """
    try:
        if _log.own.is_wording:
            return None
        if not isinstance(call, _Queued):
            return Telling(gate, operation, args, _telling.place())
        telling = Telling(gate, operation, args, call.place)
        is_deferred = call.is_deferred or call.ran_in != call.thread
        if call.has_waited or is_deferred:
            (telling.deferred_since if is_deferred else telling.waited_since)(call.since)
    except RecursionError:
        return None
    except Exception as failure:
        if _frames.is_interruption(failure):
            raise
        return None
    return telling


def _traced_take_turn(
    gate: Gate, operation: Operation, call: Callable[..., Any], *args: Any
) -> Any:
    audience = _telling.now.audience
    queued = _Queued.now(call)
    try:
        result = _take_turn(gate, operation, queued, *args)
    except BaseException as error:
        if queued.ran_in is None:
            _tell(audience, gate, operation, queued, _Occurrence("refused", type(error).__name__))
        raise
    if queued.ran_in != queued.thread:
        queued.is_deferred = True
        _tell(audience, gate, operation, queued, _Occurrence("deferred"))
    return result


def _traced_run_as_owner(
    gate: Gate, waiting: Ticket | None, operation: Operation, call: Callable[..., Any], *args: Any
) -> Any:
    if isinstance(call, _Queued):
        call.has_waited = waiting is not None
    return _run_as_owner(gate, waiting, operation, call, *args)


def _traced_keep(gate: Gate, me: Claim, patience: Patience) -> None:
    queued = _Queued.now(gate.keep)
    queued.has_waited = not gate.keep_if_free(me)
    try:
        if queued.has_waited:
            _keep(gate, me, patience)
    except BaseException as error:
        audience = _telling.now.audience
        _tell(audience, gate, "exclusive", queued, _Occurrence("refused", type(error).__name__))
        raise
    if gate.keeper is me:
        _kept[id(me)] = _Kept(_telling.now.audience, me, queued, _clock.now())


def _traced_end_keep(gate: Gate, keep: Claim) -> None:
    kept = _kept.pop(id(keep), None) if gate.keeper is keep else None
    _end_keep(gate, keep)
    if kept is not None:
        told = _Occurrence("kept", begin=kept.begin)
        _tell(kept.audience, gate, "exclusive", kept.queued, told)


class _Kept:
    """Exclusive use that was seen to begin."""

    __slots__ = ("audience", "begin", "me", "queued")

    def __init__(self, audience: Audience, me: object, queued: _Queued, begin: int) -> None:
        self.audience = audience
        self.me = me
        self.queued = queued
        self.begin = begin


_kept: dict[int, _Kept] = {}


def forget_exclusive_use() -> None:
    """Exclusive use that is going on is not told of when it ends."""
    _kept.clear()


_AT_ONCE = {ReentrantCallError.__name__, ContendedCallError.__name__}
"""Refusals of calls that did not wait; it takes a while to say why."""


class _Occurrence(NamedTuple):
    """Something that is no resumption: a call was refused or deferred, exclusive use has ended."""

    outcome: Outcome
    error: str = ""
    begin: int | None = None


def _tell(
    audience: Audience, gate: Gate, operation: Operation, queued: _Queued, told: _Occurrence
) -> None:
    try:
        if not _log.own.is_wording:
            _telling.tell(audience, _facts(gate, operation, queued, told))
    except RecursionError:
        pass
    except Exception as failure:  # the call's own error has to come out, whatever happens here
        if _frames.is_interruption(failure):
            raise


def _facts(gate: Gate, operation: Operation, queued: _Queued, told: _Occurrence) -> tuple[Any, ...]:
    end = _clock.now()
    begin = end if told.begin is None else told.begin
    has_waited = queued.has_waited and told.outcome != "deferred" and told.error not in _AT_ONCE
    waited = begin - queued.since if has_waited else 0
    subject = (_telling.enrol(gate), _log.own.thread, operation)
    rest = (told.outcome, told.error, waited, 0, queued.place, None, None)
    return (*subject, begin, end, *rest)


# The detours, whose code runs among the globals of the methods. Each has the parameters of its
# method: where threads run at once, a call may lay out its arguments for the one code and run the
# other.


def _detour_of_run(self: Gate, operation: Operation, call: Callable[..., Any], *args: Any) -> Any:
    return _traced_run(self, operation, call, *args)


def _detour_of_run_as_owner(
    self: Gate, waiting: Ticket | None, operation: Operation, call: Callable[..., Any], *args: Any
) -> Any:
    return _traced_run_as_owner(self, waiting, operation, call, *args)


def _detour_of_take_turn(
    self: Gate, operation: Operation, call: Callable[..., Any], *args: Any
) -> Any:
    return _traced_take_turn(self, operation, call, *args)


def _detour_of_keep(self: Gate, me: Claim, patience: Patience) -> None:
    return _traced_keep(self, me, patience)


def _detour_of_end_keep(self: Gate, keep: Claim) -> None:
    return _traced_end_keep(self, keep)


class Exchange:
    """A method of the gates, and the detour that it takes while somebody is there."""

    def __init__(self, method: Any, detour: Callable[..., Any], traced: Callable[..., Any]) -> None:
        self.method: FunctionType = method
        self.plain = self.method.__code__
        self.method.__globals__[traced.__name__] = traced
        self.detour = cast("FunctionType", detour).__code__

    def original(self) -> FunctionType:
        """What the method is while nobody is there."""
        return FunctionType(self.plain, self.method.__globals__, self.method.__name__)


# `run` is the first to be exchanged and the last to be put back: under a traced `take_turn`, it
# is the traced one that says whether the call had its turn.
EXCHANGED = (
    Exchange(Gate.run, _detour_of_run, _traced_run),
    Exchange(Gate.run_as_owner, _detour_of_run_as_owner, _traced_run_as_owner),
    Exchange(Gate.take_turn, _detour_of_take_turn, _traced_take_turn),
    Exchange(Gate.keep, _detour_of_keep, _traced_keep),
    Exchange(Gate.end_keep, _detour_of_end_keep, _traced_end_keep),
)
_run, _run_as_owner, _take_turn, _keep, _end_keep = (it.original() for it in EXCHANGED)
