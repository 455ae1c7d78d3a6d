"""What explore() cannot see, or cannot bring to an end, is no pass, and leaves nothing behind."""

from __future__ import annotations

import gc
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

import genlock
from crew import PATIENCE, Worker, needs_gil, together, until
from explored import bare, guarded, on_part, send_one, steps, total
from genlock._interpreter import _stacks
from genlock.testing import _progress, _scheduler, _subjects, explore, replay
from genlock.testing._explorer import Explorer
from genlock.testing._scheduler import Run, Task
from subprocesses import run_program

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

PROGRAMS = Path(__file__).parent / "programs"

# What is not watched.


def rows_between(rows: int) -> Callable[[], list[Any]]:
    """A subject that holds a guard, then so many rows, then a bare generator."""
    return lambda: [guarded(), [[row] for row in range(rows)], [bare()]]


def send_to_both(parts: list[Any]) -> None:
    parts[0].send(1)
    parts[2][0].send(1)


def test_a_generator_behind_many_objects_is_found() -> None:
    with patch.object(_subjects, "MOST_OBJECTS", 50):
        assert explore(rows_between(200), [send_to_both] * 2).outcome == "failed"


def test_a_subject_that_is_too_large_is_no_pass() -> None:
    def setup() -> list[Any]:
        cue = genlock.guard(steps(), prime=True)
        return [cue, [[row] for row in range(200)], [[[bare()]]]]

    def send_deep(parts: list[Any]) -> None:
        parts[0].send(1)
        parts[2][0][0][0].send(1)

    with patch.object(_subjects, "MOST_OBJECTS", 50):
        result = explore(setup, [send_deep] * 2)
        assert (result.outcome, result.exhausted) == ("inconclusive", False)
        assert "holds more than 50 objects" in result.report
        assert "watch=[…]" in result.report
        assert explore(setup, [send_deep] * 2, watch=[total]).outcome == "failed"
        assert explore(setup, [on_part(0, send_one)] * 2, watch=[total]).outcome == "ok"


@pytest.mark.parametrize(
    ("setup", "watch", "named"),
    [
        (guarded, [], "'total'"),
        (lambda: (bare(), guarded(), bare()), [], "'total', 'total (2)', 'total (3)'"),
        (lambda: genlock.guard(iter([1]), name="numbers"), [], "'numbers'"),
        (dict, [steps], "'steps'"),
        (
            lambda: [genlock.guard(steps(), name=f"g{number}") for number in range(8)],
            [],
            "'g0', 'g1', 'g2', 'g3', 'g4', 'g5' and 2 more",
        ),
    ],
)
def test_workers_that_use_nothing_of_what_there_is_are_told_of_that(
    setup: Callable[[], Any], watch: list[object], named: str
) -> None:
    result = explore(setup, [id, id], watch=watch)
    assert result.outcome == "inconclusive"
    first = f"inconclusive: no worker resumed {named} by next or send, or called a guard.\n"
    assert result.report.startswith(first)


def throw(generator: Any) -> None:
    generator.throw(KeyError)


def catching() -> Generator[None, None, None]:
    while True:
        try:
            yield
        except KeyError:
            pass


def test_what_throws_into_a_bare_generator_is_told_of_the_granularity_that_sees_it() -> None:
    def setup() -> Any:
        generator = catching()
        next(generator)
        return generator

    result = explore(setup, [throw, throw])
    assert result.outcome == "inconclusive"
    assert 'explore(…, granularity="line")' in result.report
    assert explore(setup, [throw, throw], granularity="line").outcome == "failed"


def test_a_pass_says_that_bodies_were_entered_by_throw_without_a_stop() -> None:
    def setup() -> Any:
        return genlock.guard(catching(), prime=True, on_busy="raise")

    result = explore(setup, [throw, throw], preemptions=None)
    first, more = result.report.splitlines()
    assert first == "ok: all 6 schedules there are"
    assert "Bodies that throw() or close() entered were run through" in more
    assert explore(setup, [throw, throw], granularity="line").outcome == "failed"
    assert len(explore(setup, [next], preemptions=None).report.splitlines()) == 1


def test_a_generator_in_a_closure_is_found() -> None:
    def setup() -> Callable[[], int]:
        generator = bare()
        return lambda: generator.send(1)

    assert explore(setup, [lambda call: call(), lambda call: call()]).token == "g1:1>T2"


def test_a_generator_that_a_worker_makes_is_told() -> None:
    def get(shared: SimpleNamespace) -> Any:
        shared.guard.send(1)
        if shared.made is None:
            shared.made = bare()
        return shared.made.send(1)

    def setup() -> SimpleNamespace:
        return SimpleNamespace(guard=genlock.guard(steps(), prime=True), made=None)

    for result in (explore(setup, [get, get]), replay(setup, [get, get], "g1:")):
        assert (result.outcome, result.exhausted) == ("inconclusive", False)
        assert "'total' came into the subject while the workers ran" in result.report
    assert explore(setup, [get, get], watch=[total]).outcome == "failed"


def test_who_was_inside_is_known_of_what_is_named_by_watch() -> None:
    made: list[Any] = []

    def setup() -> None:
        made[:] = [bare()]

    report = explore(setup, [lambda _: made[0].send(1)] * 2, watch=[total]).report
    assert "  T1 was inside 'total', at " in report
    assert "T2 was inside" not in report


# What takes the interpreter down.


@pytest.mark.parametrize("granularity", ["op", "line"])
def test_to_close_a_bare_generator_that_a_thread_is_inside_of_is_told(granularity: str) -> None:
    ran = run_program(PROGRAMS / "closed_inside.py", granularity)
    assert (ran.stderr, ran.returncode) == ("", 0)
    assert ran.stdout == "".join(
        f"{name}: failed: ValueError: generator already executing, in T2\n"
        f"T1 was inside {name!r}, at closed_inside.py:{line}\n"
        for name, line in {
            "receives": "15:  received += yield received",
            "counts": "20:  yield -number",
            "spreads": "27:  (yield values),",
            "delegates": "32:  yield from receives()",
        }.items()
    )


def test_no_stack_is_read_before_its_thread_is_parked() -> None:
    park, frames = Run.park, _stacks.current_frames
    parking: list[Task] = []
    seen: list[bool] = []

    def park_later(run: Run, task: Task) -> None:
        parking.append(task)
        for _ in range(100_000):
            assert task.number == 0
        park(run, task)

    def noted() -> Any:
        seen.extend(task.is_at_rest for task in parking)
        return frames()

    with (
        patch.object(_stacks, "RUN_AT_ONCE", True),
        patch.object(_stacks, "current_frames", noted),
        patch.object(Run, "park", park_later),
    ):
        assert "T1 was inside 'total'" in replay(bare, [send_one, send_one], "g1:1>T2").report
    assert seen == [True]


# What differs from run to run.


def test_the_repetition_of_the_first_schedule_has_to_end_alike() -> None:
    setups: list[None] = []
    schedules = explore(guarded, [send_one, send_one]).schedules

    def setup() -> Any:
        setups.append(None)
        return guarded()

    def check(_: Any) -> bool:
        return len(setups) <= schedules + 1

    result = explore(setup, [send_one, send_one], check)
    assert (result.outcome, result.exhausted) == ("nondeterministic", False)
    assert result.report.splitlines()[:3] == [
        "nondeterministic: the same schedule ended in two ways:",
        "  before: no error",
        "  now:    AssertionError: check(subject) returned False",
    ]


def test_a_failure_has_to_come_again_with_the_same_error() -> None:
    errors = [KeyError("first"), IndexError("second")]

    def fail(generator: Any) -> None:
        generator.send(1)
        raise errors.pop(0)

    report = explore(guarded, [fail]).report
    assert report.startswith("nondeterministic: the same schedule ended in two ways:\n")
    assert "before: KeyError: 'first'\n" in report
    assert "now:    IndexError: second\n" in report


def test_a_call_that_differs_is_told_with_the_name_of_its_guard() -> None:
    made: list[str] = []

    def setup() -> Any:
        made.append("made")
        return genlock.guard(total(), prime=True, name="ledger")

    def send_once_more(generator: Any) -> None:
        generator.send(1)
        if len(made) > 2:
            generator.send(2)

    assert "about to send to 'ledger'" in explore(setup, [send_once_more, send_one]).report


# What does not come to its end.


def test_a_thread_that_computes_while_another_one_had_is_not_taken_for_blocked() -> None:
    def burn(seconds: float) -> Callable[[Any], None]:
        def work(generator: Any) -> None:
            generator.send(1)
            while time.thread_time() < seconds:
                pass

        return work

    with (
        patch.object(_progress, "BLOCKED_AFTER", 0.25),
        patch.object(_progress, "LOOK_EVERY", 0.02),
    ):
        assert explore(guarded, [burn(0.6), burn(0.5)], preemptions=0, budget=1).outcome == "ok"


@needs_gil  # elsewhere threads that were given up stay parked, and keep their guards
@pytest.mark.parametrize("setup", [guarded, bare])
def test_a_loop_that_comes_to_points_for_ever_is_named(setup: Callable[[], Any]) -> None:
    before = threading.active_count()

    def spin(generator: Any) -> None:
        while generator.send(0) == 0:
            pass

    with patch.object(_scheduler, "MOST_DECISIONS", 500):
        result = explore(setup, [spin, send_one])
    assert result.outcome == "inconclusive"
    assert "inconclusive: T1 does not come to an end at " in result.report
    assert "while generator.send(0) == 0:" in result.report or "added += yield" in result.report
    until(lambda: threading.active_count() <= before)


class Laced:
    def __init__(self) -> None:
        self.parts = [steps(), steps()]
        self.marks: list[int] = []
        self.lock = threading.Lock()

    def turns(self) -> int:
        return sum(one != other for one, other in zip(self.marks, self.marks[1:], strict=False))


def mark(number: int) -> Callable[[Laced], None]:
    def work(laced: Laced) -> None:
        for _ in range(8):
            next(laced.parts[number])
            laced.marks.append(number)

    return work


def has_few_turns(laced: Laced) -> bool:
    return laced.turns() < 5


def test_a_failure_is_not_lost_where_a_smaller_schedule_blocks() -> None:
    shrinking: list[None] = []
    shrink = Explorer.shrink

    def noted(*arguments: Any) -> Any:
        shrinking.append(None)
        return shrink(*arguments)

    def block(laced: Laced) -> None:
        mark(1)(laced)
        if shrinking and laced.turns() < 4:
            laced.lock.acquire()
            laced.lock.acquire(timeout=PATIENCE)

    with patch.object(_progress, "BLOCKED_AFTER", 0.3), patch.object(Explorer, "shrink", noted):
        result = explore(Laced, [mark(0), block], has_few_turns, preemptions=3, budget=400, seed=1)
    assert shrinking
    assert result.outcome == "failed"


def test_shrinking_takes_no_more_runs_than_searching() -> None:
    runs: list[int] = []
    shrink = Explorer.shrink

    def on_a_budget(explorer: Explorer, *arguments: Any) -> Any:
        explorer.budget = 2
        runs.append(stage_runs(arguments))
        found = shrink(explorer, *arguments)
        runs.append(stage_runs(arguments))
        return found

    def stage_runs(arguments: Any) -> int:
        return int(arguments[0].performed)

    with patch.object(Explorer, "shrink", on_a_budget):
        result = explore(
            Laced, [mark(0), mark(1)], has_few_turns, preemptions=3, budget=400, seed=1
        )
    assert result.outcome == "failed"
    assert runs[1] - runs[0] == 2


# What is left behind.


@needs_gil  # elsewhere a thread that was given up stays parked
def test_a_thread_that_was_given_up_does_not_count_in_the_next_exploration() -> None:
    shared = bare()
    leave = threading.Event()

    def wait(generator: Any) -> None:
        left.append(threading.current_thread())
        leave.wait(PATIENCE)
        ended.append("waited")
        shared.send(1)
        ended.append("not ended at its next point")

    ended: list[str] = []
    left: list[threading.Thread] = []
    with patch.object(_progress, "BLOCKED_AFTER", 0.2):
        assert "T1 is blocked" in explore(bare, [wait]).report

    def let_go(generator: Any) -> None:
        leave.set()
        until(lambda: not left[0].is_alive())
        generator.send(1)

    assert explore(bare, [let_go], preemptions=0).outcome == "ok"
    assert ended == ["waited"]


def test_explorations_at_one_time_leave_everything_as_it_was() -> None:
    first_in, first_out, second_in = (threading.Event() for _ in range(3))
    seen: list[bool] = []

    def first() -> Any:
        def work(generator: Any) -> None:
            generator.send(1)
            first_in.set()
            assert second_in.wait(PATIENCE)

        return explore(lambda: genlock.guard(steps(), prime=True), [work], budget=1)

    def second() -> Any:
        assert first_in.wait(PATIENCE)

        def work(generator: Any) -> None:
            generator.send(1)
            second_in.set()
            assert first_out.wait(PATIENCE)
            seen.append(gc.isenabled())

        return explore(guarded, [work], budget=1)

    def first_then_tell() -> Any:
        try:
            return first()
        finally:
            first_out.set()

    tracer = threading.gettrace()
    together(first_then_tell, second)
    assert seen[0] is False
    assert gc.isenabled()
    assert threading.gettrace() is tracer
    if sys.version_info >= (3, 12):
        assert {sys.monitoring.get_tool(tool) for tool in range(1, 5)}.isdisjoint(
            {"genlock.testing"}
        )


def test_threads_of_another_exploration_are_named_as_such() -> None:
    def work(generator: Any) -> None:
        generator.send(1)
        explore(bare, [send_one], preemptions=0)

    result = explore(bare, [work], preemptions=0)
    assert "the thread 'T1 of another exploration' ran a generator that is watched" in result.report


def test_a_thread_of_a_pool_that_is_no_worker_is_no_pass() -> None:
    def hand_over(generator: Any) -> None:
        Worker(lambda: generator.send(1), name="helper").result()

    result = explore(bare, [hand_over], preemptions=0)
    assert "the thread 'helper' ran a generator that is watched" in result.report
