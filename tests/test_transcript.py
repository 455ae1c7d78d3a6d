"""Transcripts tell what went into a generator and what came out; drive() what it yields."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

import genlock
from genlock.testing import Transcript, drive, transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


def mean() -> Generator[float | None, float, str]:
    total, count = 0.0, 0
    average = None
    while True:
        try:
            value = yield average
        except KeyError:
            return "enough"
        total += value
        count += 1
        average = total / count


@pytest.mark.parametrize("made", [mean, lambda: genlock.guard(mean())])
def test_every_call_is_a_line(made: Callable[[], Any]) -> None:
    seen = transcript(made())
    next(seen)
    assert seen.send(10) == 10
    assert seen.send(20) == 15
    with pytest.raises(StopIteration) as stop:
        seen.throw(KeyError("no more"))
    assert stop.value.value == "enough"
    seen.close()
    assert str(seen) == (
        "next(): yielded None\n"
        "send(10): yielded 10.0\n"
        "send(20): yielded 15.0\n"
        "throw(KeyError('no more')): returned 'enough'\n"
        "close(): returned None\n"
    )


def test_an_error_is_a_line_and_comes_out() -> None:
    seen = transcript(mean())
    next(seen)
    with pytest.raises(TypeError):
        seen.send("ten")
    assert seen.lines[-1].startswith("send('ten'): raised TypeError(")


def test_a_loop_is_written_down() -> None:
    seen = transcript(iter("ab"))
    assert list(seen) == ["a", "b"]
    assert seen.lines == ["next(): yielded 'a'", "next(): yielded 'b'", "next(): returned None"]


def test_addresses_are_left_out() -> None:
    seen = transcript(iter([object()]))
    assert isinstance(seen, Transcript)
    next(seen)
    assert str(seen) == "next(): yielded <object object at 0x…>\n"


@pytest.mark.parametrize("made", [mean, lambda: genlock.guard(mean())])
def test_drive_gives_what_is_yielded_for_each_value(made: Callable[[], Any]) -> None:
    cor = made()
    assert drive(cor, [10, 20, 30]) == [10, 15, 20]
    assert drive(cor, [0]) == [15], "it goes on where it was"


def test_drive_gives_what_came_before_the_end() -> None:
    def two() -> Generator[str, str, None]:
        first = yield ""
        yield first.upper()

    assert drive(two(), "abc") == ["A"]
    assert drive(two(), []) == []
    ended = two()
    ended.close()
    assert drive(ended, "ab") == []


def test_drive_raises_what_the_body_raises() -> None:
    with pytest.raises(ZeroDivisionError), contextlib.closing(divide()) as cor:
        drive(cor, [1, 0])


def divide() -> Generator[float, int, None]:
    quotient = 0.0
    while True:
        quotient = 1 / (yield quotient)


@pytest.mark.parametrize("given", [mean, None, [1]])
def test_what_is_no_generator_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match=r"^gen must be a generator, a guard or another .*, not "):
        transcript(given)
    with pytest.raises(TypeError, match=r"^gen must be a generator or a guard of one, not "):
        drive(given, [1])


def test_values_are_checked_before_anything_is_sent() -> None:
    cor = mean()
    with pytest.raises(TypeError, match=r"^values must be values, one after the other, not 5$"):
        drive(cor, 5)  # type: ignore[arg-type]
    assert next(cor) is None, "not started"
