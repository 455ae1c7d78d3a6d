"""What genlock knows of a moment, as plain data that keeps no frame and no generator alive."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

Operation = Literal["send", "next", "throw", "close", "exclusive"]
"""An operation of the generator protocol (PEP 342), or exclusive use."""

Kind = Literal["generator", "coroutine", "async generator"]
"""What the interpreter calls it in its errors."""

State = Literal["re-entered", "held", "unseen", "suspended", "not started", "ended"]
"""How a generator stood when an error was about it; see `Candidate`."""


Status = Literal["created", "suspended", "running", "closed", "idle"]
"""How what is guarded stands; see `GuardState`."""


@dataclass(frozen=True, slots=True)
class Site:
    """A place in the source: file, line (from 1), function, and the code that stands there.

    The code is what was read there; whether it was makes no other place of it.
    Immutable, as are all records, and so safe in any thread.
    """

    file: str
    line: int
    function: str
    code: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One frame of a call path: who was executing, where, and what is to be said of it.

    `actor` is the name of the guard whose body that is, with its `identity`, or of the function.
    """

    actor: str
    site: Site
    remark: str = ""
    identity: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Strand:
    """One thread's part in what happened: its call path, outermost step first.

    `holds` is the guard this thread is inside, `wants` the one it waits for; both may be empty.
    Which guards these are, their identities tell; guards of one name make no other strand of it.
    """

    thread: str
    steps: tuple[Step, ...] = ()
    holds: str = ""
    wants: str = ""
    holds_identity: int = field(default=0, compare=False)
    wants_identity: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a call to a guard failed.

    `strands` begins with the thread that made the failing call, unless that thread is all there
    is to tell of. `during` is the operation that was running, where known; `waited` is in
    seconds; `yields` are the yields at which the generator can take a value. `identity` is the
    address that `repr(guard)` shows, here and in the strands; 0 where it is not known.
    """

    code: str
    guard: str
    operation: Operation
    during: Operation | None = None
    strands: tuple[Strand, ...] = ()
    waited: float | None = None
    yields: tuple[Site, ...] = ()
    identity: int = 0

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
            fields["strands"] = tuple(map(strand_of, fields["strands"]))
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


@dataclass(frozen=True, slots=True)
class Candidate:
    """A generator that an error of the interpreter's may be about, as it stood at that moment.

    `state` is "re-entered" (the failing call came out of its own body), "held" (another thread or
    task is inside), "unseen" (it runs, on no stack that could be read), "suspended", "not started"
    or "ended". `inside` is who is inside: the path from the call that entered it to the line that
    is executed. `made_by` is the function it is made by, at the line of its `def`, `pattern` what
    `genlock run --guard` can be given to guard what that makes; `at` is where it stands, `yields`
    are the places where it can stand.
    """

    name: str
    kind: Kind
    state: State
    made_by: Site
    pattern: str = ""
    inside: Strand | None = None
    at: Site | None = None
    yields: tuple[Site, ...] = ()


@dataclass(frozen=True, slots=True)
class Sighting:
    """What could be seen around an error of the interpreter's about a generator.

    `error` is its type and text, `thread` the one (or the task) that made the failing call, where
    known, and `call` that call. `expression` is what the call names; if that could be looked up
    (`is_named`), it is the only one of `candidates`, else those are all that are running. `driver`
    is the generator in whose body the call stands. `is_late` tells that others have run since the
    error was raised. `origin` is the path to what went wrong in the generator's own body.
    `begins_in` is a generator that the failing call came out of, where nothing tells who was
    running that.
    """

    code: str
    error: str
    kind: Kind
    operation: str = ""
    thread: str = ""
    call: Step | None = None
    expression: str = ""
    is_named: bool = False
    driver: str = ""
    candidates: tuple[Candidate, ...] = ()
    is_late: bool = False
    origin: Strand | None = None
    begins_in: str = ""

    def to_json(self) -> str:
        """The sighting as a JSON object."""
        import json

        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Wait:
    """A call that waits for a guard.

    `waited` is in seconds. `call` is the line that makes the call, `holds` names the guards that
    its thread keeps from others meanwhile, and `holds_identities` tells which these are. `prospect`
    says why the wait cannot end by itself: the thread is one of a "deadlock", waits "behind a
    deadlock", or for somebody who is "gone". Such waits end by an error, which genlock raises
    within a moment.
    """

    thread: str
    ident: int
    operation: Operation
    waited: float
    call: Site | None = None
    holds: tuple[str, ...] = ()
    prospect: Literal["", "deadlock", "behind a deadlock", "gone"] = ""
    holds_identities: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class GuardState:
    """What a guard is doing at one moment.

    Args:
        name: what messages call it.
        identity: tells guards of one name apart: the address that `repr(guard)` shows. Another
            guard may get it when this one is gone.
        status: as `inspect.getgeneratorstate` has it; "idle" is an iterator that has no such state
            and that no call is inside of.
        site: the line where it is suspended or running, or begins, if it was not started.
        holder: the thread that is inside or has exclusive use, with its calls from the line that
            entered on. None if there is none, or if it could not be seen.
        holder_ident: the identifier of that thread; None if it is gone.
        during: the operation that is running.
        exclusive: whether it is in exclusive use.
        waiters: the calls that wait for it, the longest first.
        ended: what ended it, if that is known.
        contended: how many calls have found another thread inside and had to wait or were refused.
        waited_ns: how long they have waited in all, in nanoseconds, with those that still wait.
        longest_wait_ns: how long the longest of them has waited, in nanoseconds.
        abandoned: whether whoever is inside can never come back, so that calls get an
            AbandonedGeneratorError; `holder` tells where that was.
    """

    name: str
    identity: int
    status: Status
    site: Site | None = None
    holder: Strand | None = None
    holder_ident: int | None = None
    during: Operation | None = None
    exclusive: bool = False
    waiters: tuple[Wait, ...] = ()
    ended: Ending | None = None
    contended: int = 0
    waited_ns: int = 0
    longest_wait_ns: int = 0
    abandoned: bool = False


@dataclass(frozen=True, slots=True)
class LongStay:
    """A wait for a guard, or a call inside of it, that lasts too long; `seconds` until now.

    `ident` is the identifier of the thread that waits or is inside.
    """

    kind: Literal["wait", "hold"]
    thread: str
    ident: int
    seconds: float
    guard: GuardState


def strand_of(fields: dict[str, Any]) -> Strand:
    """A strand of what `asdict` made of it."""
    steps = [Step(**{**step, "site": Site(**step["site"])}) for step in fields["steps"]]
    return Strand(**{**fields, "steps": tuple(steps)})
