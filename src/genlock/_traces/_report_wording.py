"""What the terminal shows of a recording: every sentence of it."""

from __future__ import annotations

import itertools
import math
import os
from typing import TYPE_CHECKING

from genlock._text import NAME_WIDTH, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genlock._records import Site
    from genlock._traces._calls import Cycle, Inversion
    from genlock._traces._events import Failure, Trace, Unfinished
    from genlock._traces._summary import Row

COLUMNS = ("coroutine", "resumptions", "inside", "waited", "contended", "longest wait", "ended")
NO_CALL = (
    "the program called no guard. To guard functions of it:  genlock run --guard module:function …"
)
_MOST = 12
"""How many names a line shows, and how many lines a list."""


def missing(trace: Trace) -> list[str]:
    """What is not in the recording, or not in the part of it that is shown."""
    lines = []
    if trace.cut:
        lines.append(f"Incomplete: {only_so_far(trace.cut)}")
    if trace.dropped:
        lines.append(
            f"Dropped: {_count(trace.dropped, 'older event')}, the buffer was full;"
            " genlock run --trace-size, or genlock.trace(size=…), keeps more."
        )
    if trace.forked:
        lines.append(f"Not recorded: the calls in {_forks(trace)}.")
    if trace.more_failures:
        lines.append(f"Not told: {_count(trace.more_failures, 'more error')} about generators.")
    return lines + _under_way(trace.unfinished)


def _under_way(calls: Sequence[Unfinished]) -> list[str]:
    if not calls:
        return []
    are = "call was" if len(calls) == 1 else "calls were"
    lines = [f"Unfinished: {len(calls):,} {are} under way still when the recording ended."]
    lines += [f"    {_standing(call)}" for call in calls[:_MOST]]
    if len(calls) > _MOST:
        lines.append(f"    … and {len(calls) - _MOST:,} more")
    return lines


def _standing(call: Unfinished) -> str:
    thread, guard = _name(call.thread), _name(call.guard)
    called = f", called at {_at(call.site)}" if call.site else ""
    if call.is_waiting:
        return f"{thread} waits for {guard}, for {duration(call.waited)} so far{called}"
    if call.operation == "exclusive":
        return f"{thread} has exclusive use of {guard}"
    at = f" at {_at(call.at)}" if call.at else ""
    return f"{thread} is inside of {guard}{at}{called}"


def and_under_way(trace: Trace) -> str:
    """How many calls there are beside the recorded ones, where there are any."""
    return f", {len(trace.unfinished):,} under way still" if trace.unfinished else ""


def but_forked(trace: Trace) -> str:
    """That there may be calls beside the recorded ones, in other processes."""
    return f", without those in {_forks(trace)}" if trace.forked else ""


def _forks(trace: Trace) -> str:
    return "a forked process" if trace.forked == 1 else f"{trace.forked:,} forked processes"


def facts(trace: Trace) -> str:
    """How much there is in the recording, and of whom."""
    events, threads = _count(len(trace.events), "event"), _count(len(trace.threads), "thread")
    guards = _count(len(trace.guards), "guard")
    return f"{events} of {guards} in {threads}, process {trace.pid}{_span(trace)}"


def no_calls(trace: Trace) -> str:
    """Why there may be nothing to show; empty where there is something."""
    if trace.events or trace.unfinished or trace.dropped or trace.cut or trace.forked:
        return ""
    return NO_CALL[0].upper() + NO_CALL[1:]


def only_so_far(cut: str) -> str:
    """That a file was cut off; what can be read of it is there all the same."""
    return f"{cut}. What comes before is shown."


def cells(row: Row) -> tuple[str, ...]:
    """A row of the table, as text."""
    return (
        _name(row.name),
        f"{row.resumptions:,}",
        duration(row.inside),
        duration(row.waited),
        f"{row.contended:,}",
        duration(row.longest_wait),
        _name(row.ended) or "-",
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


def failures(found: Sequence[Failure]) -> list[str]:
    """The errors about generators that came up meanwhile, a line for each."""
    lines = ["Errors about generators:"] if found else []
    lines += [f"    {_failure(it)}" for it in found[:_MOST]]
    lines += _more(len(found) - _MOST)
    if found:
        lines.append(f"  What they mean:  genlock explain {found[0].code}")
    return lines


def _failure(it: Failure) -> str:
    guard = f" of {_name(it.guard)}" if it.guard else ""
    where = f" {in_threads(it)}" if it.thread else ""
    times = f", {it.number:,} times" if it.number > 1 else ""
    return f"{it.code} {_name(it.error)}{guard}{where}  {_at(it.site)}{times}".rstrip()


def in_threads(it: Failure) -> str:
    """The threads that an error came up in; empty where none is known."""
    if not it.thread:
        return ""
    # Of errors of bare generators, only the first one's thread is kept.
    first = "first " if it.number > 1 and not it.guard else ""
    return f"{first}in {', '.join(map(_name, [it.thread, *it.others]))}"


def cycle(found: Cycle) -> list[str]:
    """A cycle, with the line of each call in it."""
    way = _way(found.path)
    if found.is_reentry:
        lines = [f"Call cycle: {way}: the call came back to the generator it was made from."]
    elif found.is_recursion:
        lines = [f"Recursion: {way}: through another guard each time, so that no call came back."]
    else:
        lines = [f"Possible call cycle: {way}: its calls were seen, but not as one path."]
    steps = zip(found.path, found.path[1:], found.sites, strict=False)
    lines += [
        f"    {_name(driver)} → {_name(driven)}  {_at(site)}"
        for driver, driven, site in itertools.islice(steps, _MOST)
    ]
    lines += _more(len(found.sites) - _MOST)
    if found.others:
        lines.append(f"  As closely connected: {_some(found.others)}.")
    return lines


def inversion(found: Inversion) -> list[str]:
    """An inverted order, with a line for each of the two."""
    first, second = _name(found.first), _name(found.second)
    return [
        f"Potential deadlock: {first} and {second} are taken in both orders.",
        f"    {first} → {second}  {_at(found.site)}  ({_some(found.threads)})",
        f"    {second} → {first}  {_at(found.other_site)}  ({_some(found.other_threads)})",
        "  Two threads that do so at one moment wait for each other. Drive them in one order.",
    ]


def more_findings(count: int) -> str:
    """That there are more cycles, or more inverted orders, than are shown."""
    return f"… and {count:,} more; genlock.load(file).call_graph() has them."


def nothing_found(what: str, trace: Trace) -> str:
    """That there is no cycle, say; or none in what is left of the recording."""
    return f"No {what} in what is shown." if is_partial(trace) else f"No {what}."


def is_partial(trace: Trace) -> bool:
    """Whether there was more than what is shown."""
    return bool(trace.dropped or trace.cut or trace.unfinished or trace.forked)


def no_page(option: str, name: str) -> str:
    """A page goes to a file whose name says so."""
    return f"{option}: {name!r} must end in .html or .htm"


def not_for_a_page(options: Sequence[str]) -> str:
    """Options that say how to print the table."""
    which = " and ".join(options)
    return f"{which}: for the table in the terminal; a page has all rows, of either kind"


def page_written(path: str, size: int, trace: Trace) -> str:
    """The page is in its file."""
    events = _count(len(trace.events), "event")
    if trace.dropped:
        events = f"the last {events} of {len(trace.events) + trace.dropped:,}"
    told = (
        f"{path}: {events}{and_under_way(trace)}{but_forked(trace)}, {size / 1e6:,.1f} MB."
        " To read it, open it in a browser."
    )
    return "\n".join(filter(None, [told, no_calls(trace)]))


_UNITS = ((1, "ns"), (1_000, "µs"), (1_000_000, "ms"), (1_000_000_000, "s"))
_LONG_UNITS = ((60, "min"), (60 * 60, "h"), (24 * 60 * 60, "d"))
_DIGITS = 3


def duration(nanoseconds: int) -> str:
    """A duration, to three digits, in the unit that suits it; nothing as a dash.

    From a minute on in two units, of which the smaller one is whole. The page has the same rule.
    """
    if not nanoseconds:
        return "-"
    seconds = (nanoseconds + 500_000_000) // 1_000_000_000
    if seconds >= _LONG_UNITS[0][0]:
        return _long_duration(seconds)
    for size, unit in _UNITS:
        text = _rounded(nanoseconds / size)
        if float(text) < 1000 or unit == "s":  # noqa: PLR2004  # units are a thousand apart
            break
    return f"{text} {unit}"


def _rounded(value: float) -> str:
    digits = max(0, _DIGITS - len(str(int(value))))
    power = 10**digits
    text = f"{math.floor(value * power + 0.5) / power:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _long_duration(seconds: int) -> str:
    below = (1, "s")
    for size, unit in _LONG_UNITS:
        following = next((more for more, _ in _LONG_UNITS if more > size), None)
        if following is None or seconds < following:
            break
        below = (size, unit)
    many, rest = divmod(seconds, size)
    rest //= below[0]
    return f"{many:,} {unit} {rest} {below[1]}" if rest else f"{many:,} {unit}"


def _span(trace: Trace) -> str:
    if not trace.events:
        return ""
    begin = min(event.begin for event in trace.events)
    end = max(event.end for event in trace.events)
    return f", {duration(end - begin)}" if end > begin else ""


def _at(site: Site | None) -> str:
    return "" if site is None else f"{_name(os.path.basename(site.file))}:{site.line}"


def _name(text: str) -> str:
    return plain(text, NAME_WIDTH)


def _way(path: Sequence[str]) -> str:
    names = list(map(_name, path[:_MOST]))
    if len(path) > _MOST:
        names += ["…", _name(path[-1])]
    return " → ".join(names)


def _some(names: Sequence[str]) -> str:
    told = ", ".join(map(_name, names[:_MOST]))
    return told if len(names) <= _MOST else f"{told} and {len(names) - _MOST:,} more"


def _more(count: int) -> list[str]:
    return [f"    … and {count:,} more"] if count > 0 else []


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
