"""Answers `genlock dump PID`, at a signal that is for this alone and disturbs nobody.

SIGURG does nothing to a process that has no handler for it, and hardly a program has one: it is
meant for data out of turn from a socket. So a question ends nothing, and meets no handler of the
program's own, unless that is set in the place of this one later: Python does not tell when.
"""

from __future__ import annotations

import atexit
import dis  # noqa: F401  # all that the handler needs is imported here: it may interrupt an import
import json  # noqa: F401
import logging
import os
import signal
from typing import TYPE_CHECKING, Any

from genlock._interpreter import _frames
from genlock._observing import _live_wording, _mailbox
from genlock._observing._live import snapshot

if TYPE_CHECKING:
    from types import FrameType

_log = logging.getLogger("genlock")

_wanted_by = 0
_before: Any = None
"""The handler that was there before; None while there is nothing to put back."""
_notice: _mailbox.Notice | None = None


def begin() -> None:
    """Answer, until `end` has been called as often. Warns where that cannot be.

    Raises ValueError in any thread but the main one.
    """
    global _wanted_by  # noqa: PLW0603  # state of the process
    _wanted_by += 1
    if _wanted_by == 1:
        _set_handler()


def end() -> None:
    """Take back one `begin`. Raises ValueError in any thread but the main one."""
    global _wanted_by, _before  # noqa: PLW0603  # state of the process
    _wanted_by -= 1
    if _wanted_by:
        return
    _withdraw_notice()
    if _before is not None and signal.getsignal(_mailbox.SIGNAL) == _handle:
        signal.signal(_mailbox.SIGNAL, _before)
    _before = None


def _set_handler() -> None:
    global _before  # noqa: PLW0603  # state of the process
    if not _mailbox.SIGNAL:
        _log.warning("%s", _live_wording.not_found_by_dump("this system has no SIGURG"))
        return
    before = signal.getsignal(_mailbox.SIGNAL)
    if before not in (signal.SIG_DFL, signal.SIG_IGN) or is_foreign(before, _mailbox.SIGNAL):
        _log.warning("%s", _live_wording.not_found_by_dump("it has a handler of SIGURG"))
        return
    signal.signal(_mailbox.SIGNAL, _handle)
    _before = before
    _put_up_notice()


def _put_up_notice() -> None:
    """Say that this process answers."""
    global _notice  # noqa: PLW0603  # state of the process
    try:
        _notice = _mailbox.Notice()
    except OSError as failure:
        _log.warning("%s", _live_wording.not_found_by_dump(f"it cannot say so: {failure}"))


def _withdraw_notice() -> None:
    global _notice  # noqa: PLW0603  # state of the process
    if _notice is not None:
        _notice.withdraw()
        _notice = None


def _in_forked_child() -> None:
    if _notice is not None:
        _withdraw_notice()
        _put_up_notice()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)
atexit.register(_withdraw_notice)


def _handle(_signum: int, _frame: FrameType | None) -> None:
    try:
        _mailbox.answer_all(answer)
    except OSError:  # the directory was removed: nobody can have asked
        pass


def answer(kind: str) -> str:
    """A snapshot as "text", "json" or "mermaid"; what went wrong, if something did."""
    try:
        found = snapshot()
        return {"json": found.to_json, "mermaid": found.to_mermaid}.get(kind, found.to_text)()
    except Exception as failure:  # whoever asks waits for an answer
        if _frames.is_interruption(failure):
            raise
        return _live_wording.failed(failure)


def is_foreign(handler: Any, signum: int) -> bool:
    """Whether the handler of a signal is one that Python knows nothing of."""
    if handler is None:
        return True
    # What was set after Python began is seen by the system alone.
    is_default = handler in (signal.SIG_DFL, signal.SIG_IGN)
    return is_default and bool(_mailbox.has_handler("self", signum))
