"""The ways by which threads got from guard to guard: each of them once, as branches of a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genlock._traces._events import Event
    from genlock._traces._nesting import Around


class Step:
    """Calls of a guard that were made in one thread, within like calls of the same guards.

    `number` is that of the guard, `outer` the step before, and `driver` the nearest one before
    that resumed a generator: exclusive use does not. With `is_reentry` one of the drivers is of
    this very guard.
    """

    __slots__ = ("driver", "is_exclusive", "is_reentry", "number", "outer", "thread")

    def __init__(self, event: Event, outer: Step | None, *, is_new: bool) -> None:
        self.number = event.guard.number
        self.thread = event.thread
        self.outer = outer
        self.is_exclusive = event.operation == "exclusive"
        self.driver: Step | None
        self.driver = outer.driver if outer is not None and outer.is_exclusive else outer
        self.is_reentry = not is_new and self._is_driver()

    def _is_driver(self) -> bool:
        step = self.driver
        while step is not None and step.number != self.number:
            step = step.driver
        return step is not None


class Paths:
    """All steps of a trace, each after the one that it was made from."""

    def __init__(self) -> None:
        self._steps: dict[tuple[Step | int, int, bool], Step] = {}
        # By identity: to compare two calls would be to compare all that is around them.
        self._taken: dict[int, tuple[Around, Step]] = {}
        self._guards: set[int] = set()

    def __iter__(self) -> Iterator[Step]:
        return iter(self._steps.values())

    def step(self, event: Event, around: Around | None) -> Step:
        """The step of a call that was made inside of others."""
        if around is None:
            self._taken.clear()  # what is open in other lanes is found anew
        return self._next(self._of(around), event)

    def _of(self, around: Around | None) -> Step | None:
        taken = self._taken
        new = []
        while around is not None and id(around) not in taken:
            new.append(around)
            around = around.outer
        step = None if around is None else taken[id(around)][1]
        for it in reversed(new):
            step = self._next(step, it.event)
            taken[id(it)] = it, step
        return step

    def _next(self, outer: Step | None, event: Event) -> Step:
        number = event.guard.number
        key = outer or event.thread.number, number, event.operation == "exclusive"
        step = self._steps.get(key)
        if step is None:
            step = self._steps[key] = Step(event, outer, is_new=number not in self._guards)
            self._guards.add(number)
        return step
