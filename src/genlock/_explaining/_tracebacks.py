"""Finds tracebacks in the lines of a log, whatever stands in front of them, and reads them.

Each line may have a prefix: a time stamp, the name of a container, the box of an exception group.
Several tracebacks may be written at once, as long as their prefixes differ by more than the time.
A traceback may also be on one line, with its line breaks escaped, as in JSON; its error may stand
above it, instead of below.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from genlock._explaining._log_lines import as_written, whole_lines
from genlock._records import Site

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HEADER = re.compile(r"(?:Exception Group )?Traceback \(most recent call last\):")
_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)(?:, in (?P<function>.+))?$')
_CARETS = re.compile(r"[~^]+$")
_TIME = re.compile(
    r"\d{4}[-/]\d\d[-/]\d\d[T ]?|\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +\d+ "
)
_LAST_LINE = re.compile(r"[A-Za-z_][\w.]*(?:: .*)?$")
_THREAD = re.compile(r"Exception in thread (?P<thread>.+?)(?: \(.*\))?:$")
_IGNORED = re.compile(r"Exception ignored in: <(?:\w+ )*object (?P<owner>\S+) at ")
_DIRECT_CAUSE = "The above exception was the direct cause of the following exception:"
_CAME_OVER = "During handling of the above exception, another exception occurred:"
_REPORT = re.compile(r"genlock: (?:The program caught this: )?(?P<text>\[GL\d{3}\] .+)")
_HINTS = (
    "Traceback",
    "generator",
    "coroutine",
    "already awaited",
    "xception",
    "direct cause",
    '  File "',
    "genlock: ",
)
"""One of them is in every line that matters outside of a traceback."""
_INDENT = " \t|+"
_MOST_FRAMES = 2000
_MOST_OPEN = 50
_MOST_MESSAGE = 30


@dataclass(frozen=True, slots=True)
class TracebackText:
    """A traceback as it was printed: its last line, and its frames, the outermost first.

    `line` is where it begins in the log, from 1. `message` is what follows its last line, further
    in. `owner` is the generator that was being collected. `over` is where the traceback begins that
    this one was raised over. A mention of an error without a traceback has no frames; nor has a
    report of genlock's, which has been told what it is about. `above` is what stood directly above
    the traceback; where that has its error, as on AWS Lambda, `error` may be empty.
    """

    error: str
    line: int
    frames: tuple[Site, ...] = ()
    thread: str = ""
    owner: str = ""
    message: tuple[str, ...] = ()
    cause: TracebackText | None = None
    over: int = 0
    is_report: bool = False
    above: TracebackText | None = None


def tracebacks(lines: Iterable[str]) -> Iterator[TracebackText]:
    """The tracebacks in these lines; what stands outside of them comes without frames."""
    reader = _Reader()
    for number, line in whole_lines(lines):
        if not reader.open and not any(hint in line for hint in _HINTS):
            continue
        parts = as_written(line)
        for part in parts:
            yield from reader.read(part, number)
        if len(parts) > 1:
            yield from reader.end(number)
    yield from reader.end()


class _Open:
    """A traceback of which more lines are to come."""

    def __init__(self, key: str, indent: int, line: int) -> None:
        self.key, self.indent, self.line = key, indent, line
        self.frames: list[Site] = []
        self.has_code = True
        self.is_flat = False
        self.told: TracebackText | None = None
        self.above: TracebackText | None = None

    def add_frame(self, match: re.Match[str], indent: int) -> None:
        self.is_flat = self.is_flat or indent <= self.indent
        site = Site(match["file"], int(match["line"]), match["function"] or "")
        if len(self.frames) < _MOST_FRAMES:
            self.frames.append(site)
        self.has_code = False

    def add_code(self, text: str) -> None:
        if not self.has_code and self.frames:
            self.frames[-1] = replace(self.frames[-1], code=text)
        self.has_code = True

    def is_code(self, text: str, indent: int) -> bool:
        """Whether this is the source of the last frame, or what marks a part of it."""
        if _CARETS.match(text) or text.startswith(("[Previous line repeated", "...<")):
            return True
        if not self.frames:
            return False
        if not self.is_flat:
            return indent > self.indent + 1
        # Somebody has cut the indentation off.
        return not self.has_code and not re.match(r"[\w.]+(Error|Exception): ", text)


class _Reader:
    def __init__(self) -> None:
        self.open: list[_Open] = []
        self.thread = self.owner = ""
        self.last: TracebackText | None = None
        self.is_cause = self.is_over = False
        self.above: TracebackText | None = None

    def read(self, line: str, number: int) -> Iterator[TracebackText]:
        line = _TIME.sub("", line)
        header = _HEADER.search(line)
        if header is not None:
            yield from self.begin(line[: header.start()], number)
            return
        for current in reversed(self.open):
            if line.startswith(current.key):
                yield from self.go_on(current, line, number)
                return
        if self.open and self.adopt(self.open[-1], line):
            yield from self.go_on(self.open[-1], line, number)
            return
        frame = _FRAME.search(line)
        if frame is not None and frame["function"] and line[: frame.start()].endswith("  "):
            yield from self.begin(line[: frame.start() - 2], number)  # its head was cut off
            yield from self.go_on(self.open[-1], line, number)
            return
        yield from self.outside(line, number)

    def adopt(self, current: _Open, line: str) -> bool:
        """Take the prefix of the second line, where only the first had that of its line."""
        if current.frames or current.told is not None:
            return False
        frame = _FRAME.search(line)
        if frame is None:
            return False
        before = line[: frame.start()]
        current.key = before.rstrip(_INDENT)
        current.indent = max(0, len(before) - len(current.key) - 2)
        return True

    def begin(self, before: str, number: int) -> Iterator[TracebackText]:
        key = before.rstrip(_INDENT)
        for known in [each for each in self.open if each.key == key]:
            yield from self.close(known)
        if len(self.open) >= _MOST_OPEN:
            yield from self.close(self.open[0])
        current = _Open(key, len(before) - len(key), number)
        if self.above is not None and number <= self.above.line + 1:
            current.above, self.above = self.above, None
        yield from self.let_go()
        self.open.append(current)

    def let_go(self) -> Iterator[TracebackText]:
        """What has no traceback below it."""
        if self.above is not None:
            yield self.above
        self.above = None

    def go_on(self, current: _Open, line: str, number: int) -> Iterator[TracebackText]:
        rest = line[len(current.key) :]
        text = rest.lstrip(_INDENT)
        indent = len(rest) - len(text)
        frame = _FRAME.search(text)
        if current.told is not None:
            yield from self.add_message(current, text, indent, line, number)
        elif frame is not None:
            current.add_frame(frame, indent)
        elif current.is_code(text, indent):
            if not _CARETS.match(text):
                current.add_code(text)
        elif _LAST_LINE.match(text):
            self.end_with(current, text)
        elif text:
            yield from self.close(current)
            yield from self.outside(line, number)

    def end_with(self, current: _Open, text: str) -> None:
        frames = tuple(current.frames)
        cause = self.last if self.is_cause else None
        over = self.last.line if self.last is not None and self.is_over else 0
        told = TracebackText(text, current.line, frames, self.thread, self.owner, (), cause, over)
        self.thread = self.owner = ""
        self.is_cause = self.is_over = False
        self.last, current.told = told, told

    def add_message(
        self, current: _Open, text: str, indent: int, line: str, number: int
    ) -> Iterator[TracebackText]:
        """More of what the error says, or what comes after it."""
        told = current.told
        assert told is not None  # noqa: S101  # as go_on saw
        if text and indent > current.indent and len(told.message) < _MOST_MESSAGE:
            extra = " " * (indent - current.indent)
            current.told = replace(told, message=(*told.message, extra + text))
            return
        yield from self.close(current)
        yield from self.outside(line, number)

    def close(self, current: _Open) -> Iterator[TracebackText]:
        self.open.remove(current)
        if current.told is not None:
            yield replace(current.told, above=current.above)
        elif current.above is not None:
            yield TracebackText("", current.line, tuple(current.frames), above=current.above)

    def outside(self, line: str, number: int) -> Iterator[TracebackText]:
        if (thread := _THREAD.search(line)) is not None:
            self.thread = thread["thread"]
        elif (ignored := _IGNORED.search(line)) is not None:
            self.owner = ignored["owner"]
        elif _DIRECT_CAUSE in line:
            self.is_cause = self.is_over = True
        elif _CAME_OVER in line:
            self.is_over = True
        elif (report := _REPORT.search(line)) is not None:
            yield from self.begin(line[: report.start()], number)
            self.open[-1].told = TracebackText(report["text"], number, is_report=True)
        elif line:
            yield from self.let_go()
            self.above = TracebackText(line, number)

    def end(self, number: int = 0) -> Iterator[TracebackText]:
        """End those that are open; with a number, those that began in that line."""
        for current in [each for each in self.open if number in (0, each.line)]:
            yield from self.close(current)
        yield from self.let_go()
