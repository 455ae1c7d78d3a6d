"""What a user reads about programs that are run, and about functions that are guarded for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genlock._patterns import Pattern, Use


def matched_nothing(use: Use) -> str:
    """A pattern was of no use; what may have been meant."""
    module, function = use.pattern.module, use.pattern.function
    if not use.is_imported:
        why = f"no module {module!r} was imported"
        near = _or([f"{name}:{function}" for name in use.near])
    else:
        why = f"{module!r} has no such function"
        if "<locals>" in function:
            why += "; functions inside of functions can be guarded in __main__ alone"
        near = _or([f"{module}:{name}" for name in use.near])
    return f"{str(use.pattern)!r} guarded nothing: {why}." + (f" Nearest: {near}" if near else "")


def guarded_nothing(use: Use) -> str:
    """A pattern matched functions that returned no generator."""
    return (
        f"{str(use.pattern)!r} guarded nothing: {_some(use.matched)} returned no generator,"
        " or was not called."
    )


def escaped(use: Use) -> str:
    """Some had imported a function before it was guarded."""
    return (
        f"{str(use.pattern)!r} came too late for {_some(use.escaped)}: imported from"
        f" {use.pattern.module!r} before, and unguarded still. Guard it under that name, too."
    )


def not_wrapped(pattern: Pattern, error: BaseException) -> str:
    """Something about a module's functions failed while they were looked through."""
    return f"{str(pattern)!r} could not be applied: {type(error).__name__}: {error}"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _or(names: Sequence[str]) -> str:
    return " or ".join(names)


_SHOWN = 5
