"""A gate that looks abandoned while somebody is about to enter it must not be taken over."""

import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

import genlock
from crew import PATIENCE, Alone, Occupied, Worker, needs_flag_gate, until
from genlock import _evidence
from genlock._flag_gate import FlagGate
from genlock._waits import Ticket


class Stop:
    """Where the thread of this name stops once, until it is told to go on."""

    def __init__(self, thread: str) -> None:
        self.thread = thread
        self.reached, self.go_on = threading.Event(), threading.Event()

    def here(self) -> None:
        if threading.current_thread().name == self.thread and not self.reached.is_set():
            self.reached.set()
            assert self.go_on.wait(PATIENCE)

    def after(self, function: Any) -> Any:
        def stopped(*args: Any) -> Any:
            result = function(*args)
            self.here()
            return result

        return stopped

    def before(self, function: Any) -> Any:
        def stopped(*args: Any) -> Any:
            self.here()
            return function(*args)

        return stopped


def test_while_the_turn_is_given_to_the_head(monkeypatch: pytest.MonkeyPatch) -> None:
    granting = Stop("holder")
    monkeypatch.setattr(Ticket, "wake_as_owner", granting.before(Ticket.wake_as_owner))
    with Occupied(on_close="raise") as stage:
        head = Worker(lambda: stage.guard.send("head"))
        until(stage.waiters)
        stage.guard._self_gate.queue[0].head_since -= PATIENCE  # overdue
        stage.leave.set()
        assert granting.reached.wait(PATIENCE)
        with pytest.raises(genlock.ContendedCallError):
            stage.guard.close()
        granting.go_on.set()
        assert head.result() == 2


def test_while_a_call_that_took_over_is_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    looking, entering = Stop("first"), Stop("first")
    monkeypatch.setattr(_evidence, "own_stack", looking.after(_evidence.own_stack))
    with Occupied(on_busy="raise") as stage:
        kind = type(stage.guard._self_gate)
        monkeypatch.setattr(kind, "try_for", entering.after(kind.try_for))
        first = Worker(lambda: stage.guard.send("first"), name="first")
        assert looking.reached.wait(PATIENCE)
        stage.leave.set()
        stage.holder.join(PATIENCE)
        looking.go_on.set()
        assert entering.reached.wait(PATIENCE)
        with pytest.raises(genlock.ContendedCallError):
            stage.guard.send("second")
        entering.go_on.set()
        assert first.result() == 2


# Of iterators: in a generator, the interpreter itself would keep the second thread out.


class Shared:
    """An iterator that asserts that one thread at a time is in it, and keeps that until told."""

    def __init__(self) -> None:
        self.alone = Alone()
        self.entered, self.leave = threading.Event(), threading.Event()

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        with self.alone:
            self.entered.set()
            assert self.leave.wait(PATIENCE)
            return self.alone.entered


def test_while_exclusive_use_that_was_never_left_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    shared, ending = Shared(), Stop("ending")
    guard: Any = genlock.guard(shared)
    gate = guard._self_gate
    monkeypatch.setattr(type(gate), "give_back", ending.before(type(gate).give_back))
    blocks = [genlock.exclusive(guard)]
    Worker(blocks[0].__enter__).result()
    dropped = Worker(blocks.clear, name="ending")
    assert ending.reached.wait(PATIENCE)
    waiter = Worker(lambda: next(guard))  # finds nobody, and takes the guard over
    assert shared.entered.wait(PATIENCE)
    ending.go_on.set()
    dropped.result()
    other = Worker(lambda: next(guard))
    until(lambda: gate.queue or not other.is_alive())
    shared.leave.set()
    assert [waiter.result(), other.result()] == [1, 2]


class Stepping:
    """Stops its thread in `function`, as a debugger does, at the line below the first swap.

    Of those who wait meanwhile, only the last one looks whether the guard is abandoned.
    """

    def __init__(self, function: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.code = function.__code__
        self.stop = Stop("stepping")
        self.looked = threading.Event()
        reclaim = FlagGate.reclaim

        def look(gate: Any, ticket: Ticket, *args: Any) -> None:
            if ticket is gate.queue[-1]:
                reclaim(gate, ticket, *args)
                if self.stop.reached.is_set():
                    self.looked.set()

        monkeypatch.setattr(FlagGate, "reclaim", look)

    def trace(self, frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code is not self.code:
            return None
        if event == "line" and frame.f_locals.get("was") is False:
            sys.settrace(None)
            frame.f_trace = None
            self.stop.here()
            return None
        return self.trace

    def run(self, job: Any) -> Worker:
        def stepped() -> Any:
            sys.settrace(self.trace)
            return job()

        return Worker(stepped, name="stepping")

    def let_others_look(self) -> None:
        """Go on when somebody has looked."""
        assert self.stop.reached.wait(PATIENCE)
        assert self.looked.wait(PATIENCE)
        self.looked.clear()
        self.stop.go_on.set()


@needs_flag_gate
def test_while_exclusive_use_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    shared, stepping = Shared(), Stepping(FlagGate.keep_if_free, monkeypatch)
    guard: Any = genlock.guard(shared)

    def use() -> None:
        with genlock.exclusive(guard), shared.alone:
            until(lambda: stepping.looked.is_set() or not waiter.is_alive())

    keeper = stepping.run(use)
    assert stepping.stop.reached.wait(PATIENCE)
    assert genlock.state(guard).during is None  # no call is running
    waiter = Worker(lambda: next(guard))
    stepping.let_others_look()
    keeper.result()
    shared.leave.set()
    assert waiter.result() == 2


@needs_flag_gate
def test_while_the_turn_is_taken_back_for_the_head(monkeypatch: pytest.MonkeyPatch) -> None:
    shared, stepping = Shared(), Stepping(FlagGate.hand_over, monkeypatch)
    guard: Any = genlock.guard(shared)
    gate = guard._self_gate
    leaving = stepping.run(lambda: next(guard))
    assert shared.entered.wait(PATIENCE)
    waiters = [Worker(lambda: next(guard)) for _ in range(2)]
    until(lambda: len(gate.queue or ()) == 2)
    gate.queue[0].head_since -= PATIENCE  # overdue
    shared.entered.clear()
    shared.leave.set()
    assert stepping.stop.reached.wait(PATIENCE)
    shared.leave.clear()
    stepping.let_others_look()
    leaving.result()
    assert shared.entered.wait(PATIENCE)
    until(lambda: stepping.looked.is_set() or not all(waiter.is_alive() for waiter in waiters))
    shared.leave.set()
    assert sorted(waiter.result() for waiter in waiters) == [2, 3]
