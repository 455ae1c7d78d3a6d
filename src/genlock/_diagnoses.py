"""From the frames of a moment to the error that tells of it.

Nothing here raises but what interrupts it: what cannot be found out is left out, so that a failure
of the diagnosis never takes the place of what it was to explain.
"""

from __future__ import annotations

import _thread
from typing import TYPE_CHECKING, Any, TypeVar, cast

from genlock import _evidence, _frames, _wording
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
from genlock._records import Diagnosis, Ending, Step, Strand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import FrameType

    from genlock._evidence import Gate
    from genlock._records import Operation, Site
    from genlock._waits import Patience, Ticket

_THIS_CALL = "← this call"
_ERROR_WIDTH = 200
_NOBODY = "nobody that is left"

_Error = TypeVar("_Error", bound=GenlockError)


def reentrant(gate: Gate, operation: Operation, frame: FrameType) -> ReentrantCallError:
    """The call at `frame` came back to the generator that its own thread is running."""

    def diagnose() -> Diagnosis:
        path, during = _path(gate, _frames.stack(frame), _THIS_CALL)
        return Diagnosis(
            ReentrantCallError.code,
            gate.name,
            operation,
            during,
            (Strand(_own_name(), path),),
            yields=_yields(gate),
        )

    return _error(ReentrantCallError, gate, operation, diagnose)


def contended(gate: Gate, operation: Operation, frame: FrameType) -> ContendedCallError:
    """Another thread is inside, and this call is not to wait."""
    return _error(
        ContendedCallError,
        gate,
        operation,
        lambda: _with_holder(ContendedCallError.code, gate, operation, frame),
    )


def timed_out(
    gate: Gate, operation: Operation, frame: FrameType, waited: float
) -> GuardTimeoutError:
    """Another thread stayed inside for as long as this call may wait."""
    return _error(
        GuardTimeoutError,
        gate,
        operation,
        lambda: _with_holder(GuardTimeoutError.code, gate, operation, frame, waited),
    )


def deadlock(
    gate: Gate, operation: Operation, frame: FrameType, cycle: Sequence[Ticket]
) -> DeadlockError:
    """The waits of `cycle`, the one at `frame` first, wait for one another."""

    def diagnose() -> Diagnosis:
        parked = _frames.parked_stacks({ticket.ident for ticket in cycle[1:]})
        parked[cycle[0].ident] = frame
        strands = []
        for ticket, before in zip(cycle, [cycle[-1], *cycle], strict=False):
            held, wanted = _as_gate(before.wanted), _as_gate(ticket.wanted)
            mine = ticket is cycle[0]
            stack = _frames.stack(parked[ticket.ident])
            path, _ = _path(held, stack, _THIS_CALL if mine else "")
            strands.append(Strand(_frames.thread_name(ticket.ident), path, held.name, wanted.name))
        return Diagnosis(DeadlockError.code, gate.name, operation, strands=tuple(strands))

    return _error(DeadlockError, gate, operation, diagnose)


def abandoned(gate: Gate, operation: Operation, frame: FrameType) -> AbandonedGeneratorError:
    """Whoever is inside can never come back."""

    def diagnose() -> Diagnosis:
        body = getattr(gate.guarded, "gi_frame", None)
        where = () if body is None else (Step(gate.name, _frames.site(body), "running"),)
        strands = (Strand(_own_name(), _call(frame)), Strand(_NOBODY, where, holds=gate.name))
        return Diagnosis(AbandonedGeneratorError.code, gate.name, operation, strands=strands)

    return _error(AbandonedGeneratorError, gate, operation, diagnose)


def undelivered(gate: Gate, values: tuple[Any, ...], frame: FrameType) -> UndeliveredValuesError:
    """The generator ended while `values` were still to be delivered."""
    try:
        strands = (Strand(_own_name(), _call(frame)),)
        diagnosis = Diagnosis(UndeliveredValuesError.code, gate.name, "send", strands=strands)
    except Exception as failure:  # the values must come out, whatever could not be read
        if _frames.is_interruption(failure):
            raise
        diagnosis = Diagnosis(UndeliveredValuesError.code, gate.name, "send")
    return UndeliveredValuesError(diagnosis, values)


def not_primed(gate: Gate, frame: FrameType) -> NotPrimedError:
    """A value was sent to a coroutine that waits at no yield yet."""

    def diagnose() -> Diagnosis:
        call = Strand(_own_name(), _call(frame))
        return Diagnosis(NotPrimedError.code, gate.name, "send", strands=(call,))

    return _error(NotPrimedError, gate, "send", diagnose)


def long_wait(gate: Gate, operation: Operation, frame: FrameType, patience: Patience) -> str:
    """The warning that this call waits."""
    waited = patience.waited()
    try:
        diagnosis = _with_holder("", gate, operation, frame, waited)
        return _wording.long_wait(diagnosis, blocks_loop=patience.blocks_loop)
    except Exception as failure:  # the wait goes on, whatever could not be read
        if _frames.is_interruption(failure):
            raise
        return _wording.long_wait(
            Diagnosis("", gate.name, operation, waited=waited), blocks_loop=patience.blocks_loop
        )


def tell_ending(gate: Gate, error: BaseException, ending: Ending) -> None:
    """Note on `error` what had ended the generator before."""
    try:
        note = _wording.already_ended(gate.name, ending)
        if note not in getattr(error, "__notes__", ()):  # it may come out again and again
            error.add_note(note)
    except Exception as failure:  # the user's error must come out as it is
        if _frames.is_interruption(failure):
            raise


def ended(error: BaseException) -> Ending:
    """What ended a generator that let `error` out."""
    if isinstance(error, StopIteration):
        return Ending("returned")
    try:
        site = _frames.raised_at(error.__traceback__)
        return Ending("raised", _own_name(), site, in_words(error))
    except Exception as failure:  # the user's error must come out as it is
        if _frames.is_interruption(failure):
            raise
        return Ending("raised", error=type(error).__name__)


def closed(frame: FrameType) -> Ending:
    """The call at `frame` closed a generator."""
    try:
        caller = _frames.user_frame(frame)
        site = None if caller is None else _frames.line_of(caller.f_code, caller.f_lineno)
        return Ending("closed", _own_name(), site)
    except Exception as failure:  # the generator is closed, whoever did it
        if _frames.is_interruption(failure):
            raise
        return Ending("closed")


def _error(
    kind: type[_Error], gate: Gate, operation: Operation, diagnose: Callable[[], Diagnosis]
) -> _Error:
    try:
        return kind(diagnose())
    except Exception as failure:  # any failure of ours must leave the error itself standing
        if _frames.is_interruption(failure):
            raise
        return kind(Diagnosis(kind.code, gate.name, operation))


def _with_holder(
    code: str,
    gate: Gate,
    operation: Operation,
    frame: FrameType,
    waited: float | None = None,
) -> Diagnosis:
    strands = [Strand(_own_name(), _call(frame))]
    during = None
    with gate.holder() as holder:
        if holder is not None:
            path, during = _path(gate, holder.frames, "")
            strands.append(Strand(_frames.thread_name(holder.ident), path, holds=gate.name))
    return Diagnosis(code, gate.name, operation, during, tuple(strands), waited)


def _path(
    gate: Gate, stack: Iterable[FrameType], last_remark: str
) -> tuple[tuple[Step, ...], Operation | None]:
    """The calls on `stack` from the one that entered `gate` on, and what it entered for."""
    body = getattr(gate.guarded, "gi_frame", None)
    steps: list[Step] = []
    during: Operation | None = None
    entered = False
    for frame in stack:
        if _evidence.owned_by(frame) is gate:
            entered, during = True, _evidence.operation_in(frame)
        elif not _frames.is_internal(frame):
            running = frame is body
            actor = gate.name if running else _frames.short_name(frame.f_code)
            remark = "running" if running else ""
            steps.append(
                Step(actor, _frames.site(frame), remark if steps else last_remark or remark)
            )
            if entered:
                break
            entered = running
    return tuple(reversed(steps)), during


def _call(frame: FrameType) -> tuple[Step, ...]:
    """The user's line that makes this call."""
    caller = _frames.user_frame(frame)
    if caller is None:
        return ()
    return (Step(_frames.short_name(caller.f_code), _frames.site(caller)),)


def in_words(error: BaseException) -> str:
    """The type of an error and the first line of its text, on one line."""
    name = type(error).__name__
    try:
        text = str(error).partition("\n")[0].rstrip(".")
    except Exception:  # a broken __str__ is not ours to report
        return name
    if not text:
        return name
    return f"{name}: {text if len(text) <= _ERROR_WIDTH else text[: _ERROR_WIDTH - 1] + '…'}"


def _yields(gate: Gate) -> tuple[Site, ...]:
    code = getattr(gate.guarded, "gi_code", None)
    return _frames.yields(code) if code is not None else ()


def _own_name() -> str:
    return _frames.thread_name(_thread.get_ident())


def _as_gate(thing: object) -> Gate:
    return cast("Gate", thing)  # waits are for gates only, which the queue need not know
