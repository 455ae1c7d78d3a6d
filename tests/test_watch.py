"""The watch: what lasts too long is told, once, and nobody is disturbed by it."""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, Literal

import pytest

import genlock
from crew import PATIENCE, Occupied, Worker, until
from genlock._observing import _live_wording, _look, _watch
from subprocesses import run_program, run_python
from test_abandoned import in_a_forked_child

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHORT = 0.01
"""Seconds between two looks."""


class Told:
    """What a watch has told."""

    def __init__(self) -> None:
        self.stays: list[genlock.LongStay] = []

    def __call__(self, stay: genlock.LongStay) -> None:
        self.stays.append(stay)

    def of(self, kind: str) -> list[genlock.LongStay]:
        return [stay for stay in self.stays if stay.kind == kind]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(record)

    kept: list[logging.LogRecord] = []
    handler = Keep()
    logger = logging.getLogger("genlock")
    logger.addHandler(handler)
    yield kept
    logger.removeHandler(handler)


def looks_of(watch: _watch.Watch) -> int:
    """How often it has looked, from now on."""
    count = 0
    look = watch._look

    def counted() -> Any:
        nonlocal count
        found = look()
        count += 1
        return found

    watch._look = counted  # type: ignore[method-assign]
    until(lambda: count >= 3)
    return count


def test_a_log_of_which_it_is_not_known_what_it_takes_is_told_in_ascii(
    told: Told, records: list[logging.LogRecord]
) -> None:
    with Occupied(), genlock.watch(SHORT, longest=3 * SHORT, callback=told):
        until(lambda: told.of("hold"))
    assert "    > occupied  " in records[0].getMessage()


def test_a_wait_and_a_hold_that_last_are_told_once(
    told: Told, records: list[logging.LogRecord]
) -> None:
    with Occupied(warn_after=None) as stage:
        waiter = Worker(lambda: stage.guard.send("late"), name="late")
        with genlock.watch(SHORT, longest=3 * SHORT, callback=told) as watch:
            until(lambda: told.of("wait") and told.of("hold"))
            looks_of(watch)
        stage.leave.set()
        waiter.result()
    (wait,), (hold,) = told.of("wait"), told.of("hold")
    assert (wait.thread, wait.ident, wait.guard.name) == ("late", waiter.ident, "occupied")
    assert (hold.thread, hold.ident) == ("holder", stage.holder.ident)
    assert min(wait.seconds, hold.seconds) >= 3 * SHORT
    assert hold.guard.holder
    assert hold.guard.holder.steps
    texts = [record.getMessage() for record in records]
    assert len(texts) == 2
    held = next(text for text in texts if text.startswith("holder has been inside 'occupied' for"))
    assert "self.leave.wait(PATIENCE)" in held
    waited = next(text for text in texts if text.startswith("late has waited"))
    assert 'stage.guard.send("late")' in waited
    assert {record.levelname for record in records} == {"WARNING"}


def way_of_a_call(guard: Any) -> list[object]:
    """What a call of this thread goes through, each part as it is and not as it compares."""
    gate = guard.send.__self__
    parts: list[object] = [gate, guard.send.__func__]
    for kind in (*type(guard).__mro__, *type(gate).__mro__):
        for member in vars(kind).values():
            parts += [member, getattr(member, "__code__", None)]
    for holder in (guard, gate):
        slots = {name for kind in type(holder).__mro__ for name in vars(kind).get("__slots__", ())}
        for name in sorted(slots.difference(CHANGE_WITH_CALLS)):
            value = getattr(holder, name, None)
            # A bound method is made anew each time that it is asked for.
            parts += [getattr(value, "__func__", value), getattr(value, "__self__", None)]
    parts += [sys.gettrace(), sys.getprofile(), threading.gettrace(), threading.getprofile()]
    if sys.version_info >= (3, 12):
        parts += map(sys.monitoring.get_tool, range(6))
    return [id(part) for part in parts]


CHANGE_WITH_CALLS = {"__weakref__", "busy", "frame", "queue"}


def test_a_call_goes_the_way_that_it_goes_without_a_watch(told: Told) -> None:
    with Occupied(warn_after=None) as stage:
        free = genlock.guard((number for number in range(9)), name="free")
        next(free)
        ways = [way_of_a_call(it) for it in (free, stage.guard)]
        with genlock.watch(SHORT, longest=0, callback=told) as watch:
            until(lambda: told.of("hold"))
            looks_of(watch)
            assert [way_of_a_call(it) for it in (free, stage.guard)] == ways
            next(free)
        with genlock.trace():
            assert way_of_a_call(free) != ways[0]


def test_each_wait_is_told(told: Told) -> None:
    with Occupied(warn_after=None) as stage:
        waiters = [Worker(lambda: stage.guard.send("late")) for _ in range(3)]
        with genlock.watch(SHORT, longest=0, callback=told):
            until(lambda: len(told.of("wait")) == 3)
        stage.leave.set()
        for waiter in waiters:
            waiter.result()
    assert {stay.ident for stay in told.of("wait")} == {waiter.ident for waiter in waiters}


def test_many_short_calls_are_no_long_one(told: Told) -> None:
    """Of one thread, with a body that is at the same line at every look."""
    pause = threading.Event()

    def body() -> Iterator[None]:
        while True:
            pause.wait(SHORT / 2)
            yield

    stop = threading.Event()
    guard = genlock.guard(body())

    def send() -> None:
        while not stop.is_set():
            next(guard)

    worker = Worker(send)
    with genlock.watch(SHORT, longest=6 * SHORT, callback=told) as watch:
        for _ in range(4):
            looks_of(watch)
    stop.set()
    worker.result()
    assert told.stays == []


def test_exclusive_use_that_lasts_is_told(told: Told) -> None:
    guard = genlock.guard(iter([1]), name="kept")
    with genlock.watch(SHORT, longest=2 * SHORT, callback=told) as watch:
        with genlock.exclusive(guard):
            until(lambda: told.stays)
            looks_of(watch)
        with genlock.exclusive(guard):
            until(lambda: len(told.stays) == 2)
    assert {(stay.kind, stay.guard.exclusive) for stay in told.stays} == {("hold", True)}
    assert told.stays[0].ident == threading.get_ident()


def test_two_watches_both_tell(told: Told) -> None:
    other = Told()
    with (
        Occupied() as _,
        genlock.watch(SHORT, longest=0, callback=told),
        genlock.watch(SHORT, longest=0, callback=other),
    ):
        until(lambda: told.stays and other.stays)


@pytest.mark.parametrize("error", [ZeroDivisionError, SystemExit, KeyboardInterrupt])
def test_a_callback_that_raises_ends_nothing(
    error: type[BaseException], records: list[logging.LogRecord]
) -> None:
    calls = []

    def fail(stay: genlock.LongStay) -> None:
        calls.append(stay)
        raise error("of the callback")

    with (
        Occupied(warn_after=None) as stage,
        genlock.watch(SHORT, longest=0, callback=fail) as watch,
    ):
        until(lambda: calls)
        waiter = Worker(lambda: stage.guard.send("late"))
        until(lambda: len(calls) == 2)
        assert watch._thread.is_alive()
        stage.leave.set()
        waiter.result()
    failures = [record for record in records if record.exc_info]
    assert [record.getMessage() for record in failures][:1] == [
        "the callback of genlock.watch() failed"
    ]


def test_a_look_that_fails_is_followed_by_others(
    monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    failed = threading.Event()

    def fail(*_: object) -> None:
        failed.set()
        raise ZeroDivisionError

    with Occupied(), monkeypatch.context() as patch:
        patch.setattr(_look, "Look", fail)
        with genlock.watch(SHORT, longest=0, callback=told):
            assert failed.wait(PATIENCE)
            patch.undo()
            until(lambda: told.stays)


def test_a_tracer_in_the_thread_that_is_inside_goes_on(told: Told) -> None:
    """The frame of the guard's own method has a tracer already, which is handed what comes."""

    def trace(_frame: object, event: str, _: object) -> Any:
        events.append(event)
        return trace

    events: list[str] = []

    def body() -> Iterator[int]:
        looks_of(watch)
        events.clear()
        yield 1

    guard = genlock.guard(body())

    def run() -> int:
        sys.settrace(trace)
        try:
            return next(guard)
        finally:
            sys.settrace(None)

    with genlock.watch(SHORT, longest=0, callback=told) as watch:
        assert Worker(run).result() == 1
    assert {"line", "return"} <= set(events[events.index("return") + 1 :])  # those of the method
    assert [stay.kind for stay in told.stays] == ["hold"]


def test_a_tracer_that_is_switched_on_later_finds_the_calls_as_they_are(told: Told) -> None:
    """What marks the call that is inside is called as a tracer of its frame then."""

    def trace(_frame: object, event: str, _: object) -> Any:
        events.append(event)
        return trace

    events: list[str] = []

    def called() -> int:
        return 1

    def body() -> Iterator[int]:
        until(lambda: told.stays)
        marked.append(sys._getframe(1).f_trace)
        sys.settrace(trace)
        yield called()

    marked: list[object] = []
    guard = genlock.guard(body())

    def run() -> tuple[int, object]:
        try:
            return next(guard), sys.gettrace()
        finally:
            sys.settrace(None)

    with genlock.watch(SHORT, longest=0, callback=told):
        assert Worker(run).result() == (1, trace)
    assert isinstance(marked[0], _watch._Mark)
    assert events == ["call", "line", "return"]


DEBUGGED = """\
import pdb, sys, threading, genlock

told = threading.Event()

def body():
    if sys.argv[1] == "watched":
        told.wait(20)
    pdb.set_trace()
    yield 1

def call():
    number = next(guard)
    return number + 1

guard = genlock.guard(body())
if sys.argv[1] == "watched":
    genlock.watch(0.001, longest=0, callback=lambda _: told.set())
call()
"""


def test_a_debugger_steps_out_of_a_call_that_was_told(tmp_path: Path) -> None:
    program = tmp_path / "debugged.py"
    program.write_text(DEBUGGED)
    commands = "\n".join(["up", "up", "down", *["next"] * 3, "return", "next", "next", "c", ""])
    unwatched, watched = (
        run_python(program.name, how, directory=tmp_path, given=commands)
        for how in ("unwatched", "watched")
    )
    assert (unwatched.returncode, unwatched.stderr) == (0, "")
    assert "-> return number + 1" in unwatched.stdout
    assert watched.stdout == unwatched.stdout


MEASURED = """\
import coverage, sys, threading, genlock

measured = coverage.Coverage(data_file=None, include=[__file__])
told = threading.Event()

def tell(stay):
    told.set()

def body():
    if sys.argv[1] == "watched":
        told.wait(20)
    measured.start()
    yield 1
    yield 2

def use():
    got = [next(guard)]
    got.append(next(guard))
    return got

guard = genlock.guard(body())
if sys.argv[1] == "watched":
    genlock.watch(0.001, longest=0, callback=tell)
use()
measured.stop()
print(sorted(set(measured.analysis(__file__)[1]) - set(measured.analysis(__file__)[2])))
"""


def test_coverage_is_measured_as_without_a_watch(tmp_path: Path) -> None:
    pytest.importorskip("coverage")
    program = tmp_path / "measured.py"
    program.write_text(MEASURED)
    unwatched, watched = (run_program(program, how) for how in ("unwatched", "watched"))
    assert (unwatched.returncode, unwatched.stderr) == (0, "")
    assert unwatched.stdout == "[14]\n", "what comes after the first yield"
    assert watched.stdout == unwatched.stdout


def test_it_ends_at_once_when_it_is_stopped() -> None:
    watch = genlock.watch(3600)
    assert watch._thread.daemon
    watch.stop()
    watch.stop()
    assert not watch._thread.is_alive()


def test_it_can_be_stopped_by_its_callback() -> None:
    stopped = threading.Event()

    def stop(_: genlock.LongStay) -> None:
        watch.stop()
        stopped.set()

    with Occupied():
        watch = genlock.watch(SHORT, longest=0, callback=stop)
        assert stopped.wait(PATIENCE)
        watch._thread.join(PATIENCE)
        assert not watch._thread.is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_is_not_watched_and_can_stop_it(told: Told) -> None:
    def in_child() -> str:
        # Held by another thread at the fork, it would be for ever here.
        watch._stopped._cond.acquire()  # type: ignore[attr-defined]
        watch.stop()
        with Occupied(), genlock.watch(SHORT, longest=0, callback=told):
            until(lambda: told.stays)
        return f"{watch._thread.is_alive()} {told.stays[0].kind}"

    with genlock.watch(3600) as watch:
        assert in_a_forked_child(in_child) == "False hold"


def test_a_program_that_is_watched_ends(tmp_path: Path) -> None:
    program = tmp_path / "watched.py"
    program.write_text(
        "import threading, genlock\n"
        "inside = threading.Event()\n"
        "def body():\n"
        "    inside.set(); threading.Event().wait(20); yield\n"
        "guard = genlock.guard(body())\n"
        "threading.Thread(target=next, args=(guard,), daemon=True).start()\n"
        "inside.wait()\n"
        "told = threading.Event()\n"
        "genlock.watch(0.001, longest=0, callback=lambda _: told.set())\n"
        "told.wait(20)\n"
        "print('end')\n"
    )
    ran = run_program(program)
    assert (ran.returncode, ran.stdout) == (0, "end\n")
    assert ran.stderr.count("has been inside 'body'") == 1


@pytest.mark.parametrize("option", ["interval", "longest"])
@pytest.mark.parametrize("seconds", [None, "1", True])
def test_seconds_that_are_no_number(option: str, seconds: Any) -> None:
    with pytest.raises(TypeError, match=f"{option} must be a number of seconds"):
        genlock.watch(**{option: seconds})


@pytest.mark.parametrize(
    ("option", "seconds"),
    [("interval", 0), ("interval", -1), ("interval", 1e300), ("longest", -1)],
)
def test_impossible_seconds(option: str, seconds: Any) -> None:
    with pytest.raises(ValueError, match=f"{option} must be"):
        genlock.watch(**{option: seconds})


def test_a_callback_that_cannot_be_called() -> None:
    with pytest.raises(TypeError, match="callback must be a function that takes a LongStay"):
        genlock.watch(callback="log")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["wait", "hold"])
def test_what_it_logs_controls_no_terminal(kind: Literal["wait", "hold"]) -> None:
    name = "A\x1b[31m\nB"
    site = genlock.Site("odd\x1b.py", 1, name, "code\x1b")
    holder = genlock.Strand(name, (genlock.Step(name, site), genlock.Step(name, site)))
    wait = genlock.Wait(name, 1, "send", 1.0, site)
    guard = genlock.GuardState(name, 1, "running", holder=holder, waiters=(wait,))
    told = _live_wording.long_stay(genlock.LongStay(kind, name, 1, 10.0, guard))
    assert told.count("A\\x1b[31m\\nB") >= 3
    assert told.replace("\n", "").isprintable()
