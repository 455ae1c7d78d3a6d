"""All that the page of a report shows, as plain data."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, astuple
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from genlock import _report_wording as wording
from genlock._calls import call_graph
from genlock._events import told_apart
from genlock._page._columns import columns, zero
from genlock._summary import summary

if TYPE_CHECKING:
    from genlock._calls import CallGraph
    from genlock._events import Trace
    from genlock._records import Site

_GROUPINGS = ("guard", "function")
_MOST_TROUBLES = 500
_MILLISECOND = 1_000_000


def page_data(trace: Trace, name: str) -> dict[str, Any]:
    """What the page of a trace shows; `name` is what the recording is called."""
    *missing, facts = wording.heading(name, trace)
    return {
        "name": name,
        "missing": missing,
        "facts": facts.removeprefix(f"{name}: "),
        "began": (zero(trace) + trace.epoch) // _MILLISECOND if trace.epoch else None,
        "failures": _failures(trace),
        "troubles": _troubles(trace),
        "rows": {by: [astuple(row) for row in summary(trace, by=by)] for by in _GROUPINGS},
        "graphs": {by: _graph(call_graph(trace, by=by), trace) for by in _GROUPINGS},
        **columns(trace),
    }


def _failures(trace: Trace) -> list[dict[str, Any]]:
    since = zero(trace)
    return [
        asdict(it) | {"at": it.at - since if it.at and trace.events else None, "site": _at(it.site)}
        for it in trace.failures
    ]


def _troubles(trace: Trace) -> list[list[Any]]:
    """The calls that raised or were refused: those that are alike together, the frequent first."""
    names = told_apart(trace.guards)
    numbers = Counter(
        (event.outcome, event.error, names[event.guard.number], event.operation, _at(event.site))
        for event in trace.events
        if event.error
    )
    return [[*alike, number] for alike, number in numbers.most_common(_MOST_TROUBLES)]


def _graph(graph: CallGraph, trace: Trace) -> dict[str, Any]:
    cycles, inversions = graph.cycles(), graph.inversions()
    return {
        "nodes": [[it.name, it.resumptions, it.time, it.waited] for it in graph.nodes],
        "edges": [
            [it.driver, it.driven, it.count, it.time, _at(it.site), it.threads]
            for it in graph.edges
        ],
        "cyclic": [pair for cycle in cycles for pair in pairwise(cycle.path)],
        "inverted": [(it.first, it.second) for it in inversions],
        "cycles": [wording.cycle(it) for it in cycles],
        "inversions": [wording.inversion(it) for it in inversions],
        "without": [
            wording.nothing_found(what, trace)
            for what, found in (("call cycle", cycles), ("inverted order", inversions))
            if not found
        ],
    }


def _at(site: Site | None) -> str:
    return "" if site is None else f"{site.file}:{site.line}"
