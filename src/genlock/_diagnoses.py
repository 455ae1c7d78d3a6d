"""From the frames of a moment to the error that tells of it.

Nothing here raises but what interrupts it: what cannot be found out is left out, so that a failure
of the diagnosis never takes the place of what it was to explain.
"""

from __future__ import annotations

import _thread
import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from genlock import _evidence, _waits, _wording
from genlock._errors import (
    AbandonedGeneratorError,
    ContendedCallError,
    DeadlockError,
    GenlockError,
    GuardTimeoutError,
    NotPrimedError,
    ReentrantCallError,
    UndeliveredValuesError,
)
from genlock._interpreter import _frames
from genlock._namesakes import name_beside
from genlock._records import Diagnosis, Ending, Step, Strand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import FrameType

    from genlock._evidence import Keepable, Named
    from genlock._records import Operation, Site
    from genlock._waits import Patience, Ticket

_EXCLUSIVE = "in exclusive use"
_NOBODY = "nobody that is left"

_Error = TypeVar("_Error", bound=GenlockError)
_Fact = TypeVar("_Fact")

listeners: dict[Callable[[GenlockError], object], None] = {}
"""Called with each error that a guard is about to raise, in its thread."""


def reentrant(gate: Keepable, operation: Operation, frame: FrameType) -> ReentrantCallError:
    """The call at `frame` came back to the generator that its own thread is running."""

    def diagnose() -> Diagnosis:
        path, during = path_into(gate, _frames.stack(frame), _wording.THIS_CALL)
        return Diagnosis(
            ReentrantCallError.code,
            gate.name,
            operation,
            during,
            (Strand(_own_name(), path),),
            yields=_yields(gate),
            identity=identity(gate),
        )

    return _error(ReentrantCallError, gate, operation, diagnose)


def contended(gate: Keepable, operation: Operation, frame: FrameType) -> ContendedCallError:
    """Another thread is inside, and this call is not to wait."""
    return _error(
        ContendedCallError,
        gate,
        operation,
        lambda: _with_holder(ContendedCallError.code, gate, operation, frame),
    )


def timed_out(
    gate: Keepable, operation: Operation, frame: FrameType, waited: float
) -> GuardTimeoutError:
    """Another thread stayed inside for as long as this call may wait."""
    return _error(
        GuardTimeoutError,
        gate,
        operation,
        lambda: _with_holder(GuardTimeoutError.code, gate, operation, frame, waited),
    )


def deadlock(
    gate: Keepable, operation: Operation, frame: FrameType, cycle: Sequence[Ticket]
) -> DeadlockError:
    """The waits of `cycle`, the one at `frame` first, wait for one another."""

    def diagnose() -> Diagnosis:
        stacks = {
            **_waits.stacks({ticket.ident for ticket in cycle[1:]}),
            cycle[0].ident: tuple(_frames.stack(frame)),
        }
        names = _frames.thread_names()
        strands = []
        for ticket, before in zip(cycle, [cycle[-1], *cycle], strict=False):
            held, wanted = _as_gate(before.wanted), _as_gate(ticket.wanted)
            remark = _wording.THIS_CALL if ticket is cycle[0] else ""
            path, _ = path_into(held, stacks.get(ticket.ident, ()), remark)
            strands.append(strand_inside(names[ticket.ident], path, held, wanted))
        return _diagnosis(DeadlockError.code, gate, operation, *strands)

    return _error(DeadlockError, gate, operation, diagnose)


def abandoned(gate: Keepable, operation: Operation, frame: FrameType) -> AbandonedGeneratorError:
    """Whoever is inside can never come back."""

    def diagnose() -> Diagnosis:
        call = Strand(_own_name(), _call(frame))
        return _diagnosis(AbandonedGeneratorError.code, gate, operation, call, left_inside(gate))

    return _error(AbandonedGeneratorError, gate, operation, diagnose)


def left_inside(gate: Keepable) -> Strand:
    """Where whoever will never come back was inside of `gate`."""
    where = _exclusive_use(gate)
    body = None if where else _frames.body_of(gate.guarded)
    if body is not None:
        where = (Step(gate.name, _frames.site(body), "running", identity(gate)),)
    keep = _evidence.keep_of(gate)
    who = f"{keep.name}, which is gone" if keep is not None and keep.name else _NOBODY
    return strand_inside(who, where, gate)


def undelivered(
    gate: Keepable, values: tuple[Any, ...], frame: FrameType
) -> UndeliveredValuesError:
    """The generator ended while `values` were still to be delivered."""

    def diagnose() -> Diagnosis:
        call = Strand(_own_name(), _call(frame))
        return _diagnosis(UndeliveredValuesError.code, gate, "send", call)

    bare = Diagnosis(UndeliveredValuesError.code, gate.name, "send")
    return _told(UndeliveredValuesError(_found_out(diagnose, lambda: bare), values))


def not_primed(guard: Named, frame: FrameType) -> NotPrimedError:
    """A value was sent to a coroutine that waits at no yield yet."""

    def diagnose() -> Diagnosis:
        call = Strand(_own_name(), _call(frame))
        return _diagnosis(NotPrimedError.code, guard, "send", call)

    return _error(NotPrimedError, guard, "send", diagnose)


def long_wait(gate: Keepable, operation: Operation, frame: FrameType, patience: Patience) -> str:
    """The warning that this call waits."""
    waited = patience.waited()

    def word(diagnosis: Diagnosis) -> str:
        return _wording.long_wait(diagnosis, blocks_loop=patience.blocks_loop)

    return _found_out(
        lambda: word(_with_holder("", gate, operation, frame, waited)),
        lambda: word(Diagnosis("", gate.name, operation, waited=waited)),
    )


def tell_ending(guard: Named, error: BaseException, ending: Ending) -> None:
    """Note on `error` what had ended the generator before."""

    def add_note() -> None:
        name = name_beside(ending.error, guard.name, identity(guard))
        note = _wording.already_ended(name, ending)
        if note not in getattr(error, "__notes__", ()):  # it may come out again and again
            error.add_note(note)

    _found_out(add_note, lambda: None)


def ended(error: BaseException) -> Ending:
    """What ended a generator that let `error` out."""
    if issubclass(type(error), StopIteration):  # by its type: a __class__ may raise
        return Ending("returned")

    def look() -> Ending:
        site = _frames.raised_at(error.__traceback__)
        if site is None and error.__cause__ is not None:
            # The interpreter makes a RuntimeError of a StopIteration that leaves the body.
            site = _frames.raised_at(error.__cause__.__traceback__)
        return Ending("raised", _own_name(), site, _wording.in_words(error))

    return _found_out(look, lambda: Ending("raised", error=type(error).__name__))


def closed(frame: FrameType) -> Ending:
    """The call at `frame` closed a generator."""

    def look() -> Ending:
        caller = _frames.user_frame(frame)
        site = None if caller is None else _frames.line_of(caller.f_code, caller.f_lineno)
        return Ending("closed", _own_name(), site)

    return _found_out(look, lambda: Ending("closed"))


def _error(
    kind: type[_Error], guard: Named, operation: Operation, diagnose: Callable[[], Diagnosis]
) -> _Error:
    error = _found_out(
        lambda: kind(diagnose()), lambda: kind(Diagnosis(kind.code, guard.name, operation))
    )
    return _told(error)


def _told(error: _Error) -> _Error:
    for listener in tuple(listeners):
        _found_out(functools.partial(listener, error), lambda: None)
    return error


def _found_out(look: Callable[[], _Fact], in_doubt: Callable[[], _Fact]) -> _Fact:
    """What `look` finds, or where it fails, `in_doubt`: what it is for has to stand anyway."""
    try:
        return look()
    except Exception as failure:
        if _frames.is_interruption(failure):
            raise
        return in_doubt()


def _with_holder(
    code: str,
    gate: Keepable,
    operation: Operation,
    frame: FrameType,
    waited: float | None = None,
) -> Diagnosis:
    strands = [Strand(_own_name(), _call(frame))]
    during = None
    holder = gate.holder()
    if holder is not None:
        path, during = path_into(gate, holder.frames, "")
        strands.append(strand_inside(_frames.thread_name(holder.ident), path, gate))
    return replace(_diagnosis(code, gate, operation, *strands), during=during, waited=waited)


def _diagnosis(code: str, guard: Named, operation: Operation, *strands: Strand) -> Diagnosis:
    return Diagnosis(code, guard.name, operation, strands=strands, identity=identity(guard))


def identity(guard: Named) -> int:
    """What tells a guard from others of its name: the address that `repr()` shows of it."""
    return id(guard.guarded)


def strand_inside(
    thread: str, path: tuple[Step, ...], holds: Keepable, wants: Keepable | None = None
) -> Strand:
    """The strand of a thread that is inside of `holds`, and waits for `wants` if that is given."""
    if wants is None:
        return Strand(thread, path, holds.name, holds_identity=identity(holds))
    return Strand(thread, path, holds.name, wants.name, identity(holds), identity(wants))


def path_into(
    gate: Keepable, stack: Iterable[FrameType], last_remark: str
) -> tuple[tuple[Step, ...], Operation | None]:
    """The calls on `stack` from the one that entered `gate` on, and what it entered for.

    Where none did, it is exclusive use that leads to the last call.
    """
    body = _frames.body_of(gate.guarded)
    steps: list[Step] = []
    during: Operation | None = None
    entered = False
    caller: FrameType | None = None
    for frame in stack:
        owned = _evidence.owned_by(frame)
        if owned is gate:
            entered, during = True, _evidence.operation_in(frame)
        elif owned is not None and caller is not None:
            steps[-1] = _in_body(steps[-1], caller, _as_gate(owned))
        elif not _frames.is_internal(frame):
            caller = frame
            running = frame is body
            remark = "running" if running else ""
            step = Step(
                _frames.short_name(frame.f_code),
                _frames.site(frame),
                remark if steps else last_remark or remark,
            )
            steps.append(_in_body(step, frame, gate))
            if entered:
                return tuple(reversed(steps)), during
            entered = running
    begun = () if entered else _exclusive_use(gate)
    if begun:
        return begun + tuple(steps[:1]), during
    return tuple(reversed(steps)), during


def _in_body(step: Step, frame: FrameType, gate: Keepable) -> Step:
    """The step as that of a guard, if its `frame` is the body of the generator behind `gate`."""
    if frame is not _frames.body_of(gate.guarded):
        return step
    return replace(step, actor=gate.name, identity=identity(gate))


def _exclusive_use(gate: Keepable) -> tuple[Step, ...]:
    """Where exclusive use of `gate` began, if it is in force."""
    keep = _evidence.keep_of(gate)
    if keep is None:
        return ()
    site = _frames.statement(keep.code, keep.line)
    return (Step(site.function, site, _EXCLUSIVE),)


def _call(frame: FrameType) -> tuple[Step, ...]:
    """The user's line that makes this call."""
    caller = _frames.user_frame(frame)
    if caller is None:
        return ()
    return (Step(_frames.short_name(caller.f_code), _frames.site(caller)),)


def _yields(gate: Keepable) -> tuple[Site, ...]:
    code = getattr(gate.guarded, "gi_code", None)
    return _frames.yields(code) if code is not None else ()


def _own_name() -> str:
    return _frames.thread_name(_thread.get_ident())


def _as_gate(thing: object) -> Keepable:
    return cast("Keepable", thing)  # waits are for gates only, which the queue need not know
