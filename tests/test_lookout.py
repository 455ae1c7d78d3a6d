"""Errors about generators are seen once each, when they are raised, and nothing is kept of them."""

from __future__ import annotations

import sys
import time
import weakref
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from crew import together
from genlock._lookout import _PLACES, _REMEMBERED, Lookout, Seen
from genlock._sighting import sight

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

pytestmark = pytest.mark.skipif(
    not hasattr(sys, "monitoring"), reason="this interpreter does not tell when an error is raised"
)


class Local:
    """Something that only the frames of an error hold."""


def echo() -> Generator[None, int, None]:
    yield


def send_early() -> None:
    local = Local()
    locals_of_frames.append(weakref.ref(local))
    cor = echo()
    cor.send(1)


locals_of_frames: list[weakref.ref[Local]] = []


@contextmanager
def looking_out() -> Iterator[tuple[Lookout, list[Seen]]]:
    seen: list[Seen] = []
    lookout = Lookout(lambda _, each: seen.append(each))
    assert lookout.start()
    try:
        yield lookout, seen
    finally:
        lookout.stop()


def test_an_error_is_seen_once_however_often_it_passes_and_is_raised_again() -> None:
    def pass_on() -> None:
        try:
            send_early()
        except TypeError as error:
            raise error from None

    def outermost() -> None:
        try:
            pass_on()
        finally:
            Local()

    with looking_out() as (_, seen), suppress(TypeError):
        outermost()
    (only,) = seen
    assert only.sighting is not None
    assert only.sighting.code == "GL012"


def test_an_error_is_seen_once_that_is_raised_again_from_another_where_it_came() -> None:
    def fail() -> None:
        cor = echo()
        try:
            cor.send(1)
        except TypeError as error:
            raise error from KeyError(1)

    with looking_out() as (_, seen), suppress(TypeError):
        fail()
    assert [each.number for each in seen] == [1]


def test_a_stop_iteration_that_came_out_of_a_body_is_seen_once() -> None:
    def leaky() -> Generator[int, None, None]:
        yield next(iter(()))

    def through() -> Generator[int, None, None]:
        yield from leaky()

    with looking_out() as (_, seen), suppress(RuntimeError):
        list(through())
    assert [each.sighting and each.sighting.code for each in seen] == ["GL013"]


def test_other_errors_are_not_looked_at() -> None:
    with looking_out() as (_, seen):
        for error in (ValueError("generator already executing!"), ValueError(), KeyError(1)):
            with suppress(ValueError, KeyError):
                raise error
    assert seen == []


def test_an_error_is_known_again_by_what_was_seen_of_it() -> None:
    with looking_out() as (lookout, seen):
        kept: list[TypeError] = []
        for _ in range(3):
            try:
                send_early()
            except TypeError as error:
                kept.append(error)
        assert [lookout.what_was_seen_of(error) for error in kept] == seen
        assert lookout.what_was_seen_of(TypeError()) is None
        assert [*lookout.numbers().values()] == [3]


def test_no_error_is_kept_alive() -> None:
    locals_of_frames.clear()
    with looking_out(), suppress(TypeError):
        send_early()
    (local,) = locals_of_frames
    assert local() is None


@pytest.mark.timeout(30)
def test_the_latest_errors_are_remembered_whichever_threads_they_are_of() -> None:
    lookout = Lookout(lambda *_: None)
    place = "", echo.__code__, 0
    kept: list[list[TypeError]] = []

    def remember() -> None:
        errors = [TypeError() for _ in range(2000)]
        for error in errors:
            lookout._remember(error, place)
        kept.append(errors)

    together(*[remember] * 4)
    assert len(lookout._seen) == len(lookout._latest) == _REMEMBERED
    assert all(id(error) in lookout._seen for error in kept[-1][-10:])


def test_an_error_at_the_address_of_a_former_one_is_remembered_as_long_as_others() -> None:
    lookout = Lookout(lambda *_: None)
    error = TypeError()
    for _ in range(_REMEMBERED + 1):
        lookout._remember(error, ("", echo.__code__, 0))
    assert lookout._seen[id(error)].number == _REMEMBERED + 1


def test_places_are_told_apart_up_to_a_number_and_all_errors_counted() -> None:
    lookout = Lookout(lambda *_: None)
    numbers = [
        lookout._remember(TypeError(), ("", echo.__code__, place)).number
        for place in range(_PLACES + 50)
    ]
    assert numbers == [1] * _PLACES + [*range(1, 51)]
    counted = lookout.numbers().values()
    assert (len(counted), sum(counted)) == (_PLACES + 1, _PLACES + 50)


def test_the_same_code_in_two_files_is_two_places() -> None:
    source = "def fail(cor):\n    cor.send(1)\n"
    with looking_out() as (lookout, seen):
        for file in ("one.py", "other.py"):
            names: dict[str, Any] = {}
            exec(compile(source, file, "exec"), names)
            with suppress(TypeError):
                names["fail"](echo())
    assert [each.number for each in seen] == [1, 1]
    assert [*lookout.numbers().values()] == [1, 1]


def test_of_errors_in_a_loop_most_are_only_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def slow_sight(*arguments: Any) -> object:
        now[0] += 1.0
        return sight(*arguments)

    monkeypatch.setattr("genlock._lookout.sight", slow_sight)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with looking_out() as (_, seen):
        for _ in range(201):
            with suppress(TypeError):
                send_early()
            now[0] += 0.5
    looked = [each.number for each in seen if each.sighting is not None]
    assert [each.number for each in seen] == [*range(1, 202)]
    assert looked == [1, 101, 201]
