"""`genlock run --trace FILE`: a recording of the whole program."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from genlock import _recording, _run_wording
from genlock.cli import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable


class TracedRun:
    """Records the calls to guards, and saves them when the program has ended, however that was.

    Raises RefusedError where the name tells no format, or the file cannot be written.
    """

    def __init__(self, name: str) -> None:
        try:
            _recording.format_of(name)
            with open(name, "a", encoding="utf-8"):  # not later, when all would be lost
                pass
        except ValueError as error:
            raise RefusedError(f"--trace: {error}") from None
        except OSError as error:
            raise RefusedError(_run_wording.no_file("--trace", name, error.strerror)) from None
        self._name = name
        self._path = os.path.abspath(name)  # the program may change the directory
        self._process = os.getpid()
        self._recording = _recording.trace()

    def start(self) -> None:
        """Record from now on."""
        self._recording.start()

    def finish(self, say: Callable[[str], None]) -> None:
        """Save what was recorded, and say so."""
        self._recording.stop()
        if os.getpid() != self._process:
            return  # the file is the parent's
        try:
            self._recording.save(self._path)
        except Exception as error:  # how the program ended is the program's
            reason = getattr(error, "strerror", None) or str(error)
            say(_run_wording.no_file("--trace", self._name, reason))
            return
        trace = self._recording.trace
        say(_run_wording.recorded(len(trace.events), trace.dropped, self._name))
