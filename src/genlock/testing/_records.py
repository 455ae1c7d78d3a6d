"""What a report tells of a run, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from genlock._records import Site

Outcome = Literal["ok", "failed", "deadlock", "inconclusive", "nondeterministic"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """How far a thread got from the decision that let it go on to the next one.

    `thread` is its number. `came_to` is what it came to: an operation it is about to call, the
    inside of a generator, one of its lines, its end, or an error; `name` is that of the guard, the
    generator or the error. `waits` says that it cannot go on there; `is_chosen`, that the schedule
    let it go on where another thread would have by default.
    """

    decision: int
    thread: int
    came_to: str
    name: str = ""
    site: Site | None = None
    waits: bool = False
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Inside:
    """A thread that is in the body of a generator, at a line."""

    thread: str
    generator: str
    site: Site


@dataclass(frozen=True, slots=True)
class Link:
    """A thread of a deadlock by its number, and the names of the guards it holds and wants."""

    thread: int
    holds: str
    wants: str


@dataclass(frozen=True, slots=True)
class Story:
    """What happened in one run, up to the first thing that went wrong.

    `workers` are the names of the functions, in the order of the threads. `error` is in words, of
    the thread named `failed` (empty: of the check); `raised_at` the lines it came by, outermost
    first; `diagnosis` what is known of its cause; `notes` what it says of itself besides. Of a race
    that is known by those who were `inside`, `code` is the error's, `cure` what to write.
    """

    workers: tuple[str, ...]
    stretches: tuple[Stretch, ...] = ()
    inside: tuple[Inside, ...] = ()
    links: tuple[Link, ...] = ()
    failed: str = ""
    error: str = ""
    raised_at: tuple[Site, ...] = ()
    diagnosis: str = ""
    notes: tuple[str, ...] = ()
    code: str = ""
    cure: str = ""
