"""Which guards were held when which others were called, of those that were taken both ways round.

Of the other pairs nothing is kept: in one path alone there are as many as half the square of its
length. Sets of guards are whole numbers here, with a bit for each guard.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from genlock._traces._graph import Digraph

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from genlock._records import Site
    from genlock._traces._paths import Step


class Order:
    """That a guard was held when another one was called: where, in which threads, within what."""

    __slots__ = ("site", "threads", "within")

    def __init__(self, site: Site | None, within: int) -> None:
        self.site = site
        self.threads: dict[int, str] = {}
        self.within = within

    def told(self) -> tuple[Site | None, tuple[str, ...]]:
        """The site, and the names of the threads."""
        return self.site, tuple(self.threads.values())


def both_orders(
    steps: Iterable[Step], calls: Mapping[Step, Site | None]
) -> dict[tuple[int, int], Order]:
    """The orders, by the numbers of the guard that was held and of the one that was called.

    Args:
        steps: all there are, each after the one that it was made from.
        calls: those of calls that would have waited, with the site of one call each.
    """
    groups = _Groups(steps)
    wanted = groups.called_both_ways(calls)
    gates = _Gates()
    orders: dict[tuple[int, int], Order] = {}
    for step, site in calls.items():
        if not wanted.get(step.number):
            continue
        for holder in groups.holders(step):
            if not groups.bits[holder.number] & wanted[step.number]:
                continue
            within = gates.around(holder)
            pair = holder.number, step.number
            order = orders.get(pair) or orders.setdefault(pair, Order(site, within))
            order.within &= within
            order.threads[step.thread.number] = step.thread.name
    return orders


class _Groups:
    """The guards that can be reached from one another: both ways round are only two of a group."""

    def __init__(self, steps: Iterable[Step]) -> None:
        steps = list(steps)
        edges = ((it.outer.number, it.number) for it in steps if it.outer is not None)
        self.bits: dict[int, int] = {}
        homes: dict[int, int] = {}
        for home, group in enumerate(Digraph(edges).cyclic_components()):
            for place, number in enumerate(group):
                homes[number] = home
                self.bits[number] = 1 << place
        # If the guard of the step before is of another group, then none before that is of this.
        self._before = {
            it: it.outer
            for it in steps
            if it.outer is not None
            and it.number in homes
            and homes[it.number] == homes.get(it.outer.number)
        }

    def holders(self, step: Step) -> Iterator[Step]:
        """Where the guards of the group were taken that were held then, outermost first."""
        found: dict[int, Step] = {}
        before = self._before.get(step)
        while before is not None:
            found.pop(before.number, None)  # it was held already
            found[before.number] = before
            before = self._before.get(before)
        found.pop(step.number, None)
        return reversed(found.values())

    def called_both_ways(self, calls: Mapping[Step, object]) -> dict[int, int]:
        """For each guard, those that were held when it was called, and the other way round."""
        above, below = self._held(calls), self._called(calls)
        return {number: above[number] & below[number] for number in above}

    def _held(self, calls: Mapping[Step, object]) -> dict[int, int]:
        """For each guard, those of its group that were held when it was called."""
        above: dict[int, int] = defaultdict(int)
        held: dict[Step, int] = {}  # with the step's own
        for step, before in self._before.items():
            if before not in held:
                further = self._before.get(before)
                held[before] = self.bits[before.number] | (held[further] if further else 0)
            if step in calls:
                above[step.number] |= held[before]
        return above

    def _called(self, calls: Mapping[Step, object]) -> dict[int, int]:
        """For each guard, those of its group that were called when it was held."""
        below: dict[int, int] = defaultdict(int)
        called: dict[Step, int] = {}
        for step, before in reversed(self._before.items()):
            found = called.pop(step, 0)
            if found:
                below[step.number] |= found
            if step in calls:
                found |= self.bits[step.number]
            if found:
                called[before] = called[before] | found if before in called else found
        for step, found in called.items():
            below[step.number] |= found
        return below


class _Gates:
    """The guards that were held around a step."""

    def __init__(self) -> None:
        self._bits: dict[int, int] = {}
        self._around: dict[Step | None, int] = {None: 0}

    def around(self, step: Step) -> int:
        """The set of them."""
        new = []
        outer = step.outer
        while outer not in self._around:
            new.append(outer)
            outer = outer.outer if outer else None
        found = self._around[outer]
        for it in reversed(new):
            if it is not None:
                found |= self._bits.setdefault(it.number, 1 << len(self._bits))
                self._around[it] = found
        return found
