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
    {"kind": "end", "dropped": 0, "more_failures": 0, "forked": 0}

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
    MISFITS,
    REFERRED,
    VERSION,
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

if TYPE_CHECKING:
    from collections.abc import Callable

    from genlock._traces._source import Source

_BEGINNING = '{"kind":"trace"'
_REFERRED = dict(zip(REFERRED, (TracedGuard, TracedThread, Site), strict=True))


class _Lines:
    """Tells events in lines, and what they refer to before they do: sites with their code."""

    def __init__(self, source: Source | None = None) -> None:
        self._source = source
        self._numbers: dict[object, int] = {}

    def write(self, event: Event, write: Callable[[str], object]) -> None:
        """Write the line of an event, and before it those of what has not been told yet."""
        told: dict[str, Any] = {"kind": "event"}
        new: dict[object, int] = {}
        lines = []
        for name in _REFERRED:
            value = getattr(event, name)
            if value is None:
                continue
            number = self._numbers.get(value)
            if number is None:
                fresh = len(self._numbers) + len(new) + 1
                number = new[value] = getattr(value, "number", fresh)
                if name == "site" and self._source is not None:
                    value = self._source.with_code(value)
                lines.append(_line({"kind": name, "number": number, **asdict(value)}))
            told[name] = number
        lines.append(_line({**told, **plain_fields(event)}))
        write("".join(lines))
        self._numbers.update(new)  # last: a KeyboardInterrupt may keep them from the file


def _line(told: dict[str, Any]) -> str:
    return json.dumps(told, separators=(",", ":")) + "\n"


def _head(pid: int, since: int) -> str:
    return _line({"kind": "trace", **marked(), "pid": pid, "epoch": since})


def _end(dropped: int = 0, more_failures: int = 0, forked: int = 0) -> str:
    numbers = {"dropped": dropped, "more_failures": more_failures, "forked": forked}
    return _line({"kind": "end", **numbers})


def write(trace: Trace, file: IO[str], source: Source | None = None) -> None:
    """Write a whole trace, with lines of `source`."""
    lines = _Lines(source)
    file.write(_head(trace.pid, trace.epoch))
    for event in trace.events:
        lines.write(event, file.write)
    file.writelines(_line({"kind": "failure", **asdict(it)}) for it in trace.failures)
    file.writelines(_line({"kind": "unfinished", **asdict(it)}) for it in trace.unfinished)
    file.write(_end(trace.dropped, trace.more_failures, trace.forked))


class JsonLines:
    """A subscriber that writes every event to a file as it happens.

    Args:
        path: the file, written anew. `genlock.load` and `genlock report` read it, also when the
            process was killed meanwhile.

    Close it when its subscription has ended. In a forked child it does nothing: the file is the
    parent's, and what happens in the child wants another one. Thread-safe. Raises OSError where
    the file cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        # Without a buffer: a child would write what is left in it once more.
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115  # until close()
        self._lines = _Lines()
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._put(_head(self._process, epoch()))

    def __call__(self, event: Event) -> None:
        """Write the event."""
        if os.getpid() != self._process:  # asked before the lock, which may be lost in a fork
            return
        with self._lock:
            if not self._file.closed:
                self._lines.write(event, self._put)

    def close(self) -> None:
        """Write the last line and close the file; nothing if that was done."""
        if os.getpid() != self._process:
            return
        with self._lock:
            if not self._file.closed:
                self._put(_end())
                self._file.close()

    def _put(self, text: str) -> None:
        data = text.encode()
        while data:
            data = data[self._file.write(data) :]


class _Reader:
    """Puts a trace together, line by line."""

    def __init__(self) -> None:
        self.head: dict[str, int] | None = None
        self.referred: dict[str, dict[int, Any]] = {name: {} for name in _REFERRED}
        self.events: list[Event] = []
        self.failures: list[Failure] = []
        self.unfinished: list[Unfinished] = []
        self.more_failures = self.forked = 0
        self.dropped: int | None = None

    def take(self, told: dict[str, Any], where: str) -> None:
        """Take what one line tells. Raises one of MISFITS if that is nonsense."""
        if self.head is None:
            check_mark(told, where)
            self.head = {name: whole_number(told, name) for name in ("pid", "epoch")}
            return
        kind = told.pop("kind")
        if kind == "event":
            self.events.append(restored(told, self.referred))
        elif kind == "failure":
            self.failures.append(failure(told))
        elif kind == "unfinished":
            self.unfinished.append(unfinished(told))
        elif kind == "end":
            self.more_failures = whole_number({"more_failures": 0, **told}, "more_failures")
            self.forked = whole_number({"forked": 0, **told}, "forked")
            self.dropped = whole_number(told, "dropped")
        elif kind in _REFERRED:
            number = told["number"] if kind != "site" else told.pop("number")
            self.referred[kind][number] = made(_REFERRED[kind], told)
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
            forked=self.forked,
        )


def is_lines(text: str) -> bool:
    """Whether a file's text is rather JSON Lines than anything else."""
    return '"kind"' in text.partition("\n")[0] or begins_like(text, _BEGINNING)


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
        except MISFITS as error:
            is_cut = number == len(lines) and isinstance(error, json.JSONDecodeError)
            if number == 1 or not is_cut:
                is_cut = is_cut and begins_like(text, _BEGINNING)
                raise UnreadableError(f"{where}: {_told(error, is_cut=is_cut)}") from None
            cut = f"{where}: the file ends in the middle of a line"
    if reader.dropped is None and not cut:
        cut = f"{path}, line {len(lines)}: the file ends there, before the recording did"
    return reader.trace(cut)


def _told(error: Exception, *, is_cut: bool) -> str:
    if is_cut:
        return "the file ends in the middle of its first line, and holds no event"
    if isinstance(error, json.JSONDecodeError):
        return f"column {error.colno}: not JSON: {error.msg}"
    return f"not a line of version {VERSION}: {reason(error)}"
