"""Sees the interpreter's errors about generators at the moment that they are raised."""

from __future__ import annotations

import _thread
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from genlock._frames import is_internal, is_interruption
from genlock._protocol import recognise
from genlock._sighting import sight

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType, TracebackType

    from genlock._protocol import Fault
    from genlock._records import Sighting

    Place = tuple[str, CodeType, int]  # the file, too: code is the same that reads the same

_REMEMBERED = 256
_PLACES = 1000
_REST = 50
"""For how many times as long as a look has taken there is none at a place that was looked at."""

_TOOLS = (4, 3, 5)
"""The identifiers that tools may take; 0, 1 and 2 are for a debugger, coverage and a profiler."""

_FURTHER_PLACES = "", sight.__code__, -1
"""Stands for all that come when there are too many: a program may make code without end."""


@dataclass(slots=True)
class Seen:
    """An error that was raised.

    `sighting` is None where there was no time to look around. `number` counts the errors that were
    raised at this `place` so far. Thread-safe: of those who are about to tell the user of it, one
    is let to.
    """

    place: Place
    number: int
    sighting: Sighting | None = None
    _told: _thread.LockType = field(
        default_factory=_thread.allocate_lock, init=False, repr=False, compare=False
    )

    @property
    def is_told(self) -> bool:
        """Whether the user has been told of it."""
        return self._told.locked()

    def is_to_be_told(self) -> bool:
        """Whether the caller is the first to ask, who is to tell the user."""
        return self._told.acquire(blocking=False)


class Lookout:
    """Looks around whenever such an error is raised, in any thread, until it is stopped.

    It keeps no error alive, and no frame: an error is known again by its address and its place.
    Before Python 3.13 a look at the variables of a frame copies them, so what they hold lives as
    long as the frame, even where it deletes the variable. The interpreter calls this at each
    exception of any kind, in the program's own stack: within ten calls or so of the recursion
    limit, a RecursionError may come out in the place of the exception.

    Args:
        notice: called with each error and what is seen of it, in the thread that is raising it.
    """

    def __init__(self, notice: Callable[[BaseException, Seen], None]) -> None:
        self._notice = notice
        self._tool: int | None = None
        self._seen: dict[int, Seen] = {}
        self._latest: deque[tuple[int, Seen]] = deque()
        self._numbers: dict[Place, count[int]] = {}
        self._rests_until = 0.0

    def start(self) -> bool:
        """Begin; returns whether this interpreter tells of errors when they are raised."""
        monitoring: Any = getattr(sys, "monitoring", None)
        self._tool = _free_tool() if monitoring is not None else None
        if self._tool is None:
            return False
        monitoring.register_callback(self._tool, monitoring.events.RAISE, self._callback())
        monitoring.set_events(self._tool, monitoring.events.RAISE)
        return True

    def numbers(self) -> dict[Place, int]:
        """How many errors were raised, by place; to be asked for when no more are counted."""
        return {place: next(number) - 1 for place, number in self._numbers.copy().items()}

    def forget(self) -> None:
        """Forget the errors seen so far."""
        self._latest.clear()
        self._seen.clear()
        self._numbers.clear()

    def stop(self) -> None:
        """See nothing more."""
        if self._tool is not None:
            monitoring: Any = sys.monitoring  # type: ignore[attr-defined]  # from 3.12 on
            monitoring.set_events(self._tool, 0)
            monitoring.register_callback(self._tool, monitoring.events.RAISE, None)
            monitoring.free_tool_id(self._tool)
            self._tool = None

    def what_was_seen_of(self, error: BaseException) -> Seen | None:
        """What was seen when `error` was raised, if that was one of the last ones."""
        seen = self._seen.get(id(error))
        traceback = error.__traceback__
        while seen is not None and traceback is not None:
            if _place(traceback) == seen.place:
                return seen
            traceback = traceback.tb_next
        return None

    def seen_late(self, error: BaseException) -> Seen | None:
        """Take note of an error that was raised some time ago, if it was."""
        innermost = error.__traceback__
        while innermost is not None and innermost.tb_next is not None:
            innermost = innermost.tb_next
        return innermost and self._remember(error, _place(innermost))

    def _callback(self) -> Callable[[CodeType, int, BaseException], None]:
        # Called for every frame that an exception passes, whatever it is: it has to be quick.
        suspects = (ValueError, RuntimeError, TypeError)
        look = self._look

        def see(_code: CodeType, _offset: int, error: BaseException) -> None:
            if type(error) in suspects:
                fault = recognise(error)
                if fault is not None:
                    look(fault, error, sys._getframe(1))

        return see

    def _look(self, fault: Fault, error: BaseException, frame: FrameType) -> None:
        try:
            traceback = error.__traceback__
            if traceback is None or is_internal(frame):
                return
            if _is_new(fault, error, traceback):
                self._see(error, _place(traceback), frame)
        except BaseException as failure:
            # Nothing of ours may come between the program and its error; a signal's may.
            if is_interruption(failure):
                raise

    def _see(self, error: BaseException, place: Place, frame: FrameType) -> None:
        seen = self._remember(error, place)
        started = time.monotonic()
        if seen.number == 1 or started >= self._rests_until:
            seen.sighting = sight(error, frame)
            ended = time.monotonic()
            self._rests_until = ended + _REST * (ended - started)
        self._notice(error, seen)

    def _remember(self, error: BaseException, place: Place) -> Seen:
        counted = place
        if place not in self._numbers and len(self._numbers) >= _PLACES:
            counted = _FURTHER_PLACES
        seen = Seen(place, next(self._numbers.setdefault(counted, count(1))))
        self._seen[id(error)] = seen
        self._latest.append((id(error), seen))
        if len(self._latest) > _REMEMBERED:
            address, former = self._latest.popleft()
            if self._seen.get(address) is former:  # and not one that came to the same address
                self._seen.pop(address, None)
        return seen


def _place(traceback: TracebackType) -> Place:
    code = traceback.tb_frame.f_code
    return code.co_filename, code, traceback.tb_lasti


def _is_new(fault: Fault, error: BaseException, traceback: TracebackType) -> bool:
    """Whether it is being raised, as against passing a frame, or being raised again.

    A StopIteration becomes a RuntimeError in the frame of the generator that it leaves; the caller
    is the first to have that.
    """
    inner = traceback.tb_next
    if fault.code == "GL013" and error.__cause__ is not None:
        return inner is not None and inner.tb_next is None
    return inner is None


def _free_tool() -> int | None:
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined]  # from 3.12 on
    for tool in _TOOLS:
        try:
            monitoring.use_tool_id(tool, "genlock run")
        except ValueError:  # somebody else's
            continue
        return tool
    return None
