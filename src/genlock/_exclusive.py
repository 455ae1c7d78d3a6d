"""Exclusive use: several calls to one guard, with no other thread's between them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from genlock import _wording
from genlock._evidence import Keep
from genlock._gates import is_off
from genlock._guard import GuardedIterator, gate_of
from genlock._policy import check_seconds
from genlock._waits import Patience

if TYPE_CHECKING:
    from types import EllipsisType
    from typing import Self

    from genlock._gate import Gate


class exclusive:  # noqa: N801  # reads as a statement:  with exclusive(cor): …
    """Keep a guard for the calls of this thread: `with genlock.exclusive(cor): …`.

    Args:
        guard: a guard. Other threads wait, raise or time out as its policy says, until the block
            ends; this thread's calls go through. Blocks nest.
        timeout: the longest wait for the guard to be free, in seconds; by default that of its
            policy, and None waits as long as it takes.

    Raises:
        TypeError: not a guard, or a timeout that is no number.
        ValueError: a negative timeout, or NaN.
        GeneratorBusyError: one of its kinds, on entering the block, as a call to the guard would.
        RuntimeError: the block was entered already, or is left without having been entered.

    Each block has an object of its own, and belongs to the thread that entered it: a generator
    that goes on in another thread in the middle of one waits there for the thread it began in.
    The tasks of an asyncio loop are one thread: where one of them awaits in a block, the others
    get in. An `asyncio.Lock` around it keeps them out.
    With GENLOCK=off it does nothing.
    """

    __slots__ = ("_free", "_gate", "_keep", "_timeout")

    def __init__(
        self, guard: GuardedIterator[Any], /, *, timeout: float | EllipsisType | None = ...
    ) -> None:
        self._gate: Gate | None = None
        self._keep: Keep | None = None
        self._free = [True]  # popped by the one that enters: two threads may try it at once
        self._timeout = timeout
        if timeout is not ...:
            check_seconds("timeout", timeout)
        if not is_off:
            if not issubclass(type(guard), GuardedIterator):
                raise TypeError(_wording.not_a_guard(guard))
            self._gate = gate_of(guard)

    def __enter__(self) -> Self:
        gate = self._gate
        if gate is not None:
            timeout = gate.policy.timeout if self._timeout is ... else self._timeout
            try:
                self._free.pop()
            except IndexError:
                raise RuntimeError(_wording.EXCLUSIVE_TWICE) from None
            self._keep = Keep(gate, sys._getframe(1))
            try:
                gate.keep(self._keep.me, Patience(timeout, gate.policy.warn_after))
            except BaseException:
                self._leave()
                raise
        return self

    def _leave(self) -> None:
        keep, self._keep = self._keep, None
        if keep is not None:
            keep.end()
            self._free.append(True)

    def __exit__(self, *_: object) -> None:
        if self._gate is not None and self._keep is None:
            raise RuntimeError(_wording.EXCLUSIVE_NOT_ENTERED)
        self._leave()
