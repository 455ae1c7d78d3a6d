"""The events of a trace as columns of small numbers, which a browser reads quickly."""

from __future__ import annotations

from dataclasses import astuple
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from genlock._traces import _nesting
from genlock._traces._events import told_apart

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from genlock._traces._events import Trace
    from genlock._traces._nesting import Placed
    from genlock._traces._source import Source

Column = list[int] | int
"""A number for each event, or the one that all events have."""


def zero(trace: Trace) -> int:
    """When the first event of a trace had begun to wait, or to run: times are told since then."""
    return min((_nesting.since(event) for event in trace.events), default=0)


def columns(trace: Trace, source: Source | None = None) -> dict[str, Any]:
    """The events in the order in which they began, and all that they refer to by number.

    The lines of callers are read from `source`, where the trace does not tell them.
    Times are in nanoseconds: "begin" since that of the event before, "took" since the begin,
    "waited" and "deferred" before it. "outer" is how many events ago the call began that it was
    made inside of; 0 for none. Numbers of guards, lanes, texts and sites are places in their lists.
    """
    places = list(_nesting.placed(trace.events))
    lanes = sorted({(it.event.thread.number, it.lane) for it in places})
    places.sort(key=lambda it: (it.event.begin, it.depth))
    names = told_apart(trace.guards)
    threads = {thread.number: thread.name for thread in trace.threads}
    return {
        "guards": [[names[it.number], it.function, it.file, it.line] for it in trace.guards],
        "lanes": [[thread, _nesting.lane_name(threads[thread], lane)] for thread, lane in lanes],
        **_told(trace, places, lanes, source),
    }


class _Numbers:
    """Numbers things from 0 on, in the order in which they come."""

    def __init__(self, *first: Hashable) -> None:
        self._numbers: dict[Any, int] = {}
        for each in first:
            self.of(each)

    def of(self, thing: Hashable) -> int:
        return self._numbers.setdefault(thing, len(self._numbers))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._numbers)


def _told(
    trace: Trace,
    laid: Sequence[Placed],
    lanes: Iterable[tuple[int, int]],
    source: Source | None,
) -> dict[str, Any]:
    lane_numbers = {lane: number for number, lane in enumerate(lanes)}
    guards = {guard.number: place for place, guard in enumerate(trace.guards)}
    places = {it.order: place for place, it in enumerate(laid)}
    sites, texts = _Numbers(None), _Numbers("")
    events = [it.event for it in laid]
    times = [zero(trace), *(event.begin for event in events)]
    told = {
        "guard": [guards[event.guard.number] for event in events],
        "lane": [lane_numbers[it.event.thread.number, it.lane] for it in laid],
        "depth": [it.depth for it in laid],
        "begin": [later - earlier for earlier, later in pairwise(times)],
        "took": [event.end - event.begin for event in events],
        "waited": [event.waited for event in events],
        "deferred": [event.deferred for event in events],
        "operation": [texts.of(event.operation) for event in events],
        "outcome": [texts.of(event.outcome) for event in events],
        "error": [texts.of(event.error) for event in events],
        "site": [sites.of(event.site) for event in events],
        "sent": [texts.of(event.sent or "") for event in events],
        "got": [texts.of(event.got or "") for event in events],
        "outer": [
            0 if it.around is None else place - places[it.around.order]
            for place, it in enumerate(laid)
        ],
    }
    return {
        "count": len(events),
        "events": {name: _column(values) for name, values in told.items()},
        "texts": list(texts),
        "sites": [
            site and list(astuple(source.with_code(site) if source else site)) for site in sites
        ],
    }


def _column(values: list[int]) -> Column:
    return values[0] if values and values.count(values[0]) == len(values) else values
