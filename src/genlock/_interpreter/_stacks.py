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
from itertools import accumulate, repeat, takewhile
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

RUN_AT_ONCE = not getattr(sys, "_is_gil_enabled", lambda: True)()
"""Whether other threads run while this one reads."""

# Seconds. A handler that runs amid a reading may wait for those who stay for it.
_LONGEST_READING = 1.0

reader = 0
"""The identifier of the thread that reads at this moment; 0 while none does."""

_reading = _thread.RLock()
_Found = TypeVar("_Found")


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
    return while_reading(lambda: walk(frame()) if reader == _thread.get_ident() else ())


def while_reading(look: Callable[[], _Found]) -> _Found:
    """What `look` returns; calls that look for readers do not return meanwhile.

    It may be called within another one, and has to be short: calls do not stay for ever, nor is
    it waited for ever until others have read.
    """
    # No context manager, whose __exit__ an exception can keep from running; and whether the lock
    # was acquired, it is asked itself: an exception may come before the answer.
    global reader  # noqa: PLW0603  # state of this module
    me = _thread.get_ident()
    if reader == me:
        return look()
    try:
        if _reading.acquire(timeout=_LONGEST_READING):
            reader = me
        return look()
    finally:
        if reader == me:
            reader = 0
        try:
            _reading.release()
        except RuntimeError:  # others read for too long
            pass


def stay_for_readers() -> None:
    """Do not return while another thread reads: it may be the frames of this call."""
    if reader and reader != _thread.get_ident():
        try:
            _reading.acquire(timeout=_LONGEST_READING)
        finally:
            try:
                _reading.release()
            except RuntimeError:  # another thread reads for too long
                pass


def _renew_lock() -> None:
    """In a forked child: another thread may have held it."""
    global _reading, reader
    _reading, reader = _thread.RLock(), 0


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
