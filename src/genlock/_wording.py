"""Records to text: what is said about guards and the calls to them is worded here."""

from __future__ import annotations

import os
import reprlib
import sys
from typing import TYPE_CHECKING

from genlock._namesakes import diagnosis_told_apart
from genlock._text import cut, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from genlock._records import Diagnosis, Ending, Operation, Site, Strand

_ASKED: dict[Operation, str] = {
    "send": "was sent a value",
    "next": "was asked for a value",
    "throw": "was thrown an exception",
    "close": "was to be closed",
    "exclusive": "was asked for exclusive use",
}
_CAN_ONLY: dict[Operation, str] = {
    "send": "take another value",
    "next": "give another value",
    "throw": "take an exception",
    "close": "be closed",
    "exclusive": "be used exclusively",
}
THIS_CALL = "← this call"
NAMESAKES = (
    "  The addresses are those in repr(guard); to have names instead:  genlock.guard(…, name=…)"
)
_SOMEBODY = "another thread"
_STEPS_SHOWN = 12
_OUTER_STEPS = 3
_YIELDS_SHOWN = 3
_VALUES_SHOWN = 3
_TENS = 10
_ERROR_WIDTH = 200
_SHORTEST_TOLD = 0.001


EXCLUSIVE_TWICE = (
    "this block of exclusive use is in use already.\n"
    "  Make one for each block:  with genlock.exclusive(cor): …"
)
EXCLUSIVE_NOT_ENTERED = "this block of exclusive use was not entered, or has been left already"
MADE_BY_GUARD = "a guard is made by genlock.guard(), or by a function under @genlock.guarded"


def message(diagnosis: Diagnosis) -> str:
    """The text of the exception that carries `diagnosis`."""
    told = diagnosis_told_apart(diagnosis)
    worded = _MESSAGES.get(diagnosis.code, _bare)(told)
    names = [] if told is diagnosis else [NAMESAKES]
    return f"[{diagnosis.code}] " + "\n".join([*worded, *names])


def long_wait(diagnosis: Diagnosis, *, blocks_loop: bool) -> str:
    """The warning about a call that waits: who waits for whom, and where both stand."""
    diagnosis = diagnosis_told_apart(diagnosis)
    caller, holder = _caller(diagnosis), _holder(diagnosis)
    if blocks_loop:
        return "\n".join(
            [
                f"{caller} waits for {diagnosis.guard!r} in {diagnosis.operation}() and blocks the"
                f" asyncio event loop it runs: {holder} is inside.",
                *_inside_and_call(diagnosis),
                "  Wait in a thread of its own:  await asyncio.to_thread(…)  of a function that"
                " catches StopIteration",
            ]
        )
    return "\n".join(
        [
            f"{caller} has waited {duration(diagnosis.waited)} for {diagnosis.guard!r} in"
            f" {diagnosis.operation}(): {holder} is still inside.",
            *_inside_and_call(diagnosis),
        ]
    )


def not_of_the_protocol(error: str) -> str:
    """There is nothing to explain about an exception."""
    return f"{error}\n  This is no error about a generator, and none is its cause or its context."


def not_explainable(given: object) -> str:
    """What was to be explained is no exception."""
    return (
        "explain() takes an exception, as  except … as error  names it, not"
        f" {reprlib.repr(given)}.\n"
        "  A text is for the command:  genlock explain 'ValueError: …'"
    )


def not_a_pattern(given: object) -> str:
    """What names functions to be guarded is no text."""
    return (
        f"instrument() takes a pattern such as 'pkg.mod:function', not {reprlib.repr(given)}.\n"
        "  To guard a function in hand:  guarded_one = genlock.guarded(function)"
    )


def about_explanation(code: str, found_in: str, more: int) -> list[str]:
    """Where the explained error was found, whether there are others, where to read on."""
    lines = []
    if found_in:
        lines.append(f"  It was found in  {found_in}")
    if more:
        errors = "error" if more == 1 else "errors"
        lines.append(f"  There is more in it: {more} other {errors} about generators.")
    return [*lines, f"  More about it:  genlock explain {code}"]


def already_ended(guard: str, ending: Ending) -> str:
    """The note on a StopIteration that a call gets because the generator had ended before."""
    what = {
        "returned": "had already ended",
        "raised": f"was ended by {ending.error}",
        "closed": "had been closed",
    }[ending.how]
    where = f", at {place(ending.site)} in {ending.site.function}" if ending.site else ""
    who = f" ({plain(ending.thread)})" if ending.thread else ""
    return f"genlock: {guard!r} {what}{where}{who}. It takes no more values: make a new one."


def has_ended(generator: str, call: Strand, notes: list[str]) -> str:
    """What a StopIteration means that nobody caught in a thread; with what guards noted on it."""
    name = repr(plain(generator)) if generator else "its generator"
    lines = [
        f"StopIteration ended the thread: {name} has ended, or just came to its end.",
        *rows(call),
        *(f"  {note}" for note in notes or ["It takes no more values: make a new one."]),
        "  If that is how the thread is to end:  except StopIteration: …",
    ]
    return "\n".join(lines)


def lost_values(guard: str, values: tuple[object, ...]) -> str:
    """The note on an error that ended a generator to which values were still deferred."""
    what = "value" if len(values) == 1 else "values"
    shown = ", ".join(map(_shown, values[:_VALUES_SHOWN]))
    more = ", …" if len(values) > _VALUES_SHOWN else ""
    return (
        f"genlock: {len(values)} deferred {what} could no longer be delivered to {guard!r}:"
        f" {shown}{more}"
    )


def _shown(value: object) -> str:
    try:
        return reprlib.repr(value)
    except Exception:  # its __repr__ is not ours to report
        return f"<{type(value).__name__}>"


def feeds_itself(guard: str, count: int) -> str:
    """The warning about a body that goes on sending to itself while others wait."""
    return (
        f"{guard!r} has been delivered {count} deferred values within one call, and goes on"
        " sending to itself; other threads wait for it meanwhile."
    )


def ended_before_first_yield(name: str) -> str:
    """Priming ran a generator to its end."""
    return (
        f"{name!r} cannot be primed: it ended before its first yield.\n"
        "  A coroutine waits for values at a yield:  value = yield"
    )


def returned_nothing(name: str) -> str:
    """A decorated function turned out to be no generator function."""
    return (
        f"{name} returned None, where a generator was to be guarded: is there no yield in it?\n"
        "  A coroutine takes its values at a yield:  value = yield"
    )


def not_primable(name: str) -> str:
    """Priming of something that takes no values, and would lose its first one by that."""
    return (
        f"cannot prime {name!r}: it has no send(), so there is nothing to get ready for.\n"
        "  Leave out prime=True; @genlock.guarded guards without priming"
    )


def not_guardable(given: object, why: str = "") -> str:
    """Refusal of something that is no generator or iterator, with what to write instead."""
    kind = type(given).__name__
    if why == "async":
        return (
            f"cannot guard {reprlib.repr(given)}: async objects belong to one event loop,"
            " not to threads.\n"
            "  A guard takes a generator or an iterator:  genlock.guard(gen)"
        )
    if why == "function":
        name = getattr(given, "__name__", kind)
        return (
            f"cannot guard the function {name}: a guard takes the generator it returns.\n"
            f"  Write  genlock.guard({name}(…))  or decorate it with  @genlock.guarded"
        )
    if why == "iterable":
        return (
            f"cannot guard this {kind}: it can be iterated over, but is no iterator itself.\n"
            "  Share one iterator over it:  genlock.guard(iter(obj))"
        )
    return (
        f"cannot guard {reprlib.repr(given)}, of type {kind}: neither generator nor iterator.\n"
        "  A guard takes an object with send() or __next__():  genlock.guard(gen)"
    )


def not_a_guard(given: object) -> str:
    """Refusal of exclusive use of something that is no guard."""
    return (
        f"exclusive() takes a guard, not {reprlib.repr(given)}.\n"
        "  Make one and share it:  cor = genlock.guard(cor)"
    )


ALWAYS_PRIMES = "@genlock.coroutine always primes; without, it is @genlock.guarded"


def not_decoratable(given: object, *, prime: bool, is_async: bool) -> str:
    """Refusal of something that `@guarded` or `@coroutine` cannot wrap."""
    decorator = "@genlock.coroutine" if prime else "@genlock.guarded"
    if is_async:
        name = getattr(given, "__qualname__", repr(given))
        return (
            f"cannot guard {name}: an async function makes objects that belong to one event loop,"
            " not to threads.\n"
            f"  {decorator} takes a generator function:  def … yield"
        )
    return f"{decorator} takes a generator function, not {reprlib.repr(given)}"


def different_policy(name: str) -> str:
    """A guard was guarded again with options that differ from its own."""
    return (
        f"{name!r} is guarded already, with other options.\n"
        "  Give them where the guard is made; guard(g) without options returns it as it is"
    )


def _reentrant(diagnosis: Diagnosis) -> list[str]:
    guard, operation = diagnosis.guard, diagnosis.operation
    lines = [f"{guard!r} {_ASKED[operation]} while {_still_running(diagnosis)}."]
    actor = ""
    if diagnosis.strands:
        lines += ["  The call came back to itself:", *rows(diagnosis.strands[0])]
        steps = diagnosis.strands[0].steps
        actor = steps[-1].actor if len(steps) > 1 else ""
    lines.append(
        f"  {plain(guard)} can only {_CAN_ONLY[operation]} after it reaches its next yield"
        f"{places(diagnosis.yields)}."
    )
    if operation == "send":
        lines.append(f"  Let the value wait its turn:  {_option('on_reentry')}")
    elif operation == "throw":
        lines.append(f"  Let the exception wait its turn:  {_option('on_reentry')}")
    elif operation == "close":
        lines.append(f"  Let it be closed at that yield:  {_option('on_close')}")
    elif actor:
        lines.append(f"  Do that when this call has come back, not in {plain(actor)}.")
    return lines


def _option(name: str) -> str:
    return f'genlock.guard(…, {name}="defer")  or the same in its decorator'


def _still_running(diagnosis: Diagnosis) -> str:
    if diagnosis.during is None:
        return "it was still running"
    if diagnosis.during == diagnosis.operation == "send":
        return "it was still running the previous one"
    return f"its {diagnosis.during}() was still running"


def _contended(diagnosis: Diagnosis) -> list[str]:
    option = "on_close" if diagnosis.operation == "close" else "on_busy"
    return [
        f"{diagnosis.guard!r} {_ASKED[diagnosis.operation]} while {_holder(diagnosis)} was"
        f' inside, and {option}="raise" forbids waiting.',
        *_inside_and_call(diagnosis),
        f'  To wait for its turn instead:  genlock.guard(…, {option}="wait")',
    ]


def _deadlock(diagnosis: Diagnosis) -> list[str]:
    lines = [
        f"{diagnosis.guard!r} {_ASKED[diagnosis.operation]}, but waiting for it would never end:"
        f" {len(diagnosis.strands)} threads wait for one another."
    ]
    for strand in diagnosis.strands:
        thread, holds, wants = plain(strand.thread), strand.holds, strand.wants
        lines.append(f"  {thread} is inside {holds!r} and waits for {wants!r}:")
        lines += rows(strand)
    lines.append(
        "  Only this call failed, so that the other threads can go on; a coroutine that does not"
        " catch this is ended by it,\n  and so are those that go on to drive that one."
    )
    lines.append(
        "  Drive these guards in the same order everywhere, or all of them from one thread."
    )
    return lines


def _timed_out(diagnosis: Diagnosis) -> list[str]:
    holder = _holder(diagnosis)
    lines = [
        f"{diagnosis.guard!r} {_ASKED[diagnosis.operation]} and was not free"
        f" {_within(diagnosis.waited)}: {holder} is still inside.",
        *_inside_and_call(diagnosis),
    ]
    at = [step.site for strand in diagnosis.strands[1:] for step in strand.steps]
    if at:
        # Of a call, the second step is the generator's; exclusive use has one.
        lines.append(
            f"  If {holder} may take that long, raise timeout=; if not, see why it is still at"
            f" {place(at[min(1, len(at) - 1)])}."
        )
    return lines


def _abandoned(diagnosis: Diagnosis) -> list[str]:
    return [
        f"{diagnosis.guard!r} {_ASKED[diagnosis.operation]}, but whoever is inside can never come"
        " back: no thread's stack leads there.",
        *_inside_and_call(diagnosis),
        "  It may be a greenlet that is switched out, a thread that a fork left behind, or one"
        " that ended",
        "  inside of genlock.exclusive(). Make a new generator where you need it: after the fork,"
        " one a greenlet.",
    ]


def _undelivered(diagnosis: Diagnosis) -> list[str]:
    return [
        f"{diagnosis.guard!r} ended while deferred values were still to be delivered to it.",
        *(row for strand in diagnosis.strands for row in rows(strand)),
        "  The values are in this error's .values, first come first.",
    ]


def _not_primed(diagnosis: Diagnosis) -> list[str]:
    return [
        f"{diagnosis.guard!r} was sent a value before it was started: it waits at no yield yet.",
        *(row for strand in diagnosis.strands for row in rows(strand)),
        "  Start it first:  next(cor)    or decorate its function:  @genlock.coroutine",
    ]


def _bare(diagnosis: Diagnosis) -> list[str]:
    return [f"{diagnosis.guard!r}: {diagnosis.operation}() failed."]


_MESSAGES: dict[str, Callable[[Diagnosis], list[str]]] = {
    "GL001": _reentrant,
    "GL002": _contended,
    "GL003": _deadlock,
    "GL004": _timed_out,
    "GL005": _abandoned,
    "GL006": _not_primed,
    "GL007": _undelivered,
}


def _inside_and_call(diagnosis: Diagnosis) -> list[str]:
    """The holder's path and this call's."""
    lines = []
    for strand in diagnosis.strands[1:]:
        lines += ["  Inside:", *rows(strand)]
    for strand in diagnosis.strands[:1]:
        lines += ["  This call:", *rows(strand)]
    return lines


def rows(strand: Strand) -> list[str]:
    """A call path as aligned rows: who, where, the code, the remark."""
    outermost = strand.steps[0].actor if strand.steps else ""
    table = [
        (who, place(step.site), plain(step.site.code), step.remark)
        for who, step in zip(
            [
                plain(strand.thread or outermost),
                *(f"→ {plain(step.actor)}" for step in strand.steps[1:]),
            ],
            strand.steps,
            strict=False,
        )
    ]
    if len(table) > _STEPS_SHOWN:
        hidden = len(table) - _STEPS_SHOWN + 1
        table[_OUTER_STEPS : _OUTER_STEPS + hidden] = [("…", f"{hidden} more calls", "", "")]
    widths = [max((len(row[column]) for row in table), default=0) for column in range(3)]
    return [
        "    " + "  ".join([*map(str.ljust, row[:3], widths), row[3]]).rstrip() for row in table
    ]


def _caller(diagnosis: Diagnosis) -> str:
    return plain(diagnosis.strands[0].thread) if diagnosis.strands else "A thread"


def _holder(diagnosis: Diagnosis) -> str:
    return plain(diagnosis.strands[1].thread) if len(diagnosis.strands) > 1 else _SOMEBODY


def _within(waited: float | None) -> str:
    return f"within {duration(waited)}" if waited and waited >= _SHORTEST_TOLD else "at once"


def duration(seconds: float | None) -> str:
    """Seconds, as exactly as one wants to know them."""
    seconds = seconds or 0.0
    return f"{seconds:.2g} s" if _SHORTEST_TOLD <= seconds < _TENS else f"{seconds:.0f} s"


def in_words(error: BaseException) -> str:
    """An error by its type and the first line of what it says."""
    name = type(error).__name__
    try:
        text = str(error).partition("\n")[0].rstrip(".")
    except Exception:  # a broken __str__ is not ours to report
        return name
    if not text:
        return name
    return f"{name}: {cut(text, _ERROR_WIDTH)}"


def place(site: Site) -> str:
    """A file and a line, as short as they can be told."""
    file = _short(site.file)
    return f"{file if file.isprintable() else repr(file)}:{site.line}"


def places(sites: tuple[Site, ...]) -> str:
    """The yields of a generator in brackets, if they are few."""
    if not 1 <= len(sites) <= _YIELDS_SHOWN:
        return ""
    first, *others = sites
    return f" ({place(first)}{''.join(f' or {site.line}' for site in others)})"


def _short(file: str) -> str:
    """A path as one would import it or name it from here, where that is shorter."""
    if not os.path.isabs(file):
        return file
    entries: list[object] = [_working_directory(), *sys.path]  # people put paths there, too
    roots = [root for root in entries if isinstance(root, str)]
    folders = [root.rstrip(os.sep) + os.sep for root in roots if root.strip(os.sep)]
    below = [len(folder) for folder in folders if file.startswith(folder)]
    return file[max(below) :] if below else file


def _working_directory() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return ""
