"""From a call to the event that tells of it, and on to those who record or listen.

Nothing that goes wrong here is felt by the call: what cannot be found out is left out.
"""

from __future__ import annotations

import itertools
import sys
from types import GeneratorType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from genlock import _guard
from genlock._errors import GenlockError, NotPrimedError
from genlock._interpreter import _frames
from genlock._text import cut
from genlock._traces import _clock
from genlock._traces._events import TracedGuard
from genlock._tracing import _log
from genlock._tracing._forks import Renewed

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

    from genlock._gate import Gate
    from genlock._records import Operation
    from genlock._traces._events import Event, Outcome
    from genlock._tracing._log import Log, Place, Track

_LONGEST_TEXT = 200  # characters of a value that is kept

_INTERNAL = ("genlock", "genlock._tracing", "genlock.sinks", "wrapt")

_serial = itertools.count(1).__next__
_enrolling = Renewed()


class Listener(Protocol):
    """Somebody who is told of every event. Neither raises anything of its own."""

    def begin(self, guard: TracedGuard, operation: Operation) -> Callable[[Event], None]:
        """The generator is about to be resumed; returns what is to be called with the event."""

    def tell(self, event: Event) -> None:
        """Something that is no resumption has happened; nothing if the subscription has ended."""


class Audience(NamedTuple):
    """Who is there at one moment."""

    logs: tuple[Log, ...] = ()
    subscriptions: tuple[Listener, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether all there is is one recording that keeps no values."""
        return len(self.logs) == 1 and not self.subscriptions and self.logs[0].values is None


class _Now:
    audience = Audience()


now = _Now()
"""`audience`: who is there now."""


def enrol(gate: Gate) -> TracedGuard:
    """What events call a guard."""
    try:
        return gate.traced
    except AttributeError:
        pass
    try:
        told = _describe(gate)
    except RecursionError:  # no room on the stack: the next event may have it
        return TracedGuard(_serial(), "?")
    with _enrolling.lock:  # whoever is refused does not own the gate
        if not hasattr(gate, "traced"):
            gate.traced = told
    return gate.traced


def _describe(gate: Gate) -> TracedGuard:
    code = _frames.code_of(gate.guarded)
    waits = gate.policy.waits("send") and gate.policy.timeout != 0
    if code is None:
        return TracedGuard(_serial(), gate.name, _class_name(type(gate.guarded)), waits=waits)
    frame = _frames.body_of(gate.guarded)
    module = "" if frame is None else frame.f_globals.get("__name__", "")
    function = _frames.short_name(code)
    if module and type(module) is str:
        function = f"{module}.{function}"
    where = code.co_filename, code.co_firstlineno
    return TracedGuard(_serial(), gate.name, function, *where, waits)


def _class_name(kind: type) -> str:
    try:
        return f"{kind.__module__}.{kind.__qualname__}"
    except Exception:  # of a metaclass of the user's
        return "?"


def place() -> Place | None:
    """The line of the user's code that made the call: cheap, and to be read as a site later."""
    frame = sys._getframe(1)
    while frame.f_globals.get("__package__") in _INTERNAL:
        if frame.f_back is None:
            return None
        frame = frame.f_back
    return frame.f_code, frame.f_lineno or 0


class Telling:
    """One resumption, from just before it begins until those who were there are told of it."""

    __slots__ = (
        "audience",
        "begin",
        "deferred",
        "gate",
        "guard",
        "is_idle",
        "listeners",
        "operation",
        "place",
        "sent",
        "waited",
    )

    def __init__(
        self, gate: Gate, operation: Operation, args: tuple[Any, ...], where: Place | None
    ) -> None:
        self.gate = gate
        self.operation = operation
        self.place = where
        self.audience = now.audience
        self.guard = enrol(gate)
        self.waited = self.deferred = 0
        sent = args[0] if args and operation in ("send", "throw") else None
        self.sent = [None if sent is None else _text(log, sent) for log in self.audience.logs]
        self.is_idle = _is_idle(gate, operation)
        self.listeners = [
            it.tell if self.is_idle else it.begin(self.guard, operation)
            for it in self.audience.subscriptions
        ]
        self.begin = _clock.now()

    def waited_since(self, since: int) -> None:
        """The call had waited for its turn until now."""
        self.begin = _clock.now()
        self.waited = self.begin - since

    def deferred_since(self, since: int) -> None:
        """The call had been deferred until now."""
        self.begin = _clock.now()
        self.deferred = self.begin - since

    def end(self, outcome: Outcome, got: Any) -> None:
        """The call ended without an exception."""
        try:
            self._tell(_clock.now(), outcome, got)
        except RecursionError:  # no room on the stack
            pass
        except Exception as failure:  # the value has to come out, whatever could not be told
            if _frames.is_interruption(failure):
                raise

    def end_with(self, error: BaseException) -> None:
        """The call raised."""
        end = _clock.now()
        try:
            outcome = outcome_of(self.gate, error)
            if outcome == "returned":
                self._tell(end, outcome, error.value if type(error) is StopIteration else None)
            else:
                self._tell(end, outcome, error, type(error).__name__)
        except RecursionError:
            pass
        except Exception as failure:  # the error has to come out as it is
            if _frames.is_interruption(failure):
                raise

    def _tell(self, end: int, outcome: Outcome, got: Any, error: str = "") -> None:
        if self.is_idle and outcome != "refused":
            outcome = "ended"
        calm = (self.waited, self.deferred, self.place)
        facts = (
            self.guard,
            _log.own.thread,
            self.operation,
            self.begin,
            end,
            outcome,
            error,
            *calm,
        )
        for log, sent in zip(self.audience.logs, self.sent, strict=True):
            log.take((*facts, sent, _text(log, got)))
        for listener in self.listeners:
            listener(_log.event_of((*facts, None, None)))


def _is_idle(gate: Gate, operation: Operation) -> bool:
    """Whether nothing is going to run: the generator has ended, or will before it has begun."""
    generator = gate.guarded
    if gate.ending is not None or type(generator) is not GeneratorType:
        return gate.ending is not None or gate.has_ended()
    if generator.gi_suspended or generator.gi_running:
        return False
    return generator.gi_frame is None or operation in ("close", "throw")


def tell(audience: Audience, facts: tuple[Any, ...]) -> None:
    """Tell those of `audience` of what is no resumption."""
    for log in audience.logs:
        log.take(facts)
    for subscription in audience.subscriptions:
        subscription.tell(_log.event_of(facts))


def raw_next(
    gate: Gate, track: Track, begin: float, end: float, frame: FrameType
) -> tuple[Any, ...]:
    """What the twin of `send` leaves of a `next`, which may have come through the guard's own."""
    if frame.f_code is _guard.GuardedGenerator.__next__.__code__ and frame.f_back is not None:
        frame = frame.f_back
    return (gate.traced, track, begin, end, frame.f_code, frame.f_lasti, True)


def raw_elsewhere(
    gate: Gate, track: Track, value: Any, begin: float, end: float
) -> tuple[Any, ...]:
    """The same, of a guard's first event, or of one that no Python code caused."""
    frame = _frames.user_frame(sys._getframe(1))
    code, offset = (None, 0) if frame is None else (frame.f_code, frame.f_lasti)
    return (enrol(gate), track, begin, end, code, offset, value is None)


def tell_failure(
    gate: Gate, track: Track, operation: Operation, begin: float, error: BaseException
) -> None:
    """Record into one log that a call raised, before the gate accounts for that."""
    outcome = outcome_of(gate, error) if gate.ending is None else "ended"
    name = "" if outcome in ("returned", "ended") else type(error).__name__
    if outcome == "refused":
        name = NotPrimedError.__name__  # what the caller gets, in a moment
    times = (_clock.in_ns(begin), _clock.now())
    facts = (enrol(gate), track.thread, operation, *times, outcome, name, 0, 0, place(), None, None)
    track.add(facts)


def outcome_of(gate: Gate, error: BaseException) -> Outcome:
    """What `error` says of the call to `gate` that it came out of."""
    # By its type: a __class__ of the user's may raise anything.
    if issubclass(type(error), StopIteration):
        return "returned"
    own = cast("GenlockError", error) if issubclass(type(error), GenlockError) else None
    if own is not None and own.diagnosis.guard == gate.name:
        return "refused" if _is_ours(error.__traceback__) else "raised"
    return "refused" if gate.is_not_primed(error) else "raised"


def _is_ours(traceback: TracebackType | None) -> bool:
    """Whether an error came through no code but genlock's."""
    while traceback is not None:
        if not _frames.is_internal(traceback.tb_frame):
            return False
        traceback = traceback.tb_next
    return True


def _text(log: Log, value: Any) -> str | None:
    if log.values is None:
        return None
    _log.own.is_wording = True
    try:
        text = str(log.values(value))
    except BaseException as error:
        if _frames.is_delivered(error):
            raise
        return f"<{type(error).__name__} while it was put into words>"
    finally:
        _log.own.is_wording = False
    return cut(text, _LONGEST_TEXT)
