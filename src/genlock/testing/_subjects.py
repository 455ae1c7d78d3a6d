"""Finds the generators that a subject holds, and what to call them."""

from __future__ import annotations

import gc
from collections import deque
from types import (
    BuiltinFunctionType,
    CodeType,
    FrameType,
    FunctionType,
    GeneratorType,
    MethodType,
    ModuleType,
)
from typing import TYPE_CHECKING, Any, NamedTuple

from genlock._guard import GuardedIterator, gate_of
from genlock._interpreter import _frames

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_OBJECTS = 20_000
"""A subject that holds more is an application; its generators are to be named by `watch`."""

_LEADS_TOO_FAR = (ModuleType, CodeType, FrameType)
_CALLED = (FunctionType, MethodType, BuiltinFunctionType)

_MADE_AT_RUN_TIME = 1 << 9
"""The flag of classes that are no part of the interpreter (Py_TPFLAGS_HEAPTYPE)."""

# As they are: a metaclass may have its own idea of attributes.
_bases_of = type.__dict__["__mro__"].__get__
_variables_of = type.__dict__["__dict__"].__get__


class Found(NamedTuple):
    """A generator, a name that it has alone, and whether it is a guard's."""

    generator: GeneratorType[Any, Any, Any]
    name: str
    is_guarded: bool


class Holdings(NamedTuple):
    """The generators of a subject, and whether all of it was looked through."""

    generators: list[Found]
    are_complete: bool


def holdings(subject: object) -> Holdings:
    """The generators that can be reached from `subject`.

    Guards are looked behind, and so are attributes, containers, closures and the variables of
    the generators themselves; of classes what is kept in them, but not their methods. Not
    modules and the globals of functions.
    """
    names: dict[int, str] = {}
    found: list[GeneratorType[Any, Any, Any]] = []
    objects = _Reachable(subject)
    for obj in objects:
        if issubclass(type(obj), GuardedIterator):
            names[id(obj.__wrapped__)] = gate_of(obj).name
        if type(obj) is GeneratorType:
            found.append(obj)
    used: dict[str, int] = {}
    named = []
    for generator in found:
        name = names.get(id(generator)) or _frames.short_name(generator.gi_code)
        used[name] = used.get(name, 0) + 1
        own = name if used[name] == 1 else f"{name} ({used[name]})"
        named.append(Found(generator, own, id(generator) in names))
    return Holdings(named, objects.are_all)


def codes(watch: Iterable[object]) -> Iterator[CodeType]:
    """The code of what is to be watched: generators, guards, functions, or what holds them.

    Raises TypeError for something in which there is nothing to watch.
    """
    for obj in watch:
        code = getattr(obj, "__code__", None)
        found = [code] if isinstance(code, CodeType) else _codes_in(obj)
        if not found:
            raise TypeError(f"watch=: there is no generator and no function in {obj!r}")
        yield from found


def _codes_in(obj: object) -> list[CodeType]:
    return [found.generator.gi_code for found in holdings(obj).generators]


class _Reachable:
    """What can be reached from an object, the nearest first.

    Of those that are too far away, at least all that the nearer ones hold themselves.
    """

    def __init__(self, subject: object) -> None:
        self.subject = subject
        self.are_all = True

    def __iter__(self) -> Iterator[Any]:
        seen = {id(self.subject)}
        waiting = deque([self.subject])
        expanded = 0
        while waiting:
            obj = waiting.popleft()
            yield obj
            if expanded == MOST_OBJECTS:
                self.are_all = False
                continue
            expanded += 1
            for near in _neighbours(obj):
                if id(near) not in seen and _can_hold(near):
                    seen.add(id(near))
                    waiting.append(near)


def _can_hold(obj: object) -> bool:
    # Free-threaded builds make classes and functions immortal, and the collector leaves those out.
    return gc.is_tracked(obj) or issubclass(type(obj), (type, *_CALLED))


def _neighbours(obj: Any) -> Iterable[object]:
    kind = type(obj)
    if issubclass(kind, GuardedIterator):
        return (obj.__wrapped__,)
    if kind is tuple or kind is list:
        return tuple(obj)  # the collector gives the last one first, and namesakes are numbered
    if issubclass(kind, type):
        return _kept_in_class(obj)
    if issubclass(kind, _CALLED):
        return _kept_for_calls(obj)
    return () if issubclass(kind, _LEADS_TOO_FAR) else gc.get_referents(obj)


def _kept_for_calls(function: Any) -> tuple[object, ...]:
    """What a function or a bound method works on."""
    if type(function) is FunctionType:
        return (*(function.__closure__ or ()), *(function.__defaults__ or ()))
    if type(function) is MethodType:
        return (function.__self__, function.__func__)
    return (function.__self__,)


def _kept_in_class(cls: type) -> tuple[object, ...]:
    """What a class and its bases have for all instances, functions and descriptors left out."""
    return tuple(
        value
        for base in _bases_of(cls)
        if base.__flags__ & _MADE_AT_RUN_TIME
        for value in _variables_of(base).values()
        if not hasattr(type(value), "__get__")
    )
