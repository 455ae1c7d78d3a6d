"""What genlock knows of a moment, as plain data that keeps no frame and no generator alive."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Operation = Literal["send", "next", "throw", "close", "exclusive"]
"""An operation of the generator protocol (PEP 342), or exclusive use."""


@dataclass(frozen=True, slots=True)
class Site:
    """A place in the source: file, line (from 1), function, and the code that stands there.

    Immutable, as are all records, and so safe in any thread.
    """

    file: str
    line: int
    function: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One frame of a call path: who was executing, where, and what is to be said of it."""

    actor: str
    site: Site
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Strand:
    """One thread's part in what happened: its call path, outermost step first.

    `holds` is the guard this thread is inside, `wants` the one it waits for; both may be empty.
    """

    thread: str
    steps: tuple[Step, ...] = ()
    holds: str = ""
    wants: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a call to a guard failed.

    `strands` begins with the thread that made the failing call, unless that thread is all there
    is to tell of. `during` is the operation that was running, where known; `waited` is in
    seconds; `yields` are the yields at which the generator can take a value.
    """

    code: str
    guard: str
    operation: Operation
    during: Operation | None = None
    strands: tuple[Strand, ...] = ()
    waited: float | None = None
    yields: tuple[Site, ...] = ()

    def to_json(self) -> str:
        """The diagnosis as a JSON object; `from_json` reads it back."""
        import json

        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Diagnosis:
        """The diagnosis that `to_json` wrote. Raises ValueError for any other text."""
        import json

        fields = json.loads(text)
        try:
            fields["strands"] = tuple(map(_strand, fields["strands"]))
            fields["yields"] = tuple(Site(**site) for site in fields["yields"])
            found = cls(**fields)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not the JSON of a genlock diagnosis: {error}") from error
        if found.operation not in get_args(Operation):
            raise ValueError(f"not the JSON of a genlock diagnosis: {found.operation!r}")
        return found


@dataclass(frozen=True, slots=True)
class Ending:
    """What ended a generator: how, the error in words (for "raised"), where, in which thread."""

    how: Literal["returned", "raised", "closed"]
    thread: str = ""
    site: Site | None = None
    error: str = ""


def _strand(fields: dict[str, Any]) -> Strand:
    steps = [Step(**{**step, "site": Site(**step["site"])}) for step in fields["steps"]]
    return Strand(**{**fields, "steps": tuple(steps)})
