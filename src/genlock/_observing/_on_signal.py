"""A dump when a signal arrives: for a process that is stuck."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

from genlock._interpreter import _frames
from genlock._observing import _listener, _live_wording, _mailbox
from genlock._observing._destination import check, open_end, write
from genlock._observing._live import snapshot

if TYPE_CHECKING:
    from types import FrameType
    from typing import Self

    from genlock._observing._destination import Destination

_THAT_END = {getattr(signal, name, None) for name in ("SIGHUP", "SIGINT", "SIGTERM")}
"""The signals by which a process is asked to end."""


class DumpOnSignal:
    """What `dump_on_signal` has set up; `stop()`, or the end of a `with` block, undoes it."""

    def __init__(self, signum: int, file: Destination) -> None:
        self.signum = signum
        self.file = file
        self.is_stopped = False
        self.before = signal.getsignal(signum)
        if _listener.is_foreign(self.before, signum):
            raise ValueError(_live_wording.foreign_handler(_name(signum)))
        try:
            signal.signal(signum, self._handle)
        except ValueError as error:
            if threading.current_thread() is threading.main_thread():
                raise
            raise ValueError(_live_wording.not_in_main_thread()) from error
        _listener.begin()

    def stop(self) -> None:
        """Dump no more, and put back the handler that was there before.

        If another handler has been put in the place of this one meanwhile, that stays. Nothing if
        it has been stopped already. Raises ValueError in any thread but the main one.
        """
        if self.is_stopped:
            return
        if signal.getsignal(self.signum) == self._handle:
            signal.signal(self.signum, self._still_wanted())
        self.is_stopped = True
        _listener.end()

    def _still_wanted(self) -> Any:
        """The handler before this one, and before others that have been stopped meanwhile."""
        before = self.before
        while isinstance(other := getattr(before, "__self__", None), DumpOnSignal):
            if not other.is_stopped:
                break
            before = other.before
        return before

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _handle(self, signum: int, frame: FrameType | None) -> Any:
        if not self.is_stopped:
            try:
                self._dump()
            except Exception as failure:  # what was interrupted must go on
                if _frames.is_interruption(failure):
                    raise
                _complain(_live_wording.failed(failure))
        if callable(self.before):
            return self.before(signum, frame)
        if self.before == signal.SIG_DFL and signum in _THAT_END:
            signal.signal(signum, signal.SIG_DFL)
            os.kill(os.getpid(), signum)
        return None

    def _dump(self) -> None:
        text = snapshot().to_text() + "\n"
        try:
            write(text, self.file)
        except Exception as failure:
            if self.file is None or _frames.is_interruption(failure):
                raise
            _complain(_live_wording.not_written(self.file, failure) + text)


def dump_on_signal(signum: int | None = None, file: Destination = None) -> DumpOnSignal:
    """Write a dump whenever this process gets a signal; answer `genlock dump PID`.

    Python runs signal handlers in the main thread, between two instructions. So the dump comes
    while that thread waits for a guard or a lock, sleeps or computes, but not while it is inside of
    C code that does not return to Python. (Where a recursion has used up the stack, a line says
    that there is no room for it.) A handler that was there before is called after the dump. Without
    one, SIGTERM, SIGHUP and SIGINT end the process after the dump, as they did before.

    `genlock dump PID` asks by another signal, SIGURG, which does nothing else here: neither is a
    dump written for that, nor a handler called. (A program that has a handler of SIGURG cannot be
    asked; a warning says so. One that is set later is called when somebody asks, who then gets no
    answer.) A forked child listens as well, and can be asked by its own number.

    Args:
        signum: the signal; by default `signal.SIGUSR1`.
        file: a path, to whose end dumps are written, or an open text file; None is `sys.stderr`.
            Where it cannot be written to later, the dump goes to `sys.stderr`.

    Returns:
        What to `stop()` when it is to end.

    Raises:
        TypeError: the file is neither a path nor something to write to.
        ValueError: not in the main thread, not a signal that can be handled, SIGURG, or one with a
            handler that was not set from Python, which could not be called or put back; a file
            that is closed.
        OSError: the file cannot be written, or the signal cannot be handled.
    """
    check(file)
    if signum is None:
        signum = getattr(signal, "SIGUSR1", None)
        if signum is None:
            raise ValueError(_live_wording.NO_USUAL_SIGNAL)
    if signum == _mailbox.SIGNAL:
        raise ValueError(_live_wording.TAKEN_BY_DUMP)
    if isinstance(file, str | os.PathLike):
        os.close(open_end(file))  # better now than when it is needed
    return DumpOnSignal(signum, file)


def listen_by_default() -> DumpOnSignal | None:
    """Answer `genlock dump`, and dump on SIGUSR1 unless that has a handler; never raises."""
    try:
        _listener.begin()
        if signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL:
            # Raises where the handler is one of which Python knows nothing.
            return dump_on_signal()
    except (AttributeError, OSError, ValueError):
        pass
    return None


def _complain(text: str) -> None:
    try:
        write(text, None)
    except Exception:  # there is nobody to tell
        pass


def _name(signum: int) -> str:
    try:
        return signal.Signals(signum).name
    except ValueError:
        return f"signal {signum}"
