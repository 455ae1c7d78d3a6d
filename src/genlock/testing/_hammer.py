"""Hammering: threads run into one another as they like, as often as they can."""

from __future__ import annotations

import sys
import threading
import time
from itertools import takewhile
from typing import TYPE_CHECKING

from genlock._interpreter import _frames
from genlock._observing._live import snapshot
from genlock._records import Step, Strand
from genlock.testing import _arguments, _stuck, _wording
from genlock.testing._shared_setting import SharedSetting

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_SWITCH_INTERVAL = 1e-6
"""Seconds after which the interpreter lets another thread run: as good as always."""


def hammer(
    fn: Callable[[], object], threads: int = 8, rounds: int = 1000, *, timeout: float = 60.0
) -> None:
    """Call `fn` in many threads at a time, and raise all that goes wrong.

    Args:
        fn: called without arguments, `rounds` times in each thread. A thread stops at its first
            error.
        threads: how many there are, named hammer-1, hammer-2, …; they start together.
        rounds: how often each of them calls `fn`.
        timeout: seconds, after which threads that still run are taken to hang.

    Raises:
        ExceptionGroup: what came out of `fn`, each error with a note that names the thread and the
            round; and a TimeoutError that says where the threads are that hang, with a snapshot of
            the guards. They are daemons, and stop at the end of their round if that ever comes. A
            BaseExceptionGroup where one of the errors is no Exception.
        TypeError: an argument is not of its type, or a call of `fn` would run nothing, because it
            is a generator function or an async one.
        ValueError: a number is out of its range.
        RuntimeError: a thread cannot be started.

    Can be called in several threads at once. The switch interval of the interpreter, which holds
    for the whole process, is 1 µs meanwhile. Where threads run at once (free-threaded builds), a
    bare generator that is hammered crashes the interpreter. So it may since Python 3.13 where one
    thread closes a bare generator and another one resumes it, or that one never ends.
    """
    _arguments.check_function("fn", fn)
    _arguments.check_count("threads", threads, 1)
    _arguments.check_count("rounds", rounds, 1)
    _arguments.check_seconds("timeout", timeout)
    errors: list[BaseException] = []
    gang = _Gang(fn, threads, rounds, errors)
    with _switching_often:
        hung = gang.run(timeout)
    failed = len(errors)
    if hung:
        told = _wording.hung(_strands(hung), threads, timeout, _guards())
        errors.append(TimeoutError(told))
    if errors:
        raise BaseExceptionGroup(_wording.hammered(failed, len(hung), threads), errors)


class _Gang:
    def __init__(
        self, fn: Callable[[], object], threads: int, rounds: int, errors: list[BaseException]
    ) -> None:
        self.fn, self.rounds, self.errors = fn, rounds, errors
        self.is_over = False
        self.start = threading.Barrier(threads)
        self.threads = [
            threading.Thread(target=self.work, name=f"hammer-{number}", daemon=True)
            for number in range(1, threads + 1)
        ]

    def run(self, timeout: float) -> list[threading.Thread]:
        """Returns the threads that hang."""
        deadline = time.monotonic() + timeout
        try:
            for thread in self.threads:
                thread.start()
            for thread in self.threads:
                thread.join(max(0.0, deadline - time.monotonic()))
        finally:
            self.is_over = True
            self.start.abort()  # nobody waits for those who could not be started
        return [thread for thread in self.threads if thread.is_alive()]

    def work(self) -> None:
        number = 0
        try:
            self.start.wait()
        except threading.BrokenBarrierError:
            return
        try:
            while number < self.rounds and not self.is_over:
                number += 1
                self.fn()
        except BaseException as error:
            self.errors.append(error)
            name = threading.current_thread().name
            try:
                error.add_note(_wording.in_round(name, number, self.rounds))
            except Exception:  # some take no notes
                pass


def _switch_often() -> Callable[[], None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_INTERVAL)
    return lambda: sys.setswitchinterval(before)


_switching_often = SharedSetting(_switch_often)


def _strands(threads: list[threading.Thread]) -> list[Strand]:
    """Where the threads are, each with its calls, outermost first."""
    innermost = _stuck.innermost_frames({thread.ident or 0 for thread in threads})
    return [Strand(thread.name, _path(innermost.get(thread.ident or 0))) for thread in threads]


def _guards() -> str:
    """All guards, and who is inside of them; empty if there are none."""
    taken = snapshot()
    return taken.to_text() if taken.guards else ""


def _path(innermost: FrameType | None) -> tuple[Step, ...]:
    """The calls that `fn` is in, itself included."""
    calls = takewhile(
        lambda frame: frame.f_code is not _Gang.work.__code__, _frames.stack(innermost)
    )
    steps = [
        Step(_frames.short_name(frame.f_code), _frames.full_line(frame))
        for frame in calls
        if not _frames.is_internal(frame)
    ]
    return tuple(reversed(steps))
