"""The hook: while somebody records or listens, the methods of the gates are others.

Nothing is asked on the way in, so that tracing that is off costs nothing: the code of the methods
is exchanged when the first one begins to listen, and put back when the last one has gone. That
reaches guards made before and after alike, and `send` where somebody holds it as a bound method.
(Other methods in the place of these would do for most of it; but 3.13 gives a class a thousand
versions, and looks nothing up quickly when they are used up.) For `send` there are two:

- for one recording that keeps no values, a twin that writes a few words down (see `_twin`);
- for everything else, a `send` by way of `enter`, as for all the other operations, of which the
  detours tell (see `_detours`).

A call is told to those who were there when it began; one that has gone meanwhile takes no notice.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any, cast

from genlock import _evidence, _gates
from genlock._gate import Gate, asks
from genlock._interpreter import _frames
from genlock._traces import _clock
from genlock._tracing import _detours, _telling, _twin
from genlock._tracing._forks import Renewed
from genlock._tracing._log import Log

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FunctionType

    from genlock._tracing._log import Track
    from genlock._tracing._telling import Audience, Listener

_changing = Renewed()


def add_log(log: Log) -> None:
    """Begin to record into `log`."""
    _change(lambda now: now._replace(logs=(*now.logs, log)))


def remove_log(log: Log) -> None:
    """Record into `log` no more."""
    _change(lambda now: now._replace(logs=tuple(it for it in now.logs if it is not log)))


def add_subscription(added: Listener) -> None:
    """Begin to tell a subscription."""
    _change(lambda now: now._replace(subscriptions=(*now.subscriptions, added)))


def remove_subscription(ended: Listener) -> None:
    """Tell a subscription no more; nothing if it is not told."""
    _change(
        lambda now: now._replace(
            subscriptions=tuple(it for it in now.subscriptions if it is not ended)
        )
    )


def _change(changed: Callable[[Audience], Audience]) -> None:
    with _changing.lock:
        before = _telling.now.audience
        audience = changed(before)
        if audience != before:
            _turn_to(audience)


def _turn_to(audience: Audience) -> None:
    _telling.now.audience = audience
    if not any(audience):
        _put_back()
        return
    for exchange in _detours.EXCHANGED:
        exchange.method.__code__ = exchange.detour
    code = _twin_code() if audience.is_plain else None
    if code is not None:
        _lead_twin_to(*audience.logs)
    _send.__code__ = code or _send_by_enter.__code__
    if code is None:
        _lead_twin_to(_nowhere)


def _put_back() -> None:
    _send.__code__ = _send_code
    _lead_twin_to(_nowhere)
    for exchange in reversed(_detours.EXCHANGED):
        exchange.method.__code__ = exchange.plain
    _detours.forget_exclusive_use()


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
    code = _twin.recording(_send_code)
    if code is not None:
        _evidence.mark_way_in(code)
        _send.__globals__.update(
            _raw_next=_telling.raw_next,
            _raw_elsewhere=_telling.raw_elsewhere,
            _failed=_failed,
            _is_interruption=_frames.is_interruption,
            _read_clock=_clock.read,
            _caller=sys._getframe,
        )
    return code


def _failed(gate: Gate, track: Track, begin: float, value: Any, error: BaseException) -> None:
    """Under the twin of `send`, the generator raised."""
    try:
        if not gate.is_shut_out(error, value):
            _telling.tell_failure(gate, track, asks(value), begin, error)
    except RecursionError:  # no room on the stack to tell of it
        pass
