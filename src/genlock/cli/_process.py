"""Another process: whose it is, whether it lives, and a signal to it that cannot kill it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from genlock._observing import _mailbox
from genlock.cli import RefusedError

if TYPE_CHECKING:
    from typing import Self


def check_that_it_is_ours(pid: int) -> None:
    """Refuse a process that is gone, or that is somebody else's, or this one."""
    if pid == os.getpid():
        raise RefusedError(f"process {pid} is this command itself")
    try:
        os.kill(pid, 0)  # sends nothing
    except ProcessLookupError:
        raise RefusedError(f"there is no process {pid} (any more)") from None
    except OverflowError:
        raise RefusedError(f"{pid} is too large for the number of a process") from None
    except PermissionError:
        raise _belongs_to(pid, "another user") from None
    owner = _mailbox.status_of(pid).get("Uid", "").split()
    if owner and int(owner[0]) != os.getuid():
        raise _belongs_to(pid, f"the user {_user(int(owner[0]))}")
    if _mailbox.status_of(pid).get("State", "").startswith("Z"):
        raise RefusedError(f"process {pid} has ended already (its parent has not taken notice yet)")


def _belongs_to(pid: int, whom: str) -> RefusedError:
    return RefusedError(f"process {pid} belongs to {whom}: only that user can ask it")


def _user(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


class Process:
    """A process that is meant also if its number is given to another one meanwhile."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.handle: int | None = None
        if hasattr(os, "pidfd_open"):
            try:
                self.handle = os.pidfd_open(pid)
            except OSError:  # an old kernel, or it has ended
                pass

    def handles(self, signum: int) -> bool:
        """Whether it has a handler for the signal; where the system does not tell, as it says."""
        return _mailbox.has_handler(self.pid, signum) is not False

    def send(self, signum: int) -> None:
        """Send it the signal; nothing if it has ended."""
        try:
            if self.handle is None:
                os.kill(self.pid, signum)
            else:
                signal.pidfd_send_signal(self.handle, signum)
        except ProcessLookupError:
            pass

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        try:
            os.kill(self.pid, 0)  # sends nothing
        except OSError:
            return False
        return not _mailbox.status_of(self.pid).get("State", "").startswith("Z")

    def is_stopped(self) -> bool:
        """Whether a signal or a debugger has stopped it."""
        return _mailbox.status_of(self.pid).get("State", "").startswith(("T", "t"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.handle is not None:
            os.close(self.handle)
