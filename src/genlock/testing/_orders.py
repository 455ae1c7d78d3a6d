"""What must not be in a recording: call cycles, and guards that are taken in both orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from genlock.testing import _wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genlock.testing._wording import Cycle, Inversion


class CallGraph(Protocol):
    """Who was called from inside of whom."""

    def cycles(self) -> Sequence[Cycle]:
        """The paths of calls that came back to where they began, and those that would."""

    def inversions(self) -> Sequence[Inversion]:
        """The pairs of guards that were taken in both orders."""


class Recording(Protocol):
    """What `genlock.trace` has recorded."""

    def call_graph(self) -> CallGraph:
        """The calls of guards from inside of guards."""


def assert_no_cycle(recording: Recording) -> None:
    """Raise AssertionError if a call of a guard came back to it: a ReentrantCallError, or a defer.

    The message has every cycle in words. Calls that were seen apart, and would make a cycle if they
    came together, are none; `recording.call_graph().cycles()` has them, too.
    """
    cycles = [it for it in recording.call_graph().cycles() if it.is_reentry]
    if cycles:
        raise AssertionError(_wording.cycles(cycles))


def assert_no_inversion(recording: Recording) -> None:
    """Raise AssertionError if two guards were entered in both orders: a deadlock that may come.

    The message has every such pair in words.
    """
    inversions = recording.call_graph().inversions()
    if inversions:
        raise AssertionError(_wording.inversions(inversions))
