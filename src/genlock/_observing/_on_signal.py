"""A dump when a signal arrives: for a process that is stuck, from within or from outside."""

from __future__ import annotations

import atexit
import dis  # noqa: F401  # all that the handler needs is imported here: it may interrupt an import
import json  # noqa: F401
import logging
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

from genlock._interpreter import _frames
from genlock._observing import _live_wording, _mailbox
from genlock._observing._destination import open_end, write
from genlock._observing._live import snapshot

if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Self

    from genlock._observing._destination import Destination

_log = logging.getLogger("genlock")


class DumpOnSignal:
    """What `dump_on_signal` has set up; `stop()`, or the end of a `with` block, undoes it."""

    def __init__(self, signum: int, file: Destination) -> None:
        self.signum = signum
        self.file = file
        self.is_stopped = False
        self.before = signal.getsignal(signum)
        if _is_foreign(self.before, signum):
            raise ValueError(_live_wording.foreign_handler(_name(signum)))
        try:
            signal.signal(signum, self._handle)
        except ValueError as error:
            if threading.current_thread() is threading.main_thread():
                raise
            raise ValueError(_live_wording.not_in_main_thread()) from error
        _listening.append(self)
        _put_up_notice()

    def stop(self) -> None:
        """Dump no more, and put back the handler that was there before.

        If another handler has been put in the place of this one meanwhile, that stays. Nothing if
        it has been stopped already. Raises ValueError in any thread but the main one.
        """
        if self.is_stopped:
            return
        if signal.getsignal(self.signum) == self._handle:
            signal.signal(self.signum, self.before)
        self.is_stopped = True
        _listening.remove(self)
        _put_up_notice()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _handle(self, signum: int, frame: FrameType | None) -> Any:
        has_answered = False
        if not self.is_stopped:
            try:
                has_answered = self._dump()
            except Exception as failure:  # what was interrupted must go on
                if _frames.is_interruption(failure):
                    raise
                _complain(failure)
        before = self.before
        while has_answered and isinstance(other := getattr(before, "__self__", None), DumpOnSignal):
            before = other.before  # the signal was a question, and that is answered
        if callable(before):
            return before(signum, frame)
        return None

    def _dump(self) -> bool:
        """Answer whoever asks, or else write a dump; whether somebody has asked."""
        try:
            answered = _mailbox_is_open() and _mailbox.answer_all(answer)
        except OSError:  # the directory was removed: nobody can have asked
            answered = 0
        if not answered:
            write(snapshot().to_text() + "\n", self.file)
        return bool(answered)


def dump_on_signal(signum: int | None = None, file: Destination = None) -> DumpOnSignal:
    """Write a dump whenever this process gets a signal; answer `genlock dump PID`.

    Python runs signal handlers in the main thread, between two instructions. So the dump comes
    while that thread waits for a guard or a lock, sleeps or computes, but not while it is inside of
    C code that does not return to Python. A handler that was there before is called after the dump.

    A forked child listens as well, and can be asked by its own number.

    Args:
        signum: the signal; by default `signal.SIGUSR1`.
        file: a path, to whose end dumps are written, or an open text file; None is `sys.stderr`.
            What `genlock dump` asks for goes there, and not to the file.

    Returns:
        What to `stop()` when it is to end.

    Raises:
        ValueError: not in the main thread, not a signal that can be handled, or one with a handler
            that was not set from Python, which could not be called or put back.
        OSError: the file cannot be written, or the signal cannot be handled.
    """
    if signum is None:
        signum = getattr(signal, "SIGUSR1", None)
        if signum is None:
            raise ValueError(_live_wording.NO_USUAL_SIGNAL)
    if isinstance(file, str | os.PathLike):
        os.close(open_end(file))  # better now than when it is needed
    return DumpOnSignal(signum, file)


def listen_by_default() -> DumpOnSignal | None:
    """Listen to SIGUSR1, unless the program cannot or has a handler; never raises."""
    try:
        if signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL:
            # Raises where the handler is one of which Python knows nothing.
            return dump_on_signal()
    except (AttributeError, OSError, ValueError):
        pass
    return None


_listening: list[DumpOnSignal] = []
_notice: _mailbox.Notice | None = None


def _put_up_notice() -> None:
    """Say at which signal this process answers, or that it does no more."""
    global _notice  # noqa: PLW0603  # state of the process
    try:
        if not _listening:
            if _notice is not None:
                _notice.withdraw()
                _notice = None
        elif _notice is None or _notice.pid != os.getpid():
            _notice = _mailbox.Notice(_listening[-1].signum)
        elif _notice.signum != _listening[-1].signum:
            _notice.withdraw()
            _notice = _mailbox.Notice(_listening[-1].signum)
    except OSError as failure:
        # The signal works all the same.
        _log.warning("%s", _live_wording.no_notice(failure))


def _in_forked_child() -> None:
    global _notice  # noqa: PLW0603  # state of the process
    if _notice is not None:
        _notice.withdraw()
        _notice = None
    if _listening:
        _put_up_notice()


def _at_exit() -> None:
    global _notice  # noqa: PLW0603  # state of the process
    if _notice is not None:
        _notice.withdraw()
        _notice = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)
atexit.register(_at_exit)


def _mailbox_is_open() -> bool:
    return _notice is not None and _notice.pid == os.getpid()


def answer(kind: str) -> str:
    """A snapshot as "text", "json" or "mermaid"; what went wrong, if something did."""
    try:
        found = snapshot()
        return {"json": found.to_json, "mermaid": found.to_mermaid}.get(kind, found.to_text)()
    except Exception as failure:  # whoever asks waits for an answer
        if _frames.is_interruption(failure):
            raise
        return _live_wording.failed(failure)


def _complain(failure: Exception) -> None:
    try:
        write(_live_wording.failed(failure), None)
    except Exception:  # there is nobody to tell
        pass


def _is_foreign(handler: Any, signum: int) -> bool:
    """Whether the handler of a signal is one that Python knows nothing of."""
    if handler is None:
        return True
    # What was set after Python began is seen by the system alone.
    is_default = handler in (signal.SIG_DFL, signal.SIG_IGN)
    return is_default and bool(_mailbox.has_handler("self", signum))


def _name(signum: int) -> str:
    try:
        return signal.Signals(signum).name
    except ValueError:
        return f"signal {signum}"
