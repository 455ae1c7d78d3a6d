"""Refuses what the functions of the kit cannot work with, each time in one line."""

from __future__ import annotations

import inspect
import math
from collections.abc import Collection, Iterable
from typing import Any

_RUN_NOTHING = (
    (inspect.iscoroutinefunction, "an async function"),
    (inspect.isasyncgenfunction, "an async generator function"),
    (inspect.isgeneratorfunction, "a generator function"),
)


def check_function(what: str, given: Any) -> None:
    """Raise TypeError unless it is a function whose call runs something."""
    if not callable(given):
        raise TypeError(f"{what} must be a function, not {given!r}")
    for is_one, kind in _RUN_NOTHING:
        if is_one(given):
            raise TypeError(f"{what} is {kind}, {_name(given)!r}: to call it runs nothing of it")


def check_setup(given: Any) -> None:
    """Raise TypeError unless it is a function; one that makes a generator will do."""
    if not (callable(given) and inspect.isgeneratorfunction(given)):
        check_function("setup", given)


def check_functions(what: str, given: Any) -> None:
    """Raise TypeError or ValueError unless these are functions, and at least one."""
    if not isinstance(given, Collection) or isinstance(given, str | bytes):
        raise TypeError(f"{what} must be a list of functions, not {given!r}")
    if not given:
        raise ValueError(f"{what} must be functions, one for each thread: there are none")
    for number, each in enumerate(given, 1):
        check_function(f"T{number} of {what}", each)


def check_collection(what: str, given: Any, of: str) -> None:
    """Raise TypeError for what is no list, or would be used up by looking through it."""
    if not isinstance(given, Collection) or isinstance(given, str | bytes):
        raise TypeError(f"{what} must be a list of {of}, not {given!r}")


def check_iterable(what: str, given: Any) -> None:
    """Raise TypeError for what a loop cannot run over."""
    if not isinstance(given, Iterable):
        raise TypeError(f"{what} must be values, one after the other, not {given!r}")


def check_number(what: str, given: Any) -> None:
    """Raise TypeError for what is no whole number."""
    if not isinstance(given, int) or isinstance(given, bool):
        raise TypeError(f"{what} must be a whole number, not {given!r}")


def check_count(what: str, given: Any, least: int) -> None:
    """Raise TypeError or ValueError for what is no whole number from `least` on."""
    check_number(what, given)
    if given < least:
        raise ValueError(f"{what} must be {least} or more, not {given}")


def check_seconds(what: str, given: Any) -> None:
    """Raise TypeError or ValueError for what is no time to wait."""
    if not isinstance(given, int | float) or isinstance(given, bool):
        raise TypeError(f"{what} must be a number of seconds, not {given!r}")
    if math.isnan(given) or given <= 0:
        raise ValueError(f"{what} must be more than 0 seconds, not {given}")


def check_word(what: str, given: Any, words: tuple[str, ...]) -> None:
    """Raise ValueError for what is none of these words."""
    if given not in words:
        raise ValueError(f"{what} must be {' or '.join(map(repr, words))}, not {given!r}")


def check_method(what: str, given: Any, method: str, advice: str) -> None:
    """Raise TypeError for what does not have this method, or is a class."""
    if isinstance(given, type) or not callable(getattr(given, method, None)):
        raise TypeError(f"{what} must be {advice}, not {given!r}")


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", function))
