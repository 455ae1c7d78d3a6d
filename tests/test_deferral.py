"""What comes back to its own generator is delivered at the next yield, first come first served."""

import pickle
import sys
import threading
from collections.abc import Callable, Generator
from functools import partial
from types import FrameType
from typing import Any, SupportsIndex

import pytest

import genlock
from crew import PATIENCE, Occupied, Worker, together, until
from genlock import DEFERRED, _deferral
from genlock._deferral import Deferral
from genlock.testing import explore


def depth() -> int:
    frame, depth = sys._getframe(), 0
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    return depth


class Game:
    """Two players who send each other a count that goes down."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []
        self.deepest = 0
        self.players = {
            name: genlock.guard(self.player(other), prime=True, name=name, on_reentry="defer")
            for name, other in [("ping", "pong"), ("pong", "ping")]
        }

    def player(self, other: str) -> Generator[Any, int, None]:
        while True:
            count = yield
            self.told.append((other, count))
            self.deepest = max(self.deepest, depth())
            if count:
                self.players[other].send(count - 1)


def test_two_coroutines_count_down_in_turn() -> None:
    game = Game()
    assert game.players["ping"].send(20) is None
    assert [count for _, count in game.told] == list(range(20, -1, -1))
    assert [other for other, _ in game.told] == [*["pong", "ping"] * 10, "pong"]


def test_the_stack_stays_as_deep_as_it_is() -> None:
    short, long = Game(), Game()
    short.players["ping"].send(5)
    long.players["ping"].send(20_000)
    assert len(long.told) == 20_001
    assert long.deepest == short.deepest


class Facing:
    """Two guards, a thread inside of each; with both inside, each acts on the other guard."""

    def __init__(self, act: Callable[[Any], Any]) -> None:
        self.act = act
        self.both_inside = threading.Barrier(2)
        self.taken: dict[str, list[Any]] = {"left": [], "right": []}
        self.results: list[Any] = []
        self.guards: dict[str, Any] = {
            name: genlock.guard(self.body(name, other), prime=True, name=name, on_reentry="defer")
            for name, other in [("left", "right"), ("right", "left")]
        }

    def body(self, name: str, other: str) -> Generator[Any, Any, None]:
        while True:
            value = yield
            self.taken[name].append(value)
            if value == "there":
                self.both_inside.wait(PATIENCE)
                try:
                    self.results.append(self.act(self.guards[other]))
                except genlock.DeadlockError as error:
                    self.results.append(type(error))

    def meet(self) -> None:
        calls = [Worker(partial(guard.send, "there")) for guard in self.guards.values()]
        assert [call.result() for call in calls] == [None, None]


def test_what_comes_back_by_way_of_another_thread_is_deferred_too() -> None:
    facing = Facing(lambda guard: guard.send("hello"))
    facing.meet()
    assert facing.taken == {"left": ["there", "hello"], "right": ["there", "hello"]}
    assert set(facing.results) == {None, DEFERRED}


def test_a_close_that_comes_back_by_way_of_another_thread_is_deferred_too() -> None:
    facing = Facing(lambda guard: guard.close())
    facing.meet()
    assert facing.results == [None, None]
    assert [guard.gi_frame for guard in facing.guards.values()] == [None, None]


def test_a_next_cannot_be_deferred_and_stays_a_deadlock() -> None:
    facing = Facing(next)
    facing.meet()
    assert set(facing.results) == {None, genlock.DeadlockError}


def test_a_cycle_is_fed_at_all_its_ends_in_every_order() -> None:
    games: list[Game] = []

    def setup() -> dict[str, Any]:
        games.append(Game())
        return games[-1].players

    def all_is_told(_: object) -> bool:
        return sorted(count for _, count in games[-1].told) == [0, 0, 1, 1]

    explored = explore(
        setup, [lambda them: them["ping"].send(1), lambda them: them["pong"].send(1)], all_is_told
    )
    assert explored.outcome == "ok", explored.report
    assert explored.exhausted


def collector(taken: list[Any], *sent: Any, end: str = "") -> Generator[Any, Any, None]:
    """Sends `sent` to itself on the first value; keeps what it gets."""
    first = yield
    taken.append(first)
    for value in sent:
        assert collecting[0].send(value) is DEFERRED
    if end == "return":
        return
    if end == "raise":
        raise LookupError("the end")
    while True:
        try:
            taken.append((yield len(taken)))
        except KeyError as error:
            taken.append(error)


collecting: list[Any] = []


def collect(taken: list[Any], *sent: Any, end: str = "", **options: Any) -> Any:
    options = {"on_reentry": "defer", **options}
    collecting[:] = [genlock.guard(collector(taken, *sent, end=end), prime=True, **options)]
    return collecting[0]


def test_values_are_delivered_in_order_before_the_call_returns_its_own_yield() -> None:
    taken: list[Any] = []
    assert collect(taken, "a", "b", "c").send("first") == 1
    assert taken == ["first", "a", "b", "c"]


def test_values_that_cannot_be_delivered_come_out_in_the_error() -> None:
    taken: list[Any] = []
    with pytest.raises(genlock.UndeliveredValuesError) as caught:
        collect(taken, "a", "b", end="return").send("first")
    assert caught.value.values == ("a", "b")
    assert isinstance(caught.value.__cause__, StopIteration)
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.values == ("a", "b")
    assert str(again) == str(caught.value)


def test_another_error_passes_with_a_note() -> None:
    with pytest.raises(LookupError, match="the end") as caught:
        collect([], "a", "b", end="raise").send("first")
    (note,) = caught.value.__notes__
    assert (
        note == "genlock: 2 deferred values could no longer be delivered to 'collector': 'a', 'b'"
    )


def test_an_end_on_the_last_value_leaves_the_own_result_standing() -> None:
    def body() -> Generator[Any, Any, str]:
        yield "ready"
        guard.send("last")
        yield "own result"
        return "end"

    guard: Any = genlock.guard(body(), prime=True, on_reentry="defer")
    assert guard.send("go") == "own result"
    assert guard.gi_frame is None


def test_next_always_raises() -> None:
    def body() -> Generator[Any, Any, None]:
        yield
        with pytest.raises(genlock.ReentrantCallError):
            next(guard)
        with pytest.raises(genlock.ReentrantCallError):
            guard.send(None)
        yield "done"

    guard: Any = genlock.guard(body(), prime=True, on_reentry="defer")
    assert guard.send("go") == "done"


def test_throw_is_deferred_too() -> None:
    taken: list[Any] = []

    def body() -> Generator[Any, Any, None]:
        yield
        assert guard.throw(KeyError("deferred")) is DEFERRED
        try:
            yield "own"
        except KeyError as error:
            taken.append(error.args)
        yield

    guard: Any = genlock.guard(body(), prime=True, on_reentry="defer")
    assert guard.send("go") == "own"
    assert taken == [("deferred",)]


@pytest.mark.parametrize("options", [{"on_reentry": "defer"}, {"on_close": "defer"}])
def test_close_of_itself_happens_at_the_next_yield(options: Any) -> None:
    events = []

    def body() -> Generator[Any, Any, None]:
        try:
            yield
            assert guard.close() is None
            events.append("still running")
            yield "own"
        finally:
            events.append("closed")

    guard: Any = genlock.guard(body(), prime=True, **options)
    assert guard.send("go") == "own"
    assert events == ["still running", "closed"]


def test_nothing_follows_a_deferred_close() -> None:
    def body() -> Generator[Any, Any, None]:
        yield
        guard.close()
        with pytest.raises(genlock.ReentrantCallError):
            guard.send("too late")
        yield

    guard: Any = genlock.guard(body(), prime=True, on_reentry="defer")
    guard.send("go")
    assert guard.gi_frame is None


def test_close_by_another_thread_returns_at_once_and_is_done_at_the_next_yield() -> None:
    with Occupied(on_close="defer") as stage:
        assert stage.guard.close() is None
        assert stage.guard.gi_frame is not None
        stage.leave.set()
        assert stage.holder.result() == 1
        until(lambda: stage.guard.gi_frame is None)
    assert stage.taken == ["held"]


def test_a_value_that_a_close_by_another_thread_overtakes_comes_out_in_the_error() -> None:
    taken: list[Any] = []
    guard = collect(taken, "overtaken", on_close="defer")
    gate = guard._self_gate

    class Overtaken(_deferral.Deliveries):
        """Has the other thread's close come in just before the value."""

        def append(self, delivery: Any) -> None:
            if delivery.operation == "send":
                Worker(guard.close).result()
            super().append(delivery)

    gate.deferred = Overtaken()
    with pytest.raises(genlock.UndeliveredValuesError) as caught:
        guard.send("first")
    assert caught.value.values == ("overtaken",)
    assert taken == ["first"]


@pytest.mark.usefixtures("restless_threads")
def test_other_threads_may_close_while_the_body_sends_to_itself() -> None:
    """By the thousand, so that a look at all that is deferred would take long, and be disturbed."""
    sends_to_itself = threading.Event()

    def body() -> Generator[None, Any, None]:
        while True:
            value = yield
            for number in range(300_000 if value == "start" else 0):
                try:
                    guard.send(number)
                except genlock.ReentrantCallError:
                    return  # a close is due
                if number == 100:
                    sends_to_itself.set()

    def close() -> None:
        assert sends_to_itself.wait(PATIENCE)
        guard.close()

    guard = genlock.guard(body(), prime=True, on_reentry="defer", on_close="defer")
    closer = Worker(close)
    with pytest.raises((StopIteration, genlock.UndeliveredValuesError)):
        guard.send("start")
    closer.result()
    until(guard._self_gate.has_ended)


def test_a_body_that_always_feeds_itself_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    many = 5
    monkeypatch.setattr(_deferral, "_MANY", many)

    def warnings(hops: int) -> list[str]:
        """What is said while another thread waits."""

        def body() -> Generator[Any, int, None]:
            left = yield
            waiters.append(Worker(lambda: guard.send(0)))
            until(lambda: guard._self_gate.queue)
            while True:
                if left:
                    guard.send(left - 1)
                left = yield

        waiters: list[Worker] = []
        guard: Any = genlock.guard(body(), prime=True, name="hungry", on_reentry="defer")
        guard.send(hops)
        waiters[0].result()
        return caplog.messages

    assert warnings(many - 1) == []
    assert warnings(3 * many) == [
        "'hungry' has been delivered 5 deferred values within one call, and goes on sending to"
        " itself; other threads wait for it meanwhile."
    ]


def test_nobody_is_warned_of_a_body_that_feeds_itself_while_nobody_waits(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_deferral, "_MANY", 5)
    Game().players["ping"].send(50)
    assert caplog.messages == []


def test_a_close_that_comes_after_the_last_look_is_done_by_who_closes() -> None:
    """The holder has delivered all there was, and not yet given back the flag."""
    closed: list[str] = []

    def body() -> Generator[Any, Any, None]:
        try:
            yield
        finally:
            closed.append(threading.current_thread().name)

    guard: Any = genlock.guard(body(), prime=True, on_close="defer")
    gate = guard._self_gate
    gate.busy = True
    closer = Worker(guard.close, name="closer")
    closer.result()
    assert closed == []
    gate.busy = False
    gate.after_release()
    assert len(closed) == 1


def test_nothing_is_lost_when_threads_feed_the_cycle() -> None:
    game = Game()
    each, hops = 300, 3

    def feed() -> None:
        for _ in range(each):
            game.players["ping"].send(hops)

    together(*[feed] * 4)
    counts = [count for _, count in game.told]
    assert len(counts) == 4 * each * (hops + 1)
    assert all(counts.count(count) == 4 * each for count in range(hops + 1))


def test_only_policies_that_defer_pay_for_it() -> None:
    def body() -> Generator[Any, Any, None]:
        yield

    assert not isinstance(genlock.guard(body())._self_gate, Deferral)
    assert type(genlock.guard(body(), on_close="defer")._self_gate).__name__ == "DeferringGate"


def test_many_threads_in_exclusive_use_of_a_deferring_guard() -> None:
    taken: list[Any] = []
    guard = collect(taken)
    guard.send("first")

    def pairs(name: int) -> None:
        for _ in range(200):
            with genlock.exclusive(guard, timeout=PATIENCE):
                guard.send((name, "a"))
                guard.send((name, "b"))

    together(*[lambda n=n: pairs(n) for n in range(4)])
    sent = taken[1:]
    assert len(sent) == 4 * 200 * 2
    for left, right in zip(sent[::2], sent[1::2], strict=True):
        assert (left[0], left[1], right[1]) == (right[0], "a", "b")


def test_a_close_of_another_thread_does_not_come_between_the_calls_of_exclusive_use() -> None:
    taken: list[str] = []
    guard = collect(taken, "by itself", on_close="defer")
    with genlock.exclusive(guard):
        guard.send("first")
        Worker(guard.close).result()
        guard.send("second")
        assert taken == ["first", "by itself", "second"]
    assert guard.gi_frame is None


def test_what_comes_back_by_way_of_another_thread_does_not_either() -> None:
    def bridge() -> Generator[None, None, None]:
        yield
        inside.set()
        until(lambda: bridged._self_gate.queue)
        results.append(guard.send("of the other"))
        yield

    taken: list[str] = []
    results: list[Any] = []
    inside = threading.Event()
    guard = collect(taken)
    bridged: Any = genlock.guard(bridge(), prime=True)
    with genlock.exclusive(guard):
        guard.send("first")
        other = Worker(lambda: next(bridged))
        assert inside.wait(PATIENCE)
        bridged.close()  # waits, so that the cycle is closed by the other thread
        assert results == [DEFERRED]
        guard.send("second")
        assert taken == ["first", "second"]
    other.result()
    assert taken == ["first", "second", "of the other"]


def test_a_value_is_delivered_once_where_a_handler_sends_during_its_delivery() -> None:
    taken: list[str] = []

    def body() -> Generator[None, str, None]:
        while True:
            value = yield
            taken.append(value)
            if value == "first":
                guard.send("deferred")

    class Interrupted(_deferral.Deliveries):
        """A signal handler or finaliser runs whenever it is looked into, once."""

        def __delitem__(self, place: SupportsIndex, /) -> None:  # type: ignore[override]
            if "handler" not in taken:
                guard.send("handler")
            super().__delitem__(place)

    guard: Any = genlock.guard(body(), prime=True, on_reentry="defer")
    guard._self_gate.deferred = Interrupted()
    guard.send("first")
    assert sorted(taken) == ["deferred", "first", "handler"]


# An interruption between two deliveries: of a signal handler, say.


class Interrupt(BaseException):
    """What a handler raises."""


def interrupted_after(
    deliveries: int, call: Callable[[], object], meanwhile: Callable[[], object] = bool
) -> None:
    """Call, and be interrupted when so much has been delivered, and something else has happened."""

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code is not Deferral.deliver_all.__code__:
            return None
        if event == "line" and frame.f_locals.get("delivered") == deliveries:
            sys.settrace(None)
            meanwhile()
            raise Interrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with pytest.raises(Interrupt):
            call()
    finally:
        sys.settrace(before)


def feeding_itself(taken: list[int]) -> Generator[None, int, None]:
    while True:
        value = yield
        taken.append(value)
        endless[0].send(value + 1)


endless: list[Any] = []


def test_a_generator_that_feeds_itself_for_ever_can_be_interrupted() -> None:
    taken: list[int] = []
    endless[:] = [genlock.guard(feeding_itself(taken), prime=True, on_reentry="defer")]
    interrupted_after(3, lambda: endless[0].send(0))
    assert taken == [0, 1, 2, 3]
    endless.clear()


def test_what_an_interruption_has_left_is_delivered_first_by_the_next_call() -> None:
    taken: list[Any] = []
    guard = collect(taken, 1, 2, 3)
    interrupted_after(1, lambda: guard.send("first"))
    assert taken == ["first", 1]
    Worker(lambda: guard.send("next")).result()
    assert taken == ["first", 1, 2, 3, "next"]


def test_what_an_interruption_has_left_is_not_lost_where_the_generator_ends() -> None:
    def two_more() -> Generator[None, Any, None]:
        first = yield
        for value in first:
            guard.send(value)
        yield
        yield

    guard: Any = genlock.guard(two_more(), prime=True, on_reentry="defer")
    interrupted_after(1, lambda: guard.send([1, 2, 3]))
    with pytest.raises(genlock.UndeliveredValuesError) as caught, genlock.exclusive(guard):
        pass
    assert caught.value.values == (3,)
    with genlock.exclusive(guard):
        pass


def test_a_close_that_was_deferred_is_not_left_by_an_interruption() -> None:
    taken: list[Any] = []
    guard = collect(taken, 1, 2, on_close="defer")
    interrupted_after(1, lambda: guard.send("first"), lambda: Worker(guard.close).result())
    assert taken == ["first", 1, 2]
    assert guard.gi_frame is None
