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

_LEADS_TOO_FAR = (ModuleType, type, CodeType, FrameType, BuiltinFunctionType)


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
    the generators themselves; not modules, classes and the globals of functions.
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
                if id(near) not in seen and gc.is_tracked(near):
                    seen.add(id(near))
                    waiting.append(near)


def _neighbours(obj: Any) -> Iterable[object]:
    if issubclass(type(obj), GuardedIterator):
        return (obj.__wrapped__,)
    kind = type(obj)
    if kind is FunctionType:
        return (*(obj.__closure__ or ()), *(obj.__defaults__ or ()))
    if kind is MethodType:
        return (obj.__self__, obj.__func__)
    if kind is tuple or kind is list:
        return tuple(obj)  # the collector gives the last one first, and namesakes are numbered
    if issubclass(kind, _LEADS_TOO_FAR):
        return ()
    return gc.get_referents(obj)
