"""What is told of errors that were caught, and turned into others, inside of the generator."""

import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import genlock
from crew import PATIENCE, Worker, needs_gil
from test_explain import raised_by


class FeedError(Exception):
    """What a program makes of an error."""


def pull(rows: Iterator[int]) -> int:
    try:
        return next(rows)
    except ValueError as error:
        raise FeedError("wrapped") from error


def twice_wrapped(rows: Iterator[int]) -> int:
    try:
        return pull(rows)
    except FeedError as error:
        raise LookupError("wrapped again") from error


def wrapped_afterwards(rows: Iterator[int]) -> int:
    found: ValueError | None = None
    try:
        return next(rows)
    except ValueError as error:
        found = error
    raise FeedError("wrapped") from found


def replaced(rows: Iterator[int]) -> int:
    try:
        return next(rows)
    except ValueError:
        raise FeedError("replaced") from None


def in_a_group(rows: Iterator[int]) -> int:
    try:
        return next(rows)
    except ValueError as error:
        raise ExceptionGroup("all that failed", [error]) from None


def drawing_by(way: Callable[[Any], int]) -> Iterator[int]:
    """A generator that draws from itself in this way."""

    def rows() -> Generator[int]:
        yield way(itself)

    itself = rows()
    return itself


WAYS = [pull, twice_wrapped, wrapped_afterwards, replaced, in_a_group]


@pytest.mark.parametrize("way", WAYS)
def test_a_call_that_came_back_is_known_by_the_way_of_what_it_was_turned_into(
    way: Callable[[Any], int],
) -> None:
    rows = drawing_by(way)
    told = genlock.explain(raised_by(lambda: next(rows)))
    assert "'drawing_by.<locals>.rows'" not in told.text
    assert "'rows' was asked for a value while it was still running." in told.text
    assert "The call came back to itself:" in told.text
    assert "thread" not in told.text.replace("MainThread", "")
    assert told.sighting is not None
    (only,) = told.sighting.candidates
    assert only.inside is not None
    assert [step.site.function for step in only.inside.steps][-2:] == (
        ["twice_wrapped", "pull"] if way is twice_wrapped else ["rows", way.__name__]
    )


def test_the_same_in_the_body_of_the_generator() -> None:
    def rows() -> Generator[int]:
        try:
            yield next(itself)
        except ValueError as error:
            raise FeedError from error

    itself = rows()
    told = genlock.explain(raised_by(lambda: next(itself)))
    assert "'rows' was asked for a value while it was still running." in told.text


def test_the_lines_are_those_of_then() -> None:
    rows = drawing_by(pull)
    try:
        next(rows)
    except FeedError as error:
        failed = error
    with pytest.raises(FeedError) as raised:
        raise failed
    told = genlock.explain(raised.value)
    assert "next(rows)" in told.text
    assert "raise failed" not in told.text


def test_lines_that_nothing_has_kept_are_told_to_be_those_of_now() -> None:
    kept: list[str] = []
    errors: list[ValueError] = []

    def keeping(rows: Iterator[int]) -> int:
        try:
            return next(rows)
        except ValueError as error:
            kept.append(genlock.explain(error).text)
            errors.append(error)
            return 0

    rows = drawing_by(keeping)
    next(rows)
    assert "as it stands now" not in kept[0]
    later = genlock.explain(errors[0])
    assert later.sighting is not None
    (only,) = later.sighting.candidates
    assert only.inside is not None
    *callers, call = [step.remark for step in only.inside.steps]
    assert callers
    assert set(callers) == {"as it stands now"}
    assert call == "← this call"


def test_a_thread_that_nobody_knows_leaves_no_gap() -> None:
    with ThreadPoolExecutor(1) as pool:
        error = pool.submit(lambda: next(drawing_by(pull))).exception()
    assert error is not None
    text = genlock.explain(error).text
    path = text.partition("The call came back to itself:\n")[2].splitlines()[0]
    assert path.strip().startswith("<lambda>  "), text


@pytest.mark.parametrize("name", ["drawn", "driver"])
def test_without_the_way_both_are_possible_and_that_is_said(name: str) -> None:
    kept: list[ValueError] = []

    def driver(other: Iterator[int] | None = None) -> Generator[int]:
        if other is not None:
            next(other)
            return
        try:
            yield next(itself)
        except ValueError as error:
            kept.append(error)
        yield 0

    def drawn() -> Generator[int]:
        next(inner)
        yield 0

    inner = driver()
    itself = drawn() if name == "drawn" else driver(inner)
    list(itself)
    told = genlock.explain(kept[0])
    first, *_ = told.text.splitlines()
    assert first == (
        f"[GL011] {name!r} was asked for a value while it was running: maybe by way of itself,"
        " maybe for another thread."
    )
    same = "that is the same one" if name == "driver" else "drawn was running that"
    assert f"The call came out of driver: if {same}, it came back to itself; if not," in told.text
    (gap,) = told.not_known
    assert gap.startswith("who was running driver, which the failing call came out of:")


@needs_gil
def test_a_thread_that_is_inside_is_told_of_all_the_same() -> None:
    inside, leave = threading.Event(), threading.Event()

    def take() -> Generator[int]:
        yield 0
        inside.set()
        assert leave.wait(PATIENCE)
        yield 1

    shared = take()
    next(shared)
    holder = Worker(lambda: next(shared), name="holder")
    assert inside.wait(PATIENCE)
    told = genlock.explain(raised_by(lambda: next(drawing_by(lambda _: pull(shared)))))
    leave.set()
    holder.result()
    assert "'take' was asked for a value while another thread was inside." in told.text
    assert "holder" in told.text
