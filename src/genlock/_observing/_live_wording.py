"""What is said while live guards are asked for, dumped and watched."""

from __future__ import annotations

import os
import reprlib
from typing import TYPE_CHECKING

from genlock._namesakes import guard_told_apart
from genlock._observing._waits_wording import waiting
from genlock._text import plain
from genlock._wording import duration, rows

if TYPE_CHECKING:
    from genlock._records import LongStay


def not_a_guard(given: object) -> str:
    """Refusal to tell the state of something that is no guard."""
    return (
        f"state() takes a guard, not {reprlib.repr(given)}.\n"
        "  Make one and share it:  cor = genlock.guard(cor)"
    )


def long_stay(stay: LongStay) -> str:
    """The warning of a watch: a wait or a hold that lasts too long, with all about its guard."""
    guard, seconds = guard_told_apart(stay.guard), duration(stay.seconds)
    inside = "another thread" if guard.holder is None else plain(guard.holder.thread)
    thread = plain(stay.thread)
    if stay.kind == "hold":
        verb = "has had exclusive use of" if guard.exclusive else "has been inside"
        lines = [f"{thread} {verb} {guard.name!r} for {seconds} or longer."]
    else:
        lines = [f"{thread} has waited {seconds} for {guard.name!r}: {inside} is inside."]
    if guard.holder is not None:
        lines += ["  Inside:", *rows(guard.holder)]
    waits = [wait for wait in guard.waiters if stay.kind == "hold" or wait.ident == stay.ident]
    if waits:
        lines += ["  Waiting:", *waiting(waits)]
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


TAKEN_BY_DUMP = (
    "SIGURG is the signal by which `genlock dump` asks.\n"
    "  Choose another signal:  genlock.dump_on_signal(signal.SIGUSR2)"
)


def not_found_by_dump(why: str) -> str:
    """The warning that a process cannot be asked from outside."""
    return f"`genlock dump` cannot ask this process: {why}. genlock.dump_on_signal() itself works."


def no_place_to_write(given: object) -> str:
    """Refusal of something that no dump can be written to."""
    return f"file must be a path, an open text file or None, not {reprlib.repr(given)}"


CLOSED_FILE = "file is closed"


def not_written(file: object, failure: Exception) -> str:
    """What comes before a dump that could not be written where it was to go."""
    name = file if isinstance(file, str | os.PathLike) else getattr(file, "name", file)
    return f"genlock: no dump in {name!r} ({failure}), but here:\n"


def failed(failure: Exception) -> str:
    """What comes in the place of a dump."""
    return f"genlock: no dump: {type(failure).__name__}: {failure}\n"
