"""One exploration: which schedules are run, and what is to be told of them."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, NamedTuple

from genlock.testing import _schedules, _subjects, _wording
from genlock.testing._progress import BlockedError
from genlock.testing._scheduler import END, START
from genlock.testing._search import (
    BoundedSearch,
    Candidate,
    by_priorities,
    fits,
    following,
    shrunk,
)
from genlock.testing._stage import Stage
from genlock.testing._witness import Writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genlock.testing._records import Outcome
    from genlock.testing._scheduler import Choose, Decision, Run
    from genlock.testing._schedules import Schedule
    from genlock.testing._stage import Program

_RANDOM_SHARE = 0.25
"""Of a budget that cannot be enough to try everything: so much is for random schedules."""

_DEPTH = 4
"""How deep bugs may be that are looked for at random, where preemptions have no bound."""

_UNSEEN = (("throw",), ("close",))


class Verdict(NamedTuple):
    """What an exploration came to that is not well."""

    outcome: Outcome
    report: str
    schedule: Schedule
    error: BaseException | None = None


class _DecidedError(Exception):
    """Ends an exploration: there is a verdict."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.report)
        self.verdict = verdict


class Explorer:
    """One exploration, or one replay."""

    def __init__(self, program: Program, preemptions: int | None, budget: int, seed: int) -> None:
        self.program = program
        self.preemptions = preemptions
        self.budget = budget
        self.seed = seed
        self.schedules = 0
        self.is_exhausted = False
        self.longest = 0
        self.comes_to_points = False
        self.enters_unseen = False
        """Whether a guard was called by what enters a body without a stop inside of it."""

    def explore(self) -> Verdict | None:
        """None if all is well."""
        try:
            failed = self.search()
            return None if failed is None else self.told(failed)
        except _DecidedError as decided:
            return decided.verdict

    def replay(self, schedule: Schedule) -> tuple[Verdict | None, bool]:
        """None if all is well, and whether the schedule could be followed."""
        self.schedules = 1
        writer = Writer(self.program.workers)
        try:
            with Stage(self.program) as stage:
                run = self.perform(stage, following(schedule), writer)
                if run.failure is None:
                    verdict = self.blindness(stage, run)
                else:
                    verdict = self.failure(run, writer, schedule)
        except _DecidedError as decided:
            return decided.verdict, True
        return verdict, fits(schedule, run.trace)

    # Searching.

    def search(self) -> Run | None:
        """A run that failed, if there is one, by the smallest schedule."""
        first: Run | None = None
        with Stage(self.program) as stage:
            bounded = BoundedSearch(self.preemptions)
            while bounded and not self.is_out_of_reach(len(bounded)):
                candidate = bounded.pop()
                run = self.try_out(stage, following(candidate.schedule))
                if candidate.schedule:
                    self.compare(candidate, run)
                else:
                    first = run
                if run.failure is not None:
                    return run
                bounded.learn(candidate, run.trace)
            self.is_exhausted = not bounded
            failed = None if self.is_exhausted else self.search_at_random(stage)
            if failed is None and first is not None:
                self.repeat(stage, first)
            return failed

    def repeat(self, stage: Stage, first: Run) -> None:
        """Raise if runs leave something behind for the next ones, or generators are not watched."""
        run = self.perform(stage, following(()))
        self.compare(Candidate(0, 0, (), first.trace), run)
        self.compare_ends((), first, run)
        blindness = self.blindness(stage, run)
        if blindness is not None:
            raise _DecidedError(blindness)

    def is_out_of_reach(self, known: int) -> bool:
        """Whether the budget ends, or will end before so many schedules have been tried."""
        left = self.budget - self.schedules
        return left <= 0 or (known > left and left <= self.budget * _RANDOM_SHARE)

    def search_at_random(self, stage: Stage) -> Run | None:
        random = Random(self.seed)  # noqa: S311  # has to be drawn again alike
        # Deeper than what schedules with so few preemptions are sure to reach.
        depth = _DEPTH if self.preemptions is None else self.preemptions + 2
        while self.schedules < self.budget:
            choose = by_priorities(random, len(stage.tasks), self.longest, depth)
            run = self.try_out(stage, choose)
            if run.failure is not None:
                return self.shrink(stage, run)
        return None

    def shrink(self, stage: Stage, failed: Run) -> Run:
        """A run that fails as well, with fewer choices; as far as one comes in `budget` runs."""
        smallest, left = failed, self.budget

        def still_fails(schedule: Schedule) -> bool:
            nonlocal smallest, left
            left -= 1
            if left < 0:
                return False
            try:
                run = self.perform(stage, following(schedule))
            except _DecidedError:
                left = 0  # the stage may be of no more use
                return False
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
            raise _DecidedError(self.blocked(blocked)) from None
        if run.failure is None and run.stranger is not None:
            told = _wording.stranger(run.stranger)
            raise _DecidedError(Verdict("inconclusive", told, run.schedule))
        self.comes_to_points |= any(made.label not in (START, END) for made in run.trace)
        if not self.enters_unseen and not self.program.at_lines:
            self.enters_unseen = any(made.label in _UNSEEN for made in run.trace)
        return run

    def compare(self, candidate: Candidate, run: Run) -> None:
        """Raise if the run is not the branch of the one that it has to be."""
        number = candidate.diverges(run.trace)
        if number is not None:
            call = self.replay_call(candidate.schedule)
            both = candidate.branch_of[number:], run.trace[number:]
            then, now = map(_arrival, both)
            if then == now:
                then, now = (f"{_arrival(each)}; {_who_can_go_on(each)}" for each in both)
            report = _wording.diverged(number, then, now, call)
            raise _DecidedError(Verdict("nondeterministic", report, candidate.schedule))

    def compare_ends(self, schedule: Schedule, before: Run, now: Run) -> None:
        """Raise if two runs of one schedule did not end alike."""
        if not _fail_alike(now, before):
            report = _wording.not_alike(_end(before), _end(now), self.replay_call(schedule))
            raise _DecidedError(Verdict("nondeterministic", report, schedule))

    def blindness(self, stage: Stage, run: Run) -> Verdict | None:
        """That a run which passed left generators unwatched, or may have."""
        report = ""
        if not self.comes_to_points:
            report = _wording.nothing_used(stage.watched)
        elif not stage.is_all_found and not self.program.watch:
            report = _wording.too_large(_subjects.MOST_OBJECTS)
        elif unwatched := stage.unwatched(run.subject):
            report = _wording.unwatched(unwatched)
        return Verdict("inconclusive", report, run.schedule) if report else None

    # Telling.

    def told(self, failed: Run) -> Verdict:
        """Run a schedule that failed once more, in new threads, to tell what happened."""
        schedule = failed.schedule
        with Stage(self.program) as stage:
            writer = Writer(self.program.workers)
            run = self.perform(stage, following(schedule), writer)
            self.compare_ends(schedule, failed, run)
            return self.failure(run, writer, schedule, self.schedules)

    def failure(
        self, run: Run, writer: Writer, schedule: Schedule, number: int | None = None
    ) -> Verdict:
        story = writer.story(run)
        call = self.replay_call(schedule)
        report = _wording.failed(story, call, number, run.preemptions())
        outcome: Outcome = "failed" if run.failure is None else run.failure.outcome
        error = None if run.failure is None else run.failure.error
        return Verdict(outcome, report, schedule, error)

    def blocked(self, blocked: BlockedError) -> Verdict:
        schedule, left = blocked.run.schedule, len(blocked.run.unfinished)
        call = self.replay_call(schedule)
        report = _wording.blocked(blocked.thread, blocked.site, blocked.verdict, left, call)
        return Verdict("inconclusive", report, schedule)

    def token(self, schedule: Schedule) -> str:
        """What `replay` takes for a schedule."""
        return _schedules.to_text(schedule, at_lines=self.program.at_lines)

    def replay_call(self, schedule: Schedule) -> str:
        has_check, has_watch = self.program.check is not None, bool(self.program.watch)
        return _wording.replay_call(self.token(schedule), check=has_check, watch=has_watch)


def _fail_alike(run: Run, other: Run) -> bool:
    if run.failure is None or other.failure is None:
        return run.failure is other.failure
    same_error = type(run.failure.error) is type(other.failure.error)
    return same_error and run.failure.outcome == other.failure.outcome


def _arrival(decisions: Sequence[Decision]) -> str:
    if not decisions:
        return _wording.NO_DECISION
    return _wording.arrival(decisions[0].arrived, decisions[0].label, decisions[0].guard)


def _who_can_go_on(decisions: Sequence[Decision]) -> str:
    return _wording.who_can_go_on(decisions[0].enabled if decisions else ())


def _end(run: Run) -> str:
    return _wording.end(run.failure and run.failure.error)
