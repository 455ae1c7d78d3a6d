"""A guard answers as what it guards does, and refuses what it cannot guard when it is made."""

import copy
import csv
import functools
import gc
import inspect
import io
import itertools
import operator
import os
import pickle
import re
import subprocess
import sys
import threading
import types
import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator
from typing import Any

import pytest

import genlock
from crew import PATIENCE, Alone, Worker, together, until

NAMES = ("gi_code", "gi_frame", "gi_running", "gi_yieldfrom", "__name__", "__qualname__", "__doc__")


def numbers(stop: int = 3) -> Generator[int, object, str]:
    """A generator function with a docstring."""
    yield from range(stop)
    return "the end"


def test_a_guard_answers_as_the_generator() -> None:
    bare = numbers()
    guard = genlock.guard(bare)
    assert isinstance(guard, types.GeneratorType)
    assert isinstance(guard, Generator)
    assert isinstance(guard, genlock.GuardedGenerator)
    assert type(guard) is genlock.GuardedGenerator
    assert inspect.isgenerator(guard)
    assert repr(guard) == repr(bare)
    assert str(guard) == str(bare)
    assert hash(guard) == hash(bare)
    assert guard == bare
    assert bool(guard)
    for name in NAMES:
        assert getattr(guard, name) == getattr(bare, name)
    for state in ("GEN_CREATED", "GEN_SUSPENDED"):
        assert inspect.getgeneratorstate(guard) == state
        next(guard)
    guard.close()
    assert inspect.getgeneratorstate(guard) == "GEN_CLOSED"
    assert guard.gi_frame is None


def test_its_state_while_it_runs() -> None:
    def body() -> Iterator[str]:
        yield inspect.getgeneratorstate(guard)

    guard: Any = genlock.guard(body())
    assert next(guard) == "GEN_RUNNING"


def test_what_it_does_not_have_is_missed_as_bare() -> None:
    with pytest.raises(AttributeError, match="'generator' object has no attribute 'gi_colour'"):
        _ = genlock.guard(numbers()).gi_colour  # type: ignore[attr-defined]
    assert not hasattr(genlock.guard(numbers()), "__copy__")


def test_its_methods_are_documented_as_those_of_iterators() -> None:
    for bare in (numbers(), map(int, "12")):
        guard: Any = genlock.guard(bare)
        assert guard.__next__.__doc__ == bare.__next__.__doc__
        assert guard.__iter__.__doc__ == bare.__iter__.__doc__


def test_iter_is_the_guard_itself() -> None:
    guard = genlock.guard(numbers())
    assert iter(guard) is guard
    iterator = genlock.guard(map(int, "12"))
    assert iter(iterator) is iterator


@pytest.mark.parametrize(
    "drive", [list, lambda guard: [*delegate(guard)], lambda guard: 9 in guard]
)
def test_nothing_bypasses_the_gate(drive: Callable[[Any], object]) -> None:
    guard = genlock.guard(numbers())
    passed: list[object] = []
    resume = guard._self_gate.resume

    def count_and_resume(value: object) -> object:
        passed.append(value)
        return resume(value)

    guard._self_gate.resume = count_and_resume
    drive(guard)
    assert len(passed) == 4


def delegate(guard: Iterator[int]) -> Iterator[int]:
    yield from guard


def test_return_value_through_yield_from() -> None:
    def delegating() -> Generator[int, None, str]:
        return (yield from genlock.guard(numbers()))

    with pytest.raises(StopIteration, match="the end"):
        delegating_through = delegating()
        while True:
            next(delegating_through)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_copying_and_pickling_fail_as_bare(copied: Callable[[object], object]) -> None:
    with pytest.raises(TypeError) as bare:
        copied(numbers())
    with pytest.raises(TypeError) as guarded:
        copied(genlock.guard(numbers()))
    assert str(bare.value) == str(guarded.value)


def test_tee_takes_a_guard() -> None:
    left, right = itertools.tee(genlock.guard(numbers()))
    assert [*left] == [*right] == [0, 1, 2]


def test_dropping_the_guard_closes_the_generator_at_once() -> None:
    farewells = []

    def polite() -> Iterator[None]:
        try:
            yield
        finally:
            farewells.append("bye")

    guard = genlock.guard(polite(), prime=True)
    gone = weakref.ref(guard)
    gc.disable()
    try:
        del guard
        assert farewells == ["bye"]
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("operation", ["send", "throw"])
def test_an_error_that_comes_back_out_keeps_no_guard_alive(operation: str) -> None:
    def raising() -> Generator[None, Exception, None]:
        raise (yield)

    def call(guard: object) -> None:
        with pytest.raises(KeyError):
            getattr(guard, operation)(KeyError("given"))

    guard = genlock.guard(raising(), prime=True)
    gone = weakref.ref(guard)
    gc.disable()
    try:
        call(guard)
        del guard
        assert gone() is None
    finally:
        gc.enable()


def test_a_generator_based_coroutine_stays_awaitable() -> None:
    @types.coroutine
    def step() -> Generator[str, str, str]:
        return (yield "asked") + "!"

    async def main() -> str:
        return await genlock.guard(step())  # type: ignore[misc, no-any-return]  # typed as an awaitable only

    running = main()
    assert running.send(None) == "asked"
    with pytest.raises(StopIteration, match="answer!"):
        running.send("answer")
    assert not inspect.isawaitable(genlock.guard(numbers()))
    deferring = genlock.guard(step(), on_reentry="defer")
    assert isinstance(deferring, genlock.DeferringGenerator)
    assert inspect.isawaitable(deferring)


# Other iterators


def test_plain_iterators_are_guarded() -> None:
    alone = Alone()

    def slow(number: int) -> int:
        with alone:
            return number

    guard = genlock.guard(map(slow, range(2000)))
    assert type(guard) is genlock.GuardedIterator
    assert guard.__doc__ == map.__doc__
    shares = together(*[lambda: list(guard)] * 4)
    assert sorted(itertools.chain.from_iterable(shares)) == list(range(2000))
    assert alone.entered == 2000


def test_files_and_csv_readers() -> None:
    opened: Any = genlock.guard(io.StringIO("a,b\nc,d\n"))
    with opened as file:
        assert file is opened
        assert isinstance(file, genlock.GuardedIterator)
        rows = genlock.guard(csv.reader(file))
        assert [*rows] == [["a", "b"], ["c", "d"]]
    assert opened.closed


def test_an_object_with_send_is_guarded_where_it_has_the_methods() -> None:
    class Sender:
        def send(self, value: int) -> int:
            with pytest.raises(genlock.ReentrantCallError):
                guard.send(value)
            return value + 1

    guard: Any = genlock.guard(Sender())
    assert type(guard) is genlock.GuardedSender
    assert guard.send(1) == 2
    assert not hasattr(guard, "throw")
    assert not hasattr(guard, "close")
    with pytest.raises(AttributeError):
        next(guard)


class Listener:
    """Takes values, and cannot be asked for any."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def send(self, value: object, /) -> int:
        self.heard.append(value)
        return len(self.heard)


def test_an_object_with_send_takes_turns() -> None:
    alone = Alone()

    class Crowded(Listener):
        def send(self, value: object, /) -> int:
            with alone:
                return super().send(value)

    guard = genlock.guard(Crowded())
    together(*[lambda: [guard.send(number) for number in range(500)]] * 4)
    assert alone.entered == 2000


def test_what_comes_back_to_an_object_with_send_can_be_deferred() -> None:
    class Echo(Listener):
        def send(self, value: object, /) -> int:
            if value == "call":
                assert guard.send("echo") is genlock.DEFERRED
            return super().send(value)

    guard = genlock.guard(Echo(), on_reentry="defer")
    guard.send("call")
    assert guard.heard == ["call", "echo"]  # type: ignore[attr-defined]  # the object's own


def test_an_object_with_send_alone_is_primed_by_sending_none() -> None:
    guard: Any = genlock.guard(Listener(), prime=True)
    assert guard.heard == [None]
    assert genlock.guard(guard, name=None).send("first") == 2


# Made twice, made wrongly


def test_a_guard_of_a_guard_is_the_guard() -> None:
    guard = genlock.guard(numbers(), timeout=1, name="shared")
    assert genlock.guard(guard) is guard
    assert genlock.guard(guard, timeout=1, name="shared") is guard
    with pytest.raises(ValueError, match="guarded already, with other options"):
        genlock.guard(guard, timeout=2)
    with pytest.raises(ValueError, match="guarded already, with other options"):
        genlock.guard(guard, name="other")


def test_the_classes_make_no_guards() -> None:
    with pytest.raises(TypeError, match=r"genlock.guard\(\)"):
        genlock.GuardedGenerator(numbers())


def test_the_classes_keep_their_own_docstrings() -> None:
    assert "any number of threads" in (genlock.GuardedGenerator.__doc__ or "")
    assert "any number of threads" in (genlock.GuardedIterator.__doc__ or "")


def test_prime_runs_to_the_first_yield_once() -> None:
    guard = genlock.guard(numbers(), prime=True)
    assert next(guard) == 1
    assert next(genlock.guard(guard, prime=True)) == 2


def test_only_coroutines_are_primed() -> None:
    with pytest.raises(TypeError, match="cannot prime 'list_iterator': it has no send"):
        genlock.guard(iter([1, 2]), prime=True)


def test_threads_that_prime_one_guard_prime_it_once() -> None:
    shared = genlock.guard(numbers())
    together(*[lambda: genlock.guard(shared, prime=True)] * 8)
    assert next(shared) == 1


def test_a_class_of_generators_is_guarded_as_one() -> None:
    class Counting(Generator[int, int, None]):
        def __init__(self) -> None:
            self.total = 0

        def send(self, value: int | None, /) -> int:
            self.total += value or 0
            return self.total

        def throw(self, *exception: Any) -> int:
            raise exception[0]

    guard = genlock.guard(Counting())
    assert type(guard) is genlock.GuardedGenerator
    assert [guard.send(2), next(guard), guard.send(3)] == [2, 2, 5]
    with pytest.raises(KeyError):
        guard.throw(KeyError)


def test_leaving_a_with_block_waits_for_the_turn() -> None:
    inside, leave = threading.Event(), threading.Event()

    class Resource:
        """An iterator that is closed by its `with`."""

        closed = False

        def __iter__(self) -> Any:
            return self

        def __next__(self) -> bool:
            inside.set()
            assert leave.wait(PATIENCE)
            return self.closed

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None:
            self.closed = True

    guard: Any = genlock.guard(Resource())
    reader = Worker(lambda: next(guard))
    assert inside.wait(PATIENCE)

    def use() -> None:
        with guard:
            pass

    user = Worker(use)
    until(lambda: guard._self_gate.queue)
    leave.set()
    assert reader.result() is False
    user.result()
    assert guard.closed


def test_the_name_is_that_of_the_function_or_the_given_one() -> None:
    assert genlock.guard(numbers())._self_gate.name == "numbers"
    assert genlock.guard(numbers(), name="shared")._self_gate.name == "shared"
    assert genlock.guard(map(int, ""))._self_gate.name == "map"


# Without genlock's switch, and without wrapt's extension


def run(code: str, **environment: str) -> str:
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.run(
        [sys.executable, "-W", "error::UserWarning:genlock", "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path, **environment},
        timeout=30,
        check=False,
    ).stdout.strip()


SWITCHED = """
import genlock
@genlock.coroutine
def echo():
    while True: yield (yield)
@genlock.guarded(timeout=1)
def one(): yield 1
kinds = [type(made).__name__ for made in (genlock.guard(one()), one(), echo())]
print(*kinds, echo().send(3))
"""


def test_off_leaves_generators_bare_and_still_primes() -> None:
    assert run(SWITCHED, GENLOCK="off") == "generator generator generator 3"
    assert run(SWITCHED, GENLOCK="on") == " ".join(["GuardedGenerator"] * 3) + " 3"


def test_another_word_is_warned_of() -> None:
    code = "import warnings\nwith warnings.catch_warnings(record=True) as w:\n"
    code += "    warnings.simplefilter('always')\n    import genlock\nprint(w[0].message)"
    assert run(code, GENLOCK="of") == (
        "GENLOCK='of' is neither 'on', 'off' nor 'lock': genlock stays on"
    )


def test_guards_work_on_wrapt_without_its_extension() -> None:
    code = SWITCHED + "import sys; print('wrapt._wrappers' in sys.modules)"
    kinds, has_extension = run(code, WRAPT_DISABLE_EXTENSIONS="1").splitlines()
    assert kinds == " ".join(["GuardedGenerator"] * 3) + " 3"
    assert has_extension == "False"


def test_what_is_the_guards_own_cannot_be_set() -> None:
    def body() -> Generator[int, None, None]:
        yield 1

    guard: Any = genlock.guard(body())
    bare: Any = body()
    for name in ("send", "throw", "close", "gi_frame", "other"):
        with pytest.raises(AttributeError) as refused:
            setattr(guard, name, 5)
        with pytest.raises(AttributeError) as as_bare:
            setattr(bare, name, 5)
        assert str(refused.value) == str(as_bare.value)
    with pytest.raises(AttributeError):
        del guard.send
    guard.__name__ = "renamed"
    assert guard.__wrapped__.__name__ == "renamed"


def test_a_guard_is_no_more_a_wrapper_of_functions_than_the_generator_is() -> None:
    guard: Any = genlock.guard(numbers())
    bare: Any = numbers()
    for generator in (guard, bare):
        with pytest.raises(AttributeError):
            functools.update_wrapper(generator, len)
        with pytest.raises(AttributeError):
            generator.__wrapped__ = len
    assert [*guard] == [0, 1, 2]


@pytest.mark.parametrize("make", [genlock.guard, genlock.guarded, genlock.coroutine])
def test_a_name_that_is_no_string_is_refused(make: Any) -> None:
    with pytest.raises(TypeError, match=r"^name must be a string or None, not 5$"):
        make(*([iter(())] if make is genlock.guard else []), name=5)


@pytest.mark.parametrize("prime", ["no", "", 1, 0, None, []])
@pytest.mark.parametrize(
    "make",
    [
        functools.partial(genlock.guard, iter(())),
        genlock.guarded,
        functools.partial(genlock.instrument, "a:f"),
    ],
)
def test_a_prime_that_is_no_bool_is_refused(make: Any, prime: object) -> None:
    with pytest.raises(
        TypeError, match=f"^prime must be True or False, not {re.escape(repr(prime))}$"
    ):
        make(prime=prime)


@pytest.mark.parametrize("make", [genlock.guard, genlock.guarded, genlock.coroutine])
def test_an_empty_name_is_refused(make: Any) -> None:
    with pytest.raises(ValueError, match=r"^name must not be empty"):
        make(*([iter(())] if make is genlock.guard else []), name="")


def test_a_length_hint_is_that_of_the_iterator() -> None:
    assert operator.length_hint(genlock.guard(iter([1, 2, 3]))) == 3
    assert operator.length_hint(genlock.guard(numbers()), 7) == 7


def test_an_iterator_whose_look_ups_fail_otherwise_is_guarded() -> None:
    class Sloppy:
        left = 2

        def __next__(self) -> int:
            if not self.left:
                raise StopIteration
            self.left -= 1
            return self.left

        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(name)

    guard: Any = genlock.guard(Sloppy())
    assert [*guard] == [1, 0]
    assert guard._self_gate.name == "Sloppy"


class ManualCoroutine(Coroutine[None, None, None]):
    """What looks like a coroutine, as those that Cython compiles do."""

    def send(self, _value: object, /) -> None: ...

    def throw(self, *_exception: Any) -> None: ...

    def close(self) -> None: ...

    def __await__(self) -> Generator[None, None, None]:
        yield


class ManualAsyncGenerator(AsyncGenerator[None, None]):
    async def asend(self, _value: object, /) -> None: ...

    async def athrow(self, *_exception: Any) -> None: ...


@pytest.mark.parametrize("given", [ManualCoroutine(), ManualAsyncGenerator()])
def test_async_objects_of_other_makes_are_refused_as_native_ones(given: Any) -> None:
    with pytest.raises(
        TypeError, match=r"^cannot guard .*: async objects belong to one event loop"
    ):
        genlock.guard(given)


def test_what_is_iterated_over_by_its_items_is_refused_as_other_iterables() -> None:
    class Items:
        def __getitem__(self, _place: int) -> int:
            raise AssertionError

    with pytest.raises(TypeError, match=r"^cannot guard this Items: it can be iterated over, but"):
        genlock.guard(Items())  # type: ignore[call-overload]


def test_an_attribute_look_up_that_fails_otherwise_counts_as_none() -> None:
    class Sloppy:
        def __getattr__(self, name: str) -> Any:
            raise KeyError(name)

    with pytest.raises(TypeError, match="Sloppy"):
        genlock.guard(Sloppy())
