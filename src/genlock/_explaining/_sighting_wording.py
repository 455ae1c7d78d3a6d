"""Sightings to text: what happened, who was inside, why, what to write, what is not known."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from genlock._explaining._protocol import BUSY
from genlock._interpreter import _frames
from genlock._records import Strand
from genlock._text import plain
from genlock._wording import place, places, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from genlock._records import Candidate, Kind, Sighting, Site

_WAS = {
    "next": "was asked for a value",
    "anext": "was asked for a value",
    "yield from": "was asked for a value",
    "send": "was sent a value",
    "asend": "was sent a value",
    "throw": "was thrown an exception",
    "athrow": "was thrown an exception",
    "close": "was to be closed",
    "aclose": "was to be closed",
    "await": "was awaited",
}
_CAN_ONLY = {
    "send": "take another value",
    "throw": "take an exception",
    "close": "be closed",
}
_SEE_IT_HAPPEN = " To see it as it happens:  genlock run SCRIPT"
_WHEN_RUN_SEES_IT = " genlock run sees it as it happens from Python 3.12 on."
_WHEN_MANY_COME = " Of errors that come fast, genlock run looks at some as they happen."
_CANDIDATES_SHOWN = 6
_MADE_IN_AN_EXPRESSION = ("<genexpr>", "<lambda>")


def told(sighting: Sighting, *, under_run: bool = False) -> list[str]:
    """What happened, on whose account, and what to write; the first line says it in one.

    `under_run` tells that whoever reads it has just used `genlock run`.
    """
    lines = _TELL[sighting.code](sighting)
    pattern = _to_guard(sighting, under_run=under_run)
    if pattern:
        program = "…" if under_run else "SCRIPT"
        lines.append(f"  or, without a change:  genlock run --guard {pattern} {program}")
    return lines


def not_known(sighting: Sighting, *, under_run: bool = False) -> list[str]:
    """What the sighting leaves open, one sentence each."""
    hint = _SEE_IT_HAPPEN
    if under_run:
        hint = _WHEN_MANY_COME if hasattr(sys, "monitoring") else _WHEN_RUN_SEES_IT
    return list(_gaps(sighting, hint))


def _gaps(sighting: Sighting, hint: str) -> Iterator[str]:
    busy = sighting.code in BUSY
    only = _only(sighting)
    if sighting.call is None and sighting.origin is None:
        yield "where it was raised: it has no traceback."
    elif only is None:
        about = f", {sighting.expression}," if sighting.expression else ""
        elsewhere = hint if not busy and _is_forgotten(sighting) else ""
        yield (
            f"which {sighting.kind} it was: the failing expression{about} names none that can be"
            f" looked up without running code.{elsewhere}"
        )
    if _may_be_either(sighting):
        yield (
            f"who was running {sighting.begins_in}, which the failing call came out of: no"
            f" traceback leads further out.{hint}"
        )
    elif busy and sighting.is_late and not _is_reentry(only):
        yield f"who was inside when it was raised: this was read afterwards.{hint}"
    elif busy and only is not None and only.state == "suspended":
        yield "who was inside: it had left by the time the stacks were read."
    if only is not None and only.state == "unseen":
        yield (
            f"who is inside: {only.name} counts as running, but no stack that could be read leads"
            " there. It may be another thread of a free-threaded build, a greenlet that is switched"
            " out, or a close() that is under way."
        )


def _is_forgotten(sighting: Sighting) -> bool:
    """Whether it was called by a thread or pool, which keep no target that has failed."""
    call = sighting.call
    return sighting.is_late and call is not None and _frames.is_library(call.site.file)


# Busy ---------------------------------------------------------------------------------------------


def _busy(sighting: Sighting) -> list[str]:
    only = _only(sighting)
    if only is None:
        return _one_of_many(sighting)
    if only.state == "re-entered":
        return _reentered(sighting, only)
    if _may_be_either(sighting):
        return _of_either(sighting, only)
    lines = [f"{only.name!r} {_was(sighting)} while {_holder(sighting, only)} was inside."]
    if only.inside is not None:
        now = "  Inside now:" if sighting.is_late else "  Inside:"
        lines += [now, *rows(only.inside)]
    elif only.at is not None:
        verb = "stands" if only.state == "suspended" else "is at work"
        lines.append(f"  It {verb} at {place(only.at)} now.")
    lines += _this_call(sighting)
    return [*lines, *_cause(sighting, only), *_cure(sighting, only)]


def _reentered(sighting: Sighting, only: Candidate) -> list[str]:
    lines = [f"{only.name!r} {_was(sighting)} while it was still running."]
    if only.inside is not None:
        lines += ["  The call came back to itself:", *rows(only.inside)]
    lines.append(
        f"  {only.name} can only {_CAN_ONLY.get(sighting.operation, 'give another value')} after it"
        f" reaches its next yield{places(only.yields)}."
    )
    if only.kind != "generator":
        return [*lines, *_cure_of_async(sighting)]
    if sighting.operation == "close":
        return [*lines, _write("Let it be closed at that yield", only, 'on_close="defer"')]
    if sighting.operation in ("send", "throw"):
        what = "value" if sighting.operation == "send" else "exception"
        return [*lines, _write(f"Let the {what} wait its turn", only, 'on_reentry="defer"')]
    driver = sighting.driver or "the function that it calls"
    return [*lines, f"  Do that when this call has come back, not in {driver}."]


def _of_either(sighting: Sighting, only: Candidate) -> list[str]:
    """The path is too short to tell a call that came back from one of another thread."""
    is_same_function = only.name == sighting.begins_in
    condition = "that is the same one" if is_same_function else f"{only.name} was running that"
    return [
        f"{only.name!r} {_was(sighting)} while it was running: maybe by way of itself, maybe for"
        " another thread.",
        *_this_call(sighting),
        f"  The call came out of {sighting.begins_in}: if {condition}, it came back to itself; if"
        " not, threads share it.",
        _write("A guard names a cycle, and lets threads take turns", only),
    ]


def _one_of_many(sighting: Sighting) -> list[str]:
    """Nobody knows which it was: all that are running, labelled so."""
    lines = [f"A{_n(sighting.kind)} {sighting.kind} {_was(sighting)} while it was running."]
    lines += _this_call(sighting)
    if sighting.candidates:
        others = ", one of which it may be" if len(sighting.candidates) > 1 else ""
        lines.append(f"  Running{others}:")
    for candidate in sighting.candidates[:_CANDIDATES_SHOWN]:
        lines.append(f"   {candidate.name!r}, made by the function at {place(candidate.made_by)}:")
        lines += rows(candidate.inside) if candidate.inside is not None else []
    hidden = len(sighting.candidates) - _CANDIDATES_SHOWN
    if hidden > 0:
        lines.append(f"   and {hidden} more")
    if sighting.kind != "generator":
        return [*lines, *_cure_of_async(sighting)]
    return [
        *lines,
        "  Guard it where it is made; threads then take turns, and a cycle is named:"
        "  genlock.guard(…)",
    ]


def _cause(sighting: Sighting, only: Candidate) -> list[str]:
    if only.kind != "generator":
        return []
    if sighting.driver and sighting.driver != only.name:
        how = "sends to" if sighting.operation == "send" else "draws from"
        return [
            f"  Your inner generator is the shared one: {only.name}, which {sighting.driver} {how}."
            f" A lock around {sighting.driver} does not help."
        ]
    return ["  Threads share this generator, and nothing makes them take turns."]


def _cure(sighting: Sighting, only: Candidate) -> list[str]:
    if only.kind != "generator":
        return _cure_of_async(sighting)
    return [_write("Let them take turns", only)]


def how_to_share(sighting: Sighting) -> str:
    """What to write so that threads can share the bare generator of a race; empty if unknown."""
    only = sighting.candidates[0] if sighting.is_named and sighting.candidates else None
    return "" if only is None or only.kind != "generator" else _cure(sighting, only)[0].strip()


def _cure_of_async(sighting: Sighting) -> list[str]:
    if sighting.kind == "coroutine":
        return [
            "  A coroutine can be awaited by one only. Make a task of it, that many can await:",
            "      task = asyncio.create_task(…)",
        ]
    if sighting.code == "GL018":
        return [
            "  Close it in the task that runs it:  async with contextlib.aclosing(…) as values:",
            "  and from another task cancel that one, and wait until it has ended.",
        ]
    return [
        "  An async generator serves one task at a time. Give each task its own, or let them take"
        " turns:",
        "      async with lock:  value = await anext(…)",
    ]


# Otherwise ----------------------------------------------------------------------------------------


def _not_started(sighting: Sighting) -> list[str]:
    only, name = _only(sighting), _name(sighting)
    lines = [f"{name} was sent a value before it was started: it waits at no yield yet."]
    lines += [*_call_rows(sighting), f"  {how_to_start(sighting.kind, sighting.expression)}"]
    if sighting.kind == "generator" and only is None:
        lines.append("  or make it by  @genlock.coroutine")
    elif sighting.kind == "generator" and only is not None and not _is_elsewhere(only.made_by):
        lines.append(f"  or write above {place(only.made_by)} ({only.name}):  @genlock.coroutine")
    return lines


def how_to_start(kind: Kind, expression: str) -> str:
    """What to write where a value was sent too early to what `expression` is."""
    if kind == "coroutine":
        return f"Let an event loop drive it:  await {expression or 'cor'}"
    start = "next({})" if kind == "generator" else "await anext({})"
    if "(" not in expression:
        return f"Start it first:  {start.format(expression or 'cor')}"
    # To write that again would start another one.
    made = "…" if expression.endswith("…") else expression
    return f"Give it a name, and start it first:  cor = {made}; {start.format('cor')}"


def _stop_iteration(sighting: Sighting) -> list[str]:
    which = "StopAsyncIteration" if "StopAsync" in sighting.error else "StopIteration"
    lines = [f"{_name(sighting)} let a {which} out of its body, which is no way for it to end."]
    code = ""
    if sighting.origin is not None:
        code = sighting.origin.steps[-1].site.code
        lines += rows(sighting.origin)
    if code.startswith("raise "):
        lines.append(f"  End it with  return  in the place of  {code}")
    elif ".send(" in code:
        lines.append("  What it sends to has ended. Catch the StopIteration there, and return.")
    elif "next(" in code:
        lines.append(
            "  What it draws from is exhausted. Catch the StopIteration and return, or give next()"
            " a default."
        )
    else:
        lines.append(f"  Catch the {which} where it comes from, and  return  .")
    return lines


def _ignored_exit(sighting: Sighting) -> list[str]:
    only = _only(sighting)
    lines = [f"{_name(sighting)} was to be closed, and yielded instead of ending."]
    lines += _call_rows(sighting)
    if only is not None and only.at is not None:
        code = f":  {only.at.code}" if only.at.code else ""
        lines.append(f"  It went on to the yield at {place(only.at)}{code}")
    return [
        *lines,
        "  close() raises GeneratorExit at the yield where it stands. The body may clean up then,"
        " but not yield again:",
        "  write  except Exception:  in the place of  except:  or  except BaseException:  and no"
        " yield in finally.",
    ]


def _used_up(sighting: Sighting) -> list[str]:
    lines = [f"{_name(sighting)} was awaited again, although it had been awaited to its end."]
    return [
        *lines,
        *_call_rows(sighting),
        "  Call its function again for another run, or make a task of it to await one run often:",
        "      task = asyncio.create_task(…)",
    ]


def _awaitable_used_up(sighting: Sighting) -> list[str]:
    methods = sighting.error.partition("awaited ")[2]
    return [
        f"What {methods} returned was awaited twice; it stands for one step only.",
        *_call_rows(sighting),
        "  Call the method again for each step:  await anext(…)",
    ]


_TELL: dict[str, Callable[[Sighting], list[str]]] = {
    "GL011": _busy,
    "GL012": _not_started,
    "GL013": _stop_iteration,
    "GL014": _ignored_exit,
    "GL015": _busy,
    "GL016": _used_up,
    "GL017": _busy,
    "GL018": _busy,
    "GL019": _awaitable_used_up,
}


# Words --------------------------------------------------------------------------------------------


def was(operation: str) -> str:
    """What was done to a generator by an operation; "" is one that is not known."""
    return _WAS.get(operation, "was used")


def _only(sighting: Sighting) -> Candidate | None:
    return sighting.candidates[0] if sighting.is_named and sighting.candidates else None


def _may_be_either(sighting: Sighting) -> bool:
    """Whether nothing tells if the call came back to itself or if another thread was inside."""
    only = _only(sighting)
    if only is None or only.inside is not None or sighting.code != "GL011":
        return False
    return sighting.begins_in != ""


def _is_reentry(candidate: Candidate | None) -> bool:
    return candidate is not None and candidate.state == "re-entered"


def _name(sighting: Sighting) -> str:
    only = _only(sighting)
    return repr(only.name) if only is not None else f"A{_n(sighting.kind)} {sighting.kind}"


def _n(kind: str) -> str:
    return "n" if kind.startswith("a") else ""


def _was(sighting: Sighting) -> str:
    if sighting.code == "GL015":
        return was("await")
    if sighting.code == "GL018":
        return was("aclose")
    return was(sighting.operation)


def _holder(sighting: Sighting, only: Candidate) -> str:
    if only.inside is not None and not sighting.is_late:
        return plain(only.inside.thread)
    return "another thread" if only.kind == "generator" else "another task"


def _this_call(sighting: Sighting) -> list[str]:
    return ["  This call:", *_call_rows(sighting)] if sighting.call is not None else []


def _call_rows(sighting: Sighting) -> list[str]:
    if sighting.call is None:
        return []
    return rows(Strand(sighting.thread or sighting.call.actor, (sighting.call,)))


def _to_guard(sighting: Sighting, *, under_run: bool) -> str:
    """The function that --guard would have to name, as one types it; "" where it is no help."""
    only = _only(sighting)
    if only is None or sighting.code != "GL011" or _is_reentry(only):
        return ""
    if not under_run and not _is_elsewhere(only.made_by):
        return ""
    return shlex.quote(only.pattern) if only.pattern else ""


def _write(purpose: str, only: Candidate, option: str = "") -> str:
    """The line to write, and where."""
    if _is_elsewhere(only.made_by):
        arguments = f"…, {option}" if option else "…"
        return f"  {purpose}, where {only.name} is made:  genlock.guard({arguments})"
    arguments = f"({option})" if option else ""
    return f"  {purpose}; write above {place(only.made_by)}:  @genlock.guarded{arguments}"


def _is_elsewhere(site: Site) -> bool:
    """Whether one cannot put a decorator there: other people's code, or an expression."""
    return (
        _frames.is_foreign(site.file) or site.function.rpartition(".")[2] in _MADE_IN_AN_EXPRESSION
    )
