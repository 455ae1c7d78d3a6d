"""Findings to text: what a log tells of an error about a generator, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genlock._records import Step, Strand
from genlock._sighting_wording import WAS, WAS_ASKED
from genlock._wording import THIS_CALL, place, rows

if TYPE_CHECKING:
    from genlock._findings import Finding

_RAISED_HERE = "← raised here"


def nothing_found(sources: list[str]) -> str:
    """There is nothing about generators in a log."""
    where = ", ".join(sources)
    return f"no error about a generator in {where}; the codes are told by  genlock explain GL011"


def told(finding: Finding) -> str:
    """One finding in words."""
    lines = [_headline(finding)]
    if finding.is_own:
        lines += [*finding.message]
    elif finding.verdict == "re-entry":
        lines += _reentry(finding)
    elif finding.verdict == "contention":
        lines += _contention(finding)
    else:
        lines += _otherwise(finding)
    return "\n".join([*lines, f"  More about it:  genlock explain {finding.code}"])


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
        f"  {finding.generator!r} {_was(finding)} while it was still running: the call came back to"
        " itself.",
        *_path(finding),
        *_write(finding),
        "  This is read from the text alone: what is called the same is taken to be the same.",
    ]


def _contention(finding: Finding) -> list[str]:
    what = repr(finding.expression) if finding.expression else "The generator"
    lines = [
        f"  {what} {_was(finding)} while it was running. This path does not lead through it before,"
        " so most likely",
        f"  another {_whom(finding)} was inside; which one, and where, a traceback does not tell.",
        *_path(finding, last=3),
    ]
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


def _otherwise(finding: Finding) -> list[str]:
    lines = _path(finding, last=3)
    if not finding.path and not finding.generator:
        return [
            "  There is no traceback with it. Log it with one,  logger.exception(…)  or "
            " exc_info=True,",
            "  or see it as it happens:  genlock run SCRIPT",
        ]
    if finding.generator:
        lines.insert(0, f"  It is about {finding.generator!r}.")
    if finding.code == "GL012":
        name = finding.expression or "cor"
        lines.append(f"  Start it first:  next({name})  or make it by  @genlock.coroutine")
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


def _was(finding: Finding) -> str:
    return WAS.get(finding.operation, WAS_ASKED)


def _whom(finding: Finding) -> str:
    return "thread" if finding.code == "GL011" else "task"
