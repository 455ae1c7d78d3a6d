"""The points of a scheduled thread on Python 3.11, where only a tracer can tell of them.

Of threads that are started meanwhile; those that were there before are not seen. A thread has one
tracer. The one that it would have without us, which mostly measures coverage, is called by ours.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from opcode import opmap
from typing import TYPE_CHECKING, Any

from genlock.testing._shared_setting import SharedSetting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from genlock.testing._points import Points

_RESUME = opmap["RESUME"]

_all: tuple[Points, ...] = ()
"""Those of every exploration that is going on."""

_changing = threading.Lock()


@contextmanager
def installed(points: Points) -> Iterator[None]:
    """Have `points` called while the block lasts, in the threads that are started in it."""
    global _all  # noqa: PLW0603  # state of this module
    with _tracing:
        with _changing:
            _all = (*_all, points)
        try:
            yield
        finally:
            with _changing:
                _all = tuple(each for each in _all if each is not points)


def _trace_new_threads() -> Callable[[], None]:
    before = threading.gettrace()

    def started(frame: FrameType, event: str, argument: object) -> Any:
        tracer = _entered if before is None else _Beside(before).entered
        sys.settrace(tracer)
        return tracer(frame, event, argument)

    threading.settrace(started)
    return lambda: threading.settrace(before)


_tracing = SharedSetting(_trace_new_threads)


def _entered(frame: FrameType, event: str, _argument: object) -> Any:
    """The tracer of a thread that would have none."""
    _visit_entry(frame, event)
    if _has_lines(frame):
        return _began_line
    if frame.f_trace is not None:
        # Of the thread that last ran this generator: it would hear of a return without a call.
        frame.f_trace = None
    return None


def _began_line(frame: FrameType, event: str, _argument: object) -> Any:
    _visit_line(frame, event)
    return _began_line


class _Beside:
    """The tracer of a thread that would have another one."""

    def __init__(self, others: Any) -> None:
        self.others = others

    def entered(self, frame: FrameType, event: str, argument: object) -> Any:
        local = self.others(frame, event, argument)
        installed = sys.gettrace()
        if installed != self.entered:  # it puts itself in the place of what calls it
            self.others = installed or self.others
            sys.settrace(self.entered)
        _visit_entry(frame, event)
        has_lines = _has_lines(frame)

        def inside(frame: FrameType, event: str, argument: object) -> Any:
            nonlocal local
            if local is not None:
                local = local(frame, event, argument)
            if has_lines:
                _visit_line(frame, event)
            return inside

        return inside


def _visit_entry(frame: FrameType, event: str) -> None:
    key = id(frame.f_code)
    for points in _all:
        visit = points.entries.get(key)
        # A throw enters at the yield; a call, next or send at the instruction behind it.
        if visit is not None and event == "call" and _stands_at_resume(frame):
            visit(frame)


def _visit_line(frame: FrameType, event: str) -> None:
    if event == "line":
        for points in _all:
            visit = points.lines.get(id(frame.f_code))
            if visit is not None:
                visit(frame)


def _has_lines(frame: FrameType) -> bool:
    key = id(frame.f_code)
    return any(key in points.lines for points in _all)


def _stands_at_resume(frame: FrameType) -> bool:
    return frame.f_code.co_code[frame.f_lasti] == _RESUME
