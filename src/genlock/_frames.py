"""Reads one frame, or the calling thread's: where it stands, what a thread is called."""

from __future__ import annotations

import linecache
import threading
from itertools import islice
from typing import TYPE_CHECKING

from genlock._records import Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType, TracebackType

_CODE_WIDTH = 60
_INTERNAL = ("genlock", "wrapt")


def stack(frame: FrameType | None) -> Iterator[FrameType]:
    """`frame` and its callers, innermost first."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def is_internal(frame: FrameType) -> bool:
    """Whether a frame belongs to genlock or to the proxies it is built on."""
    module = frame.f_globals.get("__name__", "")
    return isinstance(module, str) and module.partition(".")[0] in _INTERNAL


def user_frame(frame: FrameType) -> FrameType | None:
    """`frame` or the nearest of its callers that is not genlock's own."""
    return next((caller for caller in stack(frame) if not is_internal(caller)), None)


def site(frame: FrameType) -> Site:
    """Where a frame stands now, with the expression it is executing."""
    code = frame.f_code
    return Site(code.co_filename, frame.f_lineno or 0, short_name(code), _code_at(frame))


def line_of(code: CodeType, line: int | None) -> Site:
    """A line of `code`, without the source: cheap enough for every ending."""
    return Site(code.co_filename, line or 0, short_name(code))


def statement(code: CodeType, line: int) -> Site:
    """A line of `code`, with the source."""
    text = linecache.getline(code.co_filename, line).strip()
    return Site(code.co_filename, line, short_name(code), _shortened(text))


def raised_at(traceback: TracebackType | None) -> Site | None:
    """The innermost line of a traceback that is not genlock's own."""
    found = None
    while traceback is not None:
        if not is_internal(traceback.tb_frame):
            found = line_of(traceback.tb_frame.f_code, traceback.tb_lineno)
        traceback = traceback.tb_next
    return found


def short_name(code: CodeType) -> str:
    """A function's qualified name, without the functions that it was defined in."""
    return code.co_qualname.rpartition("<locals>.")[2]


def yields(code: CodeType) -> tuple[Site, ...]:
    """The places at which a generator of this code can be suspended, in the order of lines."""
    from dis import get_instructions

    lines = set()
    line = code.co_firstlineno
    for instruction in get_instructions(code):
        if instruction.positions and instruction.positions.lineno:
            line = instruction.positions.lineno
        if instruction.opname.endswith("YIELD_VALUE"):
            lines.add(line)
    return tuple(line_of(code, line) for line in sorted(lines))


def thread_name(ident: int) -> str:
    """The name of the thread, or its number if the threading module does not know it."""
    for thread in threading.enumerate():
        if thread.ident == ident:
            return thread.name
    return f"thread {ident}"


def _code_at(frame: FrameType) -> str:
    """The source of what a frame is executing; its whole line where positions are missing."""
    code = frame.f_code
    positions = next(islice(code.co_positions(), frame.f_lasti // 2, None), None)
    line = linecache.getline(code.co_filename, frame.f_lineno or 0, frame.f_globals)
    if positions is not None:
        first, last, start, end = positions
        if first == frame.f_lineno and start is not None and end is not None:
            encoded = line.encode()
            line = encoded[start : end if first == last else None].decode(errors="replace")
    return _shortened(line.strip())


def _shortened(text: str) -> str:
    return text if len(text) <= _CODE_WIDTH else text[: _CODE_WIDTH - 1] + "…"
