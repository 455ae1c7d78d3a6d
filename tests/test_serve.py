"""Every operation of the protocol, from any number of threads: nothing lost, nothing doubled."""

import threading
import traceback
from collections.abc import Callable, Generator, Iterator
from functools import partial
from itertools import chain
from typing import Any

import pytest

import genlock
from crew import Alone, Worker, together, until

THREADS = 8
EACH = 500


def keep(alone: Alone, kept: list[int]) -> Generator[int, int | None, int]:
    """Keeps what it is sent and yields how many that is."""
    while True:
        value = yield len(kept)
        with alone:
            if value is None:
                return len(kept)
            size = len(kept)
            kept.append(value)
            for _ in range(20):
                pass
            assert len(kept) == size + 1


@pytest.mark.usefixtures("restless_threads")
def test_every_value_sent_is_taken_once() -> None:
    alone, kept = Alone(), list[int]()
    keeper = genlock.guard(keep(alone, kept), prime=True)

    def feed(start: int) -> list[int]:
        return [keeper.send(value) for value in range(start, start + EACH)]

    answers = together(*(partial(feed, n * EACH) for n in range(THREADS)))
    assert sorted(kept) == list(range(THREADS * EACH))
    assert sorted(chain.from_iterable(answers)) == list(range(1, THREADS * EACH + 1))
    assert alone.entered == THREADS * EACH
    for start, own in enumerate(answers):
        taken = [value for value in kept if value // EACH == start]
        assert taken == sorted(taken)
        assert own == sorted(own)


def count(alone: Alone, stop: int) -> Iterator[int]:
    for number in range(stop):
        with alone:
            pass
        yield number


@pytest.mark.usefixtures("restless_threads")
@pytest.mark.parametrize("drain", [list, lambda numbers: [*map(int, numbers)]])
def test_threads_that_share_a_loop_get_every_value_once(
    drain: Callable[[Iterator[int]], list[int]],
) -> None:
    alone = Alone()
    numbers = genlock.guard(count(alone, THREADS * EACH))
    shares = together(*[lambda: drain(numbers)] * THREADS)
    assert sorted(chain.from_iterable(shares)) == list(range(THREADS * EACH))
    assert alone.entered == THREADS * EACH


@pytest.mark.usefixtures("restless_threads")
def test_yield_from_a_shared_guard() -> None:
    alone = Alone()
    numbers = genlock.guard(count(alone, THREADS * EACH))

    def delegating() -> Iterator[int]:
        yield from numbers

    shares = together(*[lambda: list(delegating())] * THREADS)
    assert sorted(chain.from_iterable(shares)) == list(range(THREADS * EACH))
    assert alone.entered == THREADS * EACH


@pytest.mark.usefixtures("restless_threads")
def test_every_exception_thrown_is_taken_once() -> None:
    taken: list[int] = []

    def catcher() -> Generator[int, None, None]:
        while True:
            try:
                yield len(taken)
            except KeyError as error:
                taken.append(error.args[0])

    catching = genlock.guard(catcher(), prime=True)

    def throw(start: int) -> None:
        for number in range(start, start + EACH):
            catching.throw(KeyError(number))

    together(*(partial(throw, n * EACH) for n in range(THREADS)))
    assert sorted(taken) == list(range(THREADS * EACH))


def test_the_body_is_closed_once_however_many_close_it() -> None:
    farewells = []

    def polite() -> Generator[None, None, None]:
        try:
            yield
        finally:
            farewells.append(threading.get_ident())

    guarded = genlock.guard(polite(), prime=True)
    assert together(*[guarded.close] * THREADS) == [None] * THREADS
    assert len(farewells) == 1


def test_the_return_value_goes_to_one_thread() -> None:
    keeper = genlock.guard(keep(Alone(), [1, 2]), prime=True)

    def finish() -> object:
        try:
            return keeper.send(None)
        except StopIteration as stop:
            return stop.value

    values = together(*[finish] * THREADS)
    assert sorted(values, key=str) == [2, *[None] * (THREADS - 1)]


def test_close_waits_for_the_body_of_another_thread() -> None:
    inside, leave, events = threading.Event(), threading.Event(), list[str]()

    def slow() -> Generator[None, None, None]:
        try:
            yield
            inside.set()
            leave.wait()
            events.append("body done")
            yield
        finally:
            events.append("closed")

    guarded = genlock.guard(slow(), prime=True)
    runner = Worker(lambda: next(guarded))
    inside.wait()
    closer = Worker(guarded.close)
    until(lambda: guarded._self_gate.queue)
    leave.set()
    assert runner.result() is None
    assert closer.result() is None
    assert events == ["body done", "closed"]


def fails() -> Generator[None, str, None]:
    value = yield
    raise LookupError(value) from KeyError("cause")


def test_exceptions_and_their_tracebacks_are_the_generators_own() -> None:
    def failure(generator: Generator[None, str, None]) -> BaseException:
        next(generator)
        with pytest.raises(LookupError) as caught:
            generator.send("x")
        return caught.value

    bare, guarded = failure(fails()), failure(genlock.guard(fails()))
    assert type(bare) is type(guarded)
    assert bare.args == guarded.args
    assert repr(bare.__cause__) == repr(guarded.__cause__)
    assert repr(bare.__context__) == repr(guarded.__context__)

    def lines(error: BaseException) -> list[tuple[str, int | None]]:
        entries = traceback.extract_tb(error.__traceback__)
        return [(e.name, e.lineno) for e in entries if "genlock" not in e.filename.split("/")]

    assert lines(bare)[-1:] == lines(guarded)[-1:]
    assert len(lines(bare)) == len(lines(guarded))


def test_a_thrown_class_is_made_into_an_exception_as_bare() -> None:
    def echo() -> Generator[Any, None, None]:
        try:
            yield
        except ValueError as error:
            yield error.args

    assert genlock.guard(echo(), prime=True).throw(ValueError) == ()


def test_an_error_that_only_looks_like_busy_passes_through() -> None:
    planted = ValueError("generator already executing")

    def liar() -> Generator[None, None, None]:
        yield
        raise planted

    guarded = genlock.guard(liar(), prime=True, timeout=0)
    with pytest.raises(ValueError, match="already executing") as caught:
        next(guarded)
    assert caught.value is planted

    guarded = genlock.guard(liar(), prime=True, timeout=0)
    with pytest.raises(ValueError, match="already executing") as caught:
        guarded.throw(planted)
    assert caught.value is planted


def test_such_an_error_of_an_iterator_passes_through_too() -> None:
    def fail(_: object) -> None:
        raise ValueError("generator already executing")

    guarded = genlock.guard(map(fail, "ab"))
    for _ in "ab":
        with pytest.raises(ValueError, match="already executing") as caught:
            next(guarded)
        assert type(caught.value) is ValueError
    assert list(guarded) == []
