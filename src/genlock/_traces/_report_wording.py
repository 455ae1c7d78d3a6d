"""What the terminal shows of a recording: every sentence of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genlock._records import Site
    from genlock._traces._calls import Cycle, Inversion
    from genlock._traces._events import Trace
    from genlock._traces._summary import Row

COLUMNS = ("coroutine", "resumptions", "inside", "waited", "contended", "longest wait", "ended")
_STEP = 1000


def heading(path: str, trace: Trace) -> list[str]:
    """What the recording is, and first of all what is missing from it."""
    lines = []
    if trace.cut:
        lines.append(f"Incomplete: {only_so_far(trace.cut)}")
    if trace.dropped:
        lines.append(
            f"Dropped: {_count(trace.dropped, 'older event')}, the buffer was full; "
            "genlock.trace(size=…) keeps more."
        )
    events, threads = _count(len(trace.events), "event"), _count(len(trace.threads), "thread")
    guards = _count(len(trace.guards), "guard")
    lines.append(f"{path}: {events} of {guards} in {threads}, process {trace.pid}{_span(trace)}")
    return lines


def only_so_far(cut: str) -> str:
    """That a file was cut off; what can be read of it is there all the same."""
    return f"{cut}. What comes before is shown."


def cells(row: Row) -> tuple[str, ...]:
    """A row of the table, as text."""
    return (
        row.name,
        f"{row.resumptions:,}",
        duration(row.inside),
        duration(row.waited),
        f"{row.contended:,}",
        duration(row.longest_wait),
        row.ended or "-",
    )


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns set under one another: the first and the last to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for name, *figures, last in rows:
        set_right = [cell.rjust(width) for cell, width in zip(figures, widths[1:], strict=False)]
        lines.append("  ".join([name.ljust(widths[0]), *set_right, last]).rstrip())
    return lines


def left_out(count: int) -> str:
    """That the table goes on."""
    return f"… and {count:,} more; --top shows them."


def cycle(found: Cycle) -> list[str]:
    """A cycle, with the line of each call in it."""
    way = " → ".join(found.path)
    if found.is_reentry:
        lines = [f"Call cycle: {way}: the call came back to the generator it was made from."]
    elif found.is_recursion:
        lines = [f"Recursion: {way}: through another guard each time, so that no call came back."]
    else:
        lines = [f"Possible call cycle: {way}: its calls were seen, but not as one path."]
    steps = zip(found.path, found.path[1:], found.sites, strict=False)
    lines += [f"    {driver} → {driven}  {_at(site)}" for driver, driven, site in steps]
    if found.others:
        lines.append(f"  As closely connected: {', '.join(found.others)}.")
    return lines


def inversion(found: Inversion) -> list[str]:
    """An inverted order, with a line for each of the two."""
    first, second = found.first, found.second
    return [
        f"Potential deadlock: {first} and {second} are taken in both orders.",
        f"    {first} → {second}  {_at(found.site)}  ({', '.join(found.threads)})",
        f"    {second} → {first}  {_at(found.other_site)}  ({', '.join(found.other_threads)})",
        "  Two threads that do so at one moment wait for each other. Drive them in one order.",
    ]


def nothing_found(what: str, trace: Trace) -> str:
    """That there is no cycle, say; or none in what is left of the recording."""
    return f"No {what} in what is shown." if trace.dropped or trace.cut else f"No {what}."


def no_page(option: str, name: str) -> str:
    """A page goes to a file whose name says so."""
    return f"{option}: {name!r} must end in .html"


def page_written(path: str, size: int, trace: Trace) -> str:
    """The page is in its file."""
    events = _count(len(trace.events), "event")
    return f"{path}: {events}, {size / 1e6:,.1f} MB. To read it, open it in a browser."


def duration(nanoseconds: int) -> str:
    """A duration in the unit that suits it; nothing as a dash."""
    if not nanoseconds:
        return "-"
    value, unit = nanoseconds / 1e9, "s"
    for smaller in ("ms", "µs"):
        if value >= 1:
            break
        value, unit = value * _STEP, smaller
    return f"{value:,.3g} {unit}" if value < _STEP else f"{value:,.0f} {unit}"


def _span(trace: Trace) -> str:
    if not trace.events:
        return ""
    begin = min(event.begin for event in trace.events)
    end = max(event.end for event in trace.events)
    return f", {duration(end - begin)}" if end > begin else ""


def _at(site: Site | None) -> str:
    return "" if site is None else f"{os.path.basename(site.file)}:{site.line}"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
