"""What a recording holds, as plain data: the calls to guards, the guards and the threads."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from genlock._records import Operation, Site

Outcome = Literal["yielded", "returned", "raised", "ended", "deferred", "refused", "kept"]
"""How a call to a guard ended. "returned": the generator has ended, by StopIteration or a close;
"ended": nothing of it ran, as it had ended before, or was ended before it had begun (iterators that
are no generators do not tell: "returned", each time); "deferred": the call left its value for the
next yield; "refused": the guard raised an error of its own, and the generator was not resumed;
"kept": exclusive use, from its begin to its end."""


@dataclass(frozen=True, slots=True)
class TracedGuard:
    """A guard that events tell of; its number is unique in its process.

    `function` is the function whose generator it guards, with its module; `file` and `line` say
    where that is defined. `waits` says whether calls wait for their turn, or are refused.
    """

    number: int
    name: str
    function: str = ""
    file: str = ""
    line: int = 0
    waits: bool = True


@dataclass(frozen=True, slots=True)
class TracedThread:
    """A thread that events tell of; its number is unique in its process.

    `name` and `ident` are those of its `threading.Thread`.
    """

    number: int
    name: str
    ident: int


@dataclass(frozen=True, slots=True)
class Event:
    """One call to a guard, told when it had ended. Times in nanoseconds of one monotonic clock.

    Args:
        guard: the guard that was called.
        thread: where that happened.
        operation: what was called.
        begin: when the generator was resumed: after the wait, if there was one.
        end: when it had yielded, returned or raised. Of a refused or deferred call, `begin`.
        outcome: how the call ended.
        error: the class of the exception, if it was refused or something was raised.
        waited: how long the call had waited for its turn, up to `begin`.
        deferred: how long it had been deferred, if this is the delivery of a deferred call.
        site: the line of the caller; of a deferred call, that of the call that was deferred.
        sent: the value that was sent in or thrown, as text, where values are kept.
        got: the value that came out, as text, where values are kept.
    """

    guard: TracedGuard
    thread: TracedThread
    operation: Operation
    begin: int
    end: int
    outcome: Outcome = "yielded"
    error: str = ""
    waited: int = 0
    deferred: int = 0
    site: Site | None = None
    sent: str | None = None
    got: str | None = None

    @property
    def is_resumption(self) -> bool:
        """Whether the generator was resumed.

        Not so if the call was refused or deferred, or found nothing to run; nor of exclusive use.
        """
        return self.outcome in ("yielded", "returned", "raised")


Fate = Literal["refused", "program", "thread", "ignored", "caught"]
"""What became of an error: a guard refused a call with it; it ended the program or a thread, could
not be raised where it came up, or was caught by the program."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error about a generator, as it was told of: of several like it, the first.

    Args:
        code: GL001 to GL019.
        error: its class, or its type and text.
        text: what happened, in words, as the terminal shows it.
        fate: what became of it.
        guard: the name of the guard that raised it, if one did.
        thread: the name of the thread that made the failing call, where known.
        at: when it came up, by the clock of the events; 0 where that is not known.
        number: how many there were like it, with the same line as its caller's.
        site: the line of the failing call, where known.
        others: the names of other threads that got one like it from a guard; of more than eight,
            the first eight and "…".
    """

    code: str
    error: str
    text: str
    fate: Fate = "refused"
    guard: str = ""
    thread: str = ""
    at: int = 0
    number: int = 1
    site: Site | None = None
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A call that was still under way when the recording ended, and so is no event.

    Args:
        guard: the name of the guard that it is inside of, or waits for.
        thread: the name of the thread that made it.
        operation: what was called.
        is_waiting: whether it waits; else it is inside.
        waited: how long it had waited by then, in nanoseconds, if it waits.
        site: the line of the caller, where known.
        at: the line that it stands at, of a call that is inside, where known.
    """

    guard: str
    thread: str
    operation: Operation
    is_waiting: bool = False
    waited: int = 0
    site: Site | None = None
    at: Site | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """What was recorded in one process.

    Args:
        events: the calls, in the order in which they ended.
        dropped: how many older events were left out because the buffer was full.
        pid: the process; the child, if it was recorded across a fork.
        epoch: what to add to the times of events to get nanoseconds since 1970, UTC.
        cut: where the file that this was read from ended before its time, in words; else empty.
        failures: the errors about generators that came up meanwhile; a few hundred at most.
        more_failures: how many came up beyond those.
        unfinished: the calls that were still under way when the recording ended.
        forked: how many processes the recorded one has forked under `genlock run`. What they
            called since is not among the events.
    """

    events: tuple[Event, ...] = ()
    dropped: int = 0
    pid: int = 0
    epoch: int = 0
    cut: str = field(default="", compare=False)
    failures: tuple[Failure, ...] = ()
    more_failures: int = 0
    unfinished: tuple[Unfinished, ...] = ()
    forked: int = 0

    @property
    def guards(self) -> tuple[TracedGuard, ...]:
        """The guards that the events tell of, in the order of their numbers."""
        return tuple(sorted({event.guard for event in self.events}, key=lambda it: it.number))

    @property
    def threads(self) -> tuple[TracedThread, ...]:
        """The threads that the events tell of, in the order of their numbers."""
        return tuple(sorted({event.thread for event in self.events}, key=lambda it: it.number))


def told_apart(guards: Iterable[TracedGuard]) -> dict[int, str]:
    """The names of guards by their numbers; those of one name get these, too.

    A name of which nothing could be seen is given in quotes.
    """
    guards = tuple(guards)
    counts = Counter(guard.name for guard in guards)
    return {
        guard.number: _visible(guard.name) + (f"#{guard.number}" if counts[guard.name] > 1 else "")
        for guard in guards
    }


def _visible(name: str) -> str:
    return name if name.strip() else repr(name)


def by_function(guards: Iterable[TracedGuard]) -> dict[int, str]:
    """The functions of guards by their numbers; the name where there is none."""
    return {guard.number: guard.function or guard.name for guard in guards}
