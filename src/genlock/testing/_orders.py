"""What must not be in a recording: call cycles, and guards that are taken in both orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genlock.testing import _arguments, _wording

if TYPE_CHECKING:
    from genlock._traces._calls import CallGraph
    from genlock._tracing._recording import Recording


def assert_no_cycle(recording: Recording) -> None:
    """Raise AssertionError if a call of a guard came back to it: a ReentrantCallError, or a defer.

    Args:
        recording: what `genlock.trace` gave, or `load` read.

    Raises:
        AssertionError: with every cycle in words; or there is none in what is left of a recording
            that has dropped calls, or was cut short: what is lost is no pass. Calls that were seen
            apart, and would make a cycle if they came together, are none;
            `recording.call_graph().cycles()` has them, too.
        TypeError: it is no recording.
    """
    cycles = [it for it in _graph(recording).cycles() if it.is_reentry]
    if cycles:
        raise AssertionError(_wording.cycles(cycles))
    _assert_whole(recording)


def assert_no_inversion(recording: Recording) -> None:
    """Raise AssertionError if two guards were entered in both orders: a deadlock that may come.

    Args:
        recording: what `genlock.trace` gave, or `load` read.

    Raises:
        AssertionError: with every such pair in words; or there is none in what is left of a
            recording that has dropped calls, or was cut short.
        TypeError: it is no recording.
    """
    inversions = _graph(recording).inversions()
    if inversions:
        raise AssertionError(_wording.inversions(inversions))
    _assert_whole(recording)


def _graph(recording: Recording) -> CallGraph:
    advice = "what `with genlock.trace() as recording:` gives"
    _arguments.check_method("recording", recording, "call_graph", advice)
    return recording.call_graph()


def _assert_whole(recording: Recording) -> None:
    trace = recording.trace
    if trace.dropped or trace.cut:
        raise AssertionError(_wording.not_whole(len(trace.events), trace.dropped, trace.cut))
