"""The hook: while somebody records or listens, the methods of the gates are others.

Nothing is asked on the way in, so that tracing that is off costs nothing: the code of the methods
is exchanged when the first one begins to listen, and put back when the last one has gone. That
reaches guards made before and after alike, and `send` where somebody holds it as a bound method.
(Other methods in the place of these would do for most of it; but 3.13 gives a class a thousand
versions, and looks nothing up quickly when they are used up.) For `send` there are two:

- for one recording that keeps no values, a twin that writes a few words down (see `_twin`);
- for everything else, a `send` by way of `enter`, as for all the other operations, whose common
  path `run` tells of them.

A call is told to those who were there when it began and are still there when it ends.
"""

from __future__ import annotations

import _thread
import functools
import os
import sys
import threading
from types import FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from genlock import _clock, _evidence, _gates, _log, _telling, _twin
from genlock._errors import ContendedCallError, ReentrantCallError
from genlock._gate import Gate, asks
from genlock._log import Log
from genlock._telling import Telling

if TYPE_CHECKING:
    import weakref
    from collections.abc import Callable
    from types import CodeType

    from genlock._body import Body
    from genlock._events import Outcome
    from genlock._evidence import Keep
    from genlock._log import Place, Track
    from genlock._records import Operation
    from genlock._telling import Subscription, Watch
    from genlock._waits import Patience, Ticket

_changing = threading.RLock()


def _renew_lock() -> None:
    """In a forked child: another thread may have held it."""
    global _changing  # noqa: PLW0603  # state of this module
    _changing = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def add_log(log: Log) -> None:
    """Begin to record into `log`."""
    with _changing:
        watch = _telling.now.watch
        _turn_to(watch._replace(logs=(*watch.logs, log)))


def remove_log(log: Log) -> None:
    """Record into `log` no more."""
    with _changing:
        watch = _telling.now.watch
        _turn_to(watch._replace(logs=tuple(it for it in watch.logs if it is not log)))


def add_subscription(subscription: Subscription) -> None:
    """Begin to tell a subscription."""
    with _changing:
        watch = _telling.now.watch
        _turn_to(watch._replace(subscriptions=(*watch.subscriptions, subscription)))


def remove_subscription(subscription: Subscription) -> None:
    """Tell a subscription no more; nothing if it is not told."""
    with _changing:
        watch = _telling.now.watch
        left = tuple(it for it in watch.subscriptions if it is not subscription)
        if left != watch.subscriptions:
            _turn_to(watch._replace(subscriptions=left))


def _turn_to(watch: Watch) -> None:
    _telling.now.watch = watch
    if not any(watch):
        _put_back()
        return
    for exchange in _EXCHANGED:
        exchange.method.__code__ = exchange.detour
    code = _twin_code() if watch.is_plain else None
    if code is not None:
        _lead_twin_to(*watch.logs)
    _send.__code__ = code or _send_by_enter.__code__
    if code is None:
        _lead_twin_to(_nowhere)


def _put_back() -> None:
    _send.__code__ = _send_code
    _lead_twin_to(_nowhere)
    for exchange in reversed(_EXCHANGED):
        exchange.method.__code__ = exchange.plain
    _kept.clear()


def _lead_twin_to(log: Log) -> None:
    _send.__globals__.update(_own=log.own, _begin_track=log.begin_track)


_nowhere = Log(1, None)
"""Where a twin records that began too late, so that the log before is not kept alive."""


# The ways in.

_send = cast("FunctionType", _gates.kind_for(can_defer=False).send)
_send_code = _send.__code__


def _send_by_enter(self: Any, value: Any, /) -> Any:
    return self.enter(asks(value), self.resume, value)


@functools.cache
def _twin_code() -> CodeType | None:
    """The code of the twin of `send`, made once and kept, with what it needs in its globals."""
    code = _twin.recording(_send, _send_code)
    if code is not None:
        _evidence.mark_way_in(code)
        _send.__globals__.update(
            _raw_next=_telling.raw_next,
            _raw_elsewhere=_telling.raw_elsewhere,
            _failed=_failed,
            _read_clock=_clock.read,
            _caller=sys._getframe,
        )
    return code


def _failed(gate: Body, track: Track, begin: float, value: Any, error: BaseException) -> None:
    """Under the twin of `send`, the generator raised."""
    try:
        if not gate.is_shut_out(error, value):
            _telling.tell_failure(gate, track, asks(value), begin, error)
    except RecursionError:  # no room on the stack to tell of it
        pass


# The slow operations, and calls that find the gate busy.


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
        queued.place = _telling.place()
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
    gate: Body, operation: Operation, call: Callable[..., Any], args: tuple[Any, ...]
) -> Telling | None:
    """Begin to tell of a call; None where that cannot be done, for want of room on the stack."""
    try:
        if not isinstance(call, _Queued):
            return Telling(gate, operation, args, _telling.place())
        telling = Telling(gate, operation, args, call.place)
        is_deferred = call.is_deferred or call.ran_in != call.thread
        if call.has_waited or is_deferred:
            (telling.deferred_since if is_deferred else telling.waited_since)(call.since)
    except Exception:
        return None
    return telling


def _traced_take_turn(
    gate: Gate, operation: Operation, call: Callable[..., Any], *args: Any
) -> Any:
    watch = _telling.now.watch
    queued = _Queued.now(call)
    try:
        result = _take_turn(gate, operation, queued, *args)
    except BaseException as error:
        if queued.ran_in is None:
            _tell(watch, gate, operation, queued, _Occurrence("refused", type(error).__name__))
        raise
    if queued.ran_in != queued.thread:
        queued.is_deferred = True
        _tell(watch, gate, operation, queued, _Occurrence("deferred"))
    return result


def _traced_run_as_owner(
    gate: Gate, waiting: Ticket | None, operation: Operation, call: Callable[..., Any], *args: Any
) -> Any:
    if isinstance(call, _Queued):
        call.has_waited = waiting is not None
    return _run_as_owner(gate, waiting, operation, call, *args)


def _traced_keep(gate: Gate, me: weakref.ref[Keep], patience: Patience) -> None:
    queued = _Queued.now(gate.keep)
    queued.has_waited = not gate.keep_if_free(me)
    try:
        if queued.has_waited:
            _keep(gate, me, patience)
    except BaseException as error:
        watch = _telling.now.watch
        _tell(watch, gate, "exclusive", queued, _Occurrence("refused", type(error).__name__))
        raise
    if gate.keeper is me:
        _kept[id(me)] = _Kept(_telling.now.watch, me, queued, _clock.now())


def _traced_end_keep(gate: Gate, keep: weakref.ref[Keep]) -> None:
    kept = _kept.pop(id(keep), None) if gate.keeper is keep else None
    _end_keep(gate, keep)
    if kept is not None:
        told = _Occurrence("kept", begin=kept.begin)
        _tell(kept.watch, gate, "exclusive", kept.queued, told)


class _Kept:
    """Exclusive use that was seen to begin."""

    __slots__ = ("begin", "me", "queued", "watch")

    def __init__(self, watch: Watch, me: object, queued: _Queued, begin: int) -> None:
        self.watch = watch
        self.me = me
        self.queued = queued
        self.begin = begin


_kept: dict[int, _Kept] = {}


_AT_ONCE = {ReentrantCallError.__name__, ContendedCallError.__name__}
"""Refusals of calls that did not wait; it takes a while to say why."""


class _Occurrence(NamedTuple):
    """Something that is no resumption: a call was refused or deferred, exclusive use has ended."""

    outcome: Outcome
    error: str = ""
    begin: int | None = None


def _tell(
    watch: Watch, gate: Body, operation: Operation, queued: _Queued, told: _Occurrence
) -> None:
    end = _clock.now()
    begin = end if told.begin is None else told.begin
    has_waited = queued.has_waited and told.outcome != "deferred" and told.error not in _AT_ONCE
    waited = begin - queued.since if has_waited else 0
    subject = (_telling.enrol(gate), _log.own.thread, operation)
    rest = (told.outcome, told.error, waited, 0, queued.place, None, None)
    _telling.tell(watch, (*subject, begin, end, *rest))


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


def _detour_of_keep(self: Gate, me: weakref.ref[Keep], patience: Patience) -> None:
    return _traced_keep(self, me, patience)


def _detour_of_end_keep(self: Gate, keep: weakref.ref[Keep]) -> None:
    return _traced_end_keep(self, keep)


class _Exchange:
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
_EXCHANGED = (
    _Exchange(Gate.run, _detour_of_run, _traced_run),
    _Exchange(Gate.run_as_owner, _detour_of_run_as_owner, _traced_run_as_owner),
    _Exchange(Gate.take_turn, _detour_of_take_turn, _traced_take_turn),
    _Exchange(Gate.keep, _detour_of_keep, _traced_keep),
    _Exchange(Gate.end_keep, _detour_of_end_keep, _traced_end_keep),
)
_run, _run_as_owner, _take_turn, _keep, _end_keep = (it.original() for it in _EXCHANGED)
