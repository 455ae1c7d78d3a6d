"""A gate that looks abandoned while somebody is about to enter it must not be taken over."""

import threading
from typing import Any

import pytest

import genlock
from crew import PATIENCE, Occupied, Worker, until
from genlock import _evidence
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
