"""Guards what a function returns if that is a generator, whoever has written the function."""

from __future__ import annotations

from collections.abc import Generator
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from genlock._function_proxies import GuardedFunction
from genlock._guard import GuardedIterator, guard

if TYPE_CHECKING:
    from collections.abc import Callable

made_generators: set[str] = set()
"""The names of functions under `guarding_returns` that have returned a generator."""


def is_bare_generator(made: object) -> bool:
    """Whether it is a generator that nobody guards; asks no proxy what it stands for."""
    if type(made) is GeneratorType:
        return True
    kind = type(made)
    return issubclass(kind, Generator) and not issubclass(kind, GuardedIterator)


def guarding_returns(function: Callable[..., Any], name: str = "") -> Any:
    """Decorate a function that may return a generator, of its own making or not, or anything.

    It is noted under `name`, if given: a lambda has none of its own.
    """

    def call(wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
        made = wrapped(*args, **kwargs)
        if not is_bare_generator(made):
            return made
        # Where functools.wraps stands above, __qualname__ is that of another function.
        made_generators.add(name or wrapped.__code__.co_qualname)
        return guard(made)

    return GuardedFunction(function, call)  # type: ignore[call-arg]  # an object
