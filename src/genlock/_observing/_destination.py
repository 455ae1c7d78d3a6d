"""Where a dump goes, written in one go also from within a signal handler."""

from __future__ import annotations

import io
import os
import sys
from typing import Any, Protocol

from genlock._observing import _live_wording
from genlock._text import encodable


class Writable(Protocol):
    """What a text can be written to."""

    def write(self, text: str, /) -> object:
        """Take a piece of text."""


Destination = str | os.PathLike[str] | Writable | None
"""A path, to whose end is written; an open text file; None is `sys.stderr`."""


def write(text: str, destination: Destination) -> None:
    """Write `text` to what `check` lets pass. Raises OSError where it cannot be written."""
    if isinstance(destination, str | os.PathLike):
        descriptor = open_end(destination)
        try:
            _write_all(descriptor, text.encode("utf-8", "backslashreplace"))
        finally:
            os.close(descriptor)
        return
    stream: Any = sys.stderr if destination is None else destination
    if stream is None:  # a program without a console has no stderr
        return
    encoding = getattr(stream, "encoding", None)
    if isinstance(encoding, str):
        text = encodable(text, encoding)
    flush = getattr(stream, "flush", lambda: None)
    try:
        flush()
    except RuntimeError:  # a signal handler has interrupted a write to the same buffer
        if not _is_plain_file(stream):
            raise
        _write_all(stream.fileno(), text.encode(stream.encoding))
        return
    stream.write(text)
    flush()


def check(destination: Destination) -> None:
    """Raise TypeError or ValueError where nothing can be written to `destination`."""
    if destination is None or isinstance(destination, str | os.PathLike):
        return
    if not callable(getattr(destination, "write", None)):
        raise TypeError(_live_wording.no_place_to_write(destination))
    if getattr(destination, "closed", False) is True:
        raise ValueError(_live_wording.CLOSED_FILE)


def _is_plain_file(stream: Any) -> bool:
    """Whether what is written ends up, as it is, in the file of `stream.fileno()`."""
    return (
        type(stream) is io.TextIOWrapper
        and type(stream.buffer) is io.BufferedWriter
        and type(stream.buffer.raw) is io.FileIO
    )


def open_end(path: str | os.PathLike[str]) -> int:
    """A descriptor that writes to the end of a file, which is made if need be."""
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
