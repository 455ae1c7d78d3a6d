"""Visits every state that a protocol can get into, and tells the shortest way to a wrong one."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence


class System(Protocol):
    """What can be checked."""

    def initial(self) -> Hashable:
        """The state that every run begins with."""

    def moves(self, state: Any) -> Sequence[tuple[str, Any]]:
        """What can happen next, by name, and the state that it leads to."""

    def fault(self, state: Any, *, is_last: bool) -> str | None:
        """What is wrong with a state; a last one is one in which nothing can happen."""


class Verdict(NamedTuple):
    """The first fault, if any, the moves that led to it, and the number of states visited."""

    fault: str | None
    trace: tuple[str, ...]
    states: int


ENDLESS = "a run need not come to an end"


def check(system: System) -> Verdict:
    """Visit the states breadth first, so that the trace of a fault is a shortest one."""
    first = system.initial()
    numbers = {first: 0}
    came_by: list[tuple[int, str]] = [(0, "")]
    following: list[list[int]] = []
    waiting = deque([first])
    while waiting:
        state = waiting.popleft()
        moves = system.moves(state)
        fault = system.fault(state, is_last=not moves)
        if fault:
            return Verdict(fault, trace(came_by, numbers[state]), len(numbers))
        here = len(following)
        following.append([])
        for name, after in moves:
            number = numbers.setdefault(after, len(numbers))
            following[here].append(number)
            if number == len(came_by):
                came_by.append((here, name))
                waiting.append(after)
    on_a_cycle = first_on_a_cycle(following)
    if on_a_cycle is not None:
        return Verdict(ENDLESS, trace(came_by, on_a_cycle), len(numbers))
    return Verdict(None, (), len(numbers))


def trace(came_by: Sequence[tuple[int, str]], number: int) -> tuple[str, ...]:
    """The moves from the initial state to the one with this number."""
    names: list[str] = []
    while number:
        number, name = came_by[number]
        names.append(name)
    return tuple(reversed(names))


def first_on_a_cycle(following: Sequence[Iterable[int]]) -> int | None:
    """The lowest of the states that remain when those that nothing leads to are taken away."""
    leading_here = [0] * len(following)
    for numbers in following:
        for number in numbers:
            leading_here[number] += 1
    free = [number for number, count in enumerate(leading_here) if not count]
    for number in free:  # grows meanwhile
        for after in following[number]:
            leading_here[after] -= 1
            if not leading_here[after]:
                free.append(after)  # the loop is to come to it
    return next((number for number, count in enumerate(leading_here) if count), None)
