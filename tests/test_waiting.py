"""What a call does that finds another thread inside: wait, for how long, or raise; and be told."""

import asyncio
import contextlib
import ctypes
import logging
import threading
import time
from collections.abc import Callable, Generator
from typing import Any

import pytest

import genlock
from crew import PATIENCE, Occupied, Worker, until
from genlock import _evidence, _waits
from genlock._flag_gate import FlagGate
from genlock._gate import Gate
from genlock._interpreter import _stacks
from genlock._waits import Ticket, WaitQueue


@pytest.mark.parametrize(
    "call",
    [
        lambda guard: guard.send(1),
        next,
        lambda guard: guard.throw(KeyError()),
        lambda guard: guard.close(),
    ],
    ids=["send", "next", "throw", "close"],
)
class TestEveryOperation:
    def test_waits_by_default(self, call: Callable[[Any], object]) -> None:
        with Occupied() as stage:
            waiter = Worker(lambda: call(stage.guard))
            until(stage.waiters)
            assert waiter.is_alive()
            stage.leave.set()
            with contextlib.suppress(KeyError):  # what was thrown comes out again
                waiter.result()
            assert not waiter.is_alive()

    def test_raises_where_the_policy_says_so(self, call: Callable[[Any], object]) -> None:
        with Occupied(on_busy="raise", on_close="raise", timeout=PATIENCE) as stage:
            with pytest.raises(genlock.ContendedCallError):
                call(stage.guard)
            assert stage.waiters() == 0

    def test_times_out(self, call: Callable[[Any], object]) -> None:
        with Occupied(timeout=0.01) as stage:
            started = time.monotonic()
            with pytest.raises(genlock.GuardTimeoutError) as caught:
                call(stage.guard)
            assert time.monotonic() - started >= 0.01
            waited = caught.value.diagnosis.waited
            assert waited is not None
            assert waited >= 0.01
            assert stage.waiters() == 0

    def test_tries_once_with_a_timeout_of_zero(self, call: Callable[[Any], object]) -> None:
        with Occupied(timeout=0) as stage, pytest.raises(genlock.GuardTimeoutError):
            call(stage.guard)


def test_on_busy_and_on_close_are_apart() -> None:
    with Occupied(on_close="raise") as stage:
        waiter = Worker(lambda: stage.guard.send("next"))
        until(stage.waiters)
        with pytest.raises(genlock.ContendedCallError):
            stage.guard.close()
        stage.leave.set()
        assert waiter.result() == 2


def test_a_free_guard_serves_with_a_timeout_of_zero() -> None:
    guard = genlock.guard(iter_of(3), timeout=0, on_busy="raise")
    assert [*guard] == [0, 1, 2]


def iter_of(stop: int) -> Generator[int, Any, None]:
    yield from range(stop)


def test_those_who_wait_are_served_in_their_order() -> None:
    with Occupied() as stage:

        def line_up(number: int) -> Worker:
            worker = Worker(lambda: stage.guard.send(number))
            until(lambda: stage.waiters() == number + 1)
            return worker

        workers = [line_up(number) for number in range(5)]
        stage.leave.set()
        for worker in workers:
            worker.result()
    assert stage.taken == ["held", 0, 1, 2, 3, 4]


class Warnings(logging.Handler):
    """Collects what genlock logs, and tells when."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.came = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        assert record.levelno == logging.WARNING
        self.texts.append(record.getMessage())
        self.came.set()


@pytest.fixture
def warnings() -> Any:
    handler = Warnings()
    logger = logging.getLogger("genlock")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def test_a_long_wait_is_warned_of_once(warnings: Warnings) -> None:
    with Occupied(warn_after=0.01) as stage:
        waiter = Worker(lambda: stage.guard.send("next"), name="waiting")
        assert warnings.came.wait(PATIENCE)
        ticket = stage.guard._self_gate.queue[0]
        for _ in range(3):
            until(lambda: not ticket.awake)
            ticket.wake()
        stage.leave.set()
        waiter.result()
    (text,) = warnings.texts
    first, *rows = text.splitlines()
    assert first.startswith("waiting has waited 0.0")
    assert first.endswith("s for 'occupied' in send(): holder is still inside.")
    assert any("self.leave.wait(PATIENCE)" in row for row in rows)


def test_no_warning_with_none(warnings: Warnings) -> None:
    with Occupied(warn_after=None, timeout=0.02) as stage, pytest.raises(TimeoutError):
        stage.guard.send("next")
    assert warnings.texts == []


def test_a_wait_that_blocks_an_event_loop_is_warned_of_at_once(warnings: Warnings) -> None:
    with Occupied(timeout=0.01, warn_after=PATIENCE) as stage:

        async def block() -> None:
            with pytest.raises(TimeoutError):
                stage.guard.send("next")

        asyncio.run(block())
        with pytest.raises(TimeoutError):
            stage.guard.send("next")
    (text,) = warnings.texts
    assert "blocks the asyncio event loop" in text


def test_a_broken_log_handler_costs_no_value() -> None:
    class Broken(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            stage.leave.set()
            raise RuntimeError("the logging set-up is broken")

    broken = Broken()
    logging.getLogger("genlock").addFilter(broken)
    try:
        with Occupied(warn_after=0) as stage:
            assert stage.guard.send("next") == 2
    finally:
        logging.getLogger("genlock").removeFilter(broken)


# The protocol between the one who leaves and those who wait, state by state.


def gate_with(*heads: Any) -> FlagGate:
    generator = iter_of(100)
    gate = FlagGate(generator, generator.send, genlock.Policy(), None)
    gate.queue = WaitQueue()
    gate.queue.extend(heads)
    return gate


def ticket(head_for: float = 0.0) -> Ticket:
    made = Ticket(object(), ())
    made.head_since -= head_for
    return made


def test_a_head_of_less_than_a_quantum_is_woken_and_may_be_overtaken() -> None:
    head = ticket()
    gate = gate_with(head)
    gate.queue.quantum = PATIENCE  # type: ignore[union-attr]
    assert [gate.send(None) for _ in range(3)] == [0, 1, 2]
    assert head.awake
    assert not head.granted
    assert gate.busy is False


def test_a_head_of_more_than_a_quantum_is_given_the_gate() -> None:
    head = ticket(head_for=PATIENCE)
    gate = gate_with(head)
    gate.send(None)
    assert head.granted
    assert head.awake
    assert gate.busy is True


def test_an_overdue_head_is_given_the_gate_although_it_is_awake() -> None:
    head = ticket(head_for=PATIENCE)
    head.awake = True
    gate = gate_with(head)
    gate.send(None)
    assert head.granted


def test_dead_heads_are_taken_out_and_the_next_is_served() -> None:
    dead, living = ticket(head_for=PATIENCE), ticket()
    dead.gone = True
    gate = gate_with(dead, living)
    gate.queue.quantum = PATIENCE  # type: ignore[union-attr]
    gate.send(None)
    assert not dead.granted
    assert list(gate.queue or ()) == [living]
    assert living.awake


def test_whoever_becomes_head_is_given_a_quantum_from_then_on() -> None:
    first, second = ticket(head_for=PATIENCE), ticket(head_for=PATIENCE)
    gate = gate_with(first, second)
    gate.leave_queue(first)
    gate.send(None)
    assert second.awake
    assert not second.granted


def test_a_head_that_leaves_while_it_is_given_the_gate_does_not_keep_it() -> None:
    class Leaving:
        """Leaves between the look whether it is there and the gate being given to it."""

        head_since = 0.0
        granted = False
        looks = iter([False, True, True])

        @property
        def gone(self) -> bool:
            return next(self.looks)

    leaving: Any = Leaving()
    following = ticket()
    gate = gate_with(leaving, following)
    gate.queue.quantum = PATIENCE  # type: ignore[union-attr]
    leaving.head_since -= 2 * PATIENCE
    gate.send(None)
    assert leaving.granted is False
    assert list(gate.queue or ()) == [following]
    assert following.awake
    assert gate.busy is False


def test_a_waiter_finds_its_turn_when_its_wake_up_was_lost() -> None:
    gate = gate_with()
    gate.busy = True
    waiter = Worker(lambda: gate.send(None))
    until(lambda: gate.queue)
    gate.busy = False  # and nobody is told
    assert waiter.result() == 0
    assert gate.busy is False


def test_a_gate_whose_owner_vanished_is_reclaimed() -> None:
    gate = gate_with()
    gate.busy = True
    first, second = Worker(lambda: gate.send(None)), Worker(lambda: gate.send(None))
    assert sorted([first.result(), second.result()]) == [0, 1]
    assert gate.busy is False


def counted_looks(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Makes waiters look up without a pause; released once for each look."""
    monkeypatch.setattr(_waits, "BACKSTOP", 0.001)
    looks = threading.Semaphore(0)
    look_up = Gate.look_up

    def look_up_and_count(gate: Gate, *args: Any) -> None:
        look_up(gate, *args)
        looks.release()

    monkeypatch.setattr(Gate, "look_up", look_up_and_count)
    return looks


def test_a_gate_whose_owner_is_inside_is_never_reclaimed(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = counted_looks(monkeypatch)
    with Occupied() as stage:
        waiters = [Worker(lambda: stage.guard.send("next")) for _ in range(3)]
        for _ in range(50):
            assert looks.acquire(timeout=PATIENCE)
        assert stage.waiters() == 3
        stage.leave.set()
        assert sorted(waiter.result() for waiter in waiters) == [2, 3, 4]


def test_a_gate_whose_owner_is_before_the_body_is_never_reclaimed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = counted_looks(monkeypatch)
    generator = iter_of(100)
    arrived, go_on = threading.Event(), threading.Event()

    def resume(value: object) -> int:
        """The generator is idle all the time: only the frame of the call tells of its owner."""
        arrived.set()
        assert go_on.wait(PATIENCE)
        return generator.send(value)

    gate = FlagGate(generator, resume, genlock.Policy(), None)
    owner = Worker(lambda: gate.send(None))
    assert arrived.wait(PATIENCE)
    waiters = [Worker(lambda: gate.send(None)) for _ in range(3)]
    for _ in range(50):
        assert looks.acquire(timeout=PATIENCE)
    assert len(gate.queue or ()) == 3
    go_on.set()
    assert owner.result() == 0
    assert sorted(waiter.result() for waiter in waiters) == [1, 2, 3]


def test_an_exception_set_into_a_waiting_thread_leaves_nothing_behind() -> None:
    class Stop(BaseException):
        pass

    with Occupied() as stage:
        waiter = Worker(lambda: stage.guard.send("never"))
        until(stage.waiters)
        after = Worker(lambda: stage.guard.send("after"))
        until(lambda: stage.waiters() == 2)
        assert waiter.ident is not None
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(waiter.ident), ctypes.py_object(Stop)
        )
        with pytest.raises(Stop):
            waiter.result()
        assert stage.waiters() == 1
        stage.leave.set()
        assert after.result() == 2
    assert stage.taken == ["held", "after"]
    # Of their threads alone: exceptions at other places may have left waits of dead threads.
    assert not _waits._waiting.keys() & {waiter.ident, after.ident}
    assert stage.guard._self_gate.busy is False


def test_an_exception_at_the_entry_of_leaving_the_queue_blocks_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The ticket stays in the queue; it must not be given the gate that it will never give back."""
    leave_queue = Gate.leave_queue

    def interrupted(gate: Gate, ticket: Ticket) -> None:
        monkeypatch.setattr(Gate, "leave_queue", leave_queue)
        raise KeyboardInterrupt

    with Occupied(timeout=0.01) as stage:
        monkeypatch.setattr(Gate, "leave_queue", interrupted)
        with pytest.raises(KeyboardInterrupt):
            stage.guard.send("never")
        (left,) = stage.guard._self_gate.queue
        left.head_since -= PATIENCE
        stage.leave.set()
        stage.holder.result()
        assert stage.guard.send("after") == 2
    assert stage.waiters() == 0
    assert _waits.own_wait_for(stage.guard._self_gate) is None


def test_a_dead_head_that_was_granted_does_not_keep_the_gate() -> None:
    """As a tracer leaves it that raises between leaving and giving back."""
    dead = ticket(head_for=PATIENCE)
    dead.gone = dead.granted = True
    gate = gate_with(dead)
    gate.busy = True
    assert Worker(lambda: gate.send(None)).result() == 0


@pytest.mark.parametrize("options", [{"timeout": 0}, {"timeout": 0.01}, {"on_busy": "raise"}])
def test_an_abandoned_gate_is_reclaimed_before_a_call_is_refused(options: Any) -> None:
    gate = gate_with()
    gate.busy = True
    gate.policy = genlock.Policy(**options)
    assert gate.send(None) == 0
    assert gate.busy is False


def test_a_log_handler_that_waits_is_not_warned_of(warnings: Warnings) -> None:
    class Feeding(logging.Handler):
        """Uses the guard whose wait it is told of."""

        def emit(self, record: logging.LogRecord) -> None:
            stage.leave.set()
            stage.guard.send("from the log")

    feeding = Feeding()
    logging.getLogger("genlock").addHandler(feeding)
    try:
        with Occupied(warn_after=0) as stage:
            stage.guard.send("from the wait")
    finally:
        logging.getLogger("genlock").removeHandler(feeding)
    assert len(warnings.texts) == 1
    assert stage.taken == ["held", "from the log", "from the wait"]


def test_an_abandoned_gate_is_reclaimed_although_newcomers_come_and_go() -> None:
    gate = gate_with()
    gate.busy = True
    gate.policy = genlock.Policy(timeout=PATIENCE)
    served = Worker(lambda: gate.send(None))
    until(lambda: gate.queue)
    while served.is_alive():
        _was, gate.busy = gate.busy, True  # what a newcomer does, that is then turned away
        served.join(0.1)
    assert served.result() == 0


def test_a_stack_that_is_cut_off_while_it_is_read_proves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The owner runs a generator that yields, after its frame was taken, before it is walked."""
    gate = gate_with()
    yielded: Any = iter_of(3)
    next(yielded)
    cut_off = yielded.gi_frame
    assert _evidence.is_abandoned(gate)
    monkeypatch.setattr(_stacks, "current_frames", lambda: {1: cut_off})
    assert not _evidence.is_abandoned(gate)


def test_nobody_is_overlooked_who_moves_up_while_the_queue_is_read() -> None:
    class Disturbed(WaitQueue):
        """Its first ticket leaves as soon as the first one has been read."""

        def __getitem__(self, place: Any) -> Any:
            ticket = super().__getitem__(place)
            if len(self) == 3:
                self.popleft()
            return ticket

    queue, tickets = Disturbed(), [ticket(head_for=0) for _ in range(3)]
    queue.extend(tickets)
    assert {*tickets[1:]} <= {*queue.tickets()}
