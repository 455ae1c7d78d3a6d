"""What is to be done before a signal ends the process, which would leave nobody to do it."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_ENDING = ("SIGTERM", "SIGHUP")


def before_it_is_ended(act: Callable[[], None]) -> None:
    """Have `act` called when SIGTERM or SIGHUP is to end this process, which it then does.

    Not where the process ignores the signal, or handles it itself, now or later. A forked child
    is ended without. Python gets to it between two instructions of the main thread.
    """
    process = os.getpid()

    def end(signum: int, _: object) -> None:
        signal.signal(signum, signal.SIG_DFL)  # whoever asks twice gets it at once
        try:
            if os.getpid() == process:
                act()
        finally:
            os.kill(os.getpid(), signum)

    for name in _ENDING:
        with suppress(AttributeError, OSError, ValueError):  # no such signal; no main thread
            if signal.getsignal(getattr(signal, name)) == signal.SIG_DFL:
                signal.signal(getattr(signal, name), end)
