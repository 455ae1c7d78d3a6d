"""Start, stop, save, load: what users record with."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any, Protocol

from genlock._traces import _clock
from genlock._traces._events import Trace
from genlock._traces._source import Source
from genlock._traces._trace_files import UnreadableError
from genlock._traces._whole_files import written_whole
from genlock._tracing import _hook, _under_way
from genlock._tracing._failures import Failures
from genlock._tracing._forks import Renewed
from genlock._tracing._log import Log
from genlock.sinks import chrome, jsonl

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from genlock._traces._calls import CallGraph
    from genlock._traces._events import Event

SIZE = 100_000


class Recording:
    """The calls to all guards of this process, from `start` to `stop`; made by `trace` or `load`.

    Use it as a context manager, or start and stop it: again and again, if you like; what was
    recorded adds up. Calls that are going on when it starts or stops are no events; those at the
    stop are told apart (`recording.trace.unfinished`). In a forked child it goes on by itself, with
    what there was before the fork. Thread-safe.
    """

    def __init__(
        self,
        size: int = SIZE,
        values: Callable[[Any], str] | None = None,
        loaded: Trace | None = None,
    ) -> None:
        self._size = size
        self._values = values
        # What was recorded before, and what is being recorded into: changed as one.
        self._state: tuple[Trace, Log | None]
        self._state = (loaded or Trace(pid=os.getpid(), epoch=_clock.epoch()), None)
        self._is_loaded = loaded is not None
        self._failures = Failures()
        self._changing = Renewed()

    def start(self) -> None:
        """Record from now on; nothing if that is so. Raises RuntimeError if it came from a file."""
        with self._changing.lock:
            if self._is_loaded:
                raise RuntimeError("what was loaded from a file cannot be recorded on")
            before, log = self._state
            if log is None:
                log = Log(self._size, self._values)
                self._state = (before, log)
                self._failures.start()
                _hook.add_log(log)

    def stop(self) -> None:
        """Record no more; nothing if that is so."""
        with self._changing.lock:
            before, log = self._state
            if log is not None:
                _hook.remove_log(log)
                self._failures.stop()
                stopped = self._with(before, log)
                self._state = (stopped, None)
                self._state = (replace(stopped, unfinished=_under_way.calls()), None)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def trace(self) -> Trace:
        """All that was recorded so far, as plain data: put together anew for each who asks."""
        before, log = self._state
        return before if log is None else self._with(before, log)

    @property
    def events(self) -> tuple[Event, ...]:
        """The last `size` calls, in the order in which they ended."""
        return self.trace.events

    @property
    def dropped(self) -> int:
        """How many older calls there were: exact when no call to a guard is going on."""
        return self.trace.dropped

    def _with(self, before: Trace, log: Log) -> Trace:
        events = (*before.events, *log.events())[-self._size :]
        # Each is counted before it is added: not even one that is just added makes this too few.
        total = len(before.events) + before.dropped + log.seen()
        return Trace(
            events,
            total - len(events),
            os.getpid(),
            before.epoch,
            failures=self._failures.found(),
            more_failures=self._failures.more(),
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write what was recorded to a file, which `load` and `genlock report` read.

        The lines that the calls were made at go with it, where their files have not changed since.

        Args:
            path: a name that ends in .json makes it a Chrome trace (for Perfetto or
                chrome://tracing), one in .jsonl JSON Lines.

        Raises:
            ValueError: any other name.
            OSError: it cannot be written; a file that was there is then as it was.
        """
        trace = self.trace
        save(trace, path, None if self._is_loaded else Source(trace))

    def call_graph(self, *, by: str = "guard") -> CallGraph:
        """Which guards drove which.

        Args:
            by: "guard", or "function" for the guards of one generator function as one.
        """
        from genlock._traces._calls import call_graph

        return call_graph(self.trace, by=by)


def trace(*, size: int = SIZE, values: Callable[[Any], str] | None = None) -> Recording:
    """Make a recording of all calls to guards: `with genlock.trace() as recording: …`.

    With GENLOCK=off nothing is recorded.

    Args:
        size: how many calls are kept, the last ones.
        values: makes the text of what is sent, thrown and yielded: `repr`, or a function of your
            own, which is called while the guard is held; what it does with guards is neither
            recorded nor told. Kept up to 200 characters; where it raises, that is said instead.
            By default no values are kept.

    Returns:
        A recording that has not been started.

    Raises:
        TypeError: `size` is no whole number, or `values` cannot be called.
        ValueError: `size` is less than 1.
    """
    if type(size) is not int:
        raise TypeError(f"size has to be a whole number, not {size!r}")
    if size < 1:
        raise ValueError(f"size has to be 1 or more, not {size}")
    if values is not None and not callable(values):
        raise TypeError(f"values has to be callable, such as repr, not {values!r}")
    return Recording(size, values)


def load(path: str | os.PathLike[str]) -> Recording:
    """Read back what `Recording.save` or a sink wrote, in either format.

    Of JSON Lines that were cut off, what can be read is there; `recording.trace.cut` says where.

    Args:
        path: the file, whatever its name.

    Returns:
        A recording that can be read and saved, but not started.

    Raises:
        ValueError: it is no recording; with the file and the position.
        OSError: the file cannot be read.
    """
    name = os.fsdecode(path)
    with open(path, "rb") as file:
        data = file.read()
    try:
        text = data.decode("utf-8-sig")  # an editor may have put its mark there
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{name}, byte {error.start}: not a recording of genlock") from None
    if not text.strip():
        raise UnreadableError(f"{name}, line 1: the file is empty")
    return Recording(loaded=(jsonl if jsonl.is_lines(text) else chrome).read(text, name))


def save(trace: Trace, path: str | os.PathLike[str], source: Source | None) -> None:
    """Write a trace to a file, with lines of `source`; see `Recording.save`."""
    write = format_of(path).write
    with written_whole(path) as file:
        write(trace, file, source)


class _Format(Protocol):
    """A sink that keeps whole traces in files."""

    def write(self, trace: Trace, file: IO[str], source: Source | None) -> None: ...
    def read(self, text: str, path: str) -> Trace: ...


_FORMATS: dict[str, _Format] = {".jsonl": jsonl, ".json": chrome}


def format_of(path: str | os.PathLike[str]) -> _Format:
    """The sink that a file of this name is written by; raises ValueError where there is none."""
    name = os.fsdecode(path)
    for ending, kept_in in _FORMATS.items():
        if name.endswith(ending):
            return kept_in
    raise ValueError(f"{name}: a recording is saved as .json (Chrome trace) or .jsonl (JSON Lines)")
