"""Findings to text: what a log tells of an error about a generator, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genlock._explaining._protocol import FAULTS
from genlock._explaining._sighting_wording import how_to_start, was
from genlock._records import Step, Strand
from genlock._wording import THIS_CALL, place, rows

if TYPE_CHECKING:
    from genlock._explaining._findings import Finding

_KINDS = {fault.error: fault.kind for fault in FAULTS}
_RAISED_HERE = "← raised here"


def nothing_found(sources: list[str]) -> str:
    """There is nothing about generators in a log."""
    where = ", ".join(sources)
    return f"no error about a generator in {where}; the codes are told by  genlock explain GL011"


def told(finding: Finding) -> str:
    """One finding in words."""
    more = f"  More about it:  genlock explain {finding.code}"
    return "\n".join([_headline(finding), *_told_below(finding), more])


def told_of_another_process(finding: Finding) -> list[str]:
    """One that an exception has brought along as text; the first line says what it was."""
    return [finding.error, "  It was raised in another process.", *_told_below(finding)]


def not_known_of_another_process(finding: Finding) -> tuple[str, ...]:
    """What the text of a traceback leaves open, one sentence each."""
    if finding.verdict != "contention":
        return ()
    return ("who was inside when it was raised: of another process there is its traceback only.",)


def _told_below(finding: Finding) -> list[str]:
    if finding.is_own:
        return [*finding.message]
    if finding.verdict == "re-entry":
        return _reentry(finding)
    if finding.verdict == "contention":
        return _contention(finding)
    return _otherwise(finding)


def _headline(finding: Finding) -> str:
    where = f"{finding.source}:{finding.first}" if finding.source else f"line {finding.first}"
    often = ""
    if finding.count > 1:
        often = f"  ({finding.count} times, the last one at line {finding.last})"
    error = finding.error.removeprefix("genlock.")
    code = "" if f"[{finding.code}]" in error else f"[{finding.code}] "
    return f"{where}: {code}{error}{often}"


def _reentry(finding: Finding) -> list[str]:
    return [
        f"  {finding.generator!r} {was(finding.operation)} while it was still running: the call"
        " came back to itself.",
        *_path(finding),
        *_write(finding),
        "  This is read from the text alone: what is called the same is taken to be the same.",
    ]


def _contention(finding: Finding) -> list[str]:
    what = repr(finding.expression) if finding.expression else "The generator"
    lines = [f"  {what} {was(finding.operation)} while it was running. {_likely(finding)}"]
    lines += _path(finding, last=3)
    if finding.driver and finding.code == "GL011":
        lines.append(
            f"  If {finding.driver} is a generator itself, the shared one is its inner one: a lock"
            f" around {finding.driver} does not help."
        )
    if finding.code == "GL011":
        name = finding.expression or "it"
        lines += [
            f"  Let its threads take turns, where {name} is made:  @genlock.guarded  or "
            " genlock.guard(…)",
            "  See who is inside:  genlock run SCRIPT",
        ]
    return lines


def _likely(finding: Finding) -> str:
    other = f"another {_whom(finding)} was inside"
    if finding.by_way_of and finding.code == "GL011":
        return (
            f"This path leads through {finding.by_way_of}: either\n  that is the same generator, or"
            f" {other}; a traceback does not tell."
        )
    if finding.begins_in and finding.code == "GL011":
        return (
            f"This path begins in {finding.begins_in}: either\n  {other}, or {finding.begins_in}"
            " was called by way of it; a traceback does not tell."
        )
    return (
        f"This path does not lead through it before, so most likely\n  {other}; which one, and"
        " where, a traceback does not tell."
    )


def _otherwise(finding: Finding) -> list[str]:
    lines = _path(finding, last=3)
    if not finding.path and not finding.generator:
        return [
            "  There is no traceback in Python's own format with it. Log it with one, "
            " logger.exception(…)",
            "  or  exc_info=True  (pytest:  --tb=native);  or see it as it happens: "
            " genlock run SCRIPT",
        ]
    if finding.generator:
        lines.insert(0, f"  It is about {finding.generator!r}.")
    if finding.code == "GL012":
        kind = _KINDS.get(finding.error, "generator")
        by_decorator = "  or make it by  @genlock.coroutine" if kind == "generator" else ""
        lines.append(f"  {how_to_start(kind, finding.expression)}{by_decorator}")
    elif finding.code == "GL013" and finding.generator:
        lines.append("  Catch the StopIteration at its last line, and return.")
    return lines


def _write(finding: Finding) -> list[str]:
    if finding.code != "GL011":
        return []
    file = place(finding.path[1]).rpartition(":")[0]
    where = f"write above the function {finding.generator} in {file}"
    if finding.operation in ("send", "throw"):
        what = "value" if finding.operation == "send" else "exception"
        return [
            f"  Let the {what} wait its turn; {where}:",
            '      @genlock.guarded(on_reentry="defer")',
        ]
    if finding.operation == "close":
        return [
            f"  Let it be closed at its next yield; {where}:",
            '      @genlock.guarded(on_close="defer")',
        ]
    return [f"  Do that when this call has come back, not in {finding.path[-1].function}."]


def _path(finding: Finding, last: int = 0) -> list[str]:
    steps = [Step(site.function, site) for site in finding.path[-last:]]
    if not steps:
        return []
    remark = _RAISED_HERE if finding.code == "GL013" else THIS_CALL
    steps[-1] = Step(steps[-1].actor, steps[-1].site, remark)
    return rows(Strand(finding.thread or steps[0].actor, tuple(steps)))


def _whom(finding: Finding) -> str:
    return "thread" if finding.code == "GL011" else "task"
