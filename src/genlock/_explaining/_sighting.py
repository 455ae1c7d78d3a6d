"""Reads what can be seen around an error of the interpreter's about a generator, now.

Nothing here raises, and nothing runs code of the user's but the `get_source` of a module's own
`__loader__`, for source that is in no file. What cannot be read stays out. The thread of the
failing call is read from `frame` outwards, or where the error has gone on since, from its
traceback; the other threads as they stand now.
"""

from __future__ import annotations

import _thread
import inspect
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from genlock._explaining._expressions import Named, named
from genlock._explaining._guardable import pattern_for
from genlock._explaining._lookup import code_of, frame_of, is_running
from genlock._explaining._protocol import BUSY, recognise
from genlock._interpreter import _frames, _stacks, _tasks
from genlock._interpreter._chains import raised_over
from genlock._records import Candidate, Sighting, Site, Step, Strand
from genlock._wording import THIS_CALL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import CodeType, FrameType, TracebackType

    from genlock._explaining._protocol import Fault
    from genlock._records import Kind, State

_FLAGS: dict[Kind, int] = {
    "generator": inspect.CO_GENERATOR,
    "coroutine": inspect.CO_COROUTINE,
    "async generator": inspect.CO_ASYNC_GENERATOR,
}
_SUSPENDABLE = sum(_FLAGS.values())
_RUNNING = "running"
_NOW = "as it stands now"


class Known(NamedTuple):
    """What is known of an error from elsewhere.

    `thread` is the name of the one that raised it, where that is not the calling one. `about` is
    what the interpreter could not raise it from: a finaliser, say, or the generator that was to be
    closed. `within` is the exception that came of it in the end: its traceback begins further out.
    """

    thread: str = ""
    about: object = None
    within: BaseException | None = None


_NOTHING = Known()


class Call(NamedTuple):
    """A frame of the failing thread, and where it stood when the error was raised.

    Or, unless `is_of_then`, where it stands now: no traceback has kept more of it.
    """

    frame: FrameType
    lasti: int
    line: int
    is_of_then: bool = True


class Stacks(NamedTuple):
    """Who stood where: `calls` of the failing thread, `others` by the names of the threads."""

    calls: Sequence[Call]
    thread: str
    others: Sequence[tuple[str, Sequence[Call]]]


def sight(
    error: BaseException,
    frame: FrameType | None = None,
    known: Known = _NOTHING,
) -> Sighting | None:
    """What can be seen of the moment at which `error` was raised, or is seen now.

    Never raises. Runs no code of the user's but that of loaders, for source lines. Safe in any
    thread; other threads go on meanwhile.

    Args:
        error: an error of the interpreter's about a generator; for any other, None is returned,
            and where nothing can be seen of it.
        frame: the innermost frame of the failing call, when this is called while `error` is being
            raised, by its thread. Without, the traceback is read, and the record `is_late`.
        known: what is known of it from elsewhere.
    """
    fault = recognise(error)
    if fault is None:
        return None
    try:
        return _sight(fault, error, frame, known)
    except Exception as failure:  # a failure of ours must leave the error itself standing
        if _frames.is_interruption(failure):
            raise
        return None


def _sight(fault: Fault, error: BaseException, frame: FrameType | None, known: Known) -> Sighting:
    # First of all: to read a source file, say, is to let the other threads go on.
    others = _other_stacks() if fault.code in BUSY else []
    calls = _calls_then(error, known) if frame is None else _calls_now(frame)
    thread = known.thread
    if not thread and (frame is not None or _is_own(calls)):
        task = "" if fault.kind == "generator" else _tasks.current()
        thread = task or _frames.thread_name(_thread.get_ident())
    origin = _origin(error, thread) if fault.code == "GL013" else None
    call = _failing_call(calls, error if origin else None)
    what = Named()
    if frame_of(known.about) is not None:  # it has not ended, so nothing came out of its body
        what = Named("", "", known.about)
    elif call is not None and origin is None:
        what = named(call.frame, call.lasti, fault.kind)
    driver = call.frame.f_code if call is not None else None
    is_driven = driver is not None and driver.co_flags & _SUSPENDABLE
    return Sighting(
        fault.code,
        fault.error,
        fault.kind,
        what.operation,
        thread,
        None if call is None else _step(call),
        what.expression,
        what.found is not None or origin is not None,
        _frames.short_name(driver) if driver is not None and is_driven else "",
        tuple(_candidates(fault, error, what.found, Stacks(calls, thread, others))),
        frame is None,
        origin,
        _beginning(calls) if frame is None else "",
    )


# The failing call ---------------------------------------------------------------------------------


def _calls_now(frame: FrameType) -> list[Call]:
    """The stack of the failing call, innermost first."""
    return [Call(each, each.f_lasti, each.f_lineno or 0) for each in _frames.stack(frame)]


def _calls_then(error: BaseException, known: Known) -> list[Call]:
    """The same from tracebacks; that of an error ends outside where it was caught.

    The traceback of what was raised there instead goes on from there.
    """
    stood: dict[FrameType, tuple[int, int]] = {}
    came_to: dict[FrameType, FrameType] = {}
    innermost: FrameType | None = None
    outermost: FrameType | None = None
    for each in (error, *raised_over(error, known.within or error)):
        way = list(_entries(each.__traceback__))
        if not way or (outermost is not None and all(frame is not outermost for frame, *_ in way)):
            break
        # The last entry of a frame is the first of its errors.
        stood = {frame: (lasti, line) for frame, lasti, line in way} | stood
        for (caller, *_), (frame, *_) in pairwise(way):
            if caller is not frame:
                came_to.setdefault(frame, caller)
        innermost, outermost = innermost or way[-1][0], way[0][0]
    here = _frames.user_frame(sys._getframe())
    if outermost is not None and here is not None and known.about is not None:
        came_to.setdefault(outermost, here)  # the interpreter tells of it amid that very call
    # As long as a call has not returned, its callers have not moved.
    is_still_inside = any(frame is outermost for frame in _frames.stack(sys._getframe()))
    return [
        Call(each, *stood[each])
        if each in stood
        else Call(each, each.f_lasti, each.f_lineno or 0, is_still_inside)
        for each in _callers(innermost, came_to)
    ]


def _entries(traceback: TracebackType | None) -> Iterator[tuple[FrameType, int, int]]:
    while traceback is not None:
        yield traceback.tb_frame, traceback.tb_lasti, traceback.tb_lineno
        traceback = traceback.tb_next


def _beginning(calls: Sequence[Call]) -> str:
    """The generator that the path begins in, where its caller cannot be known; or nothing."""
    if not calls or not calls[-1].frame.f_code.co_flags & inspect.CO_GENERATOR:
        return ""
    return _frames.short_name(calls[-1].frame.f_code)


def _callers(frame: FrameType | None, came_to: dict[FrameType, FrameType]) -> Iterator[FrameType]:
    """`frame` and its callers at the time of an error that has come out of them since.

    A frame that has ended keeps its caller, but that of a generator does not; of those only the
    traceback tells. It cannot be relied on otherwise: it may have gone through two threads.
    """
    while frame is not None:
        yield frame
        back = frame.f_back
        if back is None and frame.f_code.co_flags & _SUSPENDABLE:
            back = came_to.pop(frame, None)
        frame = back


def _failing_call(calls: Sequence[Call], raised: BaseException | None) -> Call | None:
    """The innermost call that is the user's; of what a body raised, the one from outside."""
    body = _body_that_raised(raised) if raised is not None else None
    for call in calls:
        if not _frames.is_internal(call.frame) and call.frame is not body:
            return call
    return None


def _is_own(calls: Sequence[Call]) -> bool:
    """Whether the calling thread made these calls."""
    outermost = calls[-1].frame if calls else None
    return any(frame is outermost for frame in _frames.stack(sys._getframe()))


def _step(call: Call, actor: str = "", remark: str = "") -> Step:
    site = _frames.site_at(call.frame, call.lasti, call.line)
    return Step(actor or site.function, site, remark)


# What a body raised -------------------------------------------------------------------------------


def _body_that_raised(error: BaseException) -> FrameType | None:
    traceback = _traceback_of_cause(error)
    return traceback and traceback.tb_frame


def _traceback_of_cause(error: BaseException) -> TracebackType | None:
    return error.__cause__.__traceback__ if error.__cause__ is not None else None


def _origin(error: BaseException, thread: str) -> Strand | None:
    """The way of a StopIteration through the body that let it out."""
    steps = []
    traceback = _traceback_of_cause(error)
    while traceback is not None:
        call = Call(traceback.tb_frame, traceback.tb_lasti, traceback.tb_lineno)
        if not _frames.is_internal(call.frame):
            steps.append(_step(call))
        traceback = traceback.tb_next
    return Strand(thread, tuple(steps)) if steps else None


# The generator ------------------------------------------------------------------------------------


def _candidates(
    fault: Fault, error: BaseException, found: object, stacks: Stacks
) -> Iterator[Candidate]:
    if fault.code == "GL013":
        body = _body_that_raised(error)
        if body is not None:
            yield _candidate(body.f_code, body, fault.kind, "ended")
    elif found is not None:
        yield _the_one(fault, found, stacks)
    elif fault.code in BUSY:
        yield from _all_running(fault.kind, stacks)


def _the_one(fault: Fault, found: object, stacks: Stacks) -> Candidate:
    """The generator that the failing expression names."""
    frame, code = frame_of(found), code_of(found)
    assert code is not None  # noqa: S101  # it is of one of the three kinds
    own = _own_frame(found, stacks.calls, fault.kind) if fault.code in BUSY else None
    if own is not None:
        inside = _way_through(own, stacks)
        return _candidate(code, own, fault.kind, "re-entered", inside)
    if frame is None:
        return _candidate(code, None, fault.kind, "ended")
    if fault.code in BUSY:
        other = _frame_on_other_stack(frame, stacks) or _tasks.inside(found)
        if other is not None:
            return _candidate(code, frame, fault.kind, "held", other)
        if is_running(found):
            return _candidate(code, frame, fault.kind, "unseen")
    state: State = "not started" if fault.code == "GL012" else "suspended"
    return _candidate(code, frame, fault.kind, state)


def _own_frame(found: object, calls: Sequence[Call], kind: Kind) -> FrameType | None:
    """The frame of this generator on the stack of the failing call, also if that ended it."""
    frame = frame_of(found)
    if frame is not None:
        return frame if any(call.frame is frame for call in calls) else None
    alike = []
    for call, caller in pairwise(call for call in calls if not _frames.is_internal(call.frame)):
        if call.frame.f_code is code_of(found):
            entered = named(caller.frame, caller.lasti, kind).found
            if entered is found:
                return call.frame
            if entered is None:
                alike.append(call.frame)
    # Two of one function: more likely it is not the one that made the call.
    return alike[-1] if alike else None


def _all_running(kind: Kind, stacks: Stacks) -> Iterator[Candidate]:
    seen = []
    for call in stacks.calls:
        if _is_of(kind, call.frame):
            seen.append(call.frame)
            inside = _way_through(call.frame, stacks)
            yield _candidate(call.frame.f_code, call.frame, kind, "re-entered", inside)
    for thread, stack in stacks.others:
        for call in stack:
            frame = call.frame
            if _is_of(kind, frame) and not any(frame is own for own in seen):
                inside = _way_into(frame, stack, thread)
                yield _candidate(frame.f_code, frame, kind, "held", inside)


def _is_of(kind: Kind, frame: FrameType) -> bool:
    return bool(frame.f_code.co_flags & _FLAGS[kind]) and not _frames.is_internal(frame)


def _candidate(
    code: CodeType,
    frame: FrameType | None,
    kind: Kind,
    state: State,
    inside: Strand | None = None,
) -> Candidate:
    name = _frames.short_name(code)
    at = None
    if frame is not None and state in ("suspended", "unseen"):
        at = _frames.site(frame)
    return Candidate(
        name,
        kind,
        state,
        Site(code.co_filename, _frames.definition_line(code, frame), name),
        pattern_for(code, frame),
        inside,
        at,
        _frames.yields(code) if state == "re-entered" else (),
    )


# Who is inside ------------------------------------------------------------------------------------


def _way_through(own: FrameType, stacks: Stacks) -> Strand:
    """The failing call's own path, from the call that entered this generator on."""
    return Strand(stacks.thread, _path(own, stacks.calls, THIS_CALL))


def _way_into(frame: FrameType, stack: Sequence[Call], thread: str) -> Strand:
    """The path of a thread from the call that entered this generator to where it stands."""
    return Strand(thread, _path(frame, stack, ""))


def _path(body: FrameType, stack: Sequence[Call], last_remark: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    entered = False
    for call in _without_library(body, stack):
        if not _frames.is_internal(call.frame):
            remark = _RUNNING if call.frame is body else ""
            remark = remark if call.is_of_then else _NOW
            steps.append(_step(call, remark=remark if steps else last_remark or remark))
            if entered:
                break
        entered = entered or call.frame is body
    steps.reverse()
    return tuple(steps)


def _without_library(body: FrameType, stack: Sequence[Call]) -> Sequence[Call]:
    """The stack up to the call that went into the standard library, below the generator."""
    for depth, call in enumerate(stack):
        if call.frame is body or not _frames.is_library(call.frame.f_code.co_filename):
            return stack[depth:]
    return stack


def _frame_on_other_stack(frame: FrameType, stacks: Stacks) -> Strand | None:
    for thread, stack in stacks.others:
        if any(call.frame is frame for call in stack):
            return _way_into(frame, stack, thread)
    return None


def _other_stacks() -> list[tuple[str, list[Call]]]:
    """The stacks of the threads, as they stand now; where threads run at once, only the own."""
    if _stacks.RUN_AT_ONCE:
        threads = {_thread.get_ident(): sys._getframe()}
    else:
        threads = _stacks.current_frames()
    stacks = {
        ident: [Call(frame, frame.f_lasti, frame.f_lineno or 0) for frame in _frames.stack(frame)]
        for ident, frame in threads.items()
    }
    names = _frames.thread_names()
    return [(names[ident], stack) for ident, stack in stacks.items()]
