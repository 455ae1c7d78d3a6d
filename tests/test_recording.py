"""A recording holds every call to every guard, and nothing of it is felt when it is off."""

from __future__ import annotations

import _thread
import gc
import inspect
import os
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

import genlock
from crew import PATIENCE, Alone, Occupied, Worker, together, until
from genlock import _gates
from genlock._gate import Gate
from genlock._traces._summary import summary
from genlock._tracing import _detours, _hook, _telling, _twin
from subprocesses import run_python

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path
    from types import CodeType

    from genlock import Event
    from genlock._traces._events import TracedGuard


def echo() -> Generator[Any, Any, str]:
    value = None
    while value != "end":
        value = yield value
    return "ended"


def facts(events: tuple[Event, ...]) -> list[tuple[str, str, str]]:
    return [(event.guard.name, event.operation, event.outcome) for event in events]


def has_more_than(count: int, recording: genlock.Recording) -> bool:
    return len(recording.events) > count


def here() -> int:
    """The line that this is called from."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


@pytest.fixture(params=["twin", "values", "subscriber"], autouse=True)
def way(request: pytest.FixtureRequest) -> Iterator[str]:
    """Everything holds for the quick way of recording and for the two general ones."""
    if request.param != "subscriber":
        yield request.param
        return
    with genlock.subscribe(lambda _: None):
        yield request.param


def start(way: str, **options: Any) -> genlock.Recording:
    return genlock.trace(values=repr if way == "values" else None, **options)


def test_every_operation_is_recorded_with_its_outcome(way: str) -> None:
    cor = genlock.guard(echo(), name="cor")
    with start(way) as recording:
        next(cor)
        cor.send(1)
        with suppress(KeyError):
            cor.throw(KeyError)
        with suppress(StopIteration):
            cor.send(2)
        cor = genlock.guard(echo(), name="other")
        next(cor)
        with suppress(StopIteration):
            cor.send("end")
        cor.close()
    assert facts(recording.events) == [
        ("cor", "next", "yielded"),
        ("cor", "send", "yielded"),
        ("cor", "throw", "raised"),
        ("cor", "send", "ended"),
        ("other", "next", "yielded"),
        ("other", "send", "returned"),
        ("other", "close", "ended"),
    ]
    assert recording.events[2].error == "KeyError"
    assert recording.dropped == 0


def test_iterators_are_recorded_too(way: str) -> None:
    numbers = genlock.guard(map(abs, [-1, -2]), name="numbers")
    with start(way) as recording:
        assert list(numbers) == [1, 2]
    assert facts(recording.events) == [
        ("numbers", "next", "yielded"),
        ("numbers", "next", "yielded"),
        ("numbers", "next", "returned"),
    ]
    assert recording.events[0].guard.function == "builtins.map"


def test_a_send_that_was_bound_before_is_recorded(way: str) -> None:
    cor = genlock.guard(echo(), prime=True)
    send = cor.send
    with start(way) as recording:
        assert send(1) == 1
    send(2)
    assert facts(recording.events) == [("echo", "send", "yielded")]


def test_the_caller_is_the_line_of_the_user(way: str) -> None:
    cor = genlock.guard(echo())
    lines = []
    with start(way) as recording:
        for _ in range(2):  # the first event of a guard takes another path
            next(cor)
            lines.append(here() - 1)
            cor.send(1)
            lines.append(here() - 1)
            list(map(cor.send, [1]))
            lines.append(here() - 1)
        cor.close()
        lines.append(here() - 1)
    sites = [event.site for event in recording.events]
    assert [site.line for site in sites if site] == lines
    assert {site and (site.file, site.function) for site in sites} == {
        (__file__, "test_the_caller_is_the_line_of_the_user")
    }


def test_a_call_from_no_python_code_is_recorded_without_a_line(way: str) -> None:
    cor = genlock.guard(echo(), prime=True)
    cor.send(0)
    with start(way) as recording:
        for _ in range(2):
            begun = len(recording.events)
            _thread.start_new_thread(cor.send, (1,))
            until(partial(has_more_than, begun, recording))
    assert facts(recording.events) == [("echo", "send", "yielded")] * 2
    assert [event.site for event in recording.events] == [None, None]


def test_begin_and_end_enclose_the_resumption_and_nest(way: str) -> None:
    inner = genlock.guard(echo(), prime=True, name="inner")

    def drive() -> Generator[Any, Any, None]:
        while True:
            inner.send((yield))

    outer = genlock.guard(drive(), prime=True, name="outer")
    with start(way) as recording:
        for value in range(3):
            outer.send(value)
    for driven, driver in zip(recording.events[::2], recording.events[1::2], strict=True):
        assert (driven.guard.name, driver.guard.name) == ("inner", "outer")
        assert driver.begin <= driven.begin <= driven.end <= driver.end


def test_threads_are_told_apart_by_name_also_when_they_have_ended(way: str) -> None:
    cor = genlock.guard(echo(), prime=True)
    with start(way) as recording:
        for name in ("first", "second"):
            Worker(lambda: cor.send(1), name=name).result()
    assert [event.thread.name for event in recording.events] == ["first", "second"]
    assert len({event.thread.number for event in recording.events}) == 2


def test_every_resumption_of_four_threads_is_accounted_for(way: str) -> None:
    counted = 0

    def count() -> Generator[None, Any, None]:
        nonlocal counted
        while True:
            yield
            counted += 1

    sends, size = 3000, 1000
    cor = genlock.guard(count(), prime=True)
    with start(way, size=size) as recording:
        together(*[lambda: [cor.send(1) for _ in range(sends)]] * 4)
    assert counted == 4 * sends
    assert len(recording.events) == size
    assert len(recording.events) + recording.dropped == counted


def test_calls_that_find_the_generator_ended_are_no_resumptions(way: str) -> None:
    counted = 0

    def count() -> Generator[int, Any, None]:
        nonlocal counted
        counted += 1
        yield 1
        counted += 1

    cor = genlock.guard(count())
    with start(way) as recording:
        assert list(cor) == [1]
        for _ in range(3):
            assert next(cor, "over") == "over"
        with pytest.raises(StopIteration):
            cor.send("late")
        with pytest.raises(KeyError):
            cor.throw(KeyError("late"))
        cor.close()
        cor.close()
    outcomes = [(it.operation, it.outcome, it.error) for it in recording.events]
    assert outcomes[:2] == [("next", "yielded", ""), ("next", "returned", "")]
    assert outcomes[2:] == [
        *[("next", "ended", "")] * 3,
        ("send", "ended", ""),
        ("throw", "ended", "KeyError"),
        *[("close", "ended", "")] * 2,
    ]
    assert sum(it.is_resumption for it in recording.events) == counted == 2
    (node,) = recording.call_graph().nodes
    (row,) = summary(recording.trace)
    assert node.resumptions == row.resumptions == 2
    assert row.ended == "returned"


def test_a_generator_that_ended_before_the_recording_is_not_resumed(way: str) -> None:
    cor = genlock.guard(echo(), prime=True)
    cor.close()
    with start(way) as recording:
        assert next(cor, None) is None
    assert facts(recording.events) == [("echo", "next", "ended")]
    (row,) = summary(recording.trace)
    assert (row.resumptions, row.ended) == (0, "ended")


def test_what_ends_a_generator_before_it_has_begun_is_no_resumption(way: str) -> None:
    closed, thrown, begun = (genlock.guard(echo(), name=name) for name in ("a", "b", "c"))
    next(begun)
    with start(way) as recording:
        closed.close()
        with pytest.raises(KeyError):
            thrown.throw(KeyError)
        begun.close()
    assert facts(recording.events) == [
        ("a", "close", "ended"),
        ("b", "throw", "ended"),
        ("c", "close", "returned"),
    ]
    rows = [(row.name, row.resumptions, row.ended) for row in summary(recording.trace)]
    assert sorted(rows) == [("a", 0, "closed"), ("b", 0, "raised KeyError"), ("c", 1, "closed")]


def test_four_threads_that_exhaust_one_guard_resume_it_as_often_as_it_counts(way: str) -> None:
    counted = 0

    def count() -> Generator[None, Any, None]:
        nonlocal counted
        for _ in range(400):
            counted += 1
            yield
        counted += 1

    cor = genlock.guard(count())
    with start(way) as recording:
        together(*[lambda: list(cor)] * 4)
    assert sum(it.is_resumption for it in recording.events) == counted == 401
    assert [it.outcome for it in recording.events].count("ended") == 3


def test_recording_starts_and_stops_again_while_threads_send(way: str) -> None:
    inside = Alone()
    served = 0

    def body() -> Generator[None, Any, None]:
        nonlocal served
        while True:
            yield
            with inside:
                served += 1

    cor = genlock.guard(body(), prime=True)
    over = threading.Event()

    def send() -> int:
        sent = 0
        while not over.is_set():
            cor.send(1)
            sent += 1
        return sent

    def went_on(seen: int) -> bool:
        return served > seen + 20

    recording = start(way, size=100)
    workers = [Worker(send) for _ in range(3)]
    for _ in range(30):
        seen = served
        recording.start()
        until(partial(went_on, seen))
        recording.stop()
    over.set()
    assert sum(worker.result() for worker in workers) == served
    assert 0 < len(recording.events) + recording.dropped <= served


def test_what_was_recorded_adds_up_and_starting_twice_is_starting_once(way: str) -> None:
    cor = genlock.guard(echo(), prime=True)
    recording = start(way, size=3)
    for value in range(4):
        recording.start()
        recording.start()
        cor.send(value)
        recording.stop()
        recording.stop()
        cor.send("unrecorded")
    assert len(recording.events) == 3
    assert recording.dropped == 1


def test_two_recordings_hold_the_same(way: str) -> None:
    cor = genlock.guard(echo(), prime=True)
    with start(way) as outer:
        cor.send(1)
        with start(way) as inner:
            cor.send(2)
        cor.send(3)
    assert len(outer.events) == 3
    assert inner.events == outer.events[1:2]


def test_a_call_that_is_going_on_at_the_start_or_the_stop_is_left_out(way: str) -> None:
    with Occupied() as occupied:
        recording = start(way)
        recording.start()
        occupied.leave.set()
        occupied.holder.result()
        recording.stop()
        assert recording.events == ()
        occupied.inside.clear()
        occupied.leave.clear()
        recording.start()
        late = Worker(lambda: occupied.guard.send("late"))
        assert occupied.inside.wait(PATIENCE)
        recording.stop()
        occupied.leave.set()
        assert late.result() == 2
        assert recording.events == ()


def test_a_wait_is_told_with_its_length(way: str) -> None:
    with start(way) as recording, Occupied() as occupied:
        waiter = Worker(lambda: occupied.guard.send("waits"), name="waiter")
        until(occupied.waiters)
        occupied.leave.set()
        waiter.result()
    first, second = [event for event in recording.events if event.operation == "send"]
    assert (first.thread.name, second.thread.name) == ("holder", "waiter")
    assert first.waited == 0
    assert second.waited > 0
    # It came while the other was inside.
    assert first.begin < second.begin - second.waited < first.end <= second.begin
    assert second.outcome == "yielded"


def test_refusals_are_told_and_are_no_resumptions(way: str) -> None:
    with start(way) as recording, Occupied(on_busy="raise") as occupied:
        with pytest.raises(genlock.ContendedCallError):
            occupied.guard.send("no")
        occupied.leave.set()
    refused = [event for event in recording.events if event.outcome == "refused"]
    assert [(event.error, event.waited) for event in refused] == [("ContendedCallError", 0)]
    assert not refused[0].is_resumption
    assert refused[0].begin == refused[0].end


def test_a_timeout_is_told_with_its_wait(way: str) -> None:
    with start(way) as recording, Occupied(timeout=0.01) as occupied:
        with pytest.raises(genlock.GuardTimeoutError):
            occupied.guard.send("no")
        occupied.leave.set()
    (refused,) = [event for event in recording.events if event.outcome == "refused"]
    assert refused.error == "GuardTimeoutError"
    assert refused.waited > 9_000_000


def test_reentry_is_told_within_the_call_that_it_came_back_to(way: str) -> None:
    def loop() -> Generator[None, Any, None]:
        while True:
            yield
            with pytest.raises(genlock.ReentrantCallError):
                cor.send("again")

    cor = genlock.guard(loop(), prime=True)
    with start(way) as recording:
        cor.send(1)
    refused, outer = recording.events
    assert (refused.outcome, refused.error) == ("refused", "ReentrantCallError")
    assert (outer.outcome, outer.waited) == ("yielded", 0)
    assert outer.begin <= refused.begin <= outer.end


def test_a_deferred_call_is_told_when_it_is_made_and_when_it_is_delivered(way: str) -> None:
    line = 0

    def loop() -> Generator[None, Any, None]:
        nonlocal line
        if (yield) == "first":
            line = here() + 1
            cor.send("second")
        yield
        yield

    cor = genlock.guard(loop(), prime=True, on_reentry="defer")
    with start(way) as recording:
        cor.send("first")
    assert facts(recording.events) == [
        ("loop", "send", "deferred"),
        ("loop", "send", "yielded"),
        ("loop", "send", "yielded"),
    ]
    deferred, _, delivery = recording.events
    assert delivery.waited == 0
    assert delivery.deferred > 0
    assert deferred.site == delivery.site
    assert deferred.site
    assert deferred.site.line == line


def test_a_deferred_close_is_told_of_whoever_delivers_it(way: str) -> None:
    with start(way) as recording, Occupied(on_close="defer") as occupied:
        occupied.guard.close()
        occupied.leave.set()
    told = [(it.operation, it.outcome, it.thread.name) for it in recording.events]
    main = threading.current_thread().name
    assert told[1:] == [
        ("close", "deferred", main),
        ("send", "yielded", "holder"),
        ("close", "returned", "holder"),
    ]


def test_exclusive_use_is_told_from_its_begin_to_its_end(way: str) -> None:
    cor = genlock.guard(echo(), prime=True)
    with start(way) as recording:
        with genlock.exclusive(cor):
            cor.send(1)
            cor.send(2)
            with genlock.exclusive(cor):
                pass
        cor.send(3)
    assert facts(recording.events) == [
        ("echo", "send", "yielded"),
        ("echo", "send", "yielded"),
        ("echo", "exclusive", "kept"),
        ("echo", "send", "yielded"),
    ]
    first, second, kept, third = recording.events
    assert kept.begin <= first.begin <= second.end <= kept.end <= third.begin
    assert [event.waited for event in recording.events] == [0, 0, 0, 0]


def test_a_wait_for_exclusive_use_is_told(way: str) -> None:
    def keep() -> None:
        with genlock.exclusive(occupied.guard):
            pass

    with start(way) as recording, Occupied() as occupied:
        keeper = Worker(keep, name="keeper")
        until(occupied.waiters)
        occupied.leave.set()
        keeper.result()
    (kept,) = [event for event in recording.events if event.outcome == "kept"]
    assert kept.thread.name == "keeper"
    assert kept.waited > 0


def test_a_value_sent_too_early_is_a_refusal(way: str) -> None:
    cor = genlock.guard(echo())
    with start(way) as recording, pytest.raises(genlock.NotPrimedError):
        cor.send("early")
    (refused,) = recording.events
    assert (refused.outcome, refused.error) == ("refused", "NotPrimedError")


def test_an_error_of_another_guard_that_comes_through_is_no_refusal(way: str) -> None:
    def drive() -> Generator[None, Any, None]:
        yield
        early.send("early")

    early = genlock.guard(echo(), name="early")
    outer = genlock.guard(drive(), prime=True, name="outer")
    with start(way) as recording, pytest.raises(genlock.NotPrimedError):
        outer.send(1)
    assert facts(recording.events) == [("early", "send", "refused"), ("outer", "send", "raised")]


def test_bare_use_behind_the_guard_is_waited_out_and_told_once(way: str) -> None:
    if _gates.uses_lock:
        pytest.skip("two threads in one bare generator crash a build that runs them at once")
    inside, leave = threading.Event(), threading.Event()

    def body() -> Generator[int, Any, None]:
        for number in range(9):
            yield number
            if number == 0:
                inside.set()
                assert leave.wait(PATIENCE)

    bare = body()
    cor = genlock.guard(bare, prime=True)
    with start(way) as recording:
        user = Worker(lambda: next(bare))
        assert inside.wait(PATIENCE)
        caller = Worker(lambda: cor.send("guarded"))
        until(lambda: "poll" in names_on_the_stack_of(caller))
        leave.set()
        assert {user.result(), caller.result()} == {1, 2}
    assert facts(recording.events) == [("body", "send", "yielded")]


def names_on_the_stack_of(thread: threading.Thread) -> set[str]:
    frame = sys._current_frames().get(thread.ident or 0)
    names = set()
    while frame is not None:
        names.add(frame.f_code.co_name)
        frame = frame.f_back
    return names


def test_the_traceback_is_the_one_without_recording(way: str) -> None:
    def fail() -> Generator[None, Any, None]:
        yield
        raise KeyError("of the body")

    def lines() -> list[tuple[str, int]]:
        found = []
        with pytest.raises(KeyError) as caught:
            genlock.guard(fail(), prime=True).send(1)
        traceback = caught.value.__traceback__
        while traceback is not None:
            found.append((traceback.tb_frame.f_code.co_name, traceback.tb_lineno))
            traceback = traceback.tb_next
        return [(name, line) for name, line in found if name in ("fail", "send")]

    if way != "twin":
        return  # more frames of genlock's are between
    without = lines()
    with start(way):
        assert lines() == without
        assert [name for name, _ in without] == ["send", "fail"]


class OddError(Exception):
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise LookupError("of the user's")


class OddEnd(StopIteration):
    @property
    def value(self) -> Any:
        raise LookupError("of the user's")


@pytest.mark.parametrize("error", [OddError, OddEnd])
def test_an_error_that_may_not_be_asked_comes_out_as_it_is(
    way: str, error: type[Exception]
) -> None:
    class Failing:
        def __iter__(self) -> Iterator[int]:
            return self

        def __next__(self) -> int:
            raise error("mine")

    def failing() -> Iterator[int]:
        yield next(Failing())

    for iterator in [Failing()] if error is OddEnd else [Failing(), failing()]:
        guard = genlock.guard(iterator)
        caught: BaseException | None = None
        with start(way):
            try:
                next(guard)
            except BaseException as raised:
                caught = raised
        assert type(caught) is error


def test_nothing_is_kept_alive(way: str) -> None:
    class Value:
        pass

    generator = echo()
    died = weakref.ref(generator)
    cor = genlock.guard(generator, prime=True)
    value = Value()
    value_died = weakref.ref(value)
    with start(way) as recording:
        cor.send(value)
        next(cor)
        cor.close()
        del cor, generator, value
        gc.collect()
        assert died() is None
        assert value_died() is None
    assert len(recording.events) == 3


def test_everything_is_put_back(way: str) -> None:
    if way == "subscriber":
        return
    methods = [Gate.run, Gate.take_turn, Gate.run_as_owner, Gate.keep]
    methods.append(_gates.kind_for(can_defer=False).send)
    before = [method.__code__ for method in methods]
    with start(way):
        assert all(it.__code__ is not code for it, code in zip(methods, before, strict=True))
    assert all(it.__code__ is code for it, code in zip(methods, before, strict=True))


def test_what_is_exchanged_has_the_same_parameters() -> None:
    """Where threads run at once, a call may find its arguments laid out for the other code."""
    pairs = [(it.plain, it.detour) for it in _detours.EXCHANGED]
    pairs += [(_hook._send_code, _hook._send_by_enter.__code__)]
    twin = _hook._twin_code()
    assert twin is not None
    for plain, other in [*pairs, (_hook._send_code, twin)]:
        assert parameters(plain) == parameters(other), plain.co_qualname


def parameters(code: CodeType) -> tuple[object, ...]:
    return (
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_flags,
        code.co_freevars,
    )


def test_exclusive_use_that_outlives_all_recordings_is_forgotten(way: str) -> None:
    if way == "subscriber":  # that stays
        return
    cor = genlock.guard(echo(), prime=True)
    with start(way) as recording:
        kept = genlock.exclusive(cor)
        kept.__enter__()
        assert len(_detours._kept) == 1
    assert _detours._kept == {}
    kept.__exit__(None, None, None)
    assert recording.events == ()


def test_no_log_outlives_its_recording(way: str) -> None:
    recording = start(way)
    recording.start()
    genlock.guard(echo(), prime=True).send(1)
    log = weakref.ref(_telling.now.audience.logs[-1])
    recording.stop()
    gc.collect()
    assert log() is None
    assert len(recording.events) == 2


def test_no_class_changes_however_often_recording_starts(way: str) -> None:
    """CPython 3.13 gives a class a thousand versions, and is slow when they are used up."""
    kind = _gates.kind_for(can_defer=False)
    before = [dict(vars(it)) for it in kind.__mro__]
    with start(way):
        assert [dict(vars(it)) for it in kind.__mro__] == before


def test_the_quick_way_is_the_twin_and_any_other_is_by_enter(way: str) -> None:
    with start(way):
        code = _gates.kind_for(can_defer=False).send.__code__
        assert (code is _hook._twin_code()) == (way == "twin")


def test_without_sources_everything_goes_by_enter(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_hook, "_twin_code", lambda: None)
    cor = genlock.guard(echo(), prime=True)
    with start(way) as recording:
        assert cor.send(1) == 1
    assert facts(recording.events) == [("echo", "send", "yielded")]


def test_there_is_no_twin_of_what_has_no_source() -> None:
    names: dict[str, Any] = {}
    exec("def send(self, value, /): return self.resume(value)", names)
    assert _twin.recording(names["send"].__code__) is None


@pytest.mark.parametrize(
    ("of", "now"),
    [
        ("send", "def other(self, value, /):\n    return self.resume(value)\n"),
        ("send", "return self.resume(value)\n"),
        ("send", "    nothing that could be read\n"),
        ("send", "\n"),
        ("send", None),
        ("_resume", "def _resume(self, value):\n    return self.resume(value)\n"),
    ],
)
def test_there_is_no_twin_of_a_source_that_has_changed_since(
    of: str, now: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of a long-running program whose packages are upgraded meanwhile."""
    read = inspect.findsource
    assert _twin.recording(_hook._send_code) is not None

    def changed(code: CodeType) -> tuple[list[str], int]:
        lines, first = read(code)
        if code.co_name != of:
            return lines, first
        if now is None:
            return [line.replace("(value)", "(None)") for line in lines], first
        return now.splitlines(keepends=True), first

    monkeypatch.setattr(inspect, "findsource", changed)
    assert _twin.recording(_hook._send_code) is None


def test_a_guard_that_two_threads_meet_at_first_is_told_as_one(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe, both = _telling._describe, threading.Barrier(2)

    def describe_together(gate: Any) -> TracedGuard:
        both.wait(PATIENCE)
        return describe(gate)

    monkeypatch.setattr(_telling, "_describe", describe_together)
    gate = genlock.guard(echo())._self_gate
    first, second = together(*[lambda: _telling.enrol(gate)] * 2)
    assert first is second


def test_a_failure_of_the_telling_is_not_felt(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RecursionError("no room to tell of it")

    for broken in ("place", "outcome_of", "enrol", "_text"):
        cor = genlock.guard(echo())
        with start(way), monkeypatch.context() as patch:
            patch.setattr(_telling, broken, fail)
            assert next(cor) is None
            assert cor.send(1) == 1
            with pytest.raises(KeyError):
                genlock.guard(echo(), prime=True).throw(KeyError)
            with pytest.raises(genlock.ReentrantCallError):
                sends_to_itself().send(1)
            with genlock.exclusive(cor):
                assert cor.send(2) == 2


def sends_to_itself() -> genlock.GuardedGenerator[None, Any, None]:
    def body() -> Generator[None, Any, None]:
        while True:
            value = yield
            cor.send(value)

    cor: genlock.GuardedGenerator[None, Any, None] = genlock.guard(body(), prime=True)
    return cor


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_records_on(way: str) -> None:
    program = f"""
import os, genlock
recording = genlock.trace({"values=repr" if way == "values" else ""})
cor = genlock.guard(iter(range(9)))
with recording:
    next(cor)
    child = os.fork()
    next(cor)
    if child:
        os.waitpid(child, 0)
    print(len(recording.events), recording.dropped, flush=True)
assert recording.trace.pid == os.getpid()
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        capture_output=True,
        text=True,
        timeout=20,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert (done.stdout, done.stderr) == ("2 0\n2 0\n", "")


LOCKED = """
import os, signal, threading
import genlock
from genlock._tracing import _hook

recording = genlock.trace()
held, go_on = threading.Event(), threading.Event()

def hold():
    with recording._changing.lock, _hook._changing.lock:
        held.set()
        go_on.wait()

recording.start()
holder = threading.Thread(target=hold)
holder.start()
held.wait()
child = os.fork()
if child:
    os.waitpid(child, 0)
    go_on.set()
    holder.join()
else:
    signal.alarm(10)
recording.stop()
print("stopped", flush=True)
if not child:
    os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_can_stop_what_a_lost_thread_was_changing(tmp_path: Path) -> None:
    ran = run_python("-W", "ignore", "-c", LOCKED, directory=tmp_path)
    assert (ran.stdout, ran.stderr) == ("stopped\nstopped\n", "")


# Values.


def test_values_are_kept_as_text_when_asked_for() -> None:
    cor = genlock.guard(echo())
    with genlock.trace(values=repr) as recording:
        next(cor)
        cor.send("x" * 500)
        with suppress(StopIteration):
            cor.send("end")
    first, second, third = recording.events
    assert (first.sent, first.got) == (None, "None")
    assert second.sent == second.got
    assert second.sent
    assert len(second.sent) == 200
    assert second.sent.startswith("'xxx")
    assert second.sent.endswith("…")
    assert (third.sent, third.got) == ("'end'", "'ended'")


def test_values_are_not_kept_otherwise() -> None:
    cor = genlock.guard(echo(), prime=True)
    with genlock.trace() as recording:
        cor.send("secret")
    assert [(event.sent, event.got) for event in recording.events] == [(None, None)]


def test_a_value_that_cannot_be_put_into_words_is_said_to_be_one() -> None:
    class Shy:
        def __repr__(self) -> str:
            raise RuntimeError("not me")

    cor = genlock.guard(echo(), prime=True)
    with genlock.trace(values=repr) as recording:
        assert isinstance(cor.send(Shy()), Shy)
    assert recording.events[0].sent == "<RuntimeError while it was put into words>"


def test_what_puts_values_into_words_may_use_guards_itself() -> None:
    cor = genlock.guard(echo(), prime=True)
    other = genlock.guard(echo(), prime=True)
    asked = []

    def words(value: object) -> str:
        asked.append(value)
        with suppress(genlock.GenlockError), genlock.exclusive(other):
            other.send("words")
            cor.send("words")
        return repr(value)

    told: list[Event] = []
    with genlock.subscribe(told.append), genlock.trace(values=words) as recording:
        cor.send(5)
    assert asked == [5, 5]
    assert facts(recording.events) == facts(tuple(told)) == [("echo", "send", "yielded")]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"size": 0}, ValueError),
        ({"size": 1.5}, TypeError),
        ({"size": True}, TypeError),
        ({"values": "repr"}, TypeError),
    ],
)
def test_options_that_make_no_sense_are_refused(
    options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match="has to be"):
        genlock.trace(**options)
