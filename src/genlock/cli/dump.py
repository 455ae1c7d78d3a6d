"""`genlock dump PID`: what the guards of a running process are doing, from outside."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from genlock._observing import _mailbox
from genlock.cli import RefusedError
from genlock.cli._process import Process, check_that_it_is_ours
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
    from genlock._observing import _listener
    return _listener.answer({kind!r})
def send():
    text = answer()
    try:
        with open({base!r}, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        os.rename({base!r}, {base!r} + ".answer")
    except OSError:
        pass
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
    check_that_it_is_ours(pid)
    try:
        _mailbox.clear_away()
        question = _mailbox.Question(pid, kind)
    except OSError as failure:
        raise RefusedError(f"there is no place for the answer: {failure}") from None
    try:
        with Process(pid) as process:
            _ask(process, kind, question)
            answer = _wait_for(question, process, options.timeout)
    finally:
        question.close()
    write(answer.removesuffix("\n"), for_people=kind == "text")
    return 0


def _ask(process: Process, kind: str, question: _mailbox.Question) -> None:
    """Ask by the signal at which processes listen, or else have it run a script."""
    if _mailbox.listens(process.pid) and process.handles(_mailbox.SIGNAL):
        question.ask()
        process.send(_mailbox.SIGNAL)
        return
    failed = _run_script(process.pid, kind, question)
    if failed is not None:
        raise RefusedError(
            f"process {process.pid} does not listen{failed}. Start it with `genlock run`, or let"
            f" it call genlock.dump_on_signal(). (One that has another TMPDIR, and so no file in"
            f" {_mailbox.directory()}, has to be asked with the same.)"
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


def _wait_for(question: _mailbox.Question, process: Process, timeout: float) -> str:
    deadline = time.monotonic() + timeout
    while True:
        is_alive = process.is_alive()  # before the last look
        answer = question.answer()
        if answer is not None:
            return answer
        if not is_alive:
            raise RefusedError(f"process {process.pid} ended before it could answer", _NO_ANSWER)
        if time.monotonic() > deadline:
            raise RefusedError(_no_answer(process, timeout), _NO_ANSWER)
        time.sleep(_LOOK_EVERY)


def _no_answer(process: Process, timeout: float) -> str:
    pid = process.pid
    if process.is_stopped():
        return f"process {pid} is stopped, by SIGSTOP or a debugger, and cannot answer"
    if _mailbox.is_blocked(pid, _mailbox.SIGNAL):
        return f"process {pid} cannot answer: its main thread blocks SIGURG (pthread_sigmask)"
    return (
        f"process {pid} has not answered within {timeout:g} s: its main thread is inside of C code"
        f" that does not return to Python, where only `py-spy dump --pid {pid}` or a debugger"
        " can look; or the program has set a handler of its own for SIGURG since"
    )
