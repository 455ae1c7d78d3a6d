"""Who is inside a gate: read from the frames on the threads' stacks, at the moment of need.

The way in leaves no trace of its owner, because writing one down would cost every call. The
trace is the way in itself: while a call owns its gate, the frame of the gate's method is on its
thread's stack, with the local variable `was` set to False.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from genlock import _frames

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

    from genlock._policy import Policy
    from genlock._records import Operation

_Method = TypeVar("_Method", bound="Callable[..., object]")

_ways_in: set[CodeType] = set()
"""The code of every method that can own a gate."""


class Gate(Protocol):
    """What the frames and the diagnoses need to know of a gate."""

    guarded: object
    policy: Policy

    @property
    def name(self) -> str:
        """What messages call the guard."""


class Presence(NamedTuple):
    """A thread that is inside a gate: its identifier and its innermost frame."""

    ident: int
    frame: FrameType


def way_in(method: _Method) -> _Method:
    """Mark a gate's method: its frames own the gate `self` while their local `was` is False."""
    _ways_in.add(method.__code__)
    return method


def owned_by(frame: FrameType) -> object | None:
    """The gate that this very frame owns, if any."""
    if frame.f_code not in _ways_in or frame.f_locals.get("was") is not False:
        return None
    gate: object = frame.f_locals["self"]
    return gate


def held_gates(frame: FrameType) -> tuple[object, ...]:
    """The gates that the stack from `frame` outwards owns, innermost first."""
    owned = (owned_by(caller) for caller in _frames.stack(frame))
    return tuple(gate for gate in owned if gate is not None)


def operation_in(frame: FrameType) -> Operation:
    """What a way in was called for."""
    found: Operation | None = frame.f_locals.get("operation")
    return found or ("next" if frame.f_locals.get("value") is None else "send")


def is_executing(guarded: object) -> bool:
    """Whether the generator counts as running. Of other iterators that is not known: maybe.

    It is neither less nor more than `is_on_stack`: during a close() that waits for a
    sub-iterator a generator counts as running with its frame on no stack, and during a tracer's
    event for a yield its frame is on the stack although it counts as suspended.
    """
    return bool(getattr(guarded, "gi_running", True))


def is_on_stack(guarded: object, frame: FrameType) -> bool:
    """Whether the stack from `frame` outwards passes through the generator's own frame."""
    body = getattr(guarded, "gi_frame", None)
    return body is not None and any(caller is body for caller in _frames.stack(frame))


def presence(gate: Gate) -> Presence | None:
    """The thread that is inside `gate`, guarded or by the bare generator behind it."""
    body = getattr(gate.guarded, "gi_frame", None)
    for ident, innermost in _frames.current_frames().items():
        for frame in _frames.stack(innermost):
            if frame is body or owned_by(frame) is gate:
                return Presence(ident, innermost)
    return None


def is_abandoned(gate: Gate) -> bool:
    """Whether no thread's stack shows an owner of `gate`, and its generator is idle."""
    return not getattr(gate.guarded, "gi_running", False) and not any(
        owned_by(frame) is gate
        for innermost in _frames.current_frames().values()
        for frame in _frames.stack(innermost)
    )
