"""Exclusive use: several calls of one thread, with nobody's between them."""

import _thread
import asyncio
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

import pytest

import genlock
from crew import PATIENCE, Occupied, Worker, together, until


def joiner(pairs: list[Any]) -> Generator[Any, Any, None]:
    """Two yields in one turn: scenario 10."""
    while True:
        left = yield
        right = yield
        pairs.append((left, right))


def test_pairs_stay_together() -> None:
    pairs: list[Any] = []
    joint = genlock.guard(joiner(pairs), prime=True)

    def feed(name: int) -> None:
        for number in range(300):
            with genlock.exclusive(joint):
                joint.send((name, number, "left"))
                joint.send((name, number, "right"))

    together(*[lambda n=n: feed(n) for n in range(4)])
    assert len(pairs) == 1200
    for left, right in pairs:
        assert left[:2] == right[:2]
        assert (left[2], right[2]) == ("left", "right")


@pytest.mark.parametrize(
    ("make_outer", "order"),
    [(nullcontext, "left left right right"), (asyncio.Lock, "left right" * 2)],
)
def test_tasks_of_one_loop_are_parted_by_a_lock_of_asyncio_alone(
    make_outer: Callable[[], AbstractAsyncContextManager[None]], order: str
) -> None:
    pairs: list[Any] = []
    joint = genlock.guard(joiner(pairs), prime=True)

    async def feed(outer: AbstractAsyncContextManager[None]) -> None:
        async with outer:
            with genlock.exclusive(joint):
                joint.send("left")
                await asyncio.sleep(0)
                joint.send("right")

    async def feed_twice() -> None:
        outer = make_outer()
        await asyncio.gather(feed(outer), feed(outer))

    asyncio.run(feed_twice())
    assert "".join(value for pair in pairs for value in pair) == order.replace(" ", "")


def test_it_nests_and_ends_with_the_outermost_block() -> None:
    pairs: list[Any] = []
    joint = genlock.guard(joiner(pairs), prime=True, on_busy="raise")
    with genlock.exclusive(joint):
        with genlock.exclusive(joint):
            joint.send(1)
        with pytest.raises(genlock.ContendedCallError):
            Worker(lambda: joint.send("between")).result()
        joint.send(2)
    assert pairs == [(1, 2)]
    Worker(lambda: joint.send(3)).result()


def test_a_block_cannot_be_entered_twice_at_a_time() -> None:
    joint = genlock.guard(joiner([]), prime=True, on_busy="raise")
    block = genlock.exclusive(joint)
    with block:
        for enter in (block.__enter__, lambda: Worker(block.__enter__).result()):
            with pytest.raises(RuntimeError, match="Make one for each block"):
                enter()
        with pytest.raises(genlock.ContendedCallError):
            Worker(lambda: joint.send("other thread")).result()
    with block:
        joint.send("again")


def test_what_was_not_entered_cannot_be_left() -> None:
    joint = genlock.guard(joiner([]), prime=True)
    block = genlock.exclusive(joint)
    with pytest.raises(RuntimeError, match="was not entered, or has been left already"):
        block.__exit__(None, None, None)
    with block:
        pass
    with pytest.raises(RuntimeError, match="was not entered, or has been left already"):
        block.__exit__(None, None, None)
    assert Worker(lambda: joint.send("served")).result() is None


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"on_busy": "raise"}, genlock.ContendedCallError),
        ({"timeout": 0}, genlock.GuardTimeoutError),
    ],
)
def test_the_line_at_which_it_began_is_named(options: Any, kind: type[Exception]) -> None:
    joint = genlock.guard(joiner([]), prime=True, **options)
    began, leave = threading.Event(), threading.Event()

    def keep() -> None:
        with genlock.exclusive(joint):
            began.set()
            assert leave.wait(PATIENCE)

    keeper = Worker(keep, "keeper")
    assert began.wait(PATIENCE)
    with pytest.raises(kind) as caught:
        joint.send("other thread")
    leave.set()
    keeper.result()
    assert isinstance(caught.value, genlock.GenlockError)
    (_, strand) = caught.value.diagnosis.strands
    (step,) = strand.steps
    assert (strand.thread, step.remark) == ("keeper", "in exclusive use")
    assert step.site.code == "with genlock.exclusive(joint):"
    assert "with genlock.exclusive(joint):  in exclusive use" in str(caught.value)


def test_an_error_inside_ends_it() -> None:
    joint = genlock.guard(joiner([]), prime=True, on_busy="raise")
    with pytest.raises(LookupError), genlock.exclusive(joint):
        raise LookupError
    Worker(lambda: joint.send(1)).result()


def test_it_waits_for_its_turn() -> None:
    with Occupied() as stage:

        def use() -> list[Any]:
            with genlock.exclusive(stage.guard):
                return [stage.guard.send("a"), stage.guard.send("b")]

        user = Worker(use)
        until(stage.waiters)
        stage.leave.set()
        assert user.result() == [2, 3]
    assert stage.guard._self_gate.busy is False


def test_its_timeout_and_that_of_the_policy() -> None:
    with Occupied(timeout=0.01) as stage:
        with pytest.raises(genlock.GuardTimeoutError), genlock.exclusive(stage.guard):
            pass
        with (
            pytest.raises(genlock.GuardTimeoutError) as caught,
            genlock.exclusive(stage.guard, timeout=0),
        ):
            pass
    assert caught.value.diagnosis.operation == "exclusive"
    with (
        Occupied(on_busy="raise") as stage,
        pytest.raises(genlock.ContendedCallError),
        genlock.exclusive(stage.guard),
    ):
        pass


def test_from_inside_the_body_is_re_entry() -> None:
    def body() -> Generator[Any, Any, None]:
        yield
        with pytest.raises(genlock.ReentrantCallError), genlock.exclusive(guard):
            pass
        yield "done"

    guard: Any = genlock.guard(body(), prime=True)
    assert guard.send("go") == "done"


def test_the_body_that_comes_back_during_exclusive_use_is_re_entry() -> None:
    def body() -> Generator[Any, Any, None]:
        yield
        with pytest.raises(genlock.ReentrantCallError):
            guard.send("back")
        yield "done"

    guard: Any = genlock.guard(body(), prime=True)
    with genlock.exclusive(guard):
        assert guard.send("go") == "done"


def test_two_threads_that_keep_one_guard_each_and_want_the_others() -> None:
    left, right = (genlock.guard(joiner([]), prime=True, name=name) for name in ("left", "right"))
    both = threading.Barrier(2)

    def use(mine: Any, other: Any) -> str:
        with genlock.exclusive(mine):
            both.wait(PATIENCE)
            try:
                with genlock.exclusive(other):
                    return "through"
            except genlock.DeadlockError as error:
                return f"told in {error.diagnosis.strands[0].holds}"

    results = together(lambda: use(left, right), lambda: use(right, left))
    assert sorted(results) in (["through", "told in left"], ["through", "told in right"])


def test_a_thread_that_ended_inside_is_reported() -> None:
    joint = genlock.guard(joiner([]), prime=True)
    block = genlock.exclusive(joint)
    Worker(block.__enter__, name="careless").result()
    with pytest.raises(genlock.AbandonedGeneratorError, match="can never come back") as caught:
        joint.send(1)
    assert "  Inside:\n    careless, which is gone  " in str(caught.value)


class Nameless(threading.Thread):
    @property
    def name(self) -> str:
        raise LookupError

    @name.setter
    def name(self, name: str) -> None: ...


@pytest.mark.parametrize(
    ("start", "told"),
    [
        (lambda job: _thread.start_new_thread(job, ()), "nobody that is left"),
        # The one that it was given: no code of the user's runs for that.
        (lambda job: Nameless(target=job, daemon=True).start(), r"Thread-\d+ .*, which is gone"),
    ],
)
def test_a_thread_whose_name_cannot_be_had_can_use_a_guard_exclusively(
    start: Callable[[Callable[[], object]], object], told: str
) -> None:
    joint = genlock.guard(joiner([]), prime=True)
    block = genlock.exclusive(joint)
    known = threading.enumerate()
    has_entered = threading.Event()

    def enter() -> None:
        block.__enter__()
        has_entered.set()

    start(enter)
    assert has_entered.wait(PATIENCE)
    assert {type(thread) for thread in threading.enumerate() if thread not in known} <= {Nameless}
    until(lambda: genlock.state(joint).abandoned)
    with pytest.raises(genlock.AbandonedGeneratorError, match=told):
        joint.send(1)


def test_a_new_thread_with_the_number_of_the_ended_one_is_not_taken_for_it() -> None:
    joint = genlock.guard(joiner([]), prime=True, timeout=0)
    block = genlock.exclusive(joint)
    Worker(block.__enter__).result()
    for _ in range(20):  # numbers are used again soon, though not at once everywhere
        with pytest.raises(genlock.AbandonedGeneratorError):
            Worker(lambda: joint.send(1)).result()


def test_a_block_that_was_lost_is_given_back() -> None:
    """As by an exception that arrives when the block has ended and not yet been left."""
    joint = genlock.guard(joiner([]), prime=True, timeout=0)
    block = genlock.exclusive(joint)
    block.__enter__()
    del block
    Worker(lambda: joint.send(1)).result()


@pytest.mark.parametrize("timeout", [-1, float("nan")])
def test_impossible_timeouts(timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout must be 0 or more seconds"):
        genlock.exclusive(genlock.guard(iter([])), timeout=timeout)


def test_what_is_no_guard() -> None:
    with pytest.raises(TypeError, match=r"exclusive\(\) takes a guard, not"):
        genlock.exclusive(joiner([]))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="timeout must be a number of seconds or None"):
        genlock.exclusive(genlock.guard(iter([])), timeout="1")  # type: ignore[arg-type]


def test_a_block_that_is_collected_while_its_thread_is_inside_ends_after_the_call() -> None:
    """Its exit was kept from running; the collector may come at any moment."""
    inside, leave = threading.Event(), threading.Event()

    def body() -> Generator[None, str, None]:
        while True:
            if (yield) == "first":
                blocks.clear()
                inside.set()
                assert leave.wait(PATIENCE)

    guard = genlock.guard(body(), prime=True)
    blocks = [genlock.exclusive(guard)]

    def call() -> None:
        blocks[0].__enter__()
        guard.send("first")

    caller = Worker(call)
    assert inside.wait(PATIENCE)
    with pytest.raises(genlock.GuardTimeoutError), genlock.exclusive(guard, timeout=0):
        pass
    leave.set()
    caller.result()
    with genlock.exclusive(guard, timeout=PATIENCE):
        guard.send("second")
