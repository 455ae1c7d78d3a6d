"""What an expression stands for in a frame, as far as it can be looked up running nobody's code."""

from __future__ import annotations

import ast
import inspect
from itertools import pairwise
from types import NoneType
from typing import TYPE_CHECKING, Any

from genlock._explaining._lookup import (
    UNKNOWN,
    attribute,
    is_its_own_iterator,
    item,
    variable,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

_LOCALS = "<locals>"
_OF_PLAIN_TRUTH = (NoneType, bool, int, float, str, bytes, tuple, list, dict, set, frozenset)


def value_of(node: ast.expr, frame: FrameType) -> object:
    """What an expression stands for in a frame, or UNKNOWN."""
    read = _READERS.get(type(node))
    return UNKNOWN if read is None else read(node, frame)


def _name(node: ast.Name, frame: FrameType) -> object:
    return variable(_mangled(node.id, frame.f_code), frame)


def _attribute(node: ast.Attribute, frame: FrameType) -> object:
    return attribute(value_of(node.value, frame), _mangled(node.attr, frame.f_code))


def _subscript(node: ast.Subscript, frame: FrameType) -> object:
    return item(value_of(node.value, frame), value_of(node.slice, frame))


def _constant(node: ast.Constant, _frame: FrameType) -> object:
    return node.value


def _named(node: ast.NamedExpr, frame: FrameType) -> object:
    return value_of(node.value, frame)


def _negative(node: ast.UnaryOp, frame: FrameType) -> object:
    value = value_of(node.operand, frame)
    return -value if isinstance(node.op, ast.USub) and type(value) is int else UNKNOWN


def _chosen(node: ast.BoolOp, frame: FrameType) -> object:
    for each in node.values[:-1]:
        value = value_of(each, frame)
        truth = _truth(value)
        if truth is None:
            return UNKNOWN
        if truth is isinstance(node.op, ast.Or):
            return value
    return value_of(node.values[-1], frame)


def _truth(value: object) -> bool | None:
    """Whether it counts as true; None where only its own code could tell."""
    kind = type(value)
    if kind in _OF_PLAIN_TRUTH:
        return bool(value)
    asked = (inspect.getattr_static(kind, name, UNKNOWN) for name in ("__bool__", "__len__"))
    return True if value is not UNKNOWN and all(each is UNKNOWN for each in asked) else None


def _called(node: ast.Call, frame: FrameType) -> object:
    """What `type` and `iter` return, of which it is known without calling them."""
    if len(node.args) != 1 or node.keywords:
        return UNKNOWN
    function, given = value_of(node.func, frame), value_of(node.args[0], frame)
    if given is not UNKNOWN and function is type:
        return type(given)
    is_same = (function is iter or function is aiter) and is_its_own_iterator(given)
    return given if is_same else UNKNOWN


_READERS: dict[type[ast.expr], Callable[[Any, FrameType], object]] = {
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Constant: _constant,
    ast.NamedExpr: _named,
    ast.UnaryOp: _negative,
    ast.BoolOp: _chosen,
    ast.Call: _called,
}


def _mangled(name: str, code: CodeType) -> str:
    """What a name is compiled to: a private one has the class in it that it is written in."""
    if not name.startswith("__") or name.endswith("__"):
        return name
    around = _class_around(code).lstrip("_")
    return f"_{around}{name}" if around else name


def _class_around(code: CodeType) -> str:
    """The innermost class whose source a piece of code is in; "" without one."""
    scopes = code.co_qualname.split(".")
    if not code.co_flags & inspect.CO_OPTIMIZED:
        scopes.append("")  # what the body of a class defines is in that class, and so is the body
    for outer, inner in reversed([*pairwise(scopes)]):
        if _LOCALS not in (outer, inner):
            return outer
    return ""
