"""The trace format of Chrome, which Perfetto and chrome://tracing show.

Each resumption, wait and exclusive use is a slice ("X") in the lane of its thread, each other call
an instant ("i"): one that was refused or deferred, or met a generator that had ended; arrows ("s",
"f") lead from one resumption of a guard to the next, where that was in another thread. Times are in
microseconds since the first event. What `read` needs to restore the events is in their `args` and
under the key "genlock".
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any

from genlock._records import Site
from genlock._traces import _clock, _nesting
from genlock._traces._events import Event, Trace, TracedGuard, TracedThread, told_apart
from genlock._traces._trace_files import (
    MISFITS,
    GivenUpError,
    UnreadableError,
    begins_like,
    check_mark,
    failure,
    made,
    marked,
    parsed,
    plain_fields,
    reason,
    restored,
    unfinished,
    whole_number,
)
from genlock._traces._whole_files import written_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genlock._traces._nesting import Placed
    from genlock._traces._source import Source

_Entry = dict[str, Any]

_BEGINNING = '{"traceEvents": ['


class _Entries:
    """Makes the entries of one trace."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.zero = min((event.begin - event.waited for event in trace.events), default=0)
        self.names = told_apart(trace.guards)
        self.sites: dict[Site, int] = {}
        self.lanes: dict[tuple[TracedThread, int], int] = {}
        self.last_thread = max((thread.number for thread in trace.threads), default=0)

    def entries(self) -> Iterator[_Entry]:
        """All entries; those of slices come in no particular order."""
        places = sorted(_nesting.placed(self.trace.events), key=lambda it: it.event.begin)
        before: dict[int, Placed] = {}
        for number, place in enumerate(places):
            yield from self.of_event(place)
            if place.event.is_resumption:
                last = before.get(place.event.guard.number)
                before[place.event.guard.number] = place
                if last is not None and last.event.thread != place.event.thread:
                    yield from self.arrow(number, last, place)
        yield from self.lane_names()

    def of_event(self, place: Placed) -> Iterator[_Entry]:
        """An event, and the wait before it."""
        event = place.event
        name = self.names[event.guard.number]
        if event.waited:
            since = event.begin - event.waited
            yield self.at(
                place, since, ph="X", name=f"wait for {name}", cat="wait", dur=event.waited
            )
        if event.outcome == "kept":
            name = f"exclusive {name}"
        if event.outcome in ("refused", "deferred", "ended"):
            name = f"{event.outcome} {name}"
            yield self.at(place, event.begin, ph="i", name=name, cat=event.outcome, s="t") | {
                "args": self.arguments(place)
            }
        else:
            category = "exclusive" if event.outcome == "kept" else "resumption"
            took = event.end - event.begin
            yield self.at(place, event.begin, ph="X", name=name, cat=category, dur=took) | {
                "args": self.arguments(place)
            }

    def at(self, place: Placed, time: int, **entry: Any) -> _Entry:
        """An entry at a moment, in the lane of its thread; times given in nanoseconds."""
        if "dur" in entry:
            entry["dur"] /= 1000
        thread = self.lane(place.event.thread, place.lane)
        return {**entry, "ts": (time - self.zero) / 1000, "pid": self.trace.pid, "tid": thread}

    def arguments(self, place: Placed) -> dict[str, Any]:
        """What `read` restores the event from, and who looks at it wants to know."""
        event = place.event
        told = {"order": place.order, "guard": event.guard.number, "thread": event.thread.number}
        told |= plain_fields(event)
        site = event.site
        if site is None:
            return told
        told["site"] = self.sites.setdefault(site, len(self.sites))
        return {"at": f"{site.file}:{site.line} in {site.function}", **told}

    def arrow(self, number: int, last: Placed, place: Placed) -> Iterator[_Entry]:
        """From the end of one resumption to the begin of the next one, in another thread."""
        common = {"name": self.names[place.event.guard.number], "cat": "hand-over", "id": number}
        leaves = max(last.event.begin, min(last.event.end, place.event.begin) - 1)
        yield self.at(last, leaves, ph="s", **common)
        yield self.at(place, place.event.begin, ph="f", bp="e", **common)

    def lane(self, thread: TracedThread, lane: int) -> int:
        """The number of a lane: the thread's own, unless it is one more beside that."""
        if lane == 0:
            return self.lanes.setdefault((thread, 0), thread.number)
        extra = sum(1 for _, known in self.lanes if known) + 1
        return self.lanes.setdefault((thread, lane), self.last_thread + extra)

    def lane_names(self) -> Iterator[_Entry]:
        """What the lanes are called."""
        for (thread, lane), number in self.lanes.items():
            yield {
                "ph": "M",
                "name": "thread_name",
                "pid": self.trace.pid,
                "tid": number,
                "args": {"name": _nesting.lane_name(thread.name, lane)},
            }


def write(trace: Trace, file: IO[str], source: Source | None = None) -> None:
    """Write a whole trace, one entry in each line, with lines of `source`."""
    entries = _Entries(trace)
    file.write(f"{_BEGINNING}\n")
    separator = ""
    for entry in entries.entries():
        file.write(separator + json.dumps(entry, separators=(",", ":")))
        separator = ",\n"
    rest = {
        **marked(),
        "pid": trace.pid,
        "epoch": trace.epoch,
        "dropped": trace.dropped,
        "guards": [asdict(guard) for guard in trace.guards],
        "threads": [asdict(thread) for thread in trace.threads],
        "sites": [asdict(source.with_code(it) if source else it) for it in entries.sites],
        "failures": [asdict(it) for it in trace.failures],
        "more_failures": trace.more_failures,
        "unfinished": [asdict(it) for it in trace.unfinished],
        "forked": trace.forked,
    }
    file.write(f'\n], "displayTimeUnit": "ns", "genlock": {json.dumps(rest)}}}\n')


def read(text: str, path: str) -> Trace:
    """The trace in a file's text. Raises UnreadableError for what is none, or was cut off."""
    try:
        whole = parsed(text)
    except (json.JSONDecodeError, GivenUpError) as error:
        where = f"{path}, line {error.lineno}, column {error.colno}"
        is_ours = begins_like(text, _BEGINNING)
        what = "the file was cut off or damaged there" if is_ours else "not a recording of genlock"
        raise UnreadableError(f"{where}: {what} ({error.msg})") from None
    rest = whole.get("genlock") if isinstance(whole, dict) else None
    if not isinstance(rest, dict):
        raise UnreadableError(f"{path}, line 1: not a recording of genlock")
    check_mark(rest, f"{path}, key 'genlock'")
    try:
        return _restored(whole.get("traceEvents"), rest, path)
    except UnreadableError:
        raise
    except MISFITS as error:
        raise UnreadableError(f"{path}, key 'genlock': damaged: {reason(error)}") from None


def _restored(entries: Any, rest: dict[str, Any], path: str) -> Trace:
    guards = {it["number"]: made(TracedGuard, it) for it in rest["guards"]}
    threads = {it["number"]: made(TracedThread, it) for it in rest["threads"]}
    sites = {number: made(Site, it) for number, it in enumerate(rest["sites"])}
    tables: dict[str, dict[int, Any]]
    tables = {"guard": guards, "thread": threads, "site": sites}
    events = _restored_events(entries, tables, path)
    dropped, pid, epoch = (whole_number(rest, name) for name in ("dropped", "pid", "epoch"))
    return Trace(
        events,
        dropped,
        pid,
        epoch,
        failures=tuple(map(failure, rest.get("failures", ()))),
        more_failures=whole_number({"more_failures": 0, **rest}, "more_failures"),
        unfinished=tuple(map(unfinished, rest.get("unfinished", ()))),
        forked=whole_number({"forked": 0, **rest}, "forked"),
    )


def _restored_events(
    entries: Any, tables: dict[str, dict[int, Any]], path: str
) -> tuple[Event, ...]:
    if not isinstance(entries, list):
        raise UnreadableError(f"{path}, key 'traceEvents': damaged: not a list")
    found = []
    for place, entry in enumerate(entries):
        try:
            told = entry.get("args", {})
            if "order" in told:
                fields = {name: told[name] for name in told if name not in ("order", "at")}
                found.append((whole_number(told, "order"), restored(fields, tables)))
        except MISFITS as error:
            where = f"{path}, traceEvents[{place}]"
            raise UnreadableError(f"{where}: damaged: {reason(error)}") from None
    return tuple(event for _, event in sorted(found, key=lambda it: it[0]))


class ChromeTrace:
    """A subscriber that keeps all events in memory and writes them when it is closed.

    Args:
        path: the file, written anew by `close`.

    In a forked child `close` does nothing: the file is the parent's. Thread-safe. `close` raises
    OSError where the file cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = path
        self._process = os.getpid()
        self._events: list[Event] = []
        self._closing = threading.RLock()
        self._is_closed = False

    def __call__(self, event: Event) -> None:
        """Keep the event."""
        self._events.append(event)

    def close(self) -> None:
        """Write the file; nothing if that was done."""
        if os.getpid() != self._process:
            return
        with self._closing:
            if self._is_closed:
                return
            self._is_closed = True
            trace = Trace(tuple(self._events), 0, self._process, _clock.epoch())
            with written_whole(self._path) as file:
                write(trace, file)
