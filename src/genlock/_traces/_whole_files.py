"""Files that are written whole or not at all: what was there before stays until then."""

from __future__ import annotations

import errno
import itertools
import os
import stat
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_serial = itertools.count(1).__next__


@contextmanager
def written_whole(path: str | os.PathLike[str], mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file for the block, which takes the place of the one at `path` at its end.

    If the block raises, or the process is killed, that is as it was. What is no plain file (a pipe,
    a terminal) is written to as it is, and so is a file in a directory that takes no other.
    `mode` is "w" for text in UTF-8, or "wb". Raises OSError where there is no writing.
    """
    target = os.path.realpath(os.fsdecode(path))
    beside = _opened_beside(target, mode)
    if beside is None:
        with _opened(target, mode) as file:
            yield file
        return
    try:
        with beside as file:
            yield file
        _keep_permissions(target, beside.name)
        os.replace(beside.name, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside.name)
        raise


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise OSError where `written_whole` would; leaves nothing behind."""
    target = os.path.realpath(os.fsdecode(path))
    beside = _opened_beside(target, "w")
    if beside is None:
        is_new = not os.path.lexists(target)
        with open(target, "ab"):
            pass
        if is_new:
            os.unlink(target)
        return
    beside.close()
    os.unlink(beside.name)


def _opened_beside(target: str, mode: str) -> IO[Any] | None:
    """A file in the same directory; None where the target itself has to be written to."""
    if os.path.lexists(target):
        if os.path.isdir(target):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), target)
        if not stat.S_ISREG(os.stat(target).st_mode):
            return None
        with open(target, "ab"):  # whoever may not write to it is not to replace it, either
            pass
    directory, name = os.path.split(target)
    try:
        return _opened(
            os.path.join(directory, f".{name[:100]}.{os.getpid()}-{_serial()}"),
            mode.replace("w", "x"),
        )
    except OSError as error:
        if isinstance(error, PermissionError) and os.path.lexists(target):
            return None
        error.filename = target  # the name that was asked for
        raise


def _opened(path: str, mode: str) -> IO[Any]:
    return open(path, mode, encoding=None if "b" in mode else "utf-8")


def _keep_permissions(target: str, made: str) -> None:
    with suppress(OSError):
        os.chmod(made, stat.S_IMODE(os.stat(target).st_mode))
