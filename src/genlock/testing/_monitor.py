"""The points of a scheduled thread, from Python 3.12 on: events of `sys.monitoring`.

They are local to the code that is watched, so that nothing else gets slower. They tell of the same
moments as the tracer of 3.11: a function is called, a generator is resumed by next or send (not by
throw or close, which the local events leave out), a line begins.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    from genlock.testing._points import Points

if sys.version_info < (3, 12):
    raise ImportError("sys.monitoring is new in Python 3.12")

monitoring = sys.monitoring

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
