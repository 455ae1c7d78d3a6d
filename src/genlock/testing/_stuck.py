"""Where threads are that get no further."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from genlock._interpreter import _stacks

if TYPE_CHECKING:
    from types import FrameType

_STILL_FOR = 0.01  # seconds


def innermost_frames(idents: set[int]) -> dict[int, FrameType]:
    """The innermost frames of threads, by thread identifier.

    Where threads run at once, only of those that stand still: to read a stack whose calls return
    meanwhile crashes the interpreter.
    """
    frames = _those(idents)
    if not _stacks.RUN_AT_ONCE:
        return frames
    stood = {ident: (id(frame), frame.f_lasti) for ident, frame in frames.items()}
    time.sleep(_STILL_FOR)
    return {
        ident: frame
        for ident, frame in _those(idents).items()
        if stood.get(ident) == (id(frame), frame.f_lasti)
    }


def _those(idents: set[int]) -> dict[int, FrameType]:
    frames = _stacks.current_frames()
    return {ident: frames[ident] for ident in idents if ident in frames}
