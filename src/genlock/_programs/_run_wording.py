"""What a user reads about programs that are run, and about functions that are guarded for them."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from genlock._traces._report_wording import NO_CALL, and_under_way, but_forked, no_calls
from genlock._wording import in_words, place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genlock._explaining._explain import Explanation
    from genlock._programs._patterns import Pattern, Use
    from genlock._records import Sighting
    from genlock._traces._events import Trace

_SHOWN = 5

_HAS_MONITORING = hasattr(sys, "monitoring")

ONLY_LOGGED = (
    f"{'All monitoring tools are taken:' if _HAS_MONITORING else 'Before Python 3.12,'} of the"
    " errors that a program catches, those alone can be seen that it logs with their traceback"
    " (logging.exception)."
)
RUNS_AT_ONCE = (
    "this interpreter runs threads at once. Two that share a bare generator crash it, before there"
    " is an error to explain.\n"
    "  To have the error, and see it explained:  PYTHON_GIL=1 genlock run …\n"
    "  To have the threads take turns:  genlock run --guard module:function …"
)
IS_OFF = "GENLOCK=off in the environment: --guard guards nothing."
NOTHING_TO_RUN = "nothing to run: name a script, or -m and a module"


def explained(explanation: Explanation, fate: str) -> str:
    """What an error was about, below its traceback, or what it was that the program caught."""
    caught = "The program caught this: " if fate == "caught" else ""
    return caught + explanation.text


def explained_above(sighting: Sighting) -> str:
    """An error has ended the program, or a thread, that was taken for caught."""
    return f"[{sighting.code}] that error is explained above."


def raised_often(sighting: Sighting | None, number: int) -> str:
    """An error that was explained once was raised again and again."""
    if sighting is None:
        return f"one error was raised {number} times in all."
    where = f" at {place(sighting.call.site)}" if sighting.call else ""
    return f"[{sighting.code}] was raised {number} times in all{where}."


def caught_untold(number: int, *, tells_caught: bool = False) -> str:
    """The program has caught errors that nobody was told of."""
    errors = "1 error" if number == 1 else f"{number} errors"
    if tells_caught:
        return f"the program caught {errors} about generators at more places than are told apart."
    return f"the program caught {errors} about generators. To have them explained:  --caught"


def own_failure(error: BaseException) -> str:
    """The explanation failed."""
    return (
        f"an error could not be explained, since genlock itself failed: {type(error).__name__}:"
        f" {error}"
    )


def no_file(option: str, name: str, reason: str | None) -> str:
    """What the option asks for cannot be written where it is wanted."""
    return f"{option}: cannot write to {name!r}: {reason}"


def recorded(trace: Trace, name: str, *, is_off: bool = False) -> str:
    """The recording of a program is in its file."""
    if is_off:
        return f"recorded in {name}: no call, since GENLOCK=off in the environment"
    if no_calls(trace):
        return f"recorded in {name}: no call, since {NO_CALL}"
    kept = len(trace.events)
    calls = "1 call" if kept == 1 else f"{kept:,} calls"
    if trace.dropped:
        calls = f"the last {kept:,} of {kept + trace.dropped:,} calls"
    calls += f" to guards{and_under_way(trace)}{but_forked(trace)}"
    return f"recorded in {name}: {calls}. To read it:  genlock report {name}"


def matched_nothing(use: Use) -> str:
    """A pattern was of no use; what may have been meant."""
    module, function = use.pattern.module, use.pattern.function
    if not use.is_imported and module == "__main__":
        why, near = "the program has no source that could be compiled with guards", ""
    elif use.is_replaced:
        why = "its functions were replaced after that, as importlib.reload does; guard them again"
        near = ""
    elif use.is_unseen or use.is_late:
        why, near = _past_the_hook(use), ""
    elif not use.is_imported:
        why = f"no module {module!r} was imported"
        near = _or([f"{name}:{function}" for name in use.near])
    elif use.pattern.has_wildcards:
        why = f"no such function of {module!r} makes generators; name the one that returns them"
        near = ""
    else:
        why = f"{module!r} has no such function"
        if "<locals>" in function:
            why += "; functions inside of functions can be guarded in __main__ alone"
        near = _or([f"{module}:{name}" for name in use.near])
    nothing = f"{str(use.pattern)!r} guarded nothing: {why}."
    return nothing + (f" Nearest: {near}" if near else "") + _of_another_main(use)


def _past_the_hook(use: Use) -> str:
    module, function = use.pattern.module, use.pattern.function
    if use.is_unseen:
        how = f"{module!r} was loaded past the import hook that would have guarded it"
    else:
        how = f"{function!r} was put into {module!r} after its import"
    return f"{how}; write @genlock.guarded there"


def _of_another_main(use: Use) -> str:
    """What to write where a module such as cProfile runs a script of its own account."""
    if use.pattern.module != "__main__" or not use.launched:
        return ""
    command = f"python -m {use.launched} … -m genlock run --guard {shlex.quote(str(use.pattern))}"
    return f"\n  If it is a function of a script that {use.launched} runs:  {command} SCRIPT"


def guarded_nothing(use: Use) -> str:
    """A pattern matched functions that returned no generator."""
    nothing = f"{str(use.pattern)!r} guarded nothing: no generator came out of {_some(use.matched)}"
    if use.pattern.module == "__main__":
        return f"{nothing}.{_of_another_main(use)}"
    return (
        f"{nothing} after"
        f" {use.pattern.module!r} had been imported. What a module makes while it is imported is"
        " not guarded: write @genlock.guarded there."
    )


def escaped(pattern: Pattern, names: Sequence[str]) -> str:
    """Some had imported a function before it was guarded."""
    return (
        f"{str(pattern)!r} came too late for {_some(names)}: imported from {pattern.module!r}"
        " before, and unguarded still. Guard it under that name, too."
    )


def too_early(pattern: Pattern) -> str:
    """The module of a pattern is only half made."""
    return (
        f"{str(pattern)!r} came too early: {pattern.module!r} is still being imported. What it"
        " defines from here on is not guarded: write @genlock.guarded there."
    )


def left_out(pattern: Pattern, names: Sequence[tuple[str, Exception]]) -> str:
    """Some functions are in classes that let nobody change them."""
    _, error = names[0]
    return (
        f"{str(pattern)!r} left out {_some([name for name, _ in names])}, unguarded still: the"
        f" class cannot be changed ({in_words(error)})."
    )


def not_wrapped(pattern: Pattern, error: BaseException) -> str:
    """Something about a module's functions failed while they were looked through."""
    return f"{str(pattern)!r} could not be applied: {type(error).__name__}: {error}"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _or(names: Sequence[str]) -> str:
    return " or ".join(names)
