"""Where a scheduled thread stops to let others go on: the entry of code that is watched.

From Python 3.12 on by events of `sys.monitoring` that are local to this code, so that nothing else
gets slower. On 3.11 by a tracer of all threads that are started meanwhile. Both tell of the same
moments: a function is called, a generator is resumed by next or send (not by throw or close, which
the local events leave out), a line begins.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import CodeType, FrameType

    Visit = Callable[[FrameType], None]


class Points:
    """What to call when a frame of some code is entered, or begins a line.

    Calls come in every thread that runs this code. What is called may raise nothing.
    """

    def __init__(
        self, entries: Iterable[tuple[CodeType, Visit]], lines: Iterable[tuple[CodeType, Visit]]
    ) -> None:
        # By identity: code is hashed by its value, anew each time.
        self.entries = {id(code): visit for code, visit in entries}
        self.lines = {id(code): visit for code, visit in lines}
        self.codes = {id(code): code for code, _ in [*entries, *lines]}


if sys.version_info >= (3, 12):
    from sys import monitoring

    _TOOL_IDS = (4, 3, 2, 1)
    """Those that nothing has been assigned to come first, the debugger's never."""

    @contextmanager
    def installed(points: Points) -> Iterator[None]:
        """Have `points` called while the block lasts."""
        tool = _take_tool_id()
        events = monitoring.events

        def entered(code: CodeType, _offset: int) -> None:
            visit = points.entries.get(id(code))
            if visit is not None:
                visit(sys._getframe(1))

        def began_line(code: CodeType, _line: int) -> None:
            visit = points.lines.get(id(code))
            if visit is not None:
                visit(sys._getframe(1))

        try:
            monitoring.register_callback(tool, events.PY_START, entered)
            monitoring.register_callback(tool, events.PY_RESUME, entered)
            monitoring.register_callback(tool, events.LINE, began_line)
            for key, code in points.codes.items():
                lines = events.LINE if key in points.lines else 0
                monitoring.set_local_events(tool, code, events.PY_START | events.PY_RESUME | lines)
            yield
        finally:
            for code in points.codes.values():
                monitoring.set_local_events(tool, code, 0)
            for event in (events.PY_START, events.PY_RESUME, events.LINE):
                monitoring.register_callback(tool, event, None)
            monitoring.free_tool_id(tool)

    def _take_tool_id() -> int:
        for tool in _TOOL_IDS:
            try:
                monitoring.use_tool_id(tool, "genlock.testing")
            except ValueError:
                continue
            return tool
        raise RuntimeError("every tool identifier of sys.monitoring is in use: nothing can watch")

else:
    from opcode import opmap

    _RESUME = opmap["RESUME"]

    @contextmanager
    def installed(points: Points) -> Iterator[None]:
        """Have `points` called while the block lasts, in the threads that are started in it."""

        def entered(frame: FrameType, event: str, _argument: object) -> Any:
            key = id(frame.f_code)
            visit = points.entries.get(key)
            # A throw enters at the yield; a call, next or send at the instruction behind it.
            if visit is not None and event == "call" and _stands_at_resume(frame):
                visit(frame)
            return began_line if key in points.lines else None

        def began_line(frame: FrameType, event: str, _argument: object) -> Any:
            if event == "line":
                points.lines[id(frame.f_code)](frame)
            return began_line

        before = threading.gettrace()
        threading.settrace(entered)
        try:
            yield
        finally:
            threading.settrace(before)

    def _stands_at_resume(frame: FrameType) -> bool:
        return frame.f_code.co_code[frame.f_lasti] == _RESUME
