"""A gate that looks abandoned while somebody is about to enter it must not be taken over."""

import sys
import threading
import time
from typing import Any

import pytest

import genlock
from crew import PATIENCE, Occupied, Worker, until
from genlock import _evidence, _flag_gate, _waits
from genlock._flag_gate import FlagGate


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


@pytest.mark.xfail(
    strict=True, raises=AssertionError, reason="the clock is read between taking back and granting"
)
def test_while_the_turn_is_given_to_the_head(monkeypatch: pytest.MonkeyPatch) -> None:
    granting, closing = Stop("holder"), Stop("closer")
    real = time.monotonic
    with Occupied(on_close="raise") as stage:
        gate = stage.guard._self_gate

        def clock() -> float:
            now = real()
            is_granting = sys._getframe(1).f_code.co_name == "pass_on" and gate.busy is True
            if is_granting:
                granting.here()
            return now

        monkeypatch.setattr(_flag_gate, "monotonic", clock)
        monkeypatch.setattr(FlagGate, "run", closing.before(FlagGate.run))
        head = Worker(lambda: stage.guard.send("head"))
        until(stage.waiters)
        gate.queue[0].head_since -= PATIENCE  # overdue
        stage.inside.clear()
        stage.leave.set()
        until(lambda: granting.reached.is_set() or not head.is_alive())
        if not granting.reached.is_set():
            return
        stage.leave.clear()
        closer = Worker(stage.guard.close, name="closer")
        until(lambda: closing.reached.is_set() or not closer.is_alive())
        granting.go_on.set()
        until(stage.inside.is_set)
        is_let_in = closing.reached.is_set()
        stage.leave.set()
        closing.go_on.set()
        closer.join(PATIENCE)
        head.join(PATIENCE)
    assert not is_let_in, "two calls own the gate"


@pytest.mark.xfail(
    strict=True,
    raises=AssertionError,
    reason="a call that refuses to wait reclaims outside the queue",
)
def test_while_a_call_that_took_over_is_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    looking, entering = Stop("first"), Stop("first")
    with Occupied(on_busy="raise") as stage:
        monkeypatch.setattr(_evidence, "own_stack", looking.after(_evidence.own_stack))
        monkeypatch.setattr(_waits, "own_wait_for", entering.after(_waits.own_wait_for))
        first = Worker(lambda: stage.guard.send("first"), name="first")
        until(looking.reached.is_set)
        stage.leave.set()
        stage.holder.join(PATIENCE)
        stage.inside.clear()
        stage.leave.clear()
        looking.go_on.set()
        until(lambda: entering.reached.is_set() or stage.inside.is_set())
        second = Worker(lambda: stage.guard.send("second"))
        until(lambda: stage.inside.is_set() or not second.is_alive())
        is_let_in = second.is_alive() and entering.reached.is_set()
        stage.leave.set()
        entering.go_on.set()
        first.join(PATIENCE)
        second.join(PATIENCE)
    assert not is_let_in, "two calls own the gate"
    assert isinstance(second.raised, genlock.ContendedCallError)
