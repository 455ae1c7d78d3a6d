"""The functions of a module: where they are kept, which make generators, their other names."""

from __future__ import annotations

import functools
import inspect
import sys
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

import wrapt

from genlock._function_proxies import GuardedFunction, bare_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

_DEEPEST = 100  # wrappers around a function
_FUNCTIONS = (FunctionType, functools.partial, type(functools.cache(len)), wrapt.FunctionWrapper)
_ASYNC = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


class Place(NamedTuple):
    """Where a function is kept: the module or class, the attribute, and what is found there."""

    owner: Any
    attribute: str
    found: Any
    qualname: str


def functions(module: ModuleType) -> Iterator[Place]:
    """What can be called in a module and in the classes that are defined there, but no classes."""
    pending: list[tuple[Any, str]] = [(module, "")]
    while pending:
        owner, prefix = pending.pop()
        for name, found in vars(owner).copy().items():
            qualname = prefix + name
            if issubclass(type(found), type):
                # Not by every name that it has, nor where it was only imported to.
                if found.__module__ == module.__name__ and found.__qualname__ == qualname:
                    pending.append((found, f"{qualname}."))
            elif _is_callable(found):
                yield Place(owner, name, found, qualname)


def _is_callable(found: object) -> bool:
    kind = type(found)  # an object's own answers may come from wherever a proxy leads
    if issubclass(kind, staticmethod | classmethod):
        found = found.__func__  # type: ignore[attr-defined]  # both have it
    return callable(found) and not isinstance(found, type)


def kept_as(qualname: str, module: ModuleType | None) -> Any:
    """What is to be found under this name now."""
    found: Any = module
    for name in qualname.split("."):
        try:
            found = vars(found)[name]
        except (KeyError, TypeError):
            return None
    return found


def is_meant_by_wildcard(place: Place, module: ModuleType) -> bool:
    """Whether a wildcard means it: a function that the module defines, and that makes generators.

    What only returns those of another function looks like any function; it has to be named.
    """
    function = place.found
    if issubclass(type(function), staticmethod | classmethod):
        function = function.__func__
    if not issubclass(type(function), _FUNCTIONS) or function.__module__ != module.__name__:
        return False
    if place.attribute.startswith("__") and place.attribute.endswith("__"):
        return inspect.isgeneratorfunction(function)
    return any(_has_generators(inner.__code__) for inner in python_functions(function))


def python_functions(function: Any) -> Iterator[FunctionType]:
    """The function, and those that it is wrapped around by its own account."""
    for _ in range(_DEEPEST):
        if issubclass(type(function), staticmethod | classmethod):
            function = function.__func__
        elif type(function) is functools.partial:
            function = function.func
        elif issubclass(type(function), GuardedFunction):
            function = bare_of(function)
        elif issubclass(type(function), _FUNCTIONS):
            if type(function) is FunctionType:
                yield function
            function = getattr(function, "__wrapped__", None)
        else:
            return


def _has_generators(code: CodeType) -> bool:
    if code.co_flags & _ASYNC:
        return False
    inner = (each for each in code.co_consts if type(each) is CodeType)
    return bool(code.co_flags & inspect.CO_GENERATOR) or any(map(_has_generators, inner))


def other_names(places: list[Place]) -> Iterator[str]:
    """Where else the functions are to be found, in all modules: `module:name`."""
    functions = {id(place.found) for place in places}
    wrapped = {(id(vars(place.owner)), place.attribute) for place in places}
    for module_name, module in sys.modules.copy().items():
        try:  # past what a module that is loaded when it is used does about it
            names = object.__getattribute__(module, "__dict__")
        except AttributeError:
            continue
        for name, found in names.copy().items():
            if id(found) in functions and (id(names), name) not in wrapped:
                yield f"{module_name}:{name}"
