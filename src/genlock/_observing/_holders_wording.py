"""The threads that have guards, in words: what each is inside of, and who waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genlock._observing._waits_wording import PROSPECTS, contention, listed, named, waiting
from genlock._text import plain
from genlock._wording import duration, rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from genlock._records import GuardState, Wait

_RUNNING = ["    It is running: its lines cannot be read meanwhile on a free-threaded build."]


class Crowd:
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

    def sections(self, idents: Iterable[int]) -> list[str]:
        """All about threads, each of those that have a guard with a gap before it."""
        found = (self._section(ident) for ident in idents if ident in self.held)
        return [line for section in found for line in ("", *section)]

    def _section(self, ident: int) -> list[str]:
        """All about a thread that has a guard: its calls, and who waits for it."""
        guards = sorted(self.held[ident], key=_depth, reverse=True)
        strands = [guard.holder for guard in guards if guard.holder is not None]
        strand = max(strands, key=lambda strand: len(strand.steps))  # it leads through the others
        lines = [
            f"{plain(strand.thread)} {self._stands(ident, guards)}:",
            *(rows(strand) or _RUNNING),
        ]
        for guard in guards:
            if guard.waiters:
                lines += [f"  Waiting for {guard.name!r}:", *self._waits_for(guard)]
            if guard.contended > len(guard.waiters):
                lines.append(f"  {guard.name!r} was {contention([guard])}.")
        return lines

    def _waits_for(self, guard: GuardState) -> list[str]:
        """The calls that wait for a guard; of threads with a section of their own, the names."""
        told = [plain(wait.thread) for wait in guard.waiters if wait.ident in self.held]
        lines = waiting([wait for wait in guard.waiters if wait.ident not in self.held])
        return [*lines, f"    {listed(told)}, see there"] if told else lines

    def _stands(self, ident: int, guards: Sequence[GuardState]) -> str:
        inside = [guard.name for guard in guards if not guard.exclusive]
        kept = [guard.name for guard in guards if guard.exclusive]
        parts = [f"is inside {named(inside)}"] if inside else []
        parts += [f"has exclusive use of {named(kept)}"] if kept else []
        if ident in self.waits:
            guard, wait = self.waits[ident]
            never = f" ({PROSPECTS[wait.prospect]})" if wait.prospect else ""
            waited = duration(wait.waited)
            parts.append(f"has waited {waited} for {guard.name!r} in {wait.operation}(){never}")
        return listed(parts)


def _depth(guard: GuardState) -> int:
    return 0 if guard.holder is None else len(guard.holder.steps)
