"""Exploring: run the workers' threads one at a time, in every order that matters, and report."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Literal, TypeVar

from genlock.testing import _schedules, _wording
from genlock.testing._scheduler import END, START
from genlock.testing._search import (
    BoundedSearch,
    Candidate,
    by_priorities,
    fits,
    following,
    shrunk,
)
from genlock.testing._stage import BlockedError, Program, Stage
from genlock.testing._witness import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from genlock.testing._records import Outcome
    from genlock.testing._scheduler import Choose, Decision, Run
    from genlock.testing._schedules import Schedule

_Subject = TypeVar("_Subject")

_RANDOM_SHARE = 0.25
"""Of a budget that cannot be enough to try everything: so much is for random schedules."""

_CHANGES = 3
"""How often threads are stopped at random, where the number of preemptions has no bound."""


@dataclass(frozen=True, slots=True)
class Exploration:
    """What came of `explore` or `replay`. `str()` of it is the report.

    Args:
        outcome: "ok"; "failed": a worker or the check raised; "deadlock": threads wait for one
            another; "inconclusive": a thread is blocked by something that is not scheduled, or
            nothing is watched; "nondeterministic": the same schedule went two ways.
        schedules: how many were run, the one that failed included.
        exhausted: whether all schedules with so many preemptions were run, and none failed.
        token: the schedule that did not pass, for `replay`; None if all did.
        report: what happened, for people.
        error: what the worker or the check raised, if that is the outcome.
        seed: what the random schedules were drawn with.
    """

    outcome: Outcome
    schedules: int
    exhausted: bool
    token: str | None
    report: str
    error: BaseException | None
    seed: int

    def assert_ok(self) -> None:
        """Raise AssertionError with the report, unless the outcome is "ok"."""
        if self.outcome != "ok":
            raise AssertionError(self.report) from self.error

    def __str__(self) -> str:
        return self.report


def explore(  # noqa: PLR0913, PLR0917  # each is optional, and has a name
    setup: Callable[[], _Subject],
    workers: Sequence[Callable[[_Subject], object]],
    check: Callable[[_Subject], object] | None = None,
    watch: Sequence[object] = (),
    granularity: Literal["op", "line"] = "op",
    preemptions: int | None = 2,
    budget: int = 2000,
    seed: int | None = None,
) -> Exploration:
    """Try the orders in which threads can take turns, until one of them fails.

    Each worker runs in a thread of its own, named T1, T2, …; they run one at a time. A thread can
    be stopped for others at its start, at each operation on a guard, and inside the body of each
    watched generator, guarded or bare, whenever it is resumed by next or send. Smaller schedules
    come first: those with fewer preemptions, which stop a thread that could go on. Where the budget
    is not enough for all of them, its last quarter goes to random ones (PCT).

    Args:
        setup: makes what the workers share, anew for each schedule, and once before. All generators
            that can be reached from what it returns are watched, and those behind guards that it
            makes.
        workers: called with that, each in its thread. What one raises is a failure.
        check: called with it when all workers have ended; fails by raising, or returning False.
        watch: more to watch: generators, generator functions, or what holds generators.
        granularity: "line" stops threads at each line of the bodies, too.
        preemptions: the most that a schedule may have; None tries all schedules there are.
        budget: the most schedules to run.
        seed: for the random ones; without, they are the same each time.

    Returns:
        An Exploration; nothing is raised for what the workers do. Its report of a failure names
        threads, generators and lines.

    Raises:
        TypeError: there is nothing to watch in something that `watch` names, or an argument is
            not of its type.
        ValueError: no workers, or an argument that is out of its range.

    And what `setup` raises. Everything but the order of the threads has to be the same in each run.
    A wait for a timeout takes no time: it is over when no other thread can go on.
    """
    if granularity not in ("op", "line"):
        raise ValueError(f"granularity must be 'op' or 'line', not {granularity!r}")
    _check_count("budget", budget, 1)
    if preemptions is not None:
        _check_count("preemptions", preemptions, 0)
    program = _program(setup, workers, check, watch, at_lines=granularity == "line")
    return _Explorer(program, preemptions, budget, seed or 0).explore()


def replay(
    setup: Callable[[], _Subject],
    workers: Sequence[Callable[[_Subject], object]],
    token: str,
    check: Callable[[_Subject], object] | None = None,
    watch: Sequence[object] = (),
) -> Exploration:
    """Run the one schedule of a token that `explore` has reported: a regression test.

    Takes what `explore` took; the granularity is in the token. Returns an Exploration of one
    schedule. Where the program has changed so that it cannot follow the token any more, it runs as
    far as it can, and a UserWarning says so.

    Raises ValueError for a token that is none, that names a thread without a worker, or that was
    made at lines by another version of Python.
    """
    schedule, at_lines = _schedules.from_text(token, len(workers))
    program = _program(setup, workers, check, watch, at_lines=at_lines)
    result, is_followed = _Explorer(program, None, 1, 0).replay(schedule)
    if not is_followed and not isinstance(token, _schedules.DrawnToken):
        warnings.warn(_wording.fits_no_longer(token), stacklevel=2)
    return result


def _program(
    setup: Callable[[], _Subject],
    workers: Sequence[Callable[[_Subject], object]],
    check: Callable[[_Subject], object] | None,
    watch: Sequence[object],
    *,
    at_lines: bool,
) -> Program:
    jobs = list(workers)
    if not jobs:
        raise ValueError("workers must be functions, one for each thread: there are none")
    for given in (setup, *jobs, *([] if check is None else [check])):
        if not callable(given):
            raise TypeError(f"setup, workers and check must be functions, not {given!r}")
    return Program(setup, jobs, check, list(watch), at_lines)


def _check_count(option: str, count: object, least: int) -> None:
    if not isinstance(count, int) or isinstance(count, bool):
        raise TypeError(f"{option} must be a number, not {count!r}")
    if count < least:
        raise ValueError(f"{option} must be {least} or more, not {count}")


class _VerdictError(Exception):
    """The exploration is over, and not because all is well."""

    def __init__(
        self, outcome: Outcome, report: str, schedule: Schedule, error: BaseException | None = None
    ) -> None:
        super().__init__(report)
        self.outcome, self.report, self.schedule, self.error = outcome, report, schedule, error


class _Explorer:
    """One exploration."""

    def __init__(self, program: Program, preemptions: int | None, budget: int, seed: int) -> None:
        self.program = program
        self.preemptions = preemptions
        self.budget = budget
        self.seed = seed
        self.schedules = 0
        self.exhausted = False
        self.longest = 0
        self.comes_to_points = False

    def explore(self) -> Exploration:
        try:
            failed = self.search()
            if failed is not None:
                self.tell(failed)
        except _VerdictError as verdict:
            return self.result(verdict)
        return self.result(None if self.comes_to_points else _nothing_watched())

    def replay(self, schedule: Schedule) -> tuple[Exploration, bool]:
        """The result, and whether the schedule could be followed."""
        self.schedules = 1
        writer = Writer(self.program.workers)
        try:
            with Stage(self.program) as stage:
                run = self.perform(stage, following(schedule), writer)
        except _VerdictError as told:
            return self.result(told), True
        if run.failure is not None:
            return self.result(self.failure(run, writer, schedule)), fits(schedule, run.trace)
        verdict = None if self.comes_to_points else _nothing_watched()
        return self.result(verdict), fits(schedule, run.trace)

    # Searching.

    def search(self) -> Run | None:
        """A run that failed, if there is one, by the smallest schedule."""
        first: list[Decision] = []
        with Stage(self.program) as stage:
            bounded = BoundedSearch(self.preemptions)
            while bounded and not self.is_out_of_reach(len(bounded)):
                candidate = bounded.pop()
                run = self.try_out(stage, following(candidate.schedule))
                if candidate.schedule:
                    self.compare(candidate, run)
                else:
                    first = run.trace
                if run.failure is not None:
                    return run
                bounded.learn(candidate, run.trace)
            self.exhausted = not bounded
            failed = None if self.exhausted else self.search_at_random(stage)
            if failed is None:  # did the runs leave anything behind for the next ones?
                self.compare(Candidate(0, 0, (), first), self.perform(stage, following(())))
            return failed

    def is_out_of_reach(self, known: int) -> bool:
        """Whether the budget ends, or will end before so many schedules have been tried."""
        left = self.budget - self.schedules
        return left <= 0 or (known > left and left <= self.budget * _RANDOM_SHARE)

    def search_at_random(self, stage: Stage) -> Run | None:
        random = Random(self.seed)  # noqa: S311  # has to be drawn again alike
        changes = _CHANGES if self.preemptions is None else self.preemptions + 1
        while self.schedules < self.budget:
            choose = by_priorities(random, len(stage.tasks), self.longest, changes)
            run = self.try_out(stage, choose)
            if run.failure is not None:
                return self.shrink(stage, run)
        return None

    def shrink(self, stage: Stage, failed: Run) -> Run:
        smallest = failed

        def still_fails(schedule: Schedule) -> bool:
            nonlocal smallest
            run = self.perform(stage, following(schedule))
            if not _fail_alike(run, failed):
                return False
            smallest = run
            return True

        shrunk(failed.schedule, still_fails)
        return smallest

    def try_out(self, stage: Stage, choose: Choose) -> Run:
        self.schedules += 1
        run = self.perform(stage, choose)
        self.longest = max(self.longest, len(run.trace))
        return run

    def perform(self, stage: Stage, choose: Choose, writer: Writer | None = None) -> Run:
        try:
            run = stage.perform(choose, writer)
        except BlockedError as blocked:
            raise self.blocked(blocked) from None
        if run.failure is None and run.stranger is not None:
            raise _VerdictError("inconclusive", _wording.stranger(run.stranger), run.schedule)
        self.comes_to_points |= any(made.label not in (START, END) for made in run.trace)
        return run

    def compare(self, candidate: Candidate, run: Run) -> None:
        """Raise if the run is not the branch of the one that it has to be."""
        number = candidate.diverges(run.trace)
        if number is not None:
            call = self.replay_call(candidate.schedule)
            then, now = candidate.branch_of[number:], run.trace[number:]
            report = _wording.diverged(number, _arrival(then), _arrival(now), call)
            raise _VerdictError("nondeterministic", report, candidate.schedule)

    # Telling.

    def tell(self, failed: Run) -> None:
        """Run a schedule that failed once more, in new threads, and raise what there is to tell."""
        schedule = failed.schedule
        with Stage(self.program) as stage:
            writer = Writer(self.program.workers)
            run = self.perform(stage, following(schedule), writer)
            if not _fail_alike(run, failed):
                then, now = _end(failed), _end(run)
                report = _wording.not_alike(then, now, self.replay_call(schedule))
                raise _VerdictError("nondeterministic", report, schedule)
            raise self.failure(run, writer, schedule, self.schedules)

    def failure(
        self, run: Run, writer: Writer, schedule: Schedule, number: int | None = None
    ) -> _VerdictError:
        story = writer.story(run)
        call = self.replay_call(schedule)
        report = _wording.failed(story, call, number, run.preemptions())
        outcome: Outcome = "failed" if run.failure is None else run.failure.outcome
        error = None if run.failure is None else run.failure.error
        return _VerdictError(outcome, report, schedule, error)

    def blocked(self, blocked: BlockedError) -> _VerdictError:
        schedule, left = blocked.run.schedule, len(blocked.run.unfinished)
        call = self.replay_call(schedule)
        report = _wording.blocked(blocked.thread, blocked.site, blocked.verdict, left, call)
        return _VerdictError("inconclusive", report, schedule)

    def token(self, schedule: Schedule) -> str:
        return _schedules.to_text(schedule, at_lines=self.program.at_lines)

    def replay_call(self, schedule: Schedule) -> str:
        has_check, has_watch = self.program.check is not None, bool(self.program.watch)
        return _wording.replay_call(self.token(schedule), check=has_check, watch=has_watch)

    def result(self, verdict: _VerdictError | None) -> Exploration:
        if verdict is None:
            report = _wording.passed(
                self.schedules, self.preemptions, exhausted=self.exhausted, budget=self.budget
            )
            exhausted = self.exhausted
            return Exploration("ok", self.schedules, exhausted, None, report, None, self.seed)
        return Exploration(
            verdict.outcome,
            self.schedules,
            exhausted=False,
            token=self.token(verdict.schedule),
            report=verdict.report,
            error=verdict.error,
            seed=self.seed,
        )


def _nothing_watched() -> _VerdictError:
    return _VerdictError("inconclusive", _wording.NOTHING_WATCHED, ())


def _fail_alike(run: Run, other: Run) -> bool:
    if run.failure is None or other.failure is None:
        return run.failure is other.failure
    same_error = type(run.failure.error) is type(other.failure.error)
    return same_error and run.failure.outcome == other.failure.outcome


def _arrival(decisions: Sequence[Decision]) -> str:
    if not decisions:
        return _wording.NO_DECISION
    return _wording.arrival(decisions[0].arrived, decisions[0].label)


def _end(run: Run) -> str:
    return _wording.end(run.failure and run.failure.error)
