"""What can be known of errors about generators from tracebacks in a log."""

from __future__ import annotations

import ast
import re
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from genlock._explaining._expressions import operation_in
from genlock._explaining._protocol import BUSY, FAULTS
from genlock._explaining._syntax import parsed
from genlock._explaining._traceback_chains import with_whole_paths
from genlock._explaining._tracebacks import TracebackText, tracebacks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from genlock._explaining._protocol import Fault
    from genlock._records import Site

_FAULT = {fault.error: fault for fault in FAULTS}
_CODES = {fault.code for fault in FAULTS}
_BY_TEXT = {fault.text: fault for fault in FAULTS}
_ANY_TEXT = re.compile(
    rf"(?:^|[\s:\"'(=|])({'|'.join(re.escape(fault.text) for fault in FAULTS)})"
    # The rest of the line is no more of the sentence: it was in quotes, or there follows nothing,
    # an aside, the next of some fields.
    r"(?:\\?[\"']|[)\]}.,;]*(?:$|\s*\||\s+[\"(\[{]|\s+[\w.]+=))"
)
_OWN = re.compile(r"(?:(?:genlock\.)?\w+: )?\[(GL\d{3})\] ")
_INTERNAL = re.compile(
    r"[\\/](?:(?:site|dist)-packages|src)[\\/]"
    r"(?:genlock[\\/](?:_\w+|(?:_\w+|cli|sinks|testing)[\\/]\w+)|pytest_genlock|wrapt[\\/]\w+)\.py$"
)
_LIBRARY = re.compile(
    r"[\\/]lib(?:64)?[\\/]python3\.\d+t?[\\/](?!site-packages|dist-packages)|^<frozen "
)
_MOST_KINDS = 1000
_MORE = "More about it:"

Verdict = Literal["re-entry", "contention", ""]


@dataclass(frozen=True, slots=True)
class Finding:
    """One error about a generator in a log, and how often it is there.

    `first` and `last` are the lines of the log where its tracebacks begin. `path` are the frames,
    the outermost first; for a re-entry from the call that entered the generator on. `expression`
    is what the failing line calls, by `operation`, and `generator` the function that makes it,
    where the traceback goes through it; `driver` is the function that the failing line is in, if
    the traceback goes into it by way of a call to a generator, too. `begins_in` is the function
    that the path begins in, where the traceback does not tell what called that, and `by_way_of` one
    that it leads through and that may be the generator, by another name. `message` is what genlock
    has said of it in the log, where it has.
    """

    code: str
    error: str
    first: int
    last: int
    count: int = 1
    source: str = ""
    verdict: Verdict = ""
    operation: str = ""
    expression: str = ""
    generator: str = ""
    driver: str = ""
    thread: str = ""
    path: tuple[Site, ...] = ()
    message: tuple[str, ...] = ()
    begins_in: str = ""
    by_way_of: str = ""

    @property
    def is_own(self) -> bool:
        """Whether genlock has told in the log what happened: in its error, or below another."""
        return self.code not in _CODES or bool(self.message)

    def as_dict(self) -> dict[str, object]:
        """The finding as plain data."""
        return asdict(self)


def findings(lines: Iterable[str], source: str = "") -> list[Finding]:
    """What there is in a log, each kind once, in the order in which they begin."""
    found: dict[str, Finding] = {}
    latest = ""
    for text in with_whole_paths(tracebacks(lines)):
        for finding in _told_in(text, source):
            if text.is_report and latest in found and found[latest].code == finding.code:
                _take_back(found, latest)
            path = [(site.file, site.line) for site in finding.path]
            latest = repr((finding.code, finding.error, path, finding.message))
            known = found.get(latest)
            if known is not None:
                found[latest] = replace(known, count=known.count + 1, last=finding.first)
            elif len(found) < _MOST_KINDS:
                found[latest] = finding
    return sorted(found.values(), key=lambda each: each.first)


def _told_in(text: TracebackText, source: str) -> list[Finding]:
    """What a traceback tells, and what stands above it, unless that tells of the same."""
    finding = _finding(text, source)
    above = None if text.above is None else _finding(text.above, source)
    if finding is not None and above is not None and finding.code == above.code:
        above = None
    return [each for each in (above, finding) if each is not None]


def _take_back(found: dict[str, Finding], key: str) -> None:
    """Leave out a traceback below which genlock has said more than can be read from it."""
    known = found.pop(key)
    if known.count > 1:
        found[key] = replace(known, count=known.count - 1)


def _finding(text: TracebackText, source: str) -> Finding | None:
    if text.is_report:
        code = text.error[1 : text.error.index("]")]
        message = tuple(line for line in text.message if not line.strip().startswith(_MORE))
        return Finding(code, text.error, text.line, text.line, source=source, message=message)
    own = _OWN.match(text.error)
    if own is not None:
        return Finding(
            own[1],
            text.error,
            text.line,
            text.line,
            source=source,
            thread=text.thread,
            path=_users(text.frames),
            message=text.message,
        )
    fault = _fault(text)
    if fault is None:
        return None
    finding = Finding(
        fault.code, fault.error, text.line, text.line, source=source, thread=text.thread
    )
    if fault.code == "GL013" and text.cause is not None:
        body = text.cause.frames[:1]
        name = body[0].function if body else ""
        return replace(finding, path=text.cause.frames, generator=name)
    begins_in = _beginning(text.frames)
    finding = replace(finding, generator=text.owner, begins_in=begins_in)
    return _with_path(finding, _users(text.frames))


def _fault(text: TracebackText) -> Fault | None:
    if text.error and (text.frames or text.owner):
        return _FAULT.get(text.error)
    said = text.error or (text.above.error if text.above else "")
    mentioned = _ANY_TEXT.search(said)
    return _BY_TEXT[mentioned[1]] if mentioned else None


def _with_path(finding: Finding, frames: tuple[Site, ...]) -> Finding:
    if not frames:
        return finding
    operation, expression = _called(frames[-1].code)
    finding = replace(finding, operation=operation, expression=expression, path=frames)
    if finding.code not in BUSY:
        return finding
    place = _entered_at(frames, expression)
    if place is not None:
        path, generator = frames[place:], frames[place + 1].function
        return replace(finding, verdict="re-entry", path=path, generator=generator)
    through = [entered.function for call, entered in pairwise(frames) if _enters(call)]
    if len(frames) > 1 and _enters(frames[-2]):
        return replace(finding, verdict="contention", driver=frames[-1].function)
    by_way_of = through[-1] if through else ""  # it may have been handed on as an argument
    return replace(finding, verdict="contention", by_way_of=by_way_of)


def _entered_at(frames: tuple[Site, ...], expression: str) -> int | None:
    """The place of the call that went into the same generator before, if there is one."""
    if not expression:
        return None
    for place, frame in enumerate(frames[:-1]):
        if _called(frame.code)[1] == expression:
            return place
    name = _plain(re.split(r"\W+", expression.rstrip("'\")]"))[-1])
    for place, (frame, entered) in enumerate(pairwise(frames)):
        if name and _plain(entered.function) == name and _enters(frame):
            return place
    return None


def _enters(frame: Site) -> bool:
    """Whether what a frame calls is a generator."""
    return _called(frame.code) != ("", "")


def _beginning(frames: tuple[Site, ...]) -> str:
    """The function that a path begins in; nothing for a program, a thread and a task."""
    if not frames or frames[0].function == "<module>" or _LIBRARY.search(frames[0].file):
        return ""
    return frames[0].function


def _plain(name: str) -> str:
    return name.strip("_").lower()


def _users(frames: tuple[Site, ...]) -> tuple[Site, ...]:
    """The frames without genlock's own, and without those of the library on the way to them."""
    users = [frame for frame in frames if not _INTERNAL.search(frame.file)]
    while len(users) > 1 and _LIBRARY.search(users[0].file):
        del users[0]
    return tuple(users)


def _called(code: str) -> tuple[str, str]:
    """The operation on a generator in a line of code, and what it is done to."""
    begun = (code, f"{code} pass", f"{code}\n pass", f"{code}\nfinally: pass")
    node = parsed(*begun, f"try: pass\n{code}", f"if x: pass\n{code}")
    if node is None:
        return "", ""
    parts = [part for part in ast.walk(node) if isinstance(part, ast.expr | ast.For | ast.AsyncFor)]
    loops = [part.iter for part in parts if isinstance(part, ast.For | ast.AsyncFor)]
    loops += [part.iter for part in ast.walk(node) if isinstance(part, ast.comprehension)]
    for part in parts:
        if isinstance(part, ast.Call | ast.YieldFrom | ast.Await):
            operation, receiver = operation_in(part)
            if operation:
                return operation, ast.unparse(receiver)
    return ("next", ast.unparse(loops[0])) if loops else ("", "")
