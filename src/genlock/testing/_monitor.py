"""The points of a scheduled thread, from Python 3.12 on: events of `sys.monitoring`.

They are local to the code that is watched, so that nothing else gets slower. They tell of the same
moments as the tracer of 3.11: a function is called, a generator is resumed by next or send (not by
throw or close, which the local events leave out), a line begins.

A generator that is resumed executes RESUME. Since Python 3.13 it must not be stopped there:
`close()` takes it for suspended, and clears the frame that its thread is about to go on with. So it
is stopped at the next instruction, and told to be at its yield all the same.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from opcode import opmap
from threading import get_ident
from typing import TYPE_CHECKING

from genlock._interpreter import _frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType

    from genlock.testing._points import Points

if sys.version_info < (3, 12):
    raise ImportError("sys.monitoring is new in Python 3.12")

monitoring = sys.monitoring

events = monitoring.events

_CLOSES_AT_RESUME = sys.version_info >= (3, 13)
_RESUME = opmap["RESUME"]
_WIDTH = 2  # of RESUME, in bytes

_TOOL_IDS = (4, 3, 2, 1)
"""Those that nothing has been assigned to come first, the debugger's never."""

_FOR_A_MOMENT = (5, 0, *reversed(_TOOL_IDS))


@contextmanager
def installed(points: Points) -> Iterator[None]:
    """Have `points` called while the block lasts."""
    tool = _take_tool_id(_TOOL_IDS)
    callbacks = _Callbacks(points)
    try:
        for event, callback in callbacks.by_event.items():
            monitoring.register_callback(tool, event, callback)
        for code in points.codes.values():
            _listen(tool, code, callbacks.events_in(code))
        yield
    finally:
        for code in points.codes.values():
            monitoring.set_local_events(tool, code, 0)
        for event in callbacks.by_event:
            monitoring.register_callback(tool, event, None)
        monitoring.free_tool_id(tool)


class _Callbacks:
    """What the interpreter calls."""

    def __init__(self, points: Points) -> None:
        self.entries, self.lines = points.entries, points.lines
        self.behind = {key: _behind_yields(code) for key, code in points.codes.items()}
        self.resumed: dict[int, int] = {}
        """Threads that execute a RESUME, by their identifiers, with its offset."""
        self.by_event: dict[int, Callable[[CodeType, int], object]] = {
            events.PY_START: self.entered,
            events.PY_RESUME: self.resuming if _CLOSES_AT_RESUME else self.entered,
            events.INSTRUCTION: self.about_to_execute,
            events.LINE: self.began_line,
        }

    def events_in(self, code: CodeType) -> int:
        """Those that have to be told of."""
        lines = events.LINE if id(code) in self.lines else 0
        behind = events.INSTRUCTION if _CLOSES_AT_RESUME and self.behind[id(code)] else 0
        return events.PY_START | events.PY_RESUME | lines | behind

    def entered(self, code: CodeType, _offset: int) -> None:
        visit = self.entries.get(id(code))
        if visit is not None:
            visit(sys._getframe(1))

    def resuming(self, _code: CodeType, offset: int) -> None:
        self.resumed[get_ident()] = offset

    def about_to_execute(self, code: CodeType, offset: int) -> object:
        if offset not in self.behind[id(code)]:
            return monitoring.DISABLE  # for this instruction
        self.end_resuming(sys._getframe(1))
        return None

    def began_line(self, code: CodeType, _line: int) -> None:
        frame = sys._getframe(1)
        self.end_resuming(frame)
        visit = self.lines.get(id(code))
        if visit is not None:
            visit(frame)

    def end_resuming(self, frame: FrameType) -> None:
        offset = self.resumed.pop(get_ident(), None)
        visit = self.entries.get(id(frame.f_code))
        # A jump can lead to the same instruction.
        if visit is not None and offset is not None and offset + _WIDTH == frame.f_lasti:
            with _frames.told_at(frame, offset):
                visit(frame)


def _behind_yields(code: CodeType) -> frozenset[int]:
    """The offsets of the instructions that a generator executes first when it is resumed."""
    opcodes, arguments = code.co_code[::_WIDTH], code.co_code[1::_WIDTH]
    return frozenset(
        (number + 1) * _WIDTH
        for number, (opcode, argument) in enumerate(zip(opcodes, arguments, strict=True))
        if opcode == _RESUME and argument  # at the start of a function it has none
    )


def _listen(tool: int, code: CodeType, wanted: int) -> None:
    """Have `tool` told of these events in `code`.

    Who is alone in listening to instructions is told of none any more once somebody else listens
    to anything in that code; not so where there have been two before.
    """
    if not wanted & events.INSTRUCTION:
        monitoring.set_local_events(tool, code, wanted)
        return
    company = _take_tool_id(_FOR_A_MOMENT)
    monitoring.set_local_events(company, code, events.PY_START)
    monitoring.set_local_events(tool, code, wanted)
    monitoring.set_local_events(company, code, 0)
    monitoring.free_tool_id(company)


def _take_tool_id(choice: tuple[int, ...]) -> int:
    for tool in choice:
        try:
            monitoring.use_tool_id(tool, "genlock.testing")
        except ValueError:
            continue
        return tool
    raise RuntimeError("every tool identifier of sys.monitoring is in use: nothing can watch")
