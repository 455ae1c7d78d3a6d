"""Looks up what a name leads to, and the state of generators, running nobody's code.

Only plain variables, attributes that are kept in an instance, a slot or a module, and items of
dicts, lists and tuples are looked up; what it would take a call to find out stays unknown.
"""

from __future__ import annotations

import gc
import inspect
from functools import partial
from types import (
    AsyncGeneratorType,
    BuiltinMethodType,
    CoroutineType,
    GeneratorType,
    MemberDescriptorType,
    MethodWrapperType,
)
from typing import TYPE_CHECKING

from genlock._guard import GuardedIterator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType

    from genlock._records import Kind

KINDS: dict[type, Kind] = {
    GeneratorType: "generator",
    CoroutineType: "coroutine",
    AsyncGeneratorType: "async generator",
}

UNKNOWN = object()
"""Stands for what it would take a call to find out."""
_LONGEST_SCAN = 1000  # items of a tuple, or of a dict: its own look-up may call a key's __eq__
_DEEPEST = 4  # itertools.chain(map(f, zip(g)))

_CLASS = object.__dict__["__class__"]
_bases = type.__dict__["__mro__"].__get__


def is_running(obj: object) -> bool:
    """Whether a generator, coroutine or async generator of the interpreter's is executing."""
    if type(obj) is GeneratorType:
        return obj.gi_running
    if type(obj) is CoroutineType:
        return obj.cr_running
    return type(obj) is AsyncGeneratorType and obj.ag_running


def frame_of(obj: object) -> FrameType | None:
    """The frame of a generator, coroutine or async generator that has not ended."""
    if type(obj) is GeneratorType:
        return obj.gi_frame
    if type(obj) is CoroutineType:
        return obj.cr_frame
    return obj.ag_frame if type(obj) is AsyncGeneratorType else None


def code_of(obj: object) -> CodeType | None:
    """The code of a generator, coroutine or async generator."""
    if type(obj) is GeneratorType:
        return obj.gi_code
    if type(obj) is CoroutineType:
        return obj.cr_code
    return obj.ag_code if type(obj) is AsyncGeneratorType else None


def variable(name: str, frame: FrameType) -> object:
    """What a name stands for in a frame, or UNKNOWN."""
    variables = frame.f_locals
    # The body of a class may run in a mapping of its metaclass's making.
    if frame.f_code.co_flags & inspect.CO_OPTIMIZED or type(variables) is dict:
        try:
            return variables[name]
        except KeyError:
            pass
    found = dict.get(frame.f_globals, name, UNKNOWN)
    return dict.get(frame.f_builtins, name, UNKNOWN) if found is UNKNOWN else found


def attribute(obj: object, name: str) -> object:
    """What an object keeps under a name, or UNKNOWN."""
    if obj is UNKNOWN:
        return UNKNOWN
    value = inspect.getattr_static(obj, name, UNKNOWN)
    if type(value) is MemberDescriptorType:
        try:
            return value.__get__(obj)
        except AttributeError:
            return UNKNOWN
    return type(obj) if value is _CLASS else value


def item(container: object, key: object) -> object:
    """What a list, tuple or dict has at an index or key, or UNKNOWN."""
    if type(container) in (list, tuple) and type(key) is int:
        try:
            return container[key]  # type: ignore[index]  # is one of the two
        except IndexError:
            return UNKNOWN
    if type(container) is dict and type(key) in (str, int) and len(container) <= _LONGEST_SCAN:
        for known, value in list(container.items()):
            if type(known) is type(key) and known == key:
                return value
    return UNKNOWN


def behind(obj: object, kind: Kind) -> object:
    """`obj`, if it is of this kind, else the one that an iterator of C draws from."""
    found: list[object] = []
    pending = [(obj, 0)]
    while pending:
        each, depth = pending.pop()
        if KINDS.get(type(each)) == kind:
            if not any(each is other for other in found):
                found.append(each)
        elif depth < _DEEPEST and _is_guard(each):
            pending.append((object.__getattribute__(each, "__wrapped__"), depth + 1))
        elif depth < _DEEPEST and _is_made_in_c(each):
            pending += [(source, depth + 1) for source in _drawn_from(each)]
    return found[0] if len(found) == 1 else None


def parts(obj: object) -> Iterator[object]:
    """The first items of a tuple; what a partial calls, and with what; else the object itself."""
    if type(obj) is tuple:
        yield from obj[:_LONGEST_SCAN]
    elif type(obj) is partial:
        yield from (obj.func, *obj.args)
    else:
        yield obj


def method(obj: object) -> tuple[str, object]:
    """The name of a bound method of C, and what it is bound to; "" and None for all else."""
    if type(obj) is BuiltinMethodType or type(obj) is MethodWrapperType:
        return obj.__name__, obj.__self__
    return "", None


def is_its_own_iterator(obj: object) -> bool:
    """Whether `iter`, or `aiter`, of it is known to be the object itself."""
    return type(obj) in KINDS or _is_guard(obj) or _is_made_in_c(obj)


def _is_guard(obj: object) -> bool:
    return any(base is GuardedIterator for base in _bases(type(obj)))


def _is_made_in_c(obj: object) -> bool:
    """Whether it is an iterator or awaitable of the interpreter's, such as a map or an asend."""
    cls = type(obj)
    if type(cls) is not type or cls.__module__ not in ("builtins", "itertools"):
        return False
    return "__next__" in cls.__dict__


def _drawn_from(obj: object) -> Iterator[object]:
    for each in gc.get_referents(obj):
        if type(each) is tuple:  # zip, map and chain keep theirs in one
            yield from each
        else:
            yield each
