"""A snapshot: the guards of a process and the threads that wait for them, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from genlock._observing import _flowchart, _snapshot_wording
from genlock._records import Ending, GuardState, Site, Wait, strand_of

_VERSION = 1
"""Of the JSON: raised when something that reads it would go wrong."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The guards of a process at one moment: made by `genlock.snapshot()`.

    Plain data, which keeps nothing alive.

    Args:
        pid: the process.
        program: what it runs, as in `sys.argv[0]`.
        python: the version of its interpreter.
        taken: when, in seconds since the epoch.
        guards: all that were found.
        deadlocks: the identifiers of the threads that wait for one another, a tuple for each
            cycle: each thread waits for what the next one is inside of, the last for the first.
        frozen: whether `gc.freeze()` was called, and hides the guards from before that nobody uses.
    """

    pid: int
    program: str
    python: str
    taken: float
    guards: tuple[GuardState, ...]
    deadlocks: tuple[tuple[int, ...], ...] = ()
    frozen: bool = False

    @property
    def waits(self) -> tuple[Wait, ...]:
        """All calls that wait, the longest wait first."""
        found = [wait for guard in self.guards for wait in guard.waiters]
        return tuple(sorted(found, key=lambda wait: -wait.waited))

    def to_text(self) -> str:
        """Who is inside, where, and who waits for them; then, counted, the guards at rest."""
        heading = _snapshot_wording.heading(self.pid, self.program, self.python, self.taken)
        report = _snapshot_wording.report(self.guards, self.deadlocks, frozen=self.frozen)
        return "\n".join([heading, *report, ""])

    def to_mermaid(self) -> str:
        """A flowchart for Mermaid: threads, the guards they are inside of, and who waits."""
        return _flowchart.flowchart(self.guards, self.deadlocks)

    def to_json(self) -> str:
        """The snapshot as a JSON object; `from_json` reads it back."""
        import json

        return json.dumps({"genlock_snapshot": _VERSION, **_fields(self)}, default=_fields)

    @classmethod
    def from_json(cls, text: str) -> Snapshot:
        """The snapshot that `to_json` wrote. Raises ValueError for any other text."""
        import json

        fields = json.loads(text)
        try:
            if fields.pop("genlock_snapshot") != _VERSION:
                raise ValueError("the JSON of a genlock snapshot, but of another version")
            fields["guards"] = tuple(map(_guard, fields["guards"]))
            fields["deadlocks"] = tuple(map(tuple, fields["deadlocks"]))
            return cls(**fields)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"not the JSON of a genlock snapshot: {error}") from error


def _fields(record: Any) -> dict[str, Any]:
    # asdict() takes some ten times as long, and there may be a hundred thousand guards.
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def _guard(fields: dict[str, Any]) -> GuardState:
    fields["site"] = _site(fields["site"])
    fields["waiters"] = tuple(map(_wait, fields["waiters"]))
    if fields["holder"] is not None:
        fields["holder"] = strand_of(fields["holder"])
    if fields["ended"] is not None:
        fields["ended"] = Ending(**{**fields["ended"], "site": _site(fields["ended"]["site"])})
    return GuardState(**fields)


def _wait(fields: dict[str, Any]) -> Wait:
    lists = {name: tuple(fields[name]) for name in ("holds", "holds_identities")}
    return Wait(**{**fields, "call": _site(fields["call"]), **lists})


def _site(fields: dict[str, Any] | None) -> Site | None:
    return None if fields is None else Site(**fields)
