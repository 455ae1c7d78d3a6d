"""Threads that hold one guard each and want another's: one of them is told, the others go on."""

import os
import signal
import statistics
import threading
import time
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any

import pytest

import genlock
from crew import PATIENCE, Occupied, Worker, until
from genlock import _waits
from genlock._waits import Patience, Ticket


class Ring:
    """`size` guards; the body of each holds until all are inside, then sends to the next."""

    def __init__(self, size: int, **options: Any) -> None:
        self.size = size
        self.barrier = threading.Barrier(size)
        self.order = [threading.Event() for _ in range(size)]
        self.errors: list[tuple[int, BaseException]] = []
        self.came_through: list[int] = []
        self.guards = [
            genlock.guard(self.body(n), prime=True, name=f"guard {n}", **options)
            for n in range(size)
        ]

    def body(self, n: int) -> Generator[None, Any, None]:
        while True:
            depth = yield
            if depth:
                continue
            self.barrier.wait(PATIENCE)
            assert self.order[n].wait(PATIENCE)
            try:
                self.guards[(n + 1) % self.size].send(1)
                self.came_through.append(n)
            except genlock.GeneratorBusyError as error:
                self.errors.append((n, error))

    def run(self) -> float:
        """Close the ring, guard 0 waiting first and the last one closing it; seconds it took."""
        workers = [
            Worker(partial(self.guards[n].send, 0), name=f"thread {n}") for n in range(self.size)
        ]
        for n in range(self.size - 1):
            self.let_wait(n)
        started = time.monotonic()
        self.order[-1].set()
        for worker in workers:
            worker.result()
        return time.monotonic() - started

    def let_wait(self, n: int) -> None:
        """Let guard n send to the next one, and return once it waits for that."""
        following = self.guards[(n + 1) % self.size]._self_gate
        self.order[n].set()
        until(lambda: following.queue)


@pytest.mark.parametrize("size", [2, 3, 5])
def test_the_one_that_closed_the_cycle_is_told_and_the_others_go_on(size: int) -> None:
    ring = Ring(size)
    ring.run()
    ((n, error),) = ring.errors
    assert n == size - 1
    assert type(error) is genlock.DeadlockError
    assert sorted(ring.came_through) == list(range(size - 1))
    strands = error.diagnosis.strands
    assert [strand.thread for strand in strands] == [
        f"thread {(n + k) % size}" for k in range(size)
    ]
    assert [strand.holds for strand in strands] == [f"guard {(n + k) % size}" for k in range(size)]
    assert [strand.wants for strand in strands] == [
        f"guard {(n + k + 1) % size}" for k in range(size)
    ]
    for strand in strands:
        assert strand.steps[-1].site.function.endswith("Ring.body")
        assert ".send(1)" in strand.steps[-1].site.code


class Crossing:
    """The thread "waiter" waits for a guard; who is inside of that asks for `wanted` then."""

    def __init__(self, wanted: Any) -> None:
        self.wanted = wanted
        self.before_asking: list[Callable[[], object]] = []
        self.inside = threading.Event()
        self.entered = genlock.guard(self.body(), prime=True)

    def body(self) -> Generator[Any, Any, None]:
        yield
        self.inside.set()
        until(lambda: self.entered._self_gate.queue)
        for each in self.before_asking:
            each()
        try:
            yield self.wanted.send(1)
        except genlock.DeadlockError as error:
            yield error


def forever() -> Generator[str, Any, None]:
    while True:
        yield "served"


def keeping(guard: Any) -> Generator[None, None, None]:
    with genlock.exclusive(guard):
        yield


def test_exclusive_use_that_another_thread_has_ended_closes_no_cycle() -> None:
    kept = genlock.guard(forever(), prime=True)
    crossing = Crossing(kept)
    block = keeping(kept)

    def keep_and_wait() -> Any:
        next(block)
        return next(crossing.entered)

    taken, leave = threading.Event(), threading.Event()

    def take() -> None:
        with genlock.exclusive(kept):
            taken.set()
            until(lambda: kept._self_gate.queue)
            until(lambda: kept._self_gate.queue[0].has_looked)
            assert leave.wait(PATIENCE)

    crossing.before_asking = [block.close, lambda: Worker(take), lambda: taken.wait(PATIENCE)]
    asking = Worker(lambda: next(crossing.entered))
    assert crossing.inside.wait(PATIENCE)
    waiter = Worker(keep_and_wait)
    until(lambda: kept._self_gate.queue and kept._self_gate.queue[0].has_looked)
    leave.set()
    assert asking.result() == "served"
    with pytest.raises(StopIteration):
        waiter.result()


def test_exclusive_use_that_a_signal_handler_has_begun_during_a_wait_closes_a_cycle() -> None:
    kept = genlock.guard(forever(), prime=True)
    crossing = Crossing(kept)
    block = keeping(kept)
    begun = threading.Event()

    def begin(*_: object) -> None:
        next(block)
        begun.set()

    before = signal.signal(signal.SIGUSR1, begin)
    crossing.before_asking = [
        lambda: os.kill(os.getpid(), signal.SIGUSR1),
        lambda: begun.wait(PATIENCE),
    ]
    try:
        asking = Worker(lambda: next(crossing.entered))
        assert crossing.inside.wait(PATIENCE)
        with pytest.raises(StopIteration):
            next(crossing.entered)  # when the other one has been told
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert type(asking.result()) is genlock.DeadlockError
    block.close()


def test_it_is_told_within_50_ms() -> None:
    assert statistics.median(Ring(2).run() for _ in range(5)) < 0.05


def test_a_deadlock_is_told_before_the_timeout() -> None:
    ring = Ring(2, timeout=PATIENCE)
    ring.run()
    assert [type(error) for _, error in ring.errors] == [genlock.DeadlockError]


def test_a_long_chain_of_waits_is_no_deadlock() -> None:
    """Guard 0 is held by a thread that waits for nobody; 1 to 4 wait for the one before."""
    with Occupied() as stage:

        def forward(onward: Any) -> Generator[None, Any, None]:
            while True:
                value = yield
                onward.send(value)

        chain: list[Any] = [stage.guard]
        for _ in range(4):
            chain.append(genlock.guard(forward(chain[-1]), prime=True))

        def occupy(guard: Any) -> Worker:
            worker = Worker(lambda: guard.send("x"))
            until(lambda: guard._self_gate.busy)
            return worker

        waiters = [occupy(guard) for guard in chain[1:]]
        until(lambda: all(guard._self_gate.queue for guard in chain[:-1]))
        tickets = [guard._self_gate.queue[0] for guard in chain[:-1]]
        until(lambda: all(ticket.has_looked for ticket in tickets))
        stage.leave.set()
        for waiter in waiters:
            waiter.result()
    assert stage.taken == ["held", *"xxxx"]


def test_close_takes_part() -> None:
    barrier = threading.Barrier(2)
    errors: list[genlock.DeadlockError] = []
    pair: list[Any] = []

    def closing(other: int) -> Generator[None, Any, None]:
        yield
        barrier.wait(PATIENCE)
        try:
            pair[other].close()
        except genlock.DeadlockError as error:
            errors.append(error)
        yield

    pair += [genlock.guard(closing(other), prime=True) for other in (1, 0)]
    for worker in [Worker(partial(next, guard)) for guard in pair]:
        worker.result()
    (error,) = errors
    assert error.diagnosis.operation == "close"


def test_a_deadlock_of_a_handler_that_runs_during_a_wait() -> None:
    """The wait began with empty hands; the handler has entered `first` since."""
    both = threading.Event()
    began: list[float] = []
    told: list[genlock.DeadlockError] = []

    def send(guard: Any, value: str) -> None:
        try:
            guard.send(value)
        except genlock.DeadlockError as error:
            told.append(error)

    def forward(onward: Any) -> Generator[None, Any, None]:
        while True:
            yield
            both.set()
            send(onward(), "forwarded")

    def holding() -> Generator[None, Any, None]:
        while True:
            if (yield) == "hold":
                assert both.wait(PATIENCE)
                until(lambda: second._self_gate.queue[0].serial > began[0])
                send(first, "back")

    second: Any = genlock.guard(holding(), prime=True, name="second")
    first: Any = genlock.guard(forward(lambda: second), prime=True, name="first")
    holder = Worker(lambda: second.send("hold"))
    until(lambda: second.gi_running)
    before = signal.signal(signal.SIGUSR1, lambda *_: first.send("handler"))

    def interrupt() -> None:
        until(lambda: second._self_gate.queue)
        began.append(second._self_gate.queue[0].serial)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    interrupter = Worker(interrupt)
    try:
        second.send("main")
    finally:
        signal.signal(signal.SIGUSR1, before)
    interrupter.result()
    holder.result()
    assert len(told) == 1


# The verdict, on waits made by hand.


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(_waits, "_waiting", {})

    def wait(ident: int, wanted: object, *held: object) -> Ticket:
        ticket = Ticket(wanted, held)
        ticket.ident = ident
        ticket.outer = _waits._waiting.get(ident)
        _waits.begin_wait(ticket)
        return ticket

    return wait


A, B, C, D = (object() for _ in range(4))


def test_only_the_youngest_of_a_cycle_answers(waits: Any) -> None:
    older, youngest = waits(1, B, A), waits(2, A, B)
    assert _waits.closed_cycle(older) == []
    assert _waits.closed_cycle(youngest) == [youngest, older]


def test_each_wait_is_looked_at_once_for_all_of_a_cycle(
    waits: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    things = [object() for _ in range(100)]
    cycle = [waits(n, things[n - 1], things[n]) for n in range(100)]
    keeps, looks = Ticket.keeps, []

    def counted(ticket: Ticket) -> Iterator[object]:
        looks.append(ticket)
        return keeps(ticket)

    monkeypatch.setattr(Ticket, "keeps", counted)
    assert set(_waits.closed_cycle(cycle[-1])) == set(cycle)
    assert len(looks) == 2 * len(cycle)  # to find it, and to see that it is still there


def test_a_chain_is_no_cycle(waits: Any) -> None:
    waits(1, A, B)
    assert _waits.closed_cycle(waits(2, B, C)) == []


def test_who_only_waits_for_a_cycle_is_not_part_of_it(waits: Any) -> None:
    waits(1, B, A), waits(2, A, B)
    assert _waits.closed_cycle(waits(3, A, C)) == []


@pytest.mark.parametrize("state", ["granted", "gone"])
def test_a_wait_that_is_over_is_no_edge(waits: Any, state: str) -> None:
    over, youngest = waits(1, B, A), waits(2, A, B)
    setattr(over, state, True)
    assert _waits.closed_cycle(youngest) == []


def test_a_wait_that_an_exception_left_behind_hides_no_cycle(waits: Any) -> None:
    left = waits(1, A, B)
    left.gone = True
    older, youngest = waits(3, B, A), waits(2, A, B)
    assert _waits.closed_cycle(youngest) == [youngest, older]


def test_the_number_of_a_ticket_is_drawn_when_it_can_be_seen(waits: Any) -> None:
    made_first = Ticket(B, (A,))
    made_first.ident = 1
    other = waits(2, A, B)
    assert _waits.closed_cycle(other) == []
    _waits.begin_wait(made_first)
    assert _waits.closed_cycle(made_first) == [made_first, other]


def test_a_thread_that_keeps_nothing_does_not_look(waits: Any) -> None:
    idle = waits(1, A)
    waits(2, A, B), waits(3, B, A)
    assert not idle.can_be_in_a_cycle()
    assert idle.has_looked
    assert _waits.closed_cycle(idle) == []


def test_what_a_wait_was_granted_is_held_by_its_thread(waits: Any) -> None:
    """Thread 1 was granted A in a wait that a handler interrupted, which now waits for B."""
    waits(1, A).granted = True
    inner = waits(1, B)
    assert inner.outer is not None
    youngest = waits(2, A, B)
    assert _waits.closed_cycle(youngest) == [youngest, inner]


def test_a_wait_ends_with_what_it_interrupted(waits: Any) -> None:
    outer, inner = waits(1, A), waits(1, B)
    _waits.end_wait(inner)
    assert _waits._waiting == {1: outer}
    _waits.end_wait(outer)
    assert _waits._waiting == {}


def test_patience_is_never_negative() -> None:
    patience = Patience(timeout=0, warn_after=None)
    assert patience.pause(1.0) == 0.0
    assert patience.is_over()
