"""explore() runs through all orders that it promises, stops at the smallest that fails."""

from __future__ import annotations

import contextvars
import gc
import itertools
import math
import random
import re
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings

import genlock
from crew import PATIENCE, needs_gil, until
from explored import bare, guarded, on_part, send_one, steps, total
from genlock import _guard, _waits
from genlock._gates import gate_for
from genlock._interpreter import _stacks
from genlock.testing import Exploration, _progress, explore, replay, schedules
from genlock.testing._scheduler import Task
from genlock.testing._search import by_priorities, shrunk

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from explored import Worker
    from genlock.testing._schedules import Schedule


# How many schedules there are.


def steps_of_own(*lengths: int) -> tuple[Callable[[], Any], list[Worker]]:
    """Threads of so many steps: the one at its start, and one for each time it resumes."""

    def taking(resumptions: int) -> Worker:
        def work(generator: Generator[None, None, None]) -> None:
            for _ in range(resumptions):
                next(generator)

        return work

    workers = [on_part(number, taking(length - 1)) for number, length in enumerate(lengths)]
    return lambda: [steps() for _ in lengths], workers


def interleavings(*lengths: int) -> int:
    return math.factorial(sum(lengths)) // math.prod(map(math.factorial, lengths))


@pytest.mark.parametrize("lengths", [(3, 3), (2, 1), (2, 4), (5, 3), (2, 2, 2), (3, 3, 3), (4,)])
def test_all_schedules_are_the_interleavings(lengths: tuple[int, ...]) -> None:
    setup, workers = steps_of_own(*lengths)
    result = explore(setup, workers, preemptions=None)
    assert (result.outcome, result.exhausted) == ("ok", True)
    assert result.schedules == interleavings(*lengths)


def with_preemptions(first: int, second: int, preemptions: int) -> int:
    """How many interleavings of two threads stop one that could go on just so often.

    The threads take turns in blocks; all switches but the last stop a thread that could go on.
    """
    more, fewer = (preemptions + 3) // 2, (preemptions + 2) // 2

    def cuts(length: int, blocks: int) -> int:
        return math.comb(length - 1, blocks - 1)

    return cuts(first, more) * cuts(second, fewer) + cuts(second, more) * cuts(first, fewer)


@pytest.mark.parametrize("preemptions", range(5))
@pytest.mark.parametrize("lengths", [(3, 3), (4, 6)])
def test_schedules_with_few_preemptions(lengths: tuple[int, int], preemptions: int) -> None:
    setup, workers = steps_of_own(*lengths)
    result = explore(setup, workers, preemptions=preemptions)
    expected = sum(with_preemptions(*lengths, number) for number in range(preemptions + 1))
    assert result.schedules == expected
    assert result.exhausted


def test_a_guarded_send_has_a_point_before_it_and_one_inside() -> None:
    parts = [on_part(0, send_one), on_part(1, send_one)]
    result = explore(lambda: [guarded(), guarded()], parts, preemptions=None)
    assert result.schedules == interleavings(3, 3)


def test_a_thread_that_would_wait_is_no_choice() -> None:
    # Each thread is start, call, body, and no call comes between the call and the body of the
    # other. So one goes before the other, and the start of the other is in one of four places.
    assert explore(guarded, [send_one, send_one], preemptions=None).schedules == 2 * 4


# What is found.


def test_two_threads_that_send_to_a_bare_generator_are_found_at_once() -> None:
    result = explore(bare, [send_one, send_one])
    assert isinstance(result, Exploration)
    assert result.outcome == "failed"
    assert isinstance(result.error, ValueError)
    assert result.schedules <= 3
    assert result.token == "g1:1>T2"
    with pytest.raises(AssertionError, match="T1 was inside 'total'"):
        result.assert_ok()


class Slot:
    """A value that two threads change in steps."""

    def __init__(self) -> None:
        self.parts = [steps(), steps()]
        self.stages: list[str] = []


def mark(number: int, *marks: str) -> Worker:
    def work(slot: Slot) -> None:
        for text in marks:
            next(slot.parts[number])
            slot.stages.append(text)

    return work


def is_not_laced(slot: Slot) -> bool:
    """Fails where the second thread's mark comes between two of the first, and those between it."""
    return slot.stages != ["a1", "b1", "a2", "b2"]


@pytest.mark.parametrize(("preemptions", "outcome"), [(0, "ok"), (1, "ok"), (2, "failed")])
def test_a_bug_that_needs_two_preemptions(preemptions: int, outcome: str) -> None:
    workers = [mark(0, "a1", "a2"), mark(1, "b1", "b2")]
    result = explore(Slot, workers, is_not_laced, preemptions=preemptions)
    assert result.outcome == outcome
    assert result.exhausted == (outcome == "ok")
    if outcome == "failed":
        assert "with 2 preemptions" in result.report


def has_few_turns(slot: Slot) -> bool:
    """Fails where the threads have taken turns five times: that takes four preemptions."""
    owners = [text.isupper() for text in slot.stages]
    return sum(one is not other for one, other in itertools.pairwise(owners)) < 5


def test_what_is_too_much_for_the_budget_is_tried_at_random() -> None:
    workers = [mark(0, *"abcdefgh"), mark(1, *"ABCDEFGH")]
    complete = explore(Slot, workers, has_few_turns, preemptions=3)
    assert (complete.outcome, complete.exhausted) == ("ok", True)
    assert complete.schedules == sum(with_preemptions(9, 9, number) for number in range(4))

    def explored(seed: int | None) -> tuple[str, int, str | None]:
        result = explore(Slot, workers, has_few_turns, preemptions=3, budget=400, seed=seed)
        return result.outcome, result.schedules, result.token

    outcome, schedules, token = explored(seed=1)
    assert outcome == "failed"
    assert 300 < schedules < 400
    assert explored(seed=1) == (outcome, schedules, token)
    assert explored(seed=None) == explored(seed=None)
    assert token is not None
    found = replay(Slot, workers, token, has_few_turns)
    assert found.outcome == "failed"
    assert found.report.count("> ") - 1 == token.count(">") == 5, "as few choices as will do"


def orders(steps_left: list[int]) -> Iterator[tuple[int, ...]]:
    """All orders in which threads can take so many steps."""
    if not any(steps_left):
        yield ()
    for thread, left in enumerate(steps_left):
        if left:
            fewer = [*steps_left[:thread], left - 1, *steps_left[thread + 1 :]]
            yield from ((thread, *order) for order in orders(fewer))


def stops(order: tuple[int, ...], steps_left: list[int]) -> int:
    """How often a thread is stopped that could go on."""
    left = [*steps_left]
    stopped = 0
    for one, other in itertools.pairwise(order):
        left[one] -= 1
        stopped += one != other and left[one] > 0
    return stopped


def drawn_order(seed: int, steps_left: list[int], depth: int) -> tuple[int, ...]:
    """The order that random priorities make."""
    left = [*steps_left]
    tasks = [Task(number, print) for number in range(len(left))]
    choose = by_priorities(random.Random(seed), len(left), sum(left), depth)
    order: list[int] = []
    while any(left):
        enabled = [task for task in tasks if left[task.number]]
        chosen = choose(len(order), enabled[0], enabled).number
        left[chosen] -= 1
        order.append(chosen)
    return tuple(order)


@pytest.mark.parametrize(("preemptions", "depth"), [(0, 1), (1, 3)])
def test_random_priorities_reach_every_order_with_few_stops(preemptions: int, depth: int) -> None:
    lengths = [3, 3, 3]
    wanted = {order for order in orders(lengths) if stops(order, lengths) == preemptions}
    assert wanted <= {drawn_order(seed, lengths, depth) for seed in range(6000)}


def test_which_of_the_lowered_threads_is_the_lowest_is_drawn_too() -> None:
    drawn = {drawn_order(seed, [3, 3, 3], depth=3) for seed in range(6000)}
    assert {(0, 1, 2, 2, 2, 0, 0, 1, 1), (0, 1, 2, 2, 2, 1, 1, 0, 0)} <= drawn


def test_a_schedule_shrinks_to_the_choices_that_it_takes() -> None:
    schedule = tuple((decision, 1) for decision in range(9))
    tried: list[Schedule] = []

    def still_fails(shorter: Schedule) -> bool:
        tried.append(shorter)
        return {(2, 1), (7, 1)} <= set(shorter)

    assert shrunk(schedule, still_fails) == ((2, 1), (7, 1))
    assert len(tried) < 40


def test_a_budget_that_is_reached_is_told() -> None:
    setup, workers = steps_of_own(8, 8)
    result = explore(setup, workers, budget=20)
    assert (result.outcome, result.exhausted, result.schedules) == ("ok", False, 20)
    assert str(result) == "ok: 20 schedules of more (budget=20)"


def test_a_budget_that_is_just_enough_is_enough() -> None:
    setup, workers = steps_of_own(3, 3)
    assert explore(setup, workers, preemptions=None, budget=20).exhausted


def test_a_lost_update_inside_a_body_is_found_at_lines() -> None:
    def add_one(cell: list[int]) -> Generator[None, None, None]:
        while True:
            value = cell[0]
            value += 1
            cell[0] = value
            yield

    def setup() -> list[Any]:
        cell = [0]
        return [cell, add_one(cell), add_one(cell)]

    def is_two(parts: list[Any]) -> bool:
        return bool(parts[0] == [2])

    workers = [on_part(1, next), on_part(2, next)]
    assert explore(setup, workers, is_two).outcome == "ok"
    found = explore(setup, workers, is_two, granularity="line")
    assert found.outcome == "failed"
    assert found.token is not None
    version = "{}.{}".format(*sys.version_info)
    assert found.token.startswith(f"g1-line-{version}:")
    assert replay(setup, workers, found.token, is_two).report.startswith("failed: ")
    other = found.token.replace(version, "3.99")
    with pytest.raises(ValueError, match=r"is for Python 3\.99"):
        replay(setup, workers, other, is_two)


def test_a_call_that_comes_back_is_not_taken_for_a_wait() -> None:
    def echo(box: list[Any]) -> Generator[None, Any, None]:
        while True:
            yield
            box[0].send(None)

    def setup() -> list[Any]:
        box: list[Any] = []
        box.append(genlock.guard(echo(box), prime=True, name="echo"))
        return box

    result = explore(setup, [on_part(0, send_one)] * 2)
    assert isinstance(result.error, genlock.ReentrantCallError)
    assert result.schedules == 1


def test_deferred_calls_pass() -> None:
    taken: list[list[int]] = []

    def echo(box: list[Any], taken: list[int]) -> Generator[None, int, None]:
        while True:
            value = yield
            taken.append(value)
            if value > 0:
                box[0].send(value - 1)

    def setup() -> list[Any]:
        box: list[Any] = []
        taken.append([])
        box.append(genlock.guard(echo(box, taken[-1]), prime=True, on_reentry="defer"))
        return [*box, taken[-1]]

    workers = [on_part(0, lambda cor: cor.send(1)), on_part(0, lambda cor: cor.send(1))]
    result = explore(setup, workers, lambda parts: sorted(parts[1]) == [0, 0, 1, 1])
    result.assert_ok()
    assert result.exhausted


def test_an_error_of_the_protocol_is_explained() -> None:
    def send_too_early(generator: Any) -> None:
        generator.send(1)

    report = explore(total, [send_too_early]).report
    assert report.startswith("failed: TypeError: can't send non-None value to a just-started")
    assert "  [GL012] 'total' was sent a value before it was started" in report
    assert "T1" in report.partition("[GL012]")[2]


def test_of_a_race_is_told_what_was_so_and_not_what_is_left() -> None:
    report = explore(bare, [send_one, send_one]).report
    assert "  T1 was inside 'total'" in report
    assert "Not known" not in report


def test_a_comprehension_is_a_line_of_the_function_that_it_is_in() -> None:
    def send_some(generator: Any) -> None:
        [generator.send(number) for number in range(2)]

    report = explore(bare, [send_some, send_some]).report
    _, _, lines = report.partition("  T2 got the error at\n")
    first, second, *_ = lines.splitlines()
    assert first.endswith("  [generator.send(number) for number in range(2)]")
    assert second.startswith("  [GL011] ")


def test_a_report_has_no_addresses() -> None:
    def fail(generator: Any) -> None:
        raise ValueError(object())

    report = explore(guarded, [fail]).report
    assert "failed: ValueError: <object object at 0x…>, in T1\n" in report


# Waiting.


def test_exclusive_use_in_both_orders_is_a_deadlock() -> None:
    def take(first: int, second: int) -> Worker:
        def work(parts: list[Any]) -> None:
            with genlock.exclusive(parts[first]):
                parts[second].send(1)

        return work

    result = explore(lambda: [guarded(), guarded()], [take(0, 1), take(1, 0)])
    assert result.outcome == "deadlock"
    assert isinstance(result.error, genlock.DeadlockError)
    assert not _waits._waiting
    assert explore(lambda: [guarded(), guarded()], [take(0, 1), take(0, 1)]).exhausted


def test_a_deadlock_that_the_program_survives_is_one() -> None:
    def survive(first: int, second: int) -> Worker:
        def work(parts: list[Any]) -> None:
            with genlock.exclusive(parts[first]):
                try:
                    parts[second].send(1)
                except genlock.DeadlockError:
                    pass

        return work

    result = explore(lambda: [guarded(), guarded()], [survive(0, 1), survive(1, 0)])
    assert result.outcome == "deadlock"
    assert result.error is None
    assert "T1 is inside 'total' and waits for 'total (2)'." in result.report
    assert "T2 is inside 'total (2)' and waits for 'total'." in result.report


def test_a_ring_of_three_is_a_deadlock() -> None:
    def take(first: int) -> Worker:
        def work(parts: list[Any]) -> None:
            with genlock.exclusive(parts[first]):
                parts[(first + 1) % 3].send(1)

        return work

    setup = [guarded, guarded, guarded]
    result = explore(lambda: [make() for make in setup], [take(0), take(1), take(2)])
    assert result.outcome == "deadlock"
    assert "3 threads wait for one another" in result.report


def test_a_deadlock_is_one_even_if_somebody_would_give_up_in_the_end() -> None:
    def keep_and_send(kept: int, sent: int) -> Worker:
        def work(parts: list[Any]) -> None:
            with genlock.exclusive(parts[kept], timeout=3600):
                parts[sent].send(1)

        return work

    result = explore(lambda: [guarded(), guarded()], [keep_and_send(0, 1), keep_and_send(1, 0)])
    assert result.outcome == "deadlock"


def test_a_timeout_takes_no_time() -> None:
    kept: list[Any] = []

    def setup() -> Any:
        sink = genlock.guard(total(), prime=True, timeout=3600)
        kept[:] = [genlock.exclusive(sink)]
        kept[0].__enter__()
        return sink

    started = time.monotonic()
    result = explore(setup, [send_one])
    assert isinstance(result.error, genlock.GuardTimeoutError)
    assert time.monotonic() - started < PATIENCE


def test_exclusive_use_ends_with_the_worker() -> None:
    def setup() -> Any:
        sink = guarded()
        return sink, genlock.exclusive(sink)

    result = explore(setup, [lambda parts: parts[1].__enter__(), on_part(0, send_one)])
    assert isinstance(result.error, genlock.AbandonedGeneratorError)


def test_a_guard_waits_for_the_bare_generator() -> None:
    def setup() -> Any:
        generator = bare()
        return generator, genlock.guard(generator)

    def forgiving(generator: Any) -> None:
        try:
            generator.send(1)
        except ValueError:
            pass

    result = explore(setup, [on_part(0, forgiving), on_part(1, send_one)])
    result.assert_ok()
    assert result.exhausted


def test_what_had_ended_a_generator_is_told() -> None:
    report = explore(guarded, [lambda cor: cor.close(), send_one], preemptions=0).report
    assert report.startswith("failed: StopIteration, in T2\n")
    assert re.search(r"\n  genlock: 'total' had been closed, at \S*test_explore\.py:\d+", report)


# What is not a pass.


def test_a_lock_of_others_is_named() -> None:
    def under_lock(parts: Any) -> None:
        with parts[1]:
            parts[0].send(1)

    with patch.object(_progress, "BLOCKED_AFTER", 0.3):
        result = explore(lambda: (guarded(), threading.Lock()), [under_lock, under_lock])
    assert result.outcome == "inconclusive"
    assert "T2 is blocked at " in result.report
    assert "with parts[1]:" in result.report
    with pytest.raises(AssertionError, match="inconclusive: T2 is blocked"):
        result.assert_ok()


def test_who_waits_somewhere_in_the_library_is_told_by_the_line_that_called_it() -> None:
    def wait(parts: Any) -> None:
        parts[0].send(1)
        parts[1].wait()  # for nobody

    with patch.object(_progress, "BLOCKED_AFTER", 0.3):
        result = explore(lambda: (guarded(), threading.Event()), [wait])
    assert re.search(r"T1 is blocked at \S*test_explore\.py:\d+:  parts\[1\]\.wait", result.report)


def test_a_choice_that_was_another_one_is_told() -> None:
    drawn = itertools.cycle([0, 0, 1])

    def draw(parts: Any) -> None:
        parts[next(drawn)].send(1)

    report = explore(lambda: [guarded(), guarded()], [draw, on_part(0, send_one)]).report
    assert report.startswith("nondeterministic: ")
    then, now = (line.partition(":")[2] for line in report.splitlines()[1:3])
    assert then.strip() != now.strip()


def test_a_guard_that_is_kept_elsewhere_is_named() -> None:
    def setup() -> Any:
        kept.append(genlock.exclusive(guard := guarded()))
        kept[-1].__enter__()
        return guard

    kept: list[Any] = []
    with patch.object(_progress, "BLOCKED_AFTER", 0.3):
        result = explore(setup, [send_one])
    for block in kept:
        block.__exit__(None, None, None)
    assert result.report.startswith("inconclusive: T1 waits for a guard at ")


@needs_gil  # elsewhere two threads in a bare generator crash the interpreter
def test_a_generator_that_is_in_use_elsewhere_is_waited_for_no_longer_than_anything() -> None:
    def blocking() -> Generator[None, None, None]:
        inside.set()
        leave.wait(PATIENCE)
        yield

    def setup() -> Any:
        inside.clear()
        generator = blocking()
        strangers.append(threading.Thread(target=next, args=(generator,)))
        strangers[-1].start()
        assert inside.wait(PATIENCE)
        return genlock.guard(generator)

    inside, leave, strangers = threading.Event(), threading.Event(), list[threading.Thread]()
    with patch.multiple(_progress, BLOCKED_AFTER=0.3, _SHARE=0):  # whatever it costs to poll
        result = explore(setup, [next])
    leave.set()
    for stranger in strangers:
        stranger.join(PATIENCE)
    assert result.report.startswith("inconclusive: T1 waits for a guard at ")


def test_a_loop_that_waits_for_another_thread_is_named() -> None:
    has_been_named = threading.Event()

    def spin(parts: Any) -> None:
        while not parts[1] and not has_been_named.is_set():
            pass

    def stop(parts: Any) -> None:
        parts[0].send(1)
        parts[1].append("stop")

    with patch.object(_progress, "ENDLESS_AFTER", 0.3):
        result = explore(lambda: (guarded(), []), [spin, stop])
    has_been_named.set()
    assert result.outcome == "inconclusive"
    assert "T1 runs on and on" in result.report
    if not _stacks.RUN_AT_ONCE:  # there, of one that goes on it can be read by chance only
        assert " at test_explore.py:" in result.report


def test_work_that_takes_its_time_is_waited_for() -> None:
    def slow(generator: Any) -> None:
        generator.send(1)
        while time.thread_time() < 0.8:
            pass

    with patch.multiple(_progress, BLOCKED_AFTER=0.5, LOOK_EVERY=0.02):
        assert explore(guarded, [slow], preemptions=0).outcome == "ok"


def test_errors_of_setup_come_out() -> None:
    def setup() -> None:
        raise KeyError("no such thing")

    with pytest.raises(KeyError, match="no such thing"):
        explore(setup, [print])


@pytest.mark.parametrize("result", [False, None, True, 0])
def test_only_false_is_a_failed_check(result: object) -> None:
    outcome = "failed" if result is False else "ok"
    assert explore(guarded, [send_one], lambda _: result).outcome == outcome


def test_an_error_of_the_check_is_a_failure() -> None:
    def check(generator: Any) -> None:
        if generator.send(0) != 3:
            raise AssertionError("3 were to be sent")

    result = explore(guarded, [send_one, send_one], check)
    assert result.outcome == "failed"
    assert result.report.startswith("failed: AssertionError: 3 were to be sent, in the check\n")


def test_what_test_runners_fail_with_is_a_failure() -> None:
    result = explore(guarded, [send_one], lambda _: pytest.fail("this will not do"))
    assert result.outcome == "failed"
    assert "this will not do" in result.report


def test_an_interrupt_of_the_check_comes_out() -> None:
    def check(_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        explore(guarded, [send_one], check)


def test_a_body_that_catches_everything_changes_nothing() -> None:
    def stubborn() -> Generator[None, Any, None]:
        while True:
            try:
                yield
            except BaseException as error:
                if isinstance(error, GeneratorExit):
                    return

    def setup() -> Any:
        generator = stubborn()
        next(generator)
        return generator

    assert explore(setup, [send_one, send_one]).token == "g1:1>T2"


def test_an_interrupt_ends_the_exploration_and_its_threads() -> None:
    before = threading.active_count()

    def interrupt(generator: Any) -> None:
        generator.send(1)
        signal.raise_signal(signal.SIGINT)  # for the main thread
        inside.set()
        leave.wait(PATIENCE)

    inside, leave = threading.Event(), threading.Event()
    with pytest.raises(KeyboardInterrupt):
        explore(guarded, [interrupt, send_one])
    assert inside.wait(PATIENCE)
    leave.set()
    if not _stacks.RUN_AT_ONCE:
        until(lambda: threading.active_count() <= before)
    assert gc.isenabled()


# What it leaves, and what it makes of its threads.


def test_everything_is_as_before() -> None:
    before, tracer = threading.active_count(), threading.gettrace()
    for _ in range(10):  # more than there are tool identifiers
        explore(bare, [send_one, send_one])
    assert gc.isenabled()
    assert threading.gettrace() is tracer
    until(lambda: threading.active_count() <= before)
    assert _guard.make_gate is gate_for


def test_each_worker_has_its_thread_and_its_context() -> None:
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)
    seen: set[tuple[str, int]] = set()

    def work(generator: Any) -> None:
        generator.send(1)
        seen.add((threading.current_thread().name, variable.get()))
        variable.set(1)

    explore(guarded, [work, work]).assert_ok()
    assert seen == {("T1", 0), ("T2", 0)}


def test_an_exploration_within_another_one() -> None:
    def work(generator: Any) -> None:
        generator.send(1)
        if explore(*steps_of_own(2, 2), preemptions=None).schedules != interleavings(2, 2):
            raise AssertionError("the inner exploration was disturbed")

    explore(guarded, [work], preemptions=0).assert_ok()


# What is watched.


def test_generators_are_found_wherever_the_subject_holds_them() -> None:
    class Holder:
        __slots__ = ("held",)

        def __init__(self) -> None:
            self.held = {"deep": [(bare(),)]}

    def send_deep(holder: Holder) -> None:
        holder.held["deep"][0][0].send(1)

    assert explore(Holder, [send_deep, send_deep]).token == "g1:1>T2"


class Common:
    """Has one generator for all instances, and for those of other classes."""

    shared: Any = None


class Derived(Common):
    pass


def renewed(holder: Any) -> Any:
    Common.shared = bare()
    return holder


@pytest.mark.parametrize(
    ("setup", "worker"),
    [
        (lambda: bare().send, lambda send: send(1)),
        (lambda: renewed(Common), lambda holder: holder.shared.send(1)),
        (lambda: renewed(Derived()), lambda holder: holder.shared.send(1)),
    ],
    ids=["bound method", "class", "instance of a class"],
)
def test_a_generator_is_found_behind_its_method_and_in_a_class(
    setup: Callable[[], Any], worker: Worker
) -> None:
    assert explore(setup, [worker, worker]).token == "g1:1>T2"


def test_an_inner_generator_is_found_behind_the_outer_one() -> None:
    def outer() -> Iterator[int]:
        yield from inner

    inner: Iterator[int] = iter([])

    def setup() -> Any:
        nonlocal inner
        inner = (number for number in range(9))
        return [outer(), outer()]

    result = explore(setup, [on_part(0, next), on_part(1, next)])
    assert isinstance(result.error, ValueError)
    assert "T1 was inside '" in result.report


def test_what_the_subject_does_not_hold_can_be_named() -> None:
    made: list[Any] = []

    def setup() -> None:
        made[:] = [bare()]

    workers: list[Worker] = [lambda _: made[0].send(1)] * 2
    assert explore(setup, workers).outcome == "inconclusive"
    assert explore(setup, workers, watch=[total]).outcome == "failed"
    with pytest.raises(TypeError, match="there is no generator and no function in 3"):
        explore(setup, workers, watch=[3])


def test_guards_that_setup_makes_are_watched_behind_its_back() -> None:
    made: list[Any] = []

    def setup() -> None:
        made[:] = [guarded(), guarded()]

    alone: list[Worker] = [lambda _: made[0].send(1), lambda _: made[1].send(1)]
    result = explore(setup, alone, preemptions=None)
    assert result.schedules == interleavings(3, 3)


def test_generators_of_one_name_are_told_apart() -> None:
    def cross(mine: int, other: int) -> Worker:
        return lambda parts: (parts[mine].send(1), parts[other].send(1))

    result = explore(lambda: [bare(), bare()], [cross(0, 1), cross(1, 0)])
    assert "inside total (2)" in result.report


# Tokens.


def test_a_token_is_replayed_alike() -> None:
    found = explore(bare, [send_one, send_one])
    reports = {replay(bare, [send_one, send_one], "g1:1>T2").report for _ in range(50)}
    (report,) = reports
    assert report == "\n".join(
        line for line in found.report.splitlines() if "Found by schedule" not in line
    )


def test_a_fixed_program_passes_the_token_of_its_bug() -> None:
    result = replay(guarded, [send_one, send_one], "g1:1>T2")
    result.assert_ok()
    assert str(result) == "ok: the schedule of the token"


@pytest.mark.parametrize("token", ["g1:99>T2", "g1:1>T2,2>T1,3>T2"])
def test_a_token_that_no_longer_fits_is_told(token: str) -> None:
    with pytest.warns(UserWarning, match="no longer fits the program"):
        replay(guarded, [send_one, send_one], token).assert_ok()


def test_a_token_that_no_longer_fits_is_told_of_a_failure_too() -> None:
    with pytest.warns(UserWarning, match="no longer fits the program"):
        assert replay(bare, [send_one, send_one], "g1:1>T2,40>T1").outcome == "failed"


def test_a_token_that_no_longer_fits_is_told_where_workers_use_nothing_any_more() -> None:
    with pytest.warns(UserWarning, match="no longer fits the program"):
        assert replay(guarded, [id, id], "g1:13>T2").outcome == "inconclusive"


@pytest.mark.parametrize(
    ("token", "complaint"),
    [
        ("", "is no token of genlock"),
        ("g1", "is no token of genlock"),
        ("g1:1>2", "is no token of genlock"),
        ("g1:1>T0", "is no token of genlock"),
        ("g2:1>T1", "is no token of genlock"),
        ("g1:1>T2 ", "is no token of genlock"),
        ("g1:1>T2;2>T1", "is no token of genlock"),
        ("g1:1>T2,", "is no token of genlock"),
        ("g1:1>T3", "names T3, but there are 2 workers"),
        ("g1:2>T2,1>T1", "do not come one after the other"),
        ("g1:1>T2,1>T1", "do not come one after the other"),
        (None, "a token must be a text such as 'g1:13>T3', not None"),
        (b"g1:", "a token must be a text such as 'g1:13>T3', not b'g1:'"),
    ],
)
def test_what_is_no_token_is_refused(token: Any, complaint: str) -> None:
    with pytest.raises((TypeError, ValueError), match=complaint):
        replay(bare, [send_one, send_one], token)


def test_a_replay_without_workers_is_refused() -> None:
    with pytest.raises(ValueError, match="there are none"):
        replay(bare, [], "g1:")


async def later(_: Any) -> None:
    """A worker of another kind."""


def resumed(_: Any) -> Generator[None, None, None]:
    yield


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"budget": 0}, "budget must be 1 or more, not 0"),
        ({"budget": 1.5}, "budget must be a whole number, not 1.5"),
        ({"preemptions": -1}, "preemptions must be 0 or more, not -1"),
        ({"preemptions": "2"}, "preemptions must be a whole number, not '2'"),
        ({"granularity": "op code"}, "granularity must be 'op' or 'line', not 'op code'"),
        ({"check": "no function"}, "check must be a function, not 'no function'"),
        ({"check": later}, "check is an async function, 'later': to call it runs nothing of it"),
        ({"seed": "x"}, "seed must be a whole number, not 'x'"),
        ({"workers": []}, "workers must be functions, one for each thread: there are none"),
        ({"workers": None}, "workers must be a list of functions, not None"),
        ({"workers": "ab"}, "workers must be a list of functions, not 'ab'"),
        ({"workers": [print, None]}, "T2 of workers must be a function, not None"),
        (
            {"workers": [resumed]},
            "T1 of workers is a generator function, 'resumed': to call it runs nothing of it",
        ),
        ({"setup": [print]}, "setup must be a function, not .*"),
        ({"setup": later}, "setup is an async function, 'later': to call it runs nothing of it"),
        ({"watch": 5}, "watch must be a list of generators, functions or .*, not 5"),
        ({"watch": None}, "watch must be a list of generators, functions or .*, not None"),
        ({"watch": steps}, "watch must be a list of generators, functions or .*, not <function.*"),
        ({"watch": steps()}, "watch must be a list of generators, functions or .*, not <gener.*"),
    ],
)
def test_what_it_cannot_work_with_is_refused(options: dict[str, Any], told: str) -> None:
    given = {"setup": bare, "workers": [send_one], **options}
    with pytest.raises((TypeError, ValueError), match=f"^{told}$"):
        explore(**given)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"threads": 0}, "threads must be 1 or more, not 0"),
        ({"threads": "2"}, "threads must be a whole number, not '2'"),
        ({"decisions": 0}, "decisions must be 1 or more, not 0"),
        ({"choices": -1}, "choices must be 0 or more, not -1"),
        ({"granularity": "lines"}, "granularity must be 'op' or 'line', not 'lines'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{told}$"):
        schedules(**options)


def test_without_hypothesis_its_extra_is_named() -> None:
    with (
        patch.dict(sys.modules, {"hypothesis": None}),
        pytest.raises(ImportError, match=r'pip install "genlock\[hypothesis\]"'),
    ):
        schedules()


@settings(max_examples=60, deadline=None)
@given(schedules(threads=2, decisions=8))
def test_drawn_schedules_are_replayed(token: str) -> None:
    replay(guarded, [send_one, send_one], token, lambda cor: cor.send(0) == 2).assert_ok()


def test_drawn_schedules_find_a_race_and_shrink() -> None:
    failing: list[str] = []

    @settings(max_examples=200, deadline=None, derandomize=True, database=None)
    @given(schedules(threads=2, decisions=8))
    def find(token: str) -> None:
        result = replay(bare, [send_one, send_one], token)
        if result.outcome != "ok":
            failing.append(token)
        result.assert_ok()

    with pytest.raises(AssertionError):
        find()
    assert min(token.count(">") for token in failing) <= 2


@needs_gil
@pytest.mark.stress
def test_schedules_per_second() -> None:
    def send_three(generator: Any) -> None:
        for number in range(3):
            generator.send(number)

    def rate() -> float:
        # Seconds of the processor: the machine may have more to do.
        started = time.process_time()
        parts = [on_part(0, send_three), on_part(1, send_three)]
        result = explore(lambda: [guarded(), guarded()], parts)
        return result.schedules / (time.process_time() - started)

    assert max(rate() for _ in range(10)) > 3000

    def seconds() -> float:
        started = time.process_time()
        assert explore(guarded, [send_three] * 3).exhausted
        return time.process_time() - started

    assert min(seconds() for _ in range(3)) < 1
