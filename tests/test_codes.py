"""Every code has a page, and what the page shows is what happens."""

import gc
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import genlock
from genlock._explaining._codes import PAGES
from genlock._explaining._protocol import FAULTS

ERRORS = [
    error
    for error in vars(genlock).values()
    if isinstance(error, type) and issubclass(error, genlock.GenlockError) and error.code
]
SHOWN_TO_FAIL = [page.code for page in PAGES.values() if page.wrong]


@pytest.fixture
def uncaught(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[BaseException]]:
    """What the threads of an example raise, once they have ended."""
    errors: list[BaseException] = []
    before = set(threading.enumerate())
    monkeypatch.setattr(threading, "excepthook", lambda args: errors.append(args.exc_value))
    # Of a generator that ignores GeneratorExit when it is closed, and again when it is collected.
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    yield errors
    gc.collect()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()


def run(code: str) -> None:
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(code, "page.py", "exec"), names)


def test_every_error_has_a_page_and_every_page_an_error() -> None:
    assert set(PAGES) == {error.code for error in ERRORS} | {fault.code for fault in FAULTS}


def test_pages_name_the_errors_of_their_code() -> None:
    named = {(code, error) for code, page in PAGES.items() for error in page.errors}
    own = {(error.code, f"genlock.{error.__name__}") for error in ERRORS}
    # An aclose() that is sent a value before it has begun says this, and nobody does that.
    rare = "RuntimeError: can't send non-None value to a just-started coroutine"
    others = {(fault.code, fault.error) for fault in FAULTS if fault.error != rare}
    assert named == own | others


@pytest.mark.parametrize("code", SHOWN_TO_FAIL)
def test_example_that_fails_gets_the_error(code: str, uncaught: list[BaseException]) -> None:
    try:
        run(PAGES[code].wrong)
    except Exception as error:
        uncaught.append(error)
    assert code in [genlock.explain(error).code for error in uncaught]


@pytest.mark.parametrize("code", PAGES)
def test_example_that_works_works(code: str, uncaught: list[BaseException]) -> None:
    if code == "GL005":
        compile(PAGES[code].right, "page.py", "exec")  # it would change every fork to come
        return
    run(PAGES[code].right)
    assert uncaught == []


@pytest.mark.parametrize("code", PAGES)
def test_page_fits_a_terminal(code: str) -> None:
    assert max(map(len, str(PAGES[code]).splitlines())) <= 100
