"""Which schedules to try, in what order: all with few preemptions, then some at random."""

from __future__ import annotations

import heapq
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from genlock.testing._scheduler import Choose, Decision, Task
    from genlock.testing._schedules import Schedule


class Candidate(NamedTuple):
    """A schedule to try, and the run of which it is a branch: the same up to its last choice."""

    preemptions: int
    size: int
    schedule: Schedule
    branch_of: list[Decision]

    def diverges(self, trace: list[Decision]) -> int | None:
        """The first decision at which a run of this schedule was not what it has to be."""
        known = self.schedule[-1][0] + 1 if self.schedule else None
        pairs = zip_longest(trace[:known], self.branch_of[:known])
        for number, (now, then) in enumerate(pairs):
            if now is None or then is None or now[:3] != then[:3]:
                return number
        return None


class BoundedSearch:
    """Every schedule with at most so many preemptions (None: with any number), smallest first.

    The smaller one has fewer preemptions, then fewer choices, then earlier ones. Each run shows
    where its schedule can be continued by one more choice; so no schedule comes twice. (After
    Musuvathi, Qadeer: "Iterative Context Bounding for Systematic Testing of Multithreaded
    Programs", PLDI 2007.)
    """

    def __init__(self, preemptions: int | None) -> None:
        self.most = preemptions
        self.frontier = [Candidate(0, 0, (), [])]

    def __len__(self) -> int:
        return len(self.frontier)

    def pop(self) -> Candidate:
        """The smallest schedule that has not been tried."""
        return heapq.heappop(self.frontier)

    def learn(self, tried: Candidate, trace: list[Decision]) -> None:
        """Take in the branches of a run."""
        preemptions, size, schedule, _ = tried
        first = schedule[-1][0] + 1 if schedule else 0
        for number in range(first, len(trace)):
            arrived, _, enabled, default, _ = trace[number]
            if len(enabled) == 1:
                continue
            cost = preemptions + (arrived in enabled)
            if self.most is not None and cost > self.most:
                continue
            for thread in enabled:
                if thread != default:
                    choices = (*schedule, (number, thread))
                    heapq.heappush(self.frontier, Candidate(cost, size + 1, choices, trace))


def following(schedule: Schedule) -> Choose:
    """Choose what the schedule says, where that is possible."""
    choices = dict(schedule)

    def choose(decision: int, default: Task, enabled: Sequence[Task]) -> Task:
        number = choices.get(decision)
        if number is not None:
            for task in enabled:
                if task.number == number:
                    return task
        return default

    return choose


def by_priorities(random: Random, threads: int, length: int, depth: int) -> Choose:
    """PCT: of the threads that can go on, the one of the highest priority does.

    Priorities are drawn. At `depth - 1` decisions, drawn as well, the thread that would go on gets
    one below all of those; which of these is the lowest is drawn, too. So a bug of that depth, one
    that is there once so many pairs of steps come in a certain order, is found with a probability
    of at least one in threads * length ** (depth - 1), where `length` is the number of decisions
    (Burckhardt, Kothari, Musuvathi, Nagarakatte: "A Randomized Scheduler with Probabilistic
    Guarantees of Finding Bugs", ASPLOS 2010).
    """
    priorities = random.sample(range(depth, depth + threads), threads)
    places = range(1, max(length, 2))
    lowered_at = dict(
        zip(random.sample(places, min(depth - 1, len(places))), range(depth), strict=False)
    )

    def choose(decision: int, _default: Task, enabled: Sequence[Task]) -> Task:
        first = max(enabled, key=lambda task: priorities[task.number])
        if decision in lowered_at:
            priorities[first.number] = lowered_at[decision]
            first = max(enabled, key=lambda task: priorities[task.number])
        return first

    return choose


def shrunk(schedule: Schedule, still_fails: Callable[[Schedule], bool]) -> Schedule:
    """A schedule that fails as well, from which no single choice can be left out."""
    place = len(schedule)
    while place > 0:
        place -= 1
        shorter = (*schedule[:place], *schedule[place + 1 :])
        if still_fails(shorter):
            schedule, place = shorter, len(shorter)
    return schedule


def fits(schedule: Schedule, trace: list[Decision]) -> bool:
    """Whether a run could follow the whole schedule."""
    return all(
        decision < len(trace) and trace[decision].chosen == number for decision, number in schedule
    )
