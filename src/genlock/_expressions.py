"""What an expression that failed names, looked up without running anybody's code.

Only plain variables, attributes that are kept in an instance, a slot or a module, and items of
dicts, lists and tuples are looked up; what it would take a call to find out stays unknown.
"""

from __future__ import annotations

import ast
import gc
import inspect
import linecache
from itertools import islice
from types import (
    AsyncGeneratorType,
    CoroutineType,
    GeneratorType,
    MemberDescriptorType,
)
from typing import TYPE_CHECKING, NamedTuple

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

_OPERATIONS = {
    "send": "send",
    "throw": "throw",
    "close": "close",
    "__next__": "next",
    "__anext__": "anext",
    "asend": "asend",
    "athrow": "athrow",
    "aclose": "aclose",
}
_UNKNOWN = object()
_LONGEST_SCAN = 1000  # items of a dict: its own look-up may call the __eq__ of a key
_DEEPEST = 3  # itertools.chain(map(f, zip(g)))
_WIDTH = 60

_bases = type.__dict__["__mro__"].__get__


class Named(NamedTuple):
    """What a failing expression does, to what: the expression that names it, and the object."""

    operation: str = ""
    expression: str = ""
    found: object = None


def named(frame: FrameType, lasti: int, kind: Kind) -> Named:
    """The generator, coroutine or async generator that the expression at `lasti` is about."""
    code = frame.f_code
    if code.co_name in ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"):
        source = frame.f_locals.get(".0")  # the first loop of these is written outside
        if (found := _behind(source, kind)) is not None:
            return Named("next", "", found)
    node = _expression_at(code, lasti, frame)
    if node is None:
        return Named()
    operation, receiver = operation_in(node)
    text = ast.unparse(receiver)
    expression = text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
    found = _behind(_value(receiver, frame), kind)
    if found is not None or operation:
        return Named(operation, expression, found)
    return _only_one_within(receiver, frame, kind)


def _only_one_within(node: ast.expr, frame: FrameType, kind: Kind) -> Named:
    """What is handed to something that iterates: list(g), dict(zip(g, h)), f(*g)."""
    paths = [part for part in ast.walk(node) if isinstance(part, ast.Name | ast.Attribute)]
    found: dict[int, Named] = {}
    for path in paths:
        behind = _behind(_value(path, frame), kind)
        if behind is not None:
            found[id(behind)] = Named("next", ast.unparse(path), behind)
    running = [each for each in found.values() if is_running(each.found)]
    if len(found) == 1:
        return next(iter(found.values()))
    return running[0] if len(running) == 1 else Named("next")


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


def _expression_at(code: CodeType, lasti: int, frame: FrameType) -> ast.expr | None:
    positions = next(islice(code.co_positions(), lasti // 2, None), None)
    if positions is None:
        return None
    first, last, start, end = positions
    if first is None or last is None or start is None or end is None:
        return None
    lines = [
        linecache.getline(code.co_filename, number, frame.f_globals).encode()
        for number in range(first, last + 1)
    ]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    return _parsed(b"".join(lines).decode(errors="replace").strip())


def _parsed(text: str) -> ast.expr | None:
    """An expression, or what a loop runs over."""
    for source in (f"({text}\n)", text, f"{text} pass"):
        try:
            (node,) = ast.parse(source).body
        except (SyntaxError, ValueError):
            continue
        if isinstance(node, ast.For | ast.AsyncFor):
            return node.iter
        return node.value if isinstance(node, ast.Expr) else None
    return None


def operation_in(node: ast.expr) -> tuple[str, ast.expr]:
    """What the interpreter was asked to do, and of what."""
    if isinstance(node, ast.Await):
        operation, receiver = operation_in(node.value)
        return operation or "await", receiver
    if isinstance(node, ast.YieldFrom):
        return "yield from", node.value
    if isinstance(node, ast.Call):
        return _operation_called(node)
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
        return "next", node  # a loop: its position is that of what it runs over
    return "", node


def _operation_called(node: ast.Call) -> tuple[str, ast.expr]:
    function = node.func
    if isinstance(function, ast.Attribute) and function.attr in _OPERATIONS:
        return _OPERATIONS[function.attr], function.value
    if isinstance(function, ast.Name) and function.id in ("next", "anext") and node.args:
        return function.id, node.args[0]
    return "", node


def _value(node: ast.expr, frame: FrameType) -> object:
    if isinstance(node, ast.Name):
        return _variable(node.id, frame)
    if isinstance(node, ast.Attribute):
        return _attribute(_value(node.value, frame), node.attr)
    if isinstance(node, ast.Subscript):
        return _item(_value(node.value, frame), _value(node.slice, frame))
    if isinstance(node, ast.Constant):
        return node.value
    return _UNKNOWN


def _variable(name: str, frame: FrameType) -> object:
    variables = frame.f_locals
    # The body of a class may run in a mapping of its metaclass's making.
    if frame.f_code.co_flags & inspect.CO_OPTIMIZED or type(variables) is dict:
        try:
            return variables[name]
        except KeyError:
            pass
    found = dict.get(frame.f_globals, name, _UNKNOWN)
    return dict.get(frame.f_builtins, name, _UNKNOWN) if found is _UNKNOWN else found


def _attribute(obj: object, name: str) -> object:
    if obj is _UNKNOWN:
        return _UNKNOWN
    value = inspect.getattr_static(obj, name, _UNKNOWN)
    if type(value) is MemberDescriptorType:
        try:
            return value.__get__(obj)
        except AttributeError:
            return _UNKNOWN
    return value


def _item(container: object, key: object) -> object:
    if type(container) in (list, tuple) and type(key) is int:
        try:
            return container[key]  # type: ignore[index]  # is one of the two
        except IndexError:
            return _UNKNOWN
    if type(container) is dict and type(key) in (str, int) and len(container) <= _LONGEST_SCAN:
        for known, value in list(container.items()):
            if type(known) is type(key) and known == key:
                return value
    return _UNKNOWN


def _behind(obj: object, kind: Kind) -> object:
    """`obj`, if it is of this kind, else the running one that an iterator of C draws from."""
    for _ in range(_DEEPEST):
        if KINDS.get(type(obj)) == kind:
            return obj
        if _is_guard(obj):
            obj = object.__getattribute__(obj, "__wrapped__")
        elif _is_made_in_c(obj):
            drawn_from = [each for each in _drawn_from(obj) if _leads_on(each, kind)]
            if len(drawn_from) != 1:
                return None
            obj = drawn_from[0]
        else:
            return None
    return obj if KINDS.get(type(obj)) == kind else None


def _leads_on(obj: object, kind: Kind) -> bool:
    return KINDS.get(type(obj)) == kind or _is_guard(obj) or _is_made_in_c(obj)


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
