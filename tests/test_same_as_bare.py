"""A bare generator and a guard, driven alike, cannot be told apart (Hypothesis)."""

from __future__ import annotations

import copy
import gc
import inspect
import os
import pickle
import re
import sys
import weakref
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import wrapt
from hypothesis import example, given, settings
from hypothesis import strategies as st

import genlock
from genlock._interpreter import _stacks

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from types import TracebackType

PROXIES = (
    os.path.dirname(genlock.__file__),  # noqa: PTH120  # as code objects name files
    os.path.dirname(wrapt.__file__),  # noqa: PTH120
)


class CustomError(Exception):
    pass


class CustomBaseError(BaseException):
    pass


class UnmakableError(Exception):
    def __init__(self) -> None:
        raise KeyError("no such error")


Step = tuple[str, Any]
Operation = tuple[str, Any]

caught = [CustomError, KeyError, ValueError, GeneratorExit, StopIteration, BaseException]
raised = [CustomError, CustomBaseError, StopIteration, ValueError, GeneratorExit]
bodies = st.lists(
    st.one_of(
        st.tuples(st.just("yield"), st.integers()),
        st.tuples(st.just("swallow"), st.sampled_from(caught)),
        st.tuples(st.just("wrap"), st.sampled_from(["from", "in", "from None"])),
        st.tuples(st.just("delegate"), st.integers(0, 3)),
        st.tuples(st.just("finally"), st.integers()),
        st.tuples(st.just("return"), st.integers()),
        st.tuples(st.just("raise"), st.sampled_from(raised)),
        st.just(("raise what is sent", None)),
        st.tuples(st.just("itself"), st.sampled_from(["next", "send", "throw", "close"])),
    ),
    max_size=8,
)

thrown = st.sampled_from(
    [
        *[(kind,) for kind in (*raised, KeyError, KeyboardInterrupt, UnmakableError, int)],
        *[(partial(kind, "thrown"),) for kind in (*raised, KeyError, SystemExit)],
        (KeyError, "thrown"),
        (CustomError, None, None),
        ("no exception",),
        (),
    ]
)
SENT_ERROR = partial(KeyError, "sent")
calls = st.one_of(
    st.just(("next", None)),
    st.tuples(
        st.just("send"), st.one_of(st.none(), st.integers(), st.just(partial(KeyError, "sent")))
    ),
    st.tuples(st.just("throw"), thrown),
    st.just(("close", None)),
)
operations = st.lists(
    st.one_of(
        calls,
        st.tuples(st.just("handling"), calls),
        st.tuples(st.just("yield from"), st.lists(calls, max_size=4)),
        st.tuples(st.just("for"), st.integers(0, 3)),
        st.tuples(
            st.just("call"),
            st.sampled_from([repr, str, copy.copy, copy.deepcopy, pickle.dumps, len, bool]),
        ),
    ),
    max_size=12,
)


class Subject:
    """A generator, bare or guarded: what was seen of it, from inside and from outside."""

    def __init__(self, steps: list[Step], wrap: Callable[[Any], Any]) -> None:
        self.log: list[object] = []
        self.kept: list[object] = []
        self.made = wrap(body(steps, self.log, self.kept, lambda: reference()))  # noqa: PLW0108  # it comes later
        log = self.log
        self.reference = reference = weakref.ref(self.made, lambda _: log.append("dead"))

    def observed(self) -> dict[str, object]:
        made = self.made
        frame = made.gi_frame
        return {
            "state": inspect.getgeneratorstate(made),
            "locals": [*inspect.getgeneratorlocals(made)],
            "running": made.gi_running,
            "suspended": made.gi_suspended,
            "at": frame and (frame.f_lineno, frame.f_lasti),
            "yield from": type(made.gi_yieldfrom),
            "code": made.gi_code,
            "names": (made.__name__, made.__qualname__, made.__doc__),
            "log": list(self.log),
            "alive": self.reference() is made,
        }

    def drop(self, ending: str) -> None:
        """Let go of it; in a cycle it waits for the collector."""
        if ending == "in a cycle":
            self.kept.append(self.made)
        del self.made
        self.kept = []

    def remains(self) -> object:
        return list(self.log), self.reference() is None


def body(
    steps: list[Step], log: list[object], _kept: list[object], itself: Callable[[], Any]
) -> Generator[object, object, object]:
    """Does what the steps say; writes down what it is given, and what it sees handled."""
    for kind, value in steps:
        log.append(sys.exc_info()[0])
        if kind == "return":
            return value
        if kind == "finally":
            try:
                yield value
            finally:
                log.append("finally")
        elif kind == "itself":
            log.append(answer(partial(apply, itself(), value, (KeyError,))))
        else:
            log.append(seen((yield from PARTS[kind](value))))
    return "end"


def yielding(value: object) -> Generator[object, object, object]:
    return (yield value)


def swallowing(kind: type[BaseException]) -> Generator[object, object, object]:
    try:
        return (yield "to swallow")
    except kind as error:
        return described(error), seen((yield "swallowed"))


def wrapping(how: str) -> Generator[object, object, object]:
    """Wraps what is thrown in an error of its own."""
    try:
        return (yield how)
    except Exception as error:
        if how == "from":
            raise CustomError(how) from error
        if how == "from None":
            raise CustomError(how) from None
        raise CustomError(how)  # noqa: B904  # that the context comes by itself is wanted


def raising(kind: type[BaseException]) -> Generator[object, object, object]:
    raise kind("from the body")
    yield  # makes it a generator


def raising_what_is_sent(_value: object) -> Generator[object, object, object]:
    raise (yield)  # type: ignore[misc]  # a TypeError, where it is no exception


def counting(stop: int) -> Generator[object, object, object]:
    given: list[object] = []
    if stop % 2:
        yield from range(stop)
    else:
        for number in range(stop):
            given.append(seen((yield number)))  # noqa: PERF401  # a comprehension cannot yield
    return given


PARTS: dict[str, Callable[[Any], Generator[object, object, object]]] = {
    "yield": yielding,
    "swallow": swallowing,
    "wrap": wrapping,
    "raise": raising,
    "raise what is sent": raising_what_is_sent,
    "delegate": counting,
}


def apply(made: Any, operation: str, value: Any) -> object:
    return OPERATIONS[operation](made, value)


def handling(made: Any, call: Operation) -> object:
    try:
        raise LookupError("is being handled")  # noqa: TRY301  # the call has to find one
    except LookupError:
        return apply(made, *call)


def through(made: Any) -> Generator[object, object, object]:
    return (yield from made)


def by_yield_from(made: Any, made_calls: list[Operation]) -> object:
    outer = through(made)
    return [answer(partial(apply, outer, *call)) for call in made_calls]


def by_call(made: Any, function: Callable[[Any], object]) -> object:
    result = function(made)
    return re.sub("0x[0-9a-f]+", "0x…", result) if isinstance(result, str) else result


OPERATIONS: dict[str, Callable[[Any, Any], object]] = {
    "next": lambda made, _: next(made),
    "send": lambda made, value: made.send(called(value)),
    "throw": lambda made, args: made.throw(*map(called, args)),
    "close": lambda made, _: made.close(),
    "for": lambda made, stop: [item for _, item in zip(range(stop), made, strict=False)],
    "handling": handling,
    "yield from": by_yield_from,
    "call": by_call,
}


def called(value: Any) -> Any:
    """What stands for an instance, made anew for each of the two that are compared."""
    return value() if isinstance(value, partial) else value


def answer(call: Callable[[], object]) -> object:
    """What came of a call, as far as the caller can see."""
    try:
        return "returned", call()
    except BaseException as error:
        return "raised", described(error)


def seen(value: object) -> object:
    return described(value) if isinstance(value, BaseException) else value


def described(error: BaseException | None) -> object:
    """All of an error, but what guards add to it: their frames, notes, and types of its kind."""
    if error is None:
        return None
    kind, plain = type(error), error
    if isinstance(error, genlock.NotPrimedError):
        # It stands for the one that it was made of.
        assert error.__context__ is not None
        kind, plain = TypeError, error.__context__
    elif isinstance(error, genlock.ReentrantCallError):
        kind = ValueError
    return {
        "kind": kind,
        "args": error.args,
        "value": getattr(error, "value", None),
        "places": places(error.__traceback__),
        "cause": described(plain.__cause__),
        "context": described(plain.__context__),
        "is context shown": not plain.__suppress_context__,
    }


def places(traceback: TracebackType | None) -> list[tuple[str, int]]:
    found = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if not code.co_filename.startswith(PROXIES):
            found.append((code.co_qualname, traceback.tb_lineno))
        traceback = traceback.tb_next
    return found


@contextmanager
def finalisation_watched() -> Iterator[list[object]]:
    """The collector runs when it is told to; the errors of finalisers, which nobody can catch."""
    lost: list[object] = []
    gc.disable()
    try:
        with patch("sys.unraisablehook", lambda info: lost.append(repr(info.exc_value))):
            yield lost
    finally:
        gc.enable()


def history(
    steps: list[Step],
    sequence: list[Operation],
    ending: str,
    wrap: Callable[[Any], Any],
) -> list[object]:
    """All that is to be seen of a generator, from its making to its end."""
    with finalisation_watched() as lost:
        subject = Subject(steps, wrap)
        seen: list[object] = []
        for operation in sequence:
            seen += [operation, answer(partial(apply, subject.made, *operation))]
            seen.append(subject.observed())
            if wrap is genlock.guard:
                assert subject.made._self_gate.busy is False
        subject.drop(ending)
        seen.append(subject.remains())
        gc.collect(0)
        assert subject.reference() is None
        return [*seen, subject.remains(), lost]


EXAMPLES = 50 if _stacks.RUN_AT_ONCE else 500
"""On free-threaded builds each of the many collections is a full one."""


@settings(max_examples=EXAMPLES, deadline=None)
@example([("yield", 0)], [("throw", (partial(CustomError, "thrown"),))], "alone")
@example([("raise what is sent", None)], [("next", None), ("send", SENT_ERROR)], "alone")
@given(bodies, operations, st.sampled_from(["alone", "in a cycle"]))
def test_random_sequences_of_operations(
    steps: list[Step], sequence: list[Operation], ending: str
) -> None:
    bare = history(steps, sequence, ending, lambda made: made)
    assert history(steps, sequence, ending, genlock.guard) == bare
