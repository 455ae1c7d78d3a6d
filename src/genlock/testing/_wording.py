"""What the testing kit says: stories of runs to reports, in every sentence a user reads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from genlock._text import cut, plain
from genlock._wording import in_words, place, rows
from genlock.testing._schedules import thread_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genlock._records import Site, Strand
    from genlock._traces._calls import Cycle, Inversion
    from genlock.testing._records import Story, Stretch

_LONGEST_NAME = 44
_LONGEST_TABLE = 30
_LONGEST_TURNS = 3
_NAMES_SHOWN = 6
_LEGEND = "  Each line: how far a thread got in one turn. > marks a turn that the token gives."
_CALLS: dict[str, str] = {
    "send": "send to {}",
    "next": "ask {} for the next",
    "throw": "throw into {}",
    "close": "close {}",
    "exclusive": "have {} exclusively",
}
_WORDS: dict[str, str] = {
    **{operation: f"about to {call}" for operation, call in _CALLS.items()},
    "inside": "inside {}",
    "line": "in {}",
    "end": "ends",
    "error": "{}",
}


PASSED_REPLAY = "ok: the schedule of the token"
NO_DECISION = "there was no such decision"


BODIES_NOT_STOPPED_IN = (
    "\n  Bodies that throw() or close() entered were run through, with no stop inside:"
    '  explore(…, granularity="line")'
)


def passed(schedules: int, preemptions: int | None, *, exhausted: bool, budget: int) -> str:
    """No schedule failed."""
    tried = _plural(schedules, "schedule")
    if not exhausted:
        return f"ok: {tried} of more (budget={budget})"
    if preemptions is None:
        return (
            f"ok: all {schedules:,} schedules there are"
            if schedules > 1
            else "ok: the one schedule there is"
        )
    limit = f"at most {_plural(preemptions, 'preemption')}" if preemptions else "no preemption"
    return (
        f"ok: all {schedules:,} schedules with {limit}"
        if schedules > 1
        else f"ok: the one schedule with {limit}"
    )


def failed(story: Story, call: str, number: int | None, preemptions: int) -> str:
    """What went wrong, what led to it, and how to have it again."""
    lines = [_what(story)]
    if number is not None:
        stops = _plural(preemptions, "preemption") if preemptions else "no preemption"
        lines.append(f"  Found by schedule {number:,}, with {stops}.")
    lines += [
        _LEGEND,
        "",
        *_table(story),
        "",
        *_cause(story),
        f"  To run this schedule again:  {call}",
    ]
    return "\n".join(lines)


def end(error: BaseException | None) -> str:
    """How a run ended."""
    return "no error" if error is None else in_words(error)


def replay_call(token: str, *, check: bool, watch: bool) -> str:
    """The call that runs a schedule again."""
    more = ", check=…" * check + ", watch=…" * watch
    return f'genlock.testing.replay(setup, workers, "{token}"{more})'


_BLOCKED: dict[str, list[str]] = {
    "blocked": [
        "is blocked",
        "It waits for something other than a guard: a lock, a queue, I/O. explore() does not see",
        "that, and the thread that could end the wait is parked. Leave it out of the workers, or",
        "put a guard in its place.",
    ],
    "held": [
        "waits for a guard",
        "A thread that explore() did not start is inside of it, or has exclusive use of it.",
    ],
    "endless": [
        "runs on and on",
        "A loop that waits for another thread never ends here: only one runs at a time.",
    ],
    "turns": [
        "does not come to an end",
        "It comes to one point after another, tens of thousands of times. A thread goes on as long",
        "as it can: a loop that waits for another thread, or has no end, does not leave off.",
    ],
}


def blocked(thread: str, site: Site | None, verdict: str, left: int, call: str) -> str:
    """A thread did not come to its next point."""
    at = f" at {place(site)}:  {site.code}" if site else ""
    what, *advice = _BLOCKED[verdict]
    lines = [f"inconclusive: {thread} {what}{at}", *(f"  {line}" for line in advice)]
    if left:
        stay = "stays" if left == 1 else "stay"
        lines.append(f"  {_plural(left, 'thread')} could not be ended, and {stay} behind.")
    return "\n".join([*lines, f"  To run this schedule again:  {call}"])


def stranger(thread: str) -> str:
    """A thread that is not scheduled took part."""
    return (
        f"inconclusive: the thread {thread!r} ran a generator that is watched, and explore() did"
        " not start it.\n"
        "  Threads that workers or others start are not scheduled: make each of them a worker."
    )


def nothing_used(watched: Sequence[str]) -> str:
    """No worker came to anything that is watched, of which there may be none."""
    if watched:
        what = f"no worker resumed {_some(watched)} by next or send, or called a guard"
        advice = (
            "Of throw() and close(),\n  only the lines are seen that they execute in a bare"
            ' generator:  explore(…, granularity="line")\n'
            "  If they use other generators, name these or their functions"
        )
    else:
        what = "there is no generator in what setup() returned, and no worker used a guard"
        advice = "Name generators or\n  functions that they use"
    return (
        f"inconclusive: {what}.\n"
        "  So whole workers ran one after the other, and no more was tried."
        f" {advice}:  explore(…, watch=[…])\n"
        "  (Of a compiled generator, only a guard can be watched.)"
    )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_NAMES_SHOWN]))
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown


def too_large(objects: int) -> str:
    """There may be more generators in the subject."""
    return (
        f"inconclusive: the subject holds more than {objects:,} objects, and not all of them were"
        " looked through\n  for generators. Name those that the workers use, or their functions: "
        " explore(…, watch=[…])"
    )


def unwatched(names: Sequence[str]) -> str:
    """Workers made generators that were not there before."""
    return (
        f"inconclusive: {' and '.join(map(repr, names))} came into the subject while the workers"
        " ran, and so was not watched.\n"
        "  Make it in setup(), or name its function:  explore(…, watch=[…])"
    )


def diverged(decision: int, then: str, now: str, call: str) -> str:
    """The same schedule led to something else."""
    return _two_ways(f"the same schedule went two ways, at decision {decision}", then, now, call)


def not_alike(then: str, now: str, call: str) -> str:
    """The same schedule ended differently."""
    return _two_ways("the same schedule ended in two ways", then, now, call)


def _two_ways(what: str, then: str, now: str, call: str) -> str:
    return (
        f"nondeterministic: {what}:\n"
        f"  before: {then}\n"
        f"  now:    {now}\n"
        "  setup() and the workers have to do the same each time: no clock, no random numbers, no"
        " state that is\n  left from the run before.\n"
        f"  The schedule:  {call}"
    )


def arrival(thread: int, label: tuple[object, ...], guard: str) -> str:
    """What a thread was about to do at a decision."""
    if thread < 0:
        return "the threads start"
    kind, *of = label
    words = _WORDS[str(kind)].format(of[0] if of else repr(guard))
    return f"{thread_name(thread)} {words}" + (f", line {of[1]}" if len(of) > 1 else "")


def who_can_go_on(threads: Sequence[int]) -> str:
    """The threads that one can choose among."""
    return f"{' and '.join(map(thread_name, threads)) or 'nobody'} can go on"


def fits_no_longer(token: str) -> str:
    """The warning that a replay could not do what its token says."""
    return (
        f"the token {token!r} no longer fits the program: a thread that it names could not go on"
        " there, or there was no such decision. What it was made for is not tested any more:"
        " explore again"
    )


def _what(story: Story) -> str:
    if story.links:
        threads = " and ".join(thread_name(link.thread) for link in story.links)
        return f"deadlock: {threads} wait for one another"
    return f"failed: {story.error}, in {story.failed or 'the check'}"


def _table(story: Story) -> list[str]:
    """A column per thread, a line per stretch: how far a thread got before the next decision."""
    cells = [_cell(stretch) for stretch in story.stretches]
    heads = [f"{thread_name(n)}  {name}" for n, name in enumerate(story.workers)]
    widths = list(map(len, heads))
    for stretch, cell in zip(story.stretches, cells, strict=True):
        widths[stretch.thread] = max(widths[stretch.thread], len(cell))
    lines = ["     #  " + "  ".join(map(str.ljust, heads, widths)).rstrip()]
    for stretch, cell in zip(story.stretches, cells, strict=True):
        indent = "".join(" " * (width + 2) for width in widths[: stretch.thread])
        mark = ">" if stretch.is_chosen else " "
        lines.append(f"  {mark}{stretch.decision:>3}  {indent}{cell}")
    return lines if len(lines) <= _LONGEST_TABLE else _shortened(lines, story.stretches)


def _cell(stretch: Stretch) -> str:
    words = _WORDS[stretch.came_to].format(cut(stretch.name, _LONGEST_NAME))
    if stretch.waits:
        words = f"waits to {_CALLS[stretch.came_to].format(cut(stretch.name, _LONGEST_NAME))}"
    if stretch.site is not None:
        words = f"{words}  {os.path.basename(stretch.site.file)}:{stretch.site.line}"
    return words


def _shortened(lines: list[str], stretches: Sequence[Stretch]) -> list[str]:
    """The table without the middle of what one thread did at a time."""
    kept = lines[:1]
    start = 0
    for end in range(1, len(stretches) + 1):
        if end < len(stretches) and stretches[end].thread == stretches[start].thread:
            continue
        rows = lines[1 + start : 1 + end]
        if len(rows) > _LONGEST_TURNS:
            rows[1:-1] = [f"     …  {len(rows) - 2} more"]
        kept += rows
        start = end
    return kept


def _cause(story: Story) -> list[str]:
    """Who was where, and the error: its diagnosis, or the lines that it came by."""
    if story.diagnosis:
        return [*(f"  {line}" for line in story.diagnosis.splitlines()), ""]
    lines = [
        f"  {thread_name(link.thread)} is inside {link.holds!r} and waits for {link.wants!r}."
        for link in story.links
    ]
    if not story.links:
        lines += [
            f"  {inside.thread} was inside {inside.generator!r}, at {place(inside.site)}: "
            f" {inside.site.code}"
            for inside in story.inside
        ]
    if story.raised_at:
        lines.append(f"  {story.failed or 'The check'} got the error at")
        width = max(len(place(site)) for site in story.raised_at)
        lines += [f"    {place(site):<{width}}  {site.code}" for site in story.raised_at]
    lines += [f"  {line}" for note in story.notes for line in note.splitlines()]
    if story.code:
        lines.append(f"  [{story.code}] Threads share a bare generator.")
        lines += [f"  {story.cure}"] * bool(story.cure)
        lines.append(f"  More about it:  genlock explain {story.code}")
    return [*lines, ""] if lines else []


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def hung(strands: Sequence[Strand], threads: int, timeout: float, guards: str) -> str:
    """Threads of hammer() that did not end, where each of them is, and what guards are up to."""
    lines = [f"{len(strands)} of {threads} threads still run after {timeout:g} s:"]
    for strand in strands:
        lines += rows(strand) or [f"    {strand.thread}  is running"]
    return "\n".join([*lines, guards]).rstrip()


def hammered(failed: int, hanging: int, threads: int) -> str:
    """The title of all that went wrong in hammer()."""
    parts = [f"{failed} failed"] * bool(failed) + [f"{hanging} hang"] * bool(hanging)
    return f"of {threads} threads, {' and '.join(parts)}"


def in_round(thread: str, number: int, rounds: int) -> str:
    """The note on an error in hammer()."""
    return f"genlock: raised in {thread}, round {number:,} of {rounds:,}"


def left_suspended(guards: Sequence[tuple[str, Site | None, Site]]) -> str:
    """Guards that were made in a block, and left suspended at its end."""
    lines = [f"{_plural(len(guards), 'guard')} left suspended:"]
    for name, made_at, suspended_at in guards:
        made = f", made at {place(made_at)}" if made_at else ""
        lines.append(f"  {name!r}{made}, is at {place(suspended_at)}:  {suspended_at.code}")
    return "\n".join(
        [*lines, "  Close it, so that it cleans up:  with contextlib.closing(guard): …"]
    )


def cycles(found: Sequence[Cycle]) -> str:
    """Calls that came back."""
    lines = [f"{_plural(len(found), 'call cycle')}: a call comes back to its own generator."]
    for cycle in found:
        lines.append("  " + " → ".join(map(plain, cycle.path)))
        for name, site in zip(cycle.path, cycle.sites, strict=False):
            if site:
                code = f":  {site.code}" if site.code else ""
                lines.append(f"    {plain(name)} calls at {place(site)}{code}")
    return "\n".join(lines)


def inversions(found: Sequence[Inversion]) -> str:
    """Orders that conflict."""
    lines = [f"{_plural(len(found), 'inverted order')}: threads may come to wait for each other."]
    for pair in found:
        first, second = plain(pair.first), plain(pair.second)
        lines.append(f"  {first} → {second}" + _order(pair.site, pair.threads))
        lines.append(f"  {second} → {first}" + _order(pair.other_site, pair.other_threads))
    return "\n".join(lines)


def not_whole(kept: int, dropped: int, cut: str) -> str:
    """That nothing was found in what is left of a recording."""
    if cut:
        return f"the recording was cut short: {plain(cut)}. What came after that cannot be judged."
    calls = _plural(kept + dropped, "call")
    return (
        f"the recording has kept {kept:,} of {calls}, its buffer was full:"
        " what is lost cannot be judged.\n"
        "  To keep more:  genlock.trace(size=…)"
    )


def _order(site: Site | None, threads: Sequence[str]) -> str:
    at = f" at {place(site)}" if site else ""
    return f"{at}, in {', '.join(map(plain, threads))}" if threads else at
