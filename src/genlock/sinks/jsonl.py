"""JSON Lines: one JSON object in every line, which can be written as things happen.

The first line tells the format and its version; `kind` says what each other line tells of. Guards,
threads and sites have numbers and are told before the first event that names them:

    {"kind": "trace", "format": "genlock-trace", "version": 1, "pid": 71, "epoch": 17000000000}
    {"kind": "guard", "number": 1, "name": "count", "function": "demo.count", "file": …, "line": 9}
    {"kind": "thread", "number": 1, "name": "MainThread", "ident": 140}
    {"kind": "site", "number": 1, "file": "demo.py", "line": 31, "function": "main", "code": ""}
    {"kind": "event", "guard": 1, "thread": 1, "operation": "send", "begin": 5, "end": 9, "site": 1}
    {"kind": "failure", "code": "GL001", "error": "ReentrantCallError", "text": …, "number": 1, …}
    {"kind": "unfinished", "guard": "count", "thread": "worker", "operation": "send", …}
    {"kind": "end", "dropped": 0, "more_failures": 0}

Of an event, fields that have their default value are left out. A file without the last line is
one whose writer did not come to its end.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any

from genlock._records import Site
from genlock._traces._clock import epoch
from genlock._traces._events import (
    Event,
    Failure,
    Trace,
    TracedGuard,
    TracedThread,
    Unfinished,
)
from genlock._traces._trace_files import (
    REFERRED,
    VERSION,
    UnreadableError,
    check_mark,
    failure,
    made,
    marked,
    parsed,
    plain_fields,
    unfinished,
    whole_number,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from genlock._traces._source import Source

_REFERRED = dict(zip(REFERRED, (TracedGuard, TracedThread, Site), strict=True))


class _Lines:
    """Tells events in lines, and what they refer to before they do: sites with their code."""

    def __init__(self, source: Source | None = None) -> None:
        self._source = source
        self._numbers: dict[object, int] = {}

    def event(self, event: Event) -> Iterator[str]:
        """The line of an event, and before it those of what has not been told yet."""
        told: dict[str, Any] = {"kind": "event"}
        for name in _REFERRED:
            value = getattr(event, name)
            if value is None:
                continue
            number = self._numbers.get(value)
            if number is None:
                number = self._numbers[value] = getattr(value, "number", len(self._numbers) + 1)
                if name == "site" and self._source is not None:
                    value = self._source.with_code(value)
                yield _line({"kind": name, "number": number, **asdict(value)})
            told[name] = number
        yield _line({**told, **plain_fields(event)})


def _line(told: dict[str, Any]) -> str:
    return json.dumps(told, separators=(",", ":"))


def _head(pid: int, since: int) -> str:
    return _line({"kind": "trace", **marked(), "pid": pid, "epoch": since})


def _end(dropped: int = 0, more_failures: int = 0) -> str:
    return _line({"kind": "end", "dropped": dropped, "more_failures": more_failures})


def write(trace: Trace, file: IO[str], source: Source | None = None) -> None:
    """Write a whole trace, with lines of `source`."""
    lines = _Lines(source)
    file.write(_head(trace.pid, trace.epoch) + "\n")
    for event in trace.events:
        file.writelines(f"{line}\n" for line in lines.event(event))
    file.writelines(_line({"kind": "failure", **asdict(it)}) + "\n" for it in trace.failures)
    for it in trace.unfinished:
        file.write(_line({"kind": "unfinished", **asdict(it)}) + "\n")
    file.write(_end(trace.dropped, trace.more_failures) + "\n")


class JsonLines:
    """A subscriber that writes every event to a file as it happens.

    Args:
        path: the file, written anew. `genlock.load` and `genlock report` read it, also when the
            process was killed meanwhile.

    Close it when its subscription has ended. Thread-safe. Raises OSError where the file cannot be
    written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = open(path, "w", encoding="utf-8")  # noqa: SIM115  # until close()
        self._lines = _Lines()
        self._lock = threading.RLock()
        self._put([_head(os.getpid(), epoch())])

    def __call__(self, event: Event) -> None:
        """Write the event."""
        with self._lock:
            if not self._file.closed:
                self._put(self._lines.event(event))

    def close(self) -> None:
        """Write the last line and close the file; nothing if that was done."""
        with self._lock:
            if not self._file.closed:
                self._put([_end()])
                self._file.close()

    def _put(self, lines: Iterable[str]) -> None:
        self._file.writelines(f"{line}\n" for line in lines)
        self._file.flush()


class _Reader:
    """Puts a trace together, line by line."""

    def __init__(self) -> None:
        self.head: dict[str, int] | None = None
        self.referred: dict[tuple[str, int], Any] = {}
        self.events: list[Event] = []
        self.failures: list[Failure] = []
        self.unfinished: list[Unfinished] = []
        self.more_failures = 0
        self.dropped: int | None = None

    def take(self, told: dict[str, Any], where: str) -> None:
        """Take what one line tells. KeyError, TypeError or ValueError if that is nonsense."""
        if self.head is None:
            check_mark(told, where)
            self.head = {name: whole_number(told, name) for name in ("pid", "epoch")}
            return
        kind = told.pop("kind")
        if kind == "event":
            for name in _REFERRED.keys() & told.keys():
                told[name] = self.referred[name, told[name]]
            self.events.append(made(Event, told))
        elif kind == "failure":
            self.failures.append(failure(told))
        elif kind == "unfinished":
            self.unfinished.append(unfinished(told))
        elif kind == "end":
            self.more_failures = whole_number({"more_failures": 0, **told}, "more_failures")
            self.dropped = whole_number(told, "dropped")
        elif kind in _REFERRED:
            number = told["number"] if kind != "site" else told.pop("number")
            self.referred[kind, number] = made(_REFERRED[kind], told)
        else:
            raise ValueError(f"a line of the kind {kind!r}")

    def trace(self, cut: str) -> Trace:
        """What was taken."""
        return Trace(
            tuple(self.events),
            self.dropped or 0,
            **self.head or {},
            cut=cut,
            failures=tuple(self.failures),
            more_failures=self.more_failures,
            unfinished=tuple(self.unfinished),
        )


def read(text: str, path: str) -> Trace:
    """The trace in a file's text: as far as it goes, where the file was cut off.

    Raises UnreadableError for what never was such a file, or was damaged before its last line.
    """
    reader = _Reader()
    lines = text.rstrip().split("\n")
    cut = ""
    for number, line in enumerate(lines, 1):
        where = f"{path}, line {number}"
        try:
            reader.take(parsed(line), where)
        except UnreadableError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if not (1 < number == len(lines) and isinstance(error, json.JSONDecodeError)):
                raise UnreadableError(f"{where}: {_reason(error)}") from None
            cut = f"{where}: the file ends in the middle of a line"
    if reader.dropped is None and not cut:
        cut = f"{path}, line {len(lines)}: the file ends there, before the recording did"
    return reader.trace(cut)


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"column {error.colno}: not JSON: {error.msg}"
    if isinstance(error, KeyError):
        return f"not a line of version {VERSION}: {error} is missing"
    return f"not a line of version {VERSION}: {error}"
