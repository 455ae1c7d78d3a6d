"""Snapshots to text: who holds up whom, in words and as a flowchart."""

from __future__ import annotations

import reprlib
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

from genlock._wording import duration, place, rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from genlock._records import GuardState, LongStay, Wait

_WAITS_SHOWN = 12
_KINDS_SHOWN = 20
_NANO = 1e9

_RUNNING = ["    It is running: its lines cannot be read meanwhile on a free-threaded build."]

_PROSPECTS = {
    "deadlock": "never ends: a deadlock",
    "behind a deadlock": "never ends: behind a deadlock",
    "gone": "never ends: whoever is inside is gone",
}


def not_a_guard(given: object) -> str:
    """Refusal to tell the state of something that is no guard."""
    return (
        f"state() takes a guard, not {reprlib.repr(given)}.\n"
        "  Make one and share it:  cor = genlock.guard(cor)"
    )


def heading(pid: int, program: str, python: str, taken: float) -> str:
    """Of which process a snapshot is, and of when."""
    when = datetime.fromtimestamp(taken).astimezone().isoformat(" ", "seconds")
    what = f" ({program})" if program else ""
    return f"genlock: process {pid}{what}, Python {python}, {when}"


def report(guards: Sequence[GuardState], deadlocks: Sequence[Sequence[int]]) -> list[str]:
    """The lines of a snapshot: deadlocks first, then who holds up others, then who rests."""
    crowd = _Crowd(guards)
    lines = [_census(guards)]
    for cycle in deadlocks:
        lines += ["", _deadlock(crowd, cycle)]
        for ident in cycle:
            lines += ["", *crowd.section(ident)]
    for ident in crowd.in_order(skipped=[ident for cycle in deadlocks for ident in cycle]):
        lines += ["", *crowd.section(ident)]
    for guard in guards:
        if guard.waiters and guard.holder is None:
            lines += ["", *_held_by_nobody(guard)]
    resting = _resting(guards)
    return [*lines, "", *resting] if resting else lines


class _Crowd:
    """The threads of a snapshot: what each has, and what it waits for."""

    def __init__(self, guards: Sequence[GuardState]) -> None:
        self.held: dict[int, list[GuardState]] = {}
        self.waits: dict[int, tuple[GuardState, Wait]] = {}
        for guard in guards:
            if guard.holder is not None and guard.holder_ident is not None:
                self.held.setdefault(guard.holder_ident, []).append(guard)
            for wait in guard.waiters:
                self.waits[wait.ident] = guard, wait

    def in_order(self, skipped: Iterable[int]) -> list[int]:
        """The threads that have a guard: each after the one that it waits for."""
        roots = [ident for ident in self.held if ident not in self.waits]
        order: list[int] = []
        seen = set(skipped)
        for ident in [*sorted(roots, key=self.held_up, reverse=True), *self.held]:
            pending = [ident]
            while pending:
                following = pending.pop()
                if following not in seen:
                    seen.add(following)
                    order.append(following)
                    pending += [other for other in self.behind(following) if other in self.held]
        return order

    def held_up(self, ident: int) -> int:
        """How many threads wait for this one."""
        return len(self.behind(ident))

    def behind(self, ident: int) -> list[int]:
        """The threads that wait for this one."""
        return [wait.ident for guard in self.held.get(ident, ()) for wait in guard.waiters]

    def section(self, ident: int) -> list[str]:
        """All about a thread that has a guard: its calls, and who waits for it."""
        guards = sorted(self.held[ident], key=_depth, reverse=True)
        strands = [guard.holder for guard in guards if guard.holder is not None]
        strand = max(strands, key=lambda strand: len(strand.steps))  # it leads through the others
        lines = [f"{strand.thread} {self._stands(ident, guards)}:", *(rows(strand) or _RUNNING)]
        for guard in guards:
            if guard.waiters:
                lines += [f"  Waiting for {guard.name!r}:", *self._waits_for(guard)]
            if guard.contended > len(guard.waiters):
                lines.append(f"  {guard.name!r} was {_contention([guard])}.")
        return lines

    def _waits_for(self, guard: GuardState) -> list[str]:
        """The calls that wait for a guard; of threads with a section of their own, the names."""
        told = [wait.thread for wait in guard.waiters if wait.ident in self.held]
        lines = _waits([wait for wait in guard.waiters if wait.ident not in self.held])
        return [*lines, f"    {_listed(told)}, see there"] if told else lines

    def _stands(self, ident: int, guards: Sequence[GuardState]) -> str:
        inside = [repr(guard.name) for guard in guards if not guard.exclusive]
        kept = [repr(guard.name) for guard in guards if guard.exclusive]
        parts = [f"is inside {_listed(inside)}"] if inside else []
        parts += [f"has exclusive use of {_listed(kept)}"] if kept else []
        if ident in self.waits:
            guard, wait = self.waits[ident]
            never = f" ({_PROSPECTS[wait.prospect]})" if wait.prospect else ""
            waited = duration(wait.waited)
            parts.append(f"has waited {waited} for {guard.name!r} in {wait.operation}(){never}")
        return _listed(parts)


def _deadlock(crowd: _Crowd, cycle: Sequence[int]) -> str:
    names = [crowd.waits[ident][1].thread for ident in cycle if ident in crowd.waits]
    return f"Deadlock: {_listed(names)} wait for one another, and will for ever."


def _census(guards: Sequence[GuardState]) -> str:
    if not guards:
        return "No guards."
    statuses = Counter(guard.status for guard in guards)
    what = ", ".join(f"{count:,} {status}" for status, count in statuses.most_common())
    text = f"{len(guards):,} guard{'s'[: len(guards) > 1]}: {what}"
    waits = [wait.waited for guard in guards for wait in guard.waiters]
    if not waits:
        return f"{text}; no thread waits for one."
    if len(waits) == 1:
        return f"{text}; 1 thread waits, for {duration(waits[0])}."
    return f"{text}; {len(waits):,} threads wait, the longest for {duration(max(waits))}."


def _held_by_nobody(guard: GuardState) -> list[str]:
    if any(wait.prospect == "gone" for wait in guard.waiters):
        who = "whoever is inside can never come back: no thread's stack leads there"
    else:
        who = "who is inside could not be seen at that moment"
    return [f"{guard.name!r} is busy, and {who}.", "  Waiting:", *_waits(guard.waiters)]


def _waits(waits: Sequence[Wait]) -> list[str]:
    """The calls that wait, as aligned rows."""
    if not waits:
        return []
    cells = [
        (
            wait.thread,
            duration(wait.waited),
            f"{wait.operation}()",
            "" if wait.call is None else place(wait.call),
            "" if wait.call is None else wait.call.code,
            _remark(wait),
        )
        for wait in waits[:_WAITS_SHOWN]
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(5)]
    lines = ["    " + "  ".join([*map(str.ljust, row, widths), row[5]]).rstrip() for row in cells]
    if len(waits) > _WAITS_SHOWN:
        lines.append(f"    … {len(waits) - _WAITS_SHOWN:,} more")
    return lines


def _remark(wait: Wait) -> str:
    remarks = [f"has {_listed([*map(repr, wait.holds)])}"] if wait.holds else []
    remarks += [_PROSPECTS[wait.prospect]] if wait.prospect else []
    return "; ".join(remarks)


def _resting(guards: Sequence[GuardState]) -> list[str]:
    """The guards that hold up nobody, those of a kind in one row, the frequent ones first."""
    kinds: dict[tuple[object, ...], list[GuardState]] = {}
    for guard in guards:
        if guard.holder is None and not guard.waiters:
            key = guard.name, guard.status, guard.site, guard.ended
            kinds.setdefault(key, []).append(guard)
    if not kinds:
        return []
    lines = ["At rest:"]
    for kind in sorted(kinds.values(), key=len, reverse=True)[:_KINDS_SHOWN]:
        first = kind[0]
        count = f"{len(kind):,} times " if len(kind) > 1 else ""
        contention = f"; {_contention(kind)}" if any(guard.contended for guard in kind) else ""
        lines.append(f"  {count}{first.name!r} {_rests(first)}{contention}")
    if len(kinds) > _KINDS_SHOWN:
        lines.append(f"  … {len(kinds) - _KINDS_SHOWN:,} more kinds")
    return lines


def _rests(guard: GuardState) -> str:
    if guard.status == "running":
        return "running, by a thread that could not be seen at that moment"
    if guard.status == "closed":
        ending = guard.ended
        if ending is None:
            return "has ended"
        where = f", at {place(ending.site)}" if ending.site else ""
        who = f" ({ending.thread})" if ending.thread else ""
        how = {
            "returned": "has returned",
            "closed": "was closed",
            "raised": f"was ended by {ending.error}",
        }
        return f"{how[ending.how]}{where}{who}"
    where = f", {place(guard.site)}" if guard.site else ""
    return f"{'not started' if guard.status == 'created' else guard.status}{where}"


def _contention(guards: Sequence[GuardState]) -> str:
    times = sum(guard.contended for guard in guards)
    waited = sum(guard.waited_ns for guard in guards) / _NANO
    longest = max(guard.longest_wait_ns for guard in guards) / _NANO
    if times == 1:
        return f"contended once: for {duration(longest)}"
    return f"contended {times:,} times: {duration(waited)} in all, at most {duration(longest)}"


def _depth(guard: GuardState) -> int:
    return 0 if guard.holder is None else len(guard.holder.steps)


def _listed(parts: Sequence[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def flowchart(guards: Sequence[GuardState], deadlocks: Sequence[Sequence[int]]) -> str:
    """The threads and the guards in use as a flowchart in Mermaid's language, each once."""
    lines = ["flowchart LR"]
    threads: dict[int, str] = {}
    edges: list[str] = []
    in_use = [guard for guard in guards if guard.holder is not None or guard.waiters]
    for number, guard in enumerate(in_use, 1):
        where = f"<br/>{_escaped(place(guard.site))}" if guard.site else ""
        lines.append(f'  g{number}(["{_escaped(guard.name)}: {guard.status}{where}"])')
        if guard.holder is not None and guard.holder_ident is not None:
            threads[guard.holder_ident] = guard.holder.thread
            edges.append(f"  g{number} -->|held by| t{guard.holder_ident}")
        for wait in guard.waiters:
            threads.setdefault(wait.ident, wait.thread)
            edges.append(f"  t{wait.ident} -.->|waits {duration(wait.waited)}| g{number}")
    lines += [f'  t{ident}["{_escaped(name)}"]' for ident, name in threads.items()]
    if len(in_use) < len(guards):
        lines.append(f'  rest["{len(guards) - len(in_use):,} guards at rest"]')
    stuck = [f"t{ident}" for cycle in deadlocks for ident in cycle if ident in threads]
    if stuck:
        edges += ["  classDef deadlock stroke:#c00,stroke-width:3px"]
        edges.append(f"  class {','.join(stuck)} deadlock")
    return "\n".join([*lines, *edges, ""])


def _escaped(text: str) -> str:
    """Text that Mermaid shows as it is."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return (
        plain.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
    )


def long_stay(stay: LongStay) -> str:
    """The warning of a watch: a wait or a hold that lasts too long, with all about its guard."""
    guard, seconds = stay.guard, duration(stay.seconds)
    inside = "another thread" if guard.holder is None else guard.holder.thread
    if stay.kind == "hold":
        verb = "has had exclusive use of" if guard.exclusive else "has been inside"
        lines = [f"{stay.thread} {verb} {guard.name!r} for {seconds} or longer."]
    else:
        lines = [f"{stay.thread} has waited {seconds} for {guard.name!r}: {inside} is inside."]
    if guard.holder is not None:
        lines += ["  Inside:", *rows(guard.holder)]
    waits = [wait for wait in guard.waiters if stay.kind == "hold" or wait.ident == stay.ident]
    if waits:
        lines += ["  Waiting:", *_waits(waits)]
    return "\n".join(lines)


NO_USUAL_SIGNAL = (
    "this system has no SIGUSR1; name a signal:  genlock.dump_on_signal(signal.SIGBREAK)"
)


def foreign_handler(name: str) -> str:
    """Refusal to take a signal from a handler that could not be called any more."""
    return (
        f"{name} has a handler that was not set from Python (by faulthandler, say), and that would"
        " be lost.\n  Choose another signal:  genlock.dump_on_signal(signal.SIGUSR2)"
    )


def not_in_main_thread() -> str:
    """Refusal to set a handler where Python does not let one be set."""
    return (
        "dump_on_signal() works in the main thread only, where Python handles signals.\n"
        "  Call it where the program starts"
    )


def no_notice(failure: OSError) -> str:
    """The warning that a process listens, and cannot say so."""
    return (
        "`genlock dump` will not find this process, because it cannot say that it listens"
        f" ({failure}). The signal itself works."
    )


def failed(failure: Exception) -> str:
    """What comes in the place of a dump."""
    return f"genlock: no dump: {type(failure).__name__}: {failure}\n"
