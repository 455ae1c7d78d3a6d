"""Finds tracebacks in the lines of a log, whatever stands in front of them, and reads them.

Each line may have a prefix: a time stamp, the name of a container, the box of an exception group.
Several tracebacks may be written at once, as long as their prefixes differ by more than the time.
A traceback may also be on one line, with its line breaks escaped, as in JSON; its error may stand
above it, instead of below.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import takewhile
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
_IN_THREAD = "Exception in thread "
_OF_TARGET = " ("
"""What comes before the function that a thread runs, in the name that Python gives it."""
_IGNORED = re.compile(r"Exception ignored in: <(?:\w+ )*object (?P<owner>\S+) at ")
_DIRECT_CAUSE = "The above exception was the direct cause of the following exception:"
_CAME_OVER = "During handling of the above exception, another exception occurred:"
_REPORT = re.compile(r"genlock: (?:The program caught this: )?(?P<text>\[GL\d{3}\] .+)")
_SAID = re.compile(
    r"(?:\b(?:genlock\.)?(?P<kind>\w{1,80}Error)(?:: |\((?P<quote>[\"'])))?"
    r"(?P<text>\[GL00\d\] [\"'].+)"
)
_MORE_SAID = re.compile(r":$|:\d+  |:  \S")
"""What is in the second line of all that genlock says of its own errors."""
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
        if not reader.open and not _may_matter(line):
            continue
        parts = as_written(line)
        for part in parts:
            yield from reader.read(part, number)
        if len(parts) > 1:
            yield from reader.end(number)
    yield from reader.end()


def _may_matter(line: str) -> bool:
    """Whether it has one of what is in every line that matters outside of a traceback."""
    return (  # a loop would take twice as long, of the time that most logs take
        "Traceback" in line
        or "generator" in line
        or "coroutine" in line
        or "already awaited" in line
        or "xception" in line
        or "direct cause" in line
        or '  File "' in line
        or "[GL0" in line
    )


class _Open:
    """A traceback of which more lines are to come."""

    def __init__(self, key: str, indent: int, line: int) -> None:
        self.key, self.indent, self.line = key, indent, line
        self.frames: list[Site] = []
        self.has_code = True
        self.is_flat = False
        self.told: TracebackText | None = None
        self.above: TracebackText | None = None
        self.before = ""
        self.is_mention = False

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

    def say(self, line: str, said: re.Match[str]) -> None:
        """Take what genlock says in `line`; more of it may follow."""
        self.before, text = line[: said.start()], said["text"]
        if said.re is _REPORT:
            self.told = TracebackText(text, self.line, is_report=True)
            return
        if said["quote"]:  # its repr() has been logged
            text = text.partition(said["quote"] + ")")[0].replace("\\'", "'")
        self.is_mention = True
        kind = f"{said['kind']}: " if said["kind"] else ""
        self.told = TracebackText(kind + text, self.line)

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
        if current.frames:
            return False
        if current.told is not None:
            return self.adopt_said(current, line)
        frame = _FRAME.search(line)
        if frame is None:
            return False
        before = line[: frame.start()]
        current.key = before.rstrip(_INDENT)
        current.indent = max(0, len(before) - len(current.key) - 2)
        return True

    def adopt_said(self, current: _Open, line: str) -> bool:
        assert current.told is not None  # noqa: S101  # as adopt saw
        same = takewhile(lambda pair: pair[0] == pair[1], zip(current.before, line, strict=False))
        key = "".join(one for one, _ in same).rstrip(_INDENT)
        rest = line[len(key) :]
        indent = len(rest) - len(rest.lstrip(_INDENT))
        if current.told.message or not rest[:indent].endswith("  ") or not _MORE_SAID.search(line):
            return False
        current.key, current.indent = key, indent - 2
        return True

    def begin(self, before: str, number: int) -> Iterator[TracebackText]:
        key = before.rstrip(_INDENT)
        for known in [each for each in self.open if each.key == key or each.is_mention]:
            yield from self.close(known)
        if len(self.open) >= _MOST_OPEN:
            yield from self.close(self.open[0])
        current = _Open(key, len(before) - len(key), number)
        if self.above is not None and number <= self.above.line + len(self.above.message) + 1:
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
        if current.is_mention:
            yield from (each for each in (self.above, current.above) if each is not None)
            self.above = current.told
        elif current.told is not None:
            yield replace(current.told, above=current.above)
        elif current.above is not None:
            yield TracebackText("", current.line, tuple(current.frames), above=current.above)

    def outside(self, line: str, number: int) -> Iterator[TracebackText]:
        if _IN_THREAD in line and line.endswith(":"):
            self.thread = _thread_named(line)
        elif (ignored := _IGNORED.search(line)) is not None:
            self.owner = ignored["owner"]
        elif _DIRECT_CAUSE in line:
            self.is_cause = self.is_over = True
        elif _CAME_OVER in line:
            self.is_over = True
        elif "[GL0" in line and (said := _REPORT.search(line) or _SAID.search(line)) is not None:
            yield from self.begin(line[: said.start()], number)
            self.open[-1].say(line, said)
        elif line:
            yield from self.let_go()
            self.above = TracebackText(line, number)

    def end(self, number: int = 0) -> Iterator[TracebackText]:
        """End those that are open; with a number, those that began in that line."""
        for current in [each for each in self.open if number in (0, each.line)]:
            yield from self.close(current)
        yield from self.let_go()


def _thread_named(line: str) -> str:
    name = line[:-1].rpartition(_IN_THREAD)[2]
    return name.partition(_OF_TARGET)[0] if name.endswith(")") else name
