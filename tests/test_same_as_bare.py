"""A bare generator and a guard, driven alike, answer alike (Hypothesis)."""

import inspect
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import genlock


class CustomError(Exception):
    pass


Step = tuple[str, Any]

bodies = st.lists(
    st.one_of(
        st.tuples(st.just("yield"), st.integers()),
        st.tuples(st.just("swallow"), st.sampled_from([CustomError, KeyError, ValueError])),
        st.tuples(st.just("delegate"), st.integers(0, 3)),
        st.tuples(st.just("finally"), st.integers()),
        st.tuples(st.just("return"), st.integers()),
        st.tuples(st.just("raise"), st.sampled_from([CustomError, StopIteration, ValueError])),
    ),
    max_size=8,
)
operations = st.lists(
    st.one_of(
        st.just(("next", None)),
        st.tuples(st.just("send"), st.one_of(st.none(), st.integers())),
        st.tuples(
            st.just("throw"), st.sampled_from([CustomError, KeyError, GeneratorExit, StopIteration])
        ),
        st.just(("close", None)),
        st.just(("yield from", None)),
    ),
    max_size=15,
)


def body(steps: list[Step], log: list[object]) -> Generator[object, object, object]:
    """Does what the steps say; writes down what it is given."""
    for kind, value in steps:
        if kind == "yield":
            log.append((yield value))
        elif kind == "swallow":
            try:
                log.append((yield kind))
            except value as error:
                log.append(repr(error))
        elif kind == "delegate":
            delegate: Any = range(value) if value % 2 else inner(value, log)
            log.append((yield from delegate))
        elif kind == "finally":
            try:
                log.append((yield value))
            finally:
                log.append("finally")
        elif kind == "return":
            return value
        else:
            raise value("from the body")
    return "end"


def inner(stop: int, log: list[object]) -> Generator[object, object, object]:
    for number in range(stop):
        log.append((yield number))  # noqa: PERF401  # a comprehension cannot yield
    return "inner end"


def apply(generator: Any, operation: str, value: Any) -> object:
    if operation == "next":
        return next(generator)
    if operation == "send":
        return generator.send(value)
    if operation == "throw":
        return generator.throw(value("thrown"))
    if operation == "close":
        return generator.close()

    def through() -> Generator[object, object, object]:
        return (yield from generator)

    return next(through())


def answer(call: Callable[[], object]) -> object:
    """What came of a call, as far as the caller can see."""
    try:
        return "returned", call()
    except BaseException as raised:
        error = bare_error(raised)
        cause, context = repr(error.__cause__), repr(error.__context__)
        return "raised", type(error), error.args, getattr(error, "value", None), cause, context


def bare_error(error: BaseException) -> BaseException:
    """The error that a bare generator raises for it: NotPrimedError says more, and keeps that."""
    if isinstance(error, genlock.NotPrimedError):
        assert error.__context__ is not None
        return error.__context__
    return error


@settings(max_examples=500, deadline=None)
@given(bodies, operations)
def test_random_sequences_of_operations(steps: list[Step], calls: list[tuple[str, Any]]) -> None:
    bare_log: list[object] = []
    guard_log: list[object] = []
    bare: Any = body(steps, bare_log)
    guard = genlock.guard(body(steps, guard_log))
    for operation, value in calls:
        expected = answer(partial(apply, bare, operation, value))
        assert answer(partial(apply, guard, operation, value)) == expected
        assert guard_log == bare_log
        assert inspect.getgeneratorstate(guard) == inspect.getgeneratorstate(bare)
        assert guard.gi_running is bare.gi_running is False
        assert (guard.gi_yieldfrom is None) == (bare.gi_yieldfrom is None)
        assert guard._self_gate.busy is False
    del bare, guard
    assert guard_log == bare_log
