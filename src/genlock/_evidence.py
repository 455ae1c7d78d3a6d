"""Who is inside a gate: read from the frames on the threads' stacks, at the moment of need.

The way in leaves no trace of its owner, because writing one down would cost every call. The
trace is the way in itself: while a call owns its gate, the frame of the gate's method is on its
thread's stack, with the local variable `was` set to False.
"""

from __future__ import annotations

import _thread
import inspect
import sys
import weakref
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from genlock._interpreter import _frames, _stacks
from genlock._interpreter._threads import own, own_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

    from genlock._records import Operation

_Method = TypeVar("_Method", bound="Callable[..., object]")

_ways_in: set[int] = set()
"""The identities of the code of every method that can own a gate. Code is hashed by its value,
anew each time: 1 to 12 microseconds for every frame of a large function on the stack."""

_SUSPENDABLE = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


class Named(Protocol):
    """What has to be known of a guard to speak of it."""

    guarded: object

    @property
    def name(self) -> str:
        """What messages call the guard."""


class Keepable(Named, Protocol):
    """What has to be known of a gate to tell who is inside."""

    keeper: Claim | None

    def end_keep(self, claim: Claim) -> None:
        """End exclusive use, if it is this."""

    def holder(self) -> Presence | None:
        """The other thread that is inside."""


class Presence(NamedTuple):
    """A thread that is inside a gate: its identifier, and its frames, innermost first.

    There are no frames of exclusive use with no call in progress, and where threads run at once
    only those of the generator's body and of its callers.
    """

    ident: int
    frames: tuple[FrameType, ...]


def way_in(method: _Method) -> _Method:
    """Mark a gate's method: its frames own the gate `self` while their local `was` is false."""
    mark_way_in(method.__code__)
    return method


def mark_way_in(code: CodeType) -> None:
    """Mark code that a gate's method may be given; it has to be kept from then on."""
    _ways_in.add(id(code))


def owned_by(frame: FrameType) -> object | None:
    """The gate that this very frame owns, if any."""
    if id(frame.f_code) not in _ways_in:
        return None
    variables = frame.f_locals
    return None if variables.get("was", True) else variables.get("self")


class Claim(weakref.ref["Keep"]):
    """What a gate knows of its exclusive use: it dies with the block.

    `over` but while it is in force. Whoever ends it swaps that, so that it is ended once: by its
    block, by the callback when that is gone, or by a waiter that finds it dead.
    """

    __slots__ = ("over",)

    over: bool

    def __init__(self, keep: Keep, when_dead: Callable[[Claim], None]) -> None:
        super().__init__(keep, when_dead)  # type: ignore[call-arg]  # typeshed knows __new__ only
        self.over = True


class Keep:
    """One block of exclusive use of `gate` by the calling thread, begun at a line of `code`."""

    __slots__ = ("__weakref__", "code", "gate", "ident", "line", "me", "name", "thread")

    def __init__(self, gate: Keepable, caller: FrameType) -> None:
        self.gate = gate
        self.code: CodeType = caller.f_code
        self.line = caller.f_lineno
        self.ident = _thread.get_ident()  # of the greenlet, where gevent has replaced that
        # An exception that is delivered at the entry of an __exit__ keeps that from running.
        self.me = Claim(self, gate.end_keep)
        self.thread = own.me
        self.name = own_name()  # nobody knows it when the thread has ended
        keeps = own.thread.keeps
        keeps[:] = [other for other in keeps if other() is not None]
        keeps.append(self.me)

    def is_in_force(self) -> bool:
        """Whether it keeps the gate from others at this moment."""
        return not self.me.over

    def end(self) -> None:
        """Give the gate back, if this keeps it; nothing if it has been ended."""
        thread = self.thread()
        if thread is not None and self.me in thread.keeps:
            thread.keeps.remove(self.me)
        self.gate.end_keep(self.me)


def keep_of(gate: Keepable) -> Keep | None:
    """The exclusive use that `gate` is in, if any."""
    me = gate.keeper  # once: it may end at any moment
    return None if me is None else me()


class OwnStack(NamedTuple):
    """What the calling thread is inside of: gates that its calls own, and one generator or not.

    And what it keeps exclusively: the gates stay kept as long as this lives.
    """

    entered: tuple[object, ...]
    keeps: tuple[Keep, ...]
    passes_through: bool

    @property
    def held(self) -> tuple[object, ...]:
        """All that this thread keeps from others."""
        return (*self.entered, *(keep.gate for keep in self.keeps))


def own_stack(frame: FrameType, guarded: object) -> OwnStack:
    """Read the stack of the calling thread from `frame` outwards, once."""
    body = _frames.body_of(guarded)
    passes_through = False
    entered = []
    for caller in _frames.stack(frame):
        if caller is body:
            passes_through = True
        elif (gate := owned_by(caller)) is not None:
            entered.append(gate)
    keeps = own.thread.kept(_thread.get_ident()) if own.thread.keeps else ()
    return OwnStack(tuple(entered), keeps, passes_through)


def operation_in(frame: FrameType) -> Operation | None:
    """What a way in was called for; None in one that only keeps the gate, or hands it over."""
    variables = frame.f_locals
    if "value" in variables:
        return "next" if variables["value"] is None else "send"
    return variables.get("operation")


def is_executing(guarded: object) -> bool:
    """Whether the generator counts as running. Of other iterators that is not known: maybe.

    It is neither less nor more than that the stack passes through it: during a close() that waits
    for a sub-iterator a generator counts as running with its frame on no stack, and during a
    tracer's event for a yield its frame is on the stack although it counts as suspended.
    """
    return _frames.is_running(guarded) is not False


def presence(gate: Keepable) -> Presence | None:
    """The other thread that is inside `gate`, or inside of the bare generator behind it."""
    # Here, and below, the stacks are looked through by a function that is on none of them: what is
    # in its variables does not hold itself.
    return _presence(gate, _stacks.current_frames())


def _presence(gate: Keepable, threads: dict[int, FrameType]) -> Presence | None:
    body = _frames.body_of(gate.guarded)
    keep = keep_of(gate)
    keeper = None if keep is None else keep.thread()
    me = _thread.get_ident()
    owner = None
    for ident, innermost in threads.items():
        frames = _stacks.walk(innermost)
        if body in frames:
            return Presence(ident, frames)
        is_owner = any(owned_by(frame) is gate for frame in frames)
        is_keeper = keeper is not None and keeper.ident == ident
        if ident != me and (is_owner or is_keeper):
            owner = Presence(ident, frames if is_owner else ())
    if owner is None and keeper is not None and keeper.ident not in (me, *threads):
        return Presence(keeper.ident, ())  # a greenlet, where threads are greenlets
    return owner


def is_abandoned(gate: Keepable) -> bool:
    """Whether no thread keeps `gate`, owns it, or runs the generator behind it.

    Never so in doubt: a stack whose outermost frame is that of a generator was cut off, because
    that generator yielded while the stack was read; and a greenlet that is switched out is on no
    stack at all, so that only a generator that counts as running tells of it.
    """
    keep = keep_of(gate)
    if keep is not None and keep.thread() is not None:
        return False
    if keep is not None and _frames.is_running(gate.guarded) is False:
        return True  # nobody else can have got in
    if not all_stacks_are_seen(is_running_known=_frames.is_running(gate.guarded) is not None):
        return False
    return _leads_nowhere(gate, _stacks.current_frames())


def _leads_nowhere(gate: Keepable, threads: dict[int, FrameType]) -> bool:
    body = _frames.body_of(gate.guarded)
    for innermost in threads.values():
        stack = _stacks.walk(innermost)
        if any(frame is body or owned_by(frame) is gate for frame in stack):
            return False
        if stack[-1].f_code.co_flags & _SUSPENDABLE:
            return False
    return True


def all_stacks_are_seen(*, is_running_known: bool) -> bool:
    """Whether nobody can come back from a stack that `current_frames` does not show.

    Under gevent with patched threads every greenlet can. Without, a greenlet that is switched
    out inside a generator leaves that running for good, as far as this thread can wait.
    """
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("threading"):
        return False
    return is_running_known or "greenlet" not in sys.modules
