"""`genlock dump PID`: what the guards of a running process are doing, from outside."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

from genlock import _mailbox
from genlock.cli import RefusedError
from genlock.cli._terminal import write

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

_LOOK_EVERY = 0.02  # seconds
_NO_ANSWER = 1

_SCRIPT = """\
import os, sys
def answer():
    if "genlock" not in sys.modules:
        return "genlock: process {pid} has no guards: it has not imported genlock\\n"
    from genlock import _on_signal
    return _on_signal.answer({kind!r})
def send():
    text = answer()
    with open({base!r}, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    os.rename({base!r}, {base!r} + ".answer")
send()
"""
"""What a process is made to run that does not listen. It may know nothing of genlock."""


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("pid", type=_pid, metavar="PID", help="the number of the process")
    form = parser.add_mutually_exclusive_group()
    for kind, what in (("json", "one JSON object"), ("mermaid", "a flowchart for Mermaid")):
        form.add_argument(
            f"--{kind}", dest="kind", action="store_const", const=kind, help=f"print {what}"
        )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=5.0,
        metavar="SECONDS",
        help="how long to wait for the answer (default: 5)",
    )
    parser.set_defaults(kind="text")


def _pid(text: str) -> int:
    pid = int(text)
    if pid <= 0:
        raise ValueError(text)
    return pid


_pid.__name__ = "process number"  # argparse puts it into its message


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= sys.maxsize:
        raise ValueError(text)
    return seconds


_seconds.__name__ = "number of seconds"


def perform(options: argparse.Namespace) -> int:
    """Ask the process and print what it answers."""
    pid, kind = options.pid, options.kind
    if not hasattr(os, "getuid"):
        raise RefusedError("works on Unix only; call genlock.dump() in the process instead")
    _check_that_it_is_ours(pid)
    try:
        question = _mailbox.Question(pid, kind)
    except OSError as failure:
        raise RefusedError(f"there is no place for the answer: {failure}") from None
    try:
        _ask(pid, kind, question)
        answer = _wait_for(question, pid, options.timeout)
    finally:
        question.close()
    write(answer.removesuffix("\n"))
    return 0


def _check_that_it_is_ours(pid: int) -> None:
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


def _ask(pid: int, kind: str, question: _mailbox.Question) -> None:
    """Ask by the signal at which the process listens, or else have it run a script."""
    process = _Process(pid)
    try:
        signum = _mailbox.signal_of(pid)
        if signum is not None and process.handles(signum):
            question.ask()
            process.send(signum)
            return
    finally:
        process.close()
    failed = _run_script(pid, kind, question)
    if failed is not None:
        raise RefusedError(
            f"process {pid} does not listen{failed}. Start it with `genlock run`, or let it call"
            " genlock.dump_on_signal()"
        )


def _run_script(pid: int, kind: str, question: _mailbox.Question) -> str | None:
    """Have a process answer that does not listen, from Python 3.14 on; if not, why not."""
    remote_exec: Callable[[int, str], object] | None = getattr(sys, "remote_exec", None)
    if remote_exec is None:
        return ""
    with open(question.path, "w", encoding="utf-8") as file:
        file.write(_SCRIPT.format(pid=pid, kind=kind, base=question.base))
    try:
        remote_exec(pid, question.path)
    except (OSError, RuntimeError) as failure:
        return f" (and sys.remote_exec failed: {failure})"
    return None


class _Process:
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
        """Whether it has a handler for the signal; as it said itself, where nothing else tells."""
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

    def close(self) -> None:
        """Let go of the process."""
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None


def _wait_for(question: _mailbox.Question, pid: int, timeout: float) -> str:
    deadline = time.monotonic() + timeout
    while True:
        is_alive = _is_alive(pid)  # before the last look
        answer = question.answer()
        if answer is not None:
            return answer
        if not is_alive:
            raise RefusedError(f"process {pid} ended before it could answer", _NO_ANSWER)
        if time.monotonic() > deadline:
            raise RefusedError(_no_answer(pid, timeout), _NO_ANSWER)
        time.sleep(_LOOK_EVERY)


def _no_answer(pid: int, timeout: float) -> str:
    if _mailbox.status_of(pid).get("State", "").startswith(("T", "t")):
        return f"process {pid} is stopped, by SIGSTOP or a debugger, and cannot answer"
    return (
        f"process {pid} has not answered within {timeout:g} s: its main thread is inside of C code"
        f" that does not return to Python, where only `py-spy dump --pid {pid}` or a debugger"
        " can look; or the program has set a handler of its own for the signal since"
    )


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return not _mailbox.status_of(pid).get("State", "").startswith("Z")
