"""`@guarded` and `@coroutine`: whatever they decorate answers as it did, and returns guards."""

import copy
import functools
import inspect
import pickle
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

import genlock


@genlock.guarded
def running_minimum(start: float, *, scale: int = 1) -> Generator[float, float, None]:
    """The least value so far."""
    least = start
    while True:
        least = min(least, (yield least * scale))


def test_a_decorated_function_answers_as_the_bare_one() -> None:
    assert inspect.isgeneratorfunction(running_minimum)
    assert inspect.isfunction(running_minimum)
    assert str(inspect.signature(running_minimum)).startswith("(start: float, *, scale: int = 1)")
    assert running_minimum.__name__ == "running_minimum"
    assert running_minimum.__doc__ == "The least value so far."
    assert running_minimum.__module__ == __name__


def test_each_call_returns_a_new_guard() -> None:
    one, other = running_minimum(3), running_minimum(4, scale=2)
    assert type(one) is type(other) is genlock.GuardedGenerator
    assert one is not other
    assert [next(one), one.send(2), next(other)] == [3, 2, 8]


class Meter:
    def __init__(self, unit: str) -> None:
        self.unit = unit

    @genlock.guarded
    def method(self) -> Iterator[object]:
        yield self.unit

    @genlock.guarded
    @classmethod
    def above_class(cls) -> Iterator[object]:
        yield cls

    @classmethod
    @genlock.guarded
    def below_class(cls) -> Iterator[object]:
        yield cls

    @genlock.guarded
    @staticmethod
    def above_static() -> Iterator[object]:
        yield "static"

    @staticmethod
    @genlock.guarded(timeout=1)
    def below_static() -> Iterator[object]:
        yield "static"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("method", "m"),
        ("above_class", Meter),
        ("below_class", Meter),
        ("above_static", "static"),
        ("below_static", "static"),
    ],
)
def test_methods_of_every_kind(name: str, expected: object) -> None:
    meter = Meter("m")
    owners: list[Any] = [meter] if name == "method" else [meter, Meter]
    for owner in owners:
        guard = getattr(owner, name)()
        assert isinstance(guard, genlock.GuardedIterator)
        assert [*guard] == [expected]


def test_options_reach_the_guard() -> None:
    @genlock.guarded(timeout=2.5, on_busy="raise", on_close="raise", name="sink", prime=True)
    def sink() -> Generator[int, None, None]:
        yield 1
        yield 2

    guard = sink()
    gate = guard._self_gate
    assert gate.policy == genlock.Policy(timeout=2.5, on_busy="raise", on_close="raise")
    assert gate.name == "sink"
    assert next(guard) == 2


def test_a_policy_and_options_that_override_it() -> None:
    policy = genlock.Policy(timeout=1, on_busy="raise")

    @genlock.coroutine(policy=policy, timeout=3)
    def sink() -> Generator[None, None, None]:
        yield

    assert sink()._self_gate.policy == genlock.Policy(timeout=3, on_busy="raise")


@pytest.mark.parametrize("decorator", [genlock.guarded, genlock.coroutine])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout": -1}, "timeout must be 0 or more seconds"),
        ({"timeout": "1"}, "timeout must be a number"),
        ({"on_close": "never"}, "on_close must be 'wait' or 'raise' or 'defer', not 'never'"),
        ({"patience": 1}, "the options are on_busy, on_reentry, on_close, timeout, warn_after"),
        ({"policy": "wait"}, "policy must be a genlock.Policy"),
    ],
)
def test_bad_options_are_refused_when_the_decorator_is_written(
    decorator: Callable[..., object], options: dict[str, Any], message: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        decorator(**options)


def test_coroutine_is_primed() -> None:
    @genlock.coroutine
    def echo() -> Generator[object, object, None]:
        value: object = "ready"
        while True:
            value = yield value

    assert echo().send("first") == "first"


def test_a_function_that_returns_an_iterator_will_do() -> None:
    @genlock.guarded
    def lines(text: str) -> Iterator[str]:
        return iter(text.splitlines())

    guard = lines("a\nb")
    assert type(guard) is genlock.GuardedIterator
    assert [*guard] == ["a", "b"]


def test_functions_are_pickled_and_copied_as_bare() -> None:
    assert pickle.loads(pickle.dumps(running_minimum)) is running_minimum
    assert copy.copy(running_minimum) is running_minimum
    assert copy.deepcopy({"f": running_minimum})["f"] is running_minimum
    method = pickle.loads(pickle.dumps(Meter("kg").method))
    assert [*method()] == ["kg"]


def test_a_decorated_function_can_be_made_partial_and_called_from_threads() -> None:
    made: list[object] = []
    primed = functools.partial(running_minimum, 5, scale=3)
    thread = threading.Thread(target=lambda: made.append(next(primed())))
    thread.start()
    thread.join()
    assert made == [15]


def test_a_forgotten_yield_is_named() -> None:
    @genlock.coroutine
    def sink() -> Generator[None, str, None]:  # type: ignore[empty-body]
        pass

    with pytest.raises(TypeError, match=r"sink returned None.* is there no yield in it"):
        sink()


def test_coroutine_says_that_it_primes_in_any_case() -> None:
    with pytest.raises(TypeError, match="always primes"):
        genlock.coroutine(prime=False)  # type: ignore[call-overload]


def test_a_refusal_names_the_decorator_that_was_used() -> None:
    with pytest.raises(TypeError, match=r"^@genlock\.coroutine takes a generator function, not 5$"):
        genlock.coroutine(5)  # type: ignore[call-overload]
