"""How a process says that it can be asked for a dump, is asked, and answers: by files.

They lie in a directory of the user's own, which nobody else can enter. A process that listens
keeps a file there by its number, and keeps that file locked: the system takes the lock away when
the process ends, becomes another program or forgets the file, so that what was left behind is
never taken for a process that listens.
"""

from __future__ import annotations

import os
import signal
import stat
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Callable

SIGNAL: int = getattr(signal, "SIGURG", 0)
"""What tells a process to look for questions: by default it does nothing, so that it never harms
one that does not. 0 on a system that has no such signal."""

_ASKED, _ANSWERED = ".asked", ".answer"
_PRIVATE = 0o600
_LONGEST_QUESTION = 100  # bytes


class Notice:
    """The file by which this process says that `SIGNAL` makes it answer.

    Raises OSError where there is no place for it.
    """

    def __init__(self) -> None:
        if fcntl is None:
            raise OSError("this system has no file locks of that kind")
        self.pid = os.getpid()
        self.path = os.path.join(directory(), str(self.pid))
        self.descriptor = self._locked()
        while not self._is_in_place():  # somebody took it for one that was left behind
            os.close(self.descriptor)
            self.descriptor = self._locked()

    def _locked(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self.path, flags, _PRIVATE)
        try:
            # Whoever looks holds it for a moment only. A forked child does not inherit it.
            fcntl.lockf(descriptor, fcntl.LOCK_EX)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self.descriptor), os.lstat(self.path))
        except FileNotFoundError:
            return False

    def withdraw(self) -> None:
        """Listen no more. In a forked child, only let go of what belongs to the parent."""
        with suppress(OSError):
            if self.pid == os.getpid():
                os.unlink(self.path)
            os.close(self.descriptor)


def directory() -> str:
    """The user's directory for this, made if need be. Raises OSError if it is not safe to use."""
    path = os.path.join(tempfile.gettempdir(), f"genlock-{os.getuid()}")
    with suppress(FileExistsError):
        os.mkdir(path, 0o700)
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{path} is not a directory that only this user can enter")
    return path


def listens(pid: int) -> bool:
    """Whether a process, not this one, answers at `SIGNAL`.

    What a process left that has gone is cleared away. Raises OSError as `directory` does.
    """
    path = os.path.join(directory(), str(pid))
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # its process has it
            return True
        with suppress(OSError):
            os.unlink(path)
        return False
    finally:
        os.close(descriptor)


def clear_away() -> None:
    """Remove what processes left that were killed."""
    for name in os.listdir(directory()):
        if name.isdecimal() and int(name) != os.getpid():  # to look would let go of the own lock
            listens(int(name))


def status_of(pid: int | str) -> dict[str, str]:
    """What Linux tells of a process; elsewhere nothing."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            return dict(line.rstrip().partition(":\t")[::2] for line in file)
    except OSError:
        return {}


def has_handler(pid: int | str, signum: int) -> bool | None:
    """Whether a process has a handler for a signal; None where the system does not tell."""
    return _is_among(status_of(pid).get("SigCgt"), signum)


def is_blocked(pid: int | str, signum: int) -> bool:
    """Whether the main thread of a process lets a signal wait, as far as the system tells."""
    return bool(_is_among(status_of(pid).get("SigBlk"), signum))


def _is_among(signals: str | None, signum: int) -> bool | None:
    return None if signals is None else bool(int(signals, 16) >> (signum - 1) & 1)


class Question:
    """A file that asks a process for an answer of some `kind`, and where that will be found."""

    def __init__(self, pid: int, kind: str) -> None:
        descriptor, self.path = tempfile.mkstemp(".new", f"{pid}.", directory())
        os.write(descriptor, kind.encode())
        os.close(descriptor)
        self.base = self.path.removesuffix(".new")

    def ask(self) -> None:
        """Make it known to the process."""
        os.rename(self.path, self.base + _ASKED)

    def answer(self) -> str | None:
        """The answer, once; None as long as there is none."""
        try:
            with open(self.base + _ANSWERED, encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def close(self) -> None:
        """Clear away what is left of it."""
        for path in (self.path, self.base + _ASKED, self.base + _ANSWERED):
            with suppress(OSError):
                os.unlink(path)


def answer_all(answer: Callable[[str], str]) -> None:
    """Answer all that asks this process, by what `answer` makes of a kind."""
    folder, mine = directory(), f"{os.getpid()}."
    asked = [name for name in os.listdir(folder) if name.startswith(mine) and name.endswith(_ASKED)]
    for name in asked:
        with suppress(OSError):  # it was taken back, or a handler within this one has answered
            _answer_one(os.path.join(folder, name), answer)


def _answer_one(path: str, answer: Callable[[str], str]) -> None:
    with open(path, encoding="utf-8") as file:
        kind = file.read(_LONGEST_QUESTION)
    os.unlink(path)
    send(path.removesuffix(_ASKED), answer(kind))


def send(base: str, text: str) -> None:
    """Put down an answer, whole at once, where `Question.answer` looks for it."""
    descriptor = os.open(base, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_TRUNC, _PRIVATE)
    with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    os.rename(base, base + _ANSWERED)
