"""`@guarded` and `@coroutine`: whatever they decorate answers as it did, and returns guards."""

import copy
import functools
import inspect
import pickle
import threading
import weakref
from collections.abc import Callable, Generator, Iterator
from types import MethodType
from typing import Any, TypeVar

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


class Maker:
    """Makes nothing, when it is called."""

    def __call__(self, *_: object) -> Iterator[str]:  # type: ignore[empty-body]
        pass


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (Maker(), "Maker"),
        (Maker().__call__, r"Maker\.__call__"),
        (functools.partial(Maker(), 1), "Maker"),
        (functools.partial(print, end=""), "print"),
        (Maker.__call__, r"Maker\.__call__"),
    ],
)
@pytest.mark.parametrize("decorator", [genlock.guarded, genlock.coroutine])
def test_so_is_what_is_no_function_and_makes_none(
    decorator: Callable[..., Any], function: Callable[..., Any], name: str
) -> None:
    with pytest.raises(TypeError, match=rf"^{name} returned None, where a generator"):
        decorator(function)("")
    with pytest.raises(TypeError, match=r"^sink returned None"):
        decorator(name="sink")(function)("")


def test_coroutine_says_that_it_primes_in_any_case() -> None:
    with pytest.raises(TypeError, match="always primes"):
        genlock.coroutine(prime=False)  # type: ignore[call-overload]


def test_a_refusal_names_the_decorator_that_was_used() -> None:
    with pytest.raises(TypeError, match=r"^@genlock\.coroutine takes a generator function, not 5$"):
        genlock.coroutine(5)  # type: ignore[call-overload]


# Under functools.wraps, which says of a function what another one is


def by(name: str, *, count: int = 1) -> Iterator[str]:
    """What is repeated."""
    yield from [name] * count


by.listed = True  # type: ignore[attr-defined]  # functions take any attribute

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
BARE: Decorator = lambda function: function  # noqa: E731  # in the place of a decorator
DECORATORS: list[Decorator] = [
    genlock.guarded,
    genlock.guarded(timeout=1),
    genlock.coroutine,
    lambda function: genlock.guarded(genlock.guarded(function)),
]


def louder(words: Callable[..., Iterator[str]], decorator: Decorator) -> Callable[..., Any]:
    @functools.wraps(words)
    @decorator
    def shouting(*args: Any, **options: Any) -> Generator[str, None, None]:
        yield "(primed)"
        for word in words(*args, **options):
            yield word.upper()

    return shouting


def louder_below(words: Callable[..., Iterator[str]], decorator: Decorator) -> Callable[..., Any]:
    @decorator
    @functools.wraps(words)
    def shouting(*args: Any, **options: Any) -> Generator[str, None, None]:
        yield "(primed)"
        for word in words(*args, **options):
            yield word.upper()

    return shouting


@pytest.mark.parametrize("decorator", DECORATORS)
@pytest.mark.parametrize("make", [louder, louder_below])
def test_a_call_runs_what_was_decorated(make: Callable[..., Any], decorator: Decorator) -> None:
    guard = make(by, decorator)("a", count=2)
    assert type(guard) is genlock.GuardedGenerator
    assert [*guard][-2:] == ["A", "A"]


@pytest.mark.parametrize("decorator", DECORATORS)
@pytest.mark.parametrize("make", [louder, louder_below])
def test_what_wraps_says_is_said_as_by_the_bare_function(
    make: Callable[..., Any], decorator: Decorator
) -> None:
    bare, decorated = make(by, BARE), make(by, decorator)
    said = [*functools.WRAPPER_ASSIGNMENTS, "__wrapped__", "__type_params__", "listed"]
    for name in said:
        assert getattr(decorated, name, None) == getattr(bare, name, None), name
    assert inspect.signature(decorated) == inspect.signature(bare) == inspect.signature(by)
    assert inspect.unwrap(decorated) is inspect.unwrap(bare) is by
    assert inspect.signature(decorated, follow_wrapped=False) == inspect.signature(
        bare, follow_wrapped=False
    )


def test_one_that_wraps_another_is_wrapped_in_turn() -> None:
    twice: Any = louder(louder(by, genlock.guarded), genlock.guarded)
    assert [*twice("a")] == ["(primed)", "(PRIMED)", "A"]
    assert inspect.unwrap(twice) is by
    assert [*functools.wraps(twice)(twice.__wrapped__)("a")] == ["(primed)", "A"]


def test_what_is_said_of_a_function_is_known_of_the_bare_one() -> None:
    bare: Any = louder(by, BARE)
    decorated: Any = genlock.guarded(bare)
    said = {
        "__annotations__": {"name": bytes},
        "__doc__": "Louder.",
        "__module__": "choir",
        "__name__": "loud",
        "__qualname__": "Choir.loud",
        "__type_params__": (TypeVar("T"),),
        "listed": False,
    }
    for name, value in said.items():
        setattr(decorated, name, value)
        assert getattr(bare, name) == getattr(decorated, name) == value


def test_without_wraps_it_is_put_around_the_bare_function() -> None:
    decorated: Any = genlock.guarded(by)
    assert decorated.__wrapped__ is inspect.unwrap(decorated) is by
    functools.update_wrapper(decorated, by)
    assert decorated.__wrapped__ is inspect.unwrap(decorated) is by
    assert inspect.signature(decorated) == inspect.signature(by)


@pytest.mark.parametrize("decorator", DECORATORS)
def test_what_wraps_says_can_be_taken_back(decorator: Decorator) -> None:
    bare: Any = louder(louder(by, BARE), BARE)
    decorated: Any = louder(louder(by, BARE), decorator)
    for function in (bare, decorated):
        del function.__wrapped__
    assert inspect.signature(decorated) == inspect.signature(bare)
    assert [*decorated("a")][-2:] == ["(PRIMED)", "A"]
    for function in (bare, decorated):
        with pytest.raises(AttributeError, match="__wrapped__"):
            del function.__wrapped__


class Choir:
    def __init__(self, part: str) -> None:
        self.part = part

    def plain(self, count: int) -> Iterator[str]:
        yield from [self.part] * count

    above = louder(plain, genlock.guarded)
    below = louder_below(plain, genlock.guarded)

    @classmethod
    @functools.wraps(by)
    @genlock.guarded
    def of_class(cls) -> Iterator[str]:
        yield cls.__name__

    @staticmethod
    @functools.wraps(by)
    @genlock.guarded
    def of_nobody() -> Iterator[str]:
        yield "nobody"


def test_methods_under_wraps_run_what_was_decorated() -> None:
    choir = Choir("alto")
    for method in (choir.above, choir.below):
        assert [*method(2)] == ["(primed)", "ALTO", "ALTO"]
        assert str(inspect.signature(method)).startswith("(count: int)")
    owners: list[Any] = [choir, Choir]
    for owner in owners:
        assert [*owner.of_class()] == ["Choir"]
        assert [*owner.of_nobody()] == ["nobody"]
        assert owner.of_class.__name__ == owner.of_nobody.__name__ == "by"


@pytest.mark.parametrize("kind", [classmethod, staticmethod])
def test_a_method_of_no_object_refuses_to_wrap_as_bare(kind: Any) -> None:
    bare = kind(lambda *_: iter("1"))
    for method in (bare, genlock.guarded(bare)):
        with pytest.raises(AttributeError):
            functools.update_wrapper(method, by)


loud_by = louder(by, genlock.guarded)
loud_by.__qualname__ = loud_by.__name__ = "loud_by"


def test_a_function_that_wraps_another_is_pickled_and_copied_as_bare() -> None:
    assert pickle.loads(pickle.dumps(loud_by)) is loud_by
    assert copy.copy(loud_by) is copy.deepcopy(loud_by) is loud_by


# Bound


def test_a_bound_method_is_what_it_is_bare() -> None:
    meter = Meter("kg")
    assert type(meter.method) is MethodType
    assert meter.method == meter.method
    assert meter.method.__func__ is Meter.method
    assert [*MethodType(Meter.method, Meter("lb"))()] == ["lb"]
    assert [*copy.deepcopy(meter.method)()] == ["kg"]


@pytest.mark.parametrize("name", ["method", "above_class", "below_class"])
def test_a_method_can_be_referred_to_weakly(name: str) -> None:
    meter = Meter("kg")
    method = weakref.WeakMethod(getattr(meter, name))
    bound = method()
    assert bound == getattr(meter, name)
    assert isinstance(bound and bound(), genlock.GuardedIterator)
