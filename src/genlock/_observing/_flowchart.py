"""Snapshots as flowcharts in Mermaid's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genlock._namesakes import guards_told_apart
from genlock._text import in_mermaid
from genlock._wording import duration, place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genlock._records import GuardState


def flowchart(guards: Sequence[GuardState], deadlocks: Sequence[Sequence[int]]) -> str:
    """The threads and the guards in use as a flowchart, each once."""
    lines = ["flowchart LR"]
    threads: dict[int, str] = {}
    edges: list[str] = []
    told = guards_told_apart(guards)
    in_use = [guard for guard in told if guard.holder is not None or guard.waiters]
    for number, guard in enumerate(in_use, 1):
        where = f"<br/>{in_mermaid(place(guard.site))}" if guard.site else ""
        status = f"{guard.status}, broken for good" if guard.abandoned else guard.status
        lines.append(f'  g{number}(["{in_mermaid(guard.name)}: {status}{where}"])')
        if guard.holder is not None and guard.holder_ident is not None:
            threads[guard.holder_ident] = guard.holder.thread
            edges.append(f"  g{number} -->|held by| t{guard.holder_ident}")
        for wait in guard.waiters:
            threads.setdefault(wait.ident, wait.thread)
            edges.append(f"  t{wait.ident} -.->|waits {duration(wait.waited)}| g{number}")
    lines += [f'  t{ident}["{in_mermaid(name)}"]' for ident, name in threads.items()]
    resting = len(guards) - len(in_use)
    if resting:
        lines.append(f'  rest["{resting:,} guard{"s"[: resting > 1]} at rest"]')
    stuck = [f"t{ident}" for cycle in deadlocks for ident in cycle if ident in threads]
    if stuck:
        edges += ["  classDef deadlock stroke:#c00,stroke-width:3px"]
        edges.append(f"  class {','.join(stuck)} deadlock")
    return "\n".join([*lines, *edges, ""])
