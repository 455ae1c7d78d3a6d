"""Reads the interpreter's own frames: where a frame stands, what a thread is called."""

from __future__ import annotations

import gc
import linecache
import os
import sys
import threading
import time
from itertools import islice
from typing import TYPE_CHECKING

from genlock._records import Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType, TracebackType

_CODE_WIDTH = 60
_INTERNAL = ("genlock", "wrapt")
_PACKAGE = os.path.dirname(__file__) + os.sep
_LIBRARY = os.path.dirname(os.__file__) + os.sep


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


def instruction_of(code: CodeType, offset: int) -> Site:
    """The line of an instruction of `code`, by its offset in bytes."""
    position = next(islice(code.co_positions(), offset // 2, None), None)
    return line_of(code, position[0] if position is not None else code.co_firstlineno)


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


def is_interruption(error: BaseException) -> bool:
    """Whether `error` came into a diagnosis from outside: out of a signal handler, say.

    A diagnosis calls nothing but itself and the standard library.
    """
    traceback = error.__traceback__
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        is_library = file.startswith((_LIBRARY, "<frozen ")) and "-packages" not in file
        if not is_library and not file.startswith(_PACKAGE):
            return True
        traceback = traceback.tb_next
    return False


RUN_AT_ONCE = not getattr(sys, "_is_gil_enabled", lambda: True)()
"""Whether other threads run while this one reads."""

_STILL_FOR = 0.001  # seconds
_LOOKS = 20


def parked_stacks(idents: set[int]) -> dict[int, FrameType]:
    """The innermost frames of threads that wait for a gate, by thread identifier.

    Where threads run at once, a stack may only be walked while its calls do not return: the
    interpreter crashes otherwise. A thread that waits stays in the same call, but for a moment
    now and then.
    """
    frames = current_frames()
    for _ in range(_LOOKS if RUN_AT_ONCE else 0):
        before = frames
        time.sleep(_STILL_FOR)
        frames = current_frames()
        if all(frames.get(ident) is before.get(ident) for ident in idents):
            break
    return {ident: frames[ident] for ident in idents if ident in frames}


def all_stacks_are_seen(*, is_running_known: bool) -> bool:
    """Whether nobody can come back from a stack that `current_frames` does not show.

    Under gevent with patched threads every greenlet can. Without, a greenlet that is switched
    out inside a generator leaves that running for good, as far as this thread can wait.
    """
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("threading"):
        return False
    return is_running_known or "greenlet" not in sys.modules


if sys.version_info >= (3, 11, 9):

    def current_frames() -> dict[int, FrameType]:
        """The innermost frame of every thread, by thread identifier."""
        return sys._current_frames()

else:
    _collector_off = threading.RLock()
    _LONGEST_WAIT_FOR_COLLECTOR = 0.05  # seconds

    def _renew_lock() -> None:
        """Another thread may have held it at the fork."""
        global _collector_off  # noqa: PLW0603  # state of this module
        _collector_off = threading.RLock()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_renew_lock)

    def current_frames() -> dict[int, FrameType]:
        """The innermost frame of every thread, by thread identifier.

        A collection inside `sys._current_frames()` freezes the process before 3.11.9
        (python/cpython issue 106883), so the collector is off meanwhile; the lock keeps another
        thread from switching it on between.
        """
        # Not for ever: whoever holds it may be interrupted, and wait for what we are inside of.
        locked = _collector_off.acquire(timeout=_LONGEST_WAIT_FOR_COLLECTOR)
        enabled = gc.isenabled()
        try:
            gc.disable()
            return sys._current_frames()
        finally:
            if enabled:
                gc.enable()
            if locked:
                _collector_off.release()


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
    line = line.strip()
    return line if len(line) <= _CODE_WIDTH else line[: _CODE_WIDTH - 1] + "…"
