"""Whether a run comes to its end, and what to say of the thread that keeps it from that."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from genlock import _waits
from genlock._gate import Gate
from genlock._interpreter import _frames
from genlock.testing import _stuck

if TYPE_CHECKING:
    from types import FrameType

    from genlock._records import Site
    from genlock.testing._scheduler import Run, Task

# Seconds.
LOOK_EVERY = 0.1
BLOCKED_AFTER = 2.0
"""A thread that neither comes to a point nor computes for so long is blocked by something."""
ENDLESS_AFTER = 30.0
"""A thread that computes for so long between two points does not come to the next one."""

_SHARE = 0.05
"""A thread that gets less of the time to compute polls, and computes nothing."""

_LOOKS = 3
"""So often a thread is looked at that may not stand still yet."""


class BlockedError(Exception):
    """A run does not come to its end: a thread gets no further, for no reason that can be seen."""

    def __init__(self, run: Run, thread: str, site: Site | None, verdict: str) -> None:
        super().__init__()
        self.run, self.thread, self.site, self.verdict = run, thread, site, verdict


def diagnosed(run: Run, task: Task, verdict: str) -> BlockedError:
    """What there is to say of the thread whose turn it is, while it is still where it stands."""
    innermost = None
    for _ in range(_LOOKS):
        innermost = innermost or _innermost(task)
    if _waits_for_guard(task, innermost):
        verdict = "held"
    return BlockedError(run, task.name, _users_line(innermost), verdict)


def _innermost(task: Task) -> FrameType | None:
    return _stuck.innermost_frames({task.ident}).get(task.ident)


def _waits_for_guard(task: Task, innermost: FrameType | None) -> bool:
    """Whether a thread stands in a queue, or polls a bare generator that somebody else runs."""
    if _waits.innermost_wait(task.ident) is not None:
        return True
    return any(frame.f_code is Gate.poll.__code__ for frame in _frames.stack(innermost))


def _users_line(innermost: FrameType | None) -> Site | None:
    """Where a thread is: the innermost line that is not in the standard library, if there is one.

    A lock is waited for in many places there, but for one reason only.
    """
    frames = [frame for frame in _frames.stack(innermost) if not _frames.is_internal(frame)]
    users = [frame for frame in frames if not _frames.is_library(frame.f_code.co_filename)]
    return _frames.full_line((users or frames)[0]) if frames else None


class Progress:
    """Whether the thread whose turn it is still gets anywhere."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.point, self.point_since = -1, 0.0
        self.computed, self.computing_since = 0.0, 0.0

    def verdict(self) -> str:
        """What is wrong, if it has gone on for too long; call this every `LOOK_EVERY` seconds."""
        if self.run.is_too_long:
            return "turns"
        now, computed = time.monotonic(), self.time_computed()
        if self.point != len(self.run.trace):  # it may be another thread's turn since
            self.point = len(self.run.trace)
            self.point_since = self.computing_since = now
            self.computed = computed
        elif computed - self.computed > _SHARE * (now - self.computing_since) and not self.waits():
            self.computed, self.computing_since = computed, now
        if now - self.computing_since > BLOCKED_AFTER:
            return "blocked"
        return "endless" if now - self.point_since > ENDLESS_AFTER else ""

    def waits(self) -> bool:
        """Whether the thread waits for a guard, which under a tracer can cost any share."""
        task = self.run.current
        return task is not None and _waits_for_guard(task, _innermost(task))

    def time_computed(self) -> float:
        """Seconds of the processor that the thread has had; of all, where more is not known."""
        task = self.run.current
        if task is None or not hasattr(time, "pthread_getcpuclockid"):
            return time.process_time()
        return time.clock_gettime(time.pthread_getcpuclockid(task.ident))
