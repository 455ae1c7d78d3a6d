"""All that the page of a report shows, as plain data."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from genlock._page._columns import columns, zero
from genlock._traces import _report_wording as wording
from genlock._traces._calls import call_graph
from genlock._traces._events import by_function, told_apart
from genlock._traces._summary import summary

if TYPE_CHECKING:
    from genlock._records import Site
    from genlock._traces._calls import CallGraph
    from genlock._traces._events import Trace
    from genlock._traces._source import Source

_GROUPINGS = ("guard", "function")
_MOST_TROUBLES = 500
_NANO = 1_000_000_000


def page_data(trace: Trace, name: str, source: Source | None = None) -> dict[str, Any]:
    """What the page of a trace shows; `name` is what the recording is called."""
    found = call_graph(trace)
    marked = _Marked(found)
    to_function = dict(
        zip(told_apart(trace.guards).values(), by_function(trace.guards).values(), strict=True)
    )
    return {
        "name": name,
        "missing": wording.missing(trace),
        "nothing": wording.no_calls(trace),
        "isPartial": wording.is_partial(trace),
        "unfinished": len(trace.unfinished),
        "facts": wording.facts(trace) + _began(trace),
        "failures": _failures(trace),
        "errors": sum(it.number for it in trace.failures) + trace.more_failures,
        **_troubles(trace),
        "rows": {by: [asdict(row) for row in summary(trace, by=by)] for by in _GROUPINGS},
        "findings": _findings(found, trace),
        "graphs": {
            "guard": _graph(found) | marked.called({}),
            "function": _graph(call_graph(trace, by="function")) | marked.called(to_function),
        },
        **columns(trace, source),
    }


def _began(trace: Trace) -> str:
    """When that was, where it can be told: a file may say anything."""
    if not (trace.events and trace.epoch):
        return ""
    try:
        began = datetime.fromtimestamp((zero(trace) + trace.epoch) // _NANO, UTC)
    except (OverflowError, OSError, ValueError):
        return ""
    return f", {began:%Y-%m-%d %H:%M:%S} UTC"


def _failures(trace: Trace) -> list[dict[str, Any]]:
    """The errors, the first to come up first: it may be the cause of the others."""
    since = zero(trace)
    failures = sorted(trace.failures, key=lambda it: it.at or math.inf)
    return [
        asdict(it)
        | {
            "at": it.at - since if it.at and trace.events else None,
            "site": _at(it.site),
            "where": wording.in_threads(it),
        }
        for it in failures
    ]


def _troubles(trace: Trace) -> dict[str, Any]:
    """The calls that raised or were refused: those that are alike together, the frequent first.

    Alike are those of one function, with one error, at one line.
    """
    functions = by_function(trace.guards)
    numbers = Counter(
        (event.outcome, event.error, functions[event.guard.number], _at(event.site))
        for event in trace.events
        if event.error
    )
    frequent = numbers.most_common(_MOST_TROUBLES)
    return {
        "troubles": [[*alike, number] for alike, number in frequent],
        "troubled": numbers.total(),
        "moreTroubles": len(numbers) - len(frequent),
    }


class _Marked:
    """The pairs of guards that what was found is about."""

    def __init__(self, graph: CallGraph) -> None:
        self._pairs: dict[str, set[tuple[str, str]]]
        self._pairs = {"cyclic": set(), "possible": set(), "inverted": set()}
        for cycle in graph.cycles():
            kind = "cyclic" if cycle.is_reentry else "possible"
            self._pairs[kind].update(pairwise(cycle.path))
        for it in graph.inversions():
            self._pairs["inverted"].update([(it.first, it.second), (it.second, it.first)])

    def called(self, names: dict[str, str]) -> dict[str, list[tuple[str, str]]]:
        """The pairs, with other names in the place of those that there are such for."""
        return {
            kind: sorted({(names.get(one, one), names.get(other, other)) for one, other in pairs})
            for kind, pairs in self._pairs.items()
        }


def _graph(graph: CallGraph) -> dict[str, Any]:
    return {
        "nodes": [[it.name, it.resumptions, it.time, it.waited] for it in graph.nodes],
        "edges": [
            [it.driver, it.driven, it.count, it.time, _at(it.site), it.threads]
            for it in graph.edges
        ],
    }


def _findings(graph: CallGraph, trace: Trace) -> dict[str, Any]:
    cycles, inversions = graph.cycles(), graph.inversions()
    return {
        "cycles": [wording.cycle(it) for it in cycles if it.is_reentry],
        "possible": [wording.cycle(it) for it in cycles if not it.is_reentry],
        "inversions": [wording.inversion(it) for it in inversions],
        "without": [
            wording.nothing_found(what, trace)
            for what, found in (("call cycle", cycles), ("inverted order", inversions))
            if not found
        ],
    }


def _at(site: Site | None) -> str:
    return "" if site is None else f"{site.file}:{site.line}"
