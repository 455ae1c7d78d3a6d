"""Keeps the books on a guard to which something happens: what was sent, refused, taken.

However a round goes, no value may be taken twice, none that was accepted may be missing and none
that was refused may turn up. Only a call that was interrupted leaves its value in doubt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import genlock
from crew import PATIENCE, Alone, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class Ledger:
    """The books on `guard`, whose body appends the values that it takes to `taken`."""

    def __init__(self, guard: Any, taken: list[Any]) -> None:
        self.guard = guard
        self.taken = taken
        self.sent: list[Any] = []
        self.accepted: list[Any] = []
        self.refused: list[Any] = []

    def send(self, value: Any) -> bool:
        """Send and write down what came of it; whether the value was accepted."""
        self.sent.append(value)
        try:
            self.guard.send(value)
        except (genlock.GenlockError, StopIteration):
            self.refused.append(value)
            return False
        self.accepted.append(value)
        return True

    def close_round(self, *, in_doubt: int = 0, ended_by: str | None = None) -> bool:
        """Assert that the books are right; whether the guard still serves.

        If it does not, `ended_by` must be named in what is said of its end.
        """
        serves = self._serves_a_new_thread(ended_by)
        self._balance(in_doubt)
        return serves

    def _serves_a_new_thread(self, ended_by: str | None) -> bool:
        try:
            Worker(lambda: self.guard.send("new thread")).result()
        except StopIteration as stop:
            notes = "\n".join(getattr(stop, "__notes__", ["nothing is said of the end"]))
            assert ended_by is not None, notes
            assert ended_by in notes, notes
            return False
        assert self.taken.pop() == "new thread"
        return True

    def _balance(self, in_doubt: int) -> None:
        taken, accepted = set(self.taken), set(self.accepted)
        assert len(taken) == len(self.taken), "a value was taken twice"
        assert accepted <= taken, f"accepted, but not taken: {accepted - taken}"
        assert taken <= set(self.sent), f"taken, but not sent: {taken - set(self.sent)}"
        assert taken.isdisjoint(self.refused), "a value that was refused was taken"
        missing = len(self.sent) - len(self.accepted) - len(self.refused)
        assert missing <= in_doubt, f"of {missing} calls it is not known what came of them"


def open_ledger(during: Callable[[Any], object] | None = None, **options: Any) -> Ledger:
    """The books on a new guard, whose body calls `during` with every value that it takes.

    It can be thrown a KeyError, which does nothing to it.
    """
    taken: list[Any] = []
    alone = Alone()

    def body() -> Generator[int, Any, None]:
        while True:
            try:
                value = yield len(taken)
            except KeyError:
                continue
            with alone:
                taken.append(value)
                if during is not None:
                    during(value)

    options = {"timeout": PATIENCE / 2, **options}
    return Ledger(genlock.guard(body(), prime=True, name="booked", **options), taken)
