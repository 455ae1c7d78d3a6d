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
from typing import TYPE_CHECKING, Any

from genlock._guard import GuardedIterator, gate_of
from genlock._interpreter import _frames

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MOST_OBJECTS = 20_000
"""A subject that holds more is an application; its generators are to be named by `watch`."""

_LEADS_TOO_FAR = (ModuleType, type, CodeType, FrameType, BuiltinFunctionType)


def generators(subject: object) -> list[tuple[GeneratorType[Any, Any, Any], str]]:
    """The generators that can be reached from `subject`, each with a name of its own.

    Guards are looked behind, and so are attributes, containers, closures and the variables of
    the generators themselves; not modules, classes and the globals of functions.
    """
    names: dict[int, str] = {}
    found: list[GeneratorType[Any, Any, Any]] = []
    for obj in _reachable(subject):
        if issubclass(type(obj), GuardedIterator):
            names[id(obj.__wrapped__)] = gate_of(obj).name
        if type(obj) is GeneratorType:
            found.append(obj)
    used: dict[str, int] = {}
    named = []
    for generator in found:
        name = names.get(id(generator)) or _frames.short_name(generator.gi_code)
        used[name] = used.get(name, 0) + 1
        named.append((generator, name if used[name] == 1 else f"{name} ({used[name]})"))
    return named


def codes(watch: Iterable[object]) -> Iterator[CodeType]:
    """The code of what is to be watched: generators, guards, functions, or what holds them.

    Raises TypeError for something in which there is nothing to watch.
    """
    for obj in watch:
        code = getattr(obj, "__code__", None)
        found = [code] if isinstance(code, CodeType) else [g.gi_code for g, _ in generators(obj)]
        if not found:
            raise TypeError(f"watch=: there is no generator and no function in {obj!r}")
        yield from found


def _reachable(subject: object) -> Iterator[Any]:
    """What can be reached from `subject`, the nearest first."""
    seen = {id(subject)}
    waiting = deque([subject])
    while waiting and len(seen) < _MOST_OBJECTS:
        obj = waiting.popleft()
        yield obj
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
    if issubclass(kind, _LEADS_TOO_FAR):
        return ()
    return gc.get_referents(obj)
