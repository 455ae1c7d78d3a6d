"""Other threads' stacks, and how to read them where threads run at the same time.

There, as on 3.13t, a stack may only be walked while none of its calls returns: the interpreter
crashes otherwise. So the calls of genlock that are read do not return before the reading is over,
and nothing below them is looked at.
"""

from __future__ import annotations

import _thread
import gc
import os
import sys
import threading
import time
from itertools import accumulate, repeat, takewhile
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType

_Function = TypeVar("_Function", bound="Callable[..., object]")

RUN_AT_ONCE = not getattr(sys, "_is_gil_enabled", lambda: True)()
"""Whether other threads run while this one reads."""

# Seconds.
_STILL_FOR = 0.001
_LONGEST_READING = 1.0  # A handler that runs amid a reading may wait for those who stay for it.

readers = 0
"""How many read at this moment: of one thread, but for handlers within it."""

_reading = _thread.RLock()
_sleeps: set[int] = set()
"""The identities of the code of every function in which a stack can be read."""


def walk(frame: FrameType | None) -> tuple[FrameType, ...]:
    """`frame` and its callers, innermost first."""
    if frame is None:
        return ()
    # In one call of C, at which no signal handler and no finaliser can come between.
    return tuple(takewhile(bool, accumulate(repeat("f_back"), getattr, initial=frame)))


def read(frame: Callable[[], FrameType | None]) -> tuple[FrameType, ...]:
    """The stack from what `frame` finds outwards: a call that looks for readers when it leaves.

    Empty if others read for too long.
    """
    global readers  # noqa: PLW0603  # state of this module
    if not _reading.acquire(timeout=_LONGEST_READING):
        return ()
    try:
        readers += 1
        return walk(frame())
    finally:
        readers -= 1
        _reading.release()


def stay_for_readers() -> None:
    """Do not return while another thread reads: it may be the frames of this call."""
    if readers and _reading.acquire(timeout=_LONGEST_READING):
        _reading.release()


def sleeps(function: _Function) -> _Function:
    """Mark a function that sleeps, and stays for readers when it wakes."""
    _sleeps.add(id(function.__code__))
    return function


def of_sleepers(idents: set[int], looks: int = 1) -> Mapping[int, tuple[FrameType, ...]]:
    """The stacks of threads that are in a call that sleeps, by thread identifier.

    Where threads run at once, those that are found elsewhere are left out; a thread that sleeps
    wakes for a moment now and then, so there are several `looks`.
    """
    if not RUN_AT_ONCE:
        frames = current_frames()
        return {ident: walk(frames[ident]) for ident in idents if ident in frames}
    found: dict[int, tuple[FrameType, ...]] = {}
    for look in range(looks):
        if look:
            time.sleep(_STILL_FOR)
        for ident in idents - found.keys():
            stack = read(lambda ident=ident: _still(ident))  # type: ignore[misc]
            if stack:
                found[ident] = stack
        if found.keys() == idents:
            break
    return found


def _still(ident: int) -> FrameType | None:
    """The innermost frame of the thread, if it is one that sleeps for some time."""
    frame = current_frames().get(ident)
    if frame is None or id(frame.f_code) not in _sleeps:
        return None
    time.sleep(_STILL_FOR)  # it may have looked for readers just before there was one
    return frame if current_frames().get(ident) is frame else None


def _renew_lock() -> None:
    """In a forked child: another thread may have held it."""
    global _reading, readers
    _reading, readers = _thread.RLock(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


if sys.version_info >= (3, 11, 9):

    def current_frames() -> dict[int, FrameType]:
        """The innermost frame of every thread, by thread identifier."""
        return sys._current_frames()

else:
    _collector_off = threading.RLock()
    _LONGEST_WAIT_FOR_COLLECTOR = 0.05  # seconds

    def _renew_collector_lock() -> None:
        global _collector_off  # noqa: PLW0603  # state of this module
        _collector_off = threading.RLock()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_renew_collector_lock)

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
