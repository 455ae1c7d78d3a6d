"""Calls that come, wait, give up, fail and leave in any order, against a first come, first served.

Every rule does one thing and then waits until the gate has come to rest in the state that the
model says. Nothing here is left to the backstop, which would hide a turn that was lost.
"""

import contextlib
import ctypes
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import genlock
from crew import PATIENCE, Alone, Worker, until
from genlock import _waits

MOST_WAITERS = 4
TO_REST = 5.0
"""Seconds: less than a test may take, so that a failure can be told."""


class Failure(Exception):
    """What the body raises when it is told to."""


class Killed(BaseException):
    """What is set into a thread that waits."""


@dataclass
class Call:
    """One call in a thread of its own; one that is let in stays until it is told to leave."""

    operation: str
    number: int
    is_in: bool = False
    fails: bool = False
    leave: threading.Event = field(default_factory=threading.Event)
    worker: Worker | None = None
    outcome: type[BaseException] | None = None
    """What the model says that it raises."""

    def stay(self) -> None:
        self.is_in = True
        assert self.leave.wait(PATIENCE)
        self.is_in = False
        if self.fails:
            raise Failure

    def raised(self) -> type[BaseException] | None:
        assert self.worker is not None
        return None if self.worker.raised is None else type(self.worker.raised)


class Waiting(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(_waits, "BACKSTOP", 10 * PATIENCE)
        self.taken: list[int] = []
        self.guard: Any = genlock.guard(self.body(), prime=True)
        self.gate = self.guard._self_gate
        # The model: who owns the gate, who waits, what was served, who is through.
        self.calls: list[Call] = []
        self.owner: Call | None = None
        self.waiting: list[Call] = []
        self.served: list[int] = []
        self.through: list[Call] = []
        self.has_ended = False

    def body(self) -> Generator[int, Call, None]:
        alone = Alone()
        while True:
            call = yield len(self.taken)
            with alone:
                self.taken.append(call.number)
                call.stay()

    def perform(self, call: Call) -> None:
        if call.operation == "send":
            self.guard.send(call)
        elif call.operation == "close":
            self.guard.close()
        else:
            with genlock.exclusive(self.guard):
                call.stay()

    def tickets(self) -> list[_waits.Ticket]:
        return self.gate.queue.tickets() if self.gate.queue else []

    # The model's part.

    def let_in(self, call: Call) -> bool:
        """The gate is free, and it is the call's turn; whether it stays."""
        if call.operation == "exclusive" or (call.operation == "send" and not self.has_ended):
            self.owner = call
            if call.operation == "send":
                self.served.append(call.number)
            return True
        if call.operation == "send":
            call.outcome = StopIteration
        self.has_ended = True
        self.through.append(call)
        return False

    def pass_on(self) -> None:
        self.owner = None
        while self.waiting:
            if self.let_in(self.waiting.pop(0)):
                return

    # The rules.

    def come(self, operation: str, **options: Any) -> Call:
        self.gate.policy = genlock.Policy(**options)
        call = Call(operation, len(self.calls))
        self.calls.append(call)
        call.worker = Worker(lambda: self.perform(call), name=f"{operation} {call.number}")
        return call

    @precondition(lambda self: len(self.waiting) < MOST_WAITERS)
    @rule(
        operation=st.sampled_from(["send", "send", "send", "close", "exclusive"]),
        timeout=st.sampled_from([None, PATIENCE]),
    )
    def a_call_comes_that_waits(self, operation: str, timeout: float | None) -> None:
        call = self.come(operation, timeout=timeout)
        if self.owner is not None:
            self.waiting.append(call)
        else:
            self.let_in(call)

    @rule(
        operation=st.sampled_from(["send", "close", "exclusive"]),
        policy=st.sampled_from(
            [
                ({"timeout": 0}, genlock.GuardTimeoutError),
                ({"timeout": 0.001}, genlock.GuardTimeoutError),
                ({"on_busy": "raise", "on_close": "raise"}, genlock.ContendedCallError),
            ]
        ),
    )
    def a_call_comes_that_does_not_wait_long(
        self, operation: str, policy: tuple[dict[str, Any], type[Exception]]
    ) -> None:
        options, refusal = policy
        call = self.come(operation, **options)
        if self.owner is None:
            self.let_in(call)
        else:
            call.outcome = refusal
            self.through.append(call)

    @precondition(lambda self: self.owner is not None)
    @rule(fails=st.sampled_from([False, False, False, True]))
    def the_owner_leaves(self, fails: bool) -> None:  # noqa: FBT001  # drawn by its name
        call = self.owner
        assert call is not None
        call.fails = fails
        if fails:
            call.outcome = Failure
            self.has_ended = self.has_ended or call.operation == "send"
        self.through.append(call)
        self.pass_on()
        call.leave.set()

    @precondition(lambda self: self.waiting)
    @rule(which=st.integers(0, MOST_WAITERS - 1))
    def a_waiter_is_killed(self, which: int) -> None:
        call = self.waiting.pop(which % len(self.waiting))
        call.outcome = Killed
        self.through.append(call)
        ticket = next(ticket for ticket in self.tickets() if ticket.ident == ident(call))
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(ident(call)), ctypes.py_object(Killed)
        )
        ticket.rouse()  # it would meet the exception when it looks up

    @invariant()
    def the_gate_comes_to_the_state_of_the_model(self) -> None:
        with contextlib.suppress(TimeoutError):
            until(lambda: self.observed() == self.expected(), TO_REST)
        assert self.observed() == self.expected()

    def expected(self) -> dict[str, Any]:
        return {
            "inside": [] if self.owner is None else [self.owner.number],
            "waiting": [ident(call) for call in self.waiting],
            "asleep": [True] * len(self.waiting),
            "served": self.served,
            "through": {call.number: call.outcome for call in self.through},
            "taken": self.owner is not None,
        }

    def observed(self) -> dict[str, Any]:
        tickets = self.tickets()
        through = [call for call in self.calls if call.worker and not call.worker.is_alive()]
        return {
            "inside": [call.number for call in self.calls if call.is_in],
            "waiting": [ticket.ident for ticket in tickets],
            "asleep": [not ticket.awake for ticket in tickets],
            "served": self.taken,
            "through": {call.number: call.raised() for call in through},
            "taken": bool(self.gate.busy),
        }

    def teardown(self) -> None:
        for call in self.calls:
            call.leave.set()
        with contextlib.suppress(TimeoutError):  # what is wrong was told already
            until(lambda: not any(c.worker and c.worker.is_alive() for c in self.calls), TO_REST)
        self.patch.undo()


def ident(call: Call) -> int:
    assert call.worker is not None
    assert call.worker.ident is not None
    return call.worker.ident


TestWaiting = Waiting.TestCase
TestWaiting.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # to shrink what hangs would take minutes
    report_multiple_bugs=False,
)
