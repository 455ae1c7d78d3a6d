"""Where a dump goes, written in one go also from within a signal handler."""

from __future__ import annotations

import os
import sys
from typing import Any, Protocol


class Writable(Protocol):
    """What a text can be written to."""

    def write(self, text: str, /) -> object:
        """Take a piece of text."""


Destination = str | os.PathLike[str] | Writable | None
"""A path, to whose end is written; an open text file; None is `sys.stderr`."""


def write(text: str, destination: Destination) -> None:
    """Write `text` to `destination`. Raises OSError where it cannot be written."""
    if isinstance(destination, str | os.PathLike):
        descriptor = open_end(destination)
        try:
            _write_all(descriptor, text.encode())
        finally:
            os.close(descriptor)
        return
    stream: Any = sys.stderr if destination is None else destination
    if stream is None:  # a program without a console has no stderr
        return
    try:
        descriptor = stream.fileno()
    except Exception:  # a StringIO, or somebody's own class
        stream.write(text)
        return
    try:
        stream.flush()
    except RuntimeError:
        pass  # a signal handler interrupted a write to the same file
    encoding = getattr(stream, "encoding", None) or "utf-8"
    _write_all(descriptor, text.encode(encoding, "backslashreplace"))


def open_end(path: str | os.PathLike[str]) -> int:
    """A descriptor that writes to the end of a file, which is made if need be."""
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)


def _write_all(descriptor: int, data: bytes) -> None:
    # The buffer of the stream is passed by: it cannot be entered twice by one thread.
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
