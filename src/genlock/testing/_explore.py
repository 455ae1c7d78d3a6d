"""Exploring: run the workers' threads one at a time, in every order that matters; or in one."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeVar

from genlock.testing import _arguments, _schedules, _wording
from genlock.testing._explorer import Explorer
from genlock.testing._stage import Program

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from genlock.testing._explorer import Verdict
    from genlock.testing._records import Outcome

_Subject = TypeVar("_Subject")


@dataclass(frozen=True, slots=True)
class Exploration:
    """What came of `explore` or `replay`. `str()` of it is the report.

    Args:
        outcome: "ok"; "failed": a worker or the check raised; "deadlock": threads wait for one
            another; "inconclusive": a thread is blocked by something that is not scheduled, or does
            not end, or not all generators are watched; "nondeterministic": the same schedule went
            two ways.
        schedules: how many were run, the one that failed included.
        exhausted: whether all schedules with so many preemptions were run, and none failed. At the
            granularity "op" these do not stop inside of bodies that throw or close has entered;
            the report says so where there were any.
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
        __tracebackhide__ = True  # pytest then shows the line of the test
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
    is not enough for all of them, its last quarter goes to random ones, with priorities that change
    (PCT). Smaller schedules first is iterative context bounding (Musuvathi, Qadeer, PLDI 2007); PCT
    is that of Burckhardt et al. (ASPLOS 2010).

    Args:
        setup: makes what the workers share, anew for each schedule, and once before. All generators
            that can be reached from what it returns are watched, and those behind guards that it
            makes. Of a subject of more than 20,000 objects not all are found: see `watch`.
        workers: called with that, each in its thread. What one raises is a failure.
        check: called with it when all workers have ended; fails by raising, or returning False.
        watch: more to watch: generators, generator functions, or what holds generators; in a list.
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
        RuntimeError: every tool identifier of `sys.monitoring` is in use.

    And what `setup` raises. Everything but the order of the threads has to be the same in each run.
    A wait for a timeout takes no time: it is over when no other thread can go on. A thread that
    neither comes to a point nor computes for 2 s, one that computes for 30 s between two points,
    and a run with more than 50,000 decisions make the result inconclusive.

    The collector is off meanwhile, in the whole process. Can be called in several threads at once;
    where these watch the same code, the results are inconclusive. On Python 3.11 a tracer is set
    for threads that start meanwhile, and what threads do that were there before is not seen.
    """
    _arguments.check_word("granularity", granularity, ("op", "line"))
    _arguments.check_count("budget", budget, 1)
    if preemptions is not None:
        _arguments.check_count("preemptions", preemptions, 0)
    if seed is not None:
        _arguments.check_number("seed", seed)
    program = _program(setup, workers, check, watch, at_lines=granularity == "line")
    explorer = Explorer(program, preemptions, budget, seed or 0)
    verdict = explorer.explore()
    passed = _wording.passed(
        explorer.schedules, preemptions, exhausted=explorer.is_exhausted, budget=budget
    )
    unseen = _wording.BODIES_NOT_STOPPED_IN if explorer.enters_unseen else ""
    return _exploration(explorer, verdict, passed + unseen)


def replay(
    setup: Callable[[], _Subject],
    workers: Sequence[Callable[[_Subject], object]],
    token: str,
    check: Callable[[_Subject], object] | None = None,
    watch: Sequence[object] = (),
) -> Exploration:
    """Run the one schedule of a token that `explore` has reported: a regression test.

    Args:
        setup: as for `explore`.
        workers: as for `explore`.
        token: which schedule, at which granularity.
        check: as for `explore`.
        watch: as for `explore`.

    Returns:
        An Exploration of one schedule. Where the program has changed so that it cannot follow the
        token any more, it runs as far as it can, and a UserWarning says so.

    Raises:
        TypeError: an argument is not of its type, as for `explore`.
        ValueError: the token is none, names a thread without a worker, or was made at lines by
            another version of Python; or there are no workers.
        RuntimeError: as for `explore`.

    As thread-safe as `explore`.
    """
    program = _program(setup, workers, check, watch, at_lines=False)
    schedule, at_lines = _schedules.from_text(token, len(program.workers))
    program = replace(program, at_lines=at_lines)
    explorer = Explorer(program, None, 1, 0)
    verdict, is_followed = explorer.replay(schedule)
    if not is_followed and not isinstance(token, _schedules.DrawnToken):
        warnings.warn(_wording.fits_no_longer(token), stacklevel=2)
    return _exploration(explorer, verdict, _wording.PASSED_REPLAY)


def _program(
    setup: Callable[[], _Subject],
    workers: Sequence[Callable[[_Subject], object]],
    check: Callable[[_Subject], object] | None,
    watch: Sequence[object],
    *,
    at_lines: bool,
) -> Program:
    _arguments.check_setup(setup)
    _arguments.check_functions("workers", workers)
    if check is not None:
        _arguments.check_function("check", check)
    _arguments.check_collection("watch", watch, "generators, functions or what holds generators")
    return Program(setup, list(workers), check, list(watch), at_lines)


def _exploration(explorer: Explorer, verdict: Verdict | None, passed: str) -> Exploration:
    is_exhausted = explorer.is_exhausted
    if verdict is None:
        return Exploration(
            "ok", explorer.schedules, is_exhausted, None, passed, None, explorer.seed
        )
    return Exploration(
        verdict.outcome,
        explorer.schedules,
        exhausted=False,
        token=explorer.token(verdict.schedule),
        report=verdict.report,
        error=verdict.error,
        seed=explorer.seed,
    )
