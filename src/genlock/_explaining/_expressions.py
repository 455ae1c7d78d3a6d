"""Finds the expression that failed, what it does, and the generator that it does it to."""

from __future__ import annotations

import ast
import dis
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from genlock._explaining._lookup import (
    UNKNOWN,
    attribute,
    behind,
    is_running,
    method,
    parts,
    variable,
)
from genlock._explaining._syntax import Span, call_ending_in, expression, parsed, unpacked_into
from genlock._explaining._values import value_of
from genlock._interpreter import _frames
from genlock._text import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType

    from genlock._records import Kind

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
_WIDTH = 60
_COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
_DRAWS = (dis.opmap["FOR_ITER"], dis.opmap["SEND"])
_UNPACKS = (dis.opmap["UNPACK_SEQUENCE"], dis.opmap["UNPACK_EX"])
_DRAWS_FROM_VALUE = (dis.opmap["FOR_ITER"], *_UNPACKS)
_PATHS = ast.Name | ast.Attribute | ast.Subscript


class Named(NamedTuple):
    """What a failing expression does, to what: the expression that names it, and the object."""

    operation: str = ""
    expression: str = ""
    found: object = None


def named(frame: FrameType, lasti: int, kind: Kind) -> Named:
    """The generator, coroutine or async generator that the expression at `lasti` is about."""
    code = frame.f_code
    if code.co_name in _COMPREHENSIONS and _is_at_first_loop(code, lasti):
        # What that runs over is written outside.
        return Named("next", "", behind(frame.f_locals.get(".0"), kind))
    node = _expression_at(frame, lasti)
    if node is None:
        return _named_in_bytecode(frame, lasti, kind)
    operation, receiver = operation_in(node)
    if _opcode(code, lasti) in _DRAWS_FROM_VALUE and receiver is not node:
        return Named("next")  # from what that has given
    text = cut(ast.unparse(receiver), _WIDTH)
    found = behind(value_of(receiver, frame), kind)
    if found is not None or operation:
        return Named(operation or "next", text, found)
    return _only_one_within(receiver, frame, kind)


def _is_at_first_loop(code: CodeType, lasti: int) -> bool:
    offset = _frames.instruction_at(code, lasti)
    return not any(code.co_code[before] in _DRAWS for before in range(0, offset, 2))


def _opcode(code: CodeType, lasti: int) -> int:
    return code.co_code[_frames.instruction_at(code, lasti)]


def _only_one_within(node: ast.expr, frame: FrameType, kind: Kind) -> Named:
    """What is handed on: list(g), dict(zip(g, h)), f(*g); map(g.send, h), self.target(*self.args).

    A method that is handed on, or called by another name, is more likely to fail than what is only
    drawn from.
    """
    found: dict[int, Named] = {}
    for path in ast.walk(node):
        if isinstance(path, ast.Name | ast.Attribute):
            for each in _handed_on(path, frame, kind):
                if each.found is not None:
                    found.setdefault(id(each.found), each)
    running = [each for each in found.values() if is_running(each.found)]
    called = [each for each in found.values() if each.operation != "next"]
    likely = running or called or list(found.values())
    return likely[0] if len(likely) == 1 else Named()


def _handed_on(path: ast.Name | ast.Attribute, frame: FrameType, kind: Kind) -> Iterator[Named]:
    """What a path may stand for: what is drawn from, or has a method that is called."""
    if isinstance(path, ast.Attribute) and path.attr in _OPERATIONS:
        owner = behind(value_of(path.value, frame), kind)
        yield Named(_OPERATIONS[path.attr], ast.unparse(path.value), owner)
        return
    value = value_of(path, frame)
    for part in parts(value):
        name, owner = method(part)
        if name in _OPERATIONS:
            yield Named(_OPERATIONS[name], "", behind(owner, kind))
        else:
            yield Named("next", ast.unparse(path) if part is value else "", behind(part, kind))


def _named_in_bytecode(frame: FrameType, lasti: int, kind: Kind) -> Named:
    """The same without the source: what the instructions of the failing expression load."""
    instructions = list(dis.get_instructions(frame.f_code))
    offset = _frames.instruction_at(frame.f_code, lasti)
    failing = next(each for each in instructions if each.offset == offset)
    operation, text = "next", ""
    value: object = UNKNOWN
    found: dict[int, Named] = {}
    for each in instructions[: instructions.index(failing)]:
        if not _is_part(each.positions, failing.positions):
            continue
        name = str(each.argval)
        if each.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            operation = _OPERATIONS.get(name, operation)
            value, text = attribute(value, name), f"{text}.{name}"
        elif each.opname.startswith("LOAD_") and each.opname != "LOAD_CONST":
            value, text = variable(name, frame), name
        if (drawn := behind(value, kind)) is not None:
            found.setdefault(id(drawn), Named("", text, drawn))
    if len(found) != 1:
        return Named(operation)
    (only,) = found.values()
    return only._replace(operation=operation)


def _is_part(positions: dis.Positions | None, whole: dis.Positions | None) -> bool:
    if positions is None or whole is None or None in positions or None in whole:
        return False
    first, last, start, end = positions
    return (whole[0], whole[2]) <= (first, start) and (last, end) <= (whole[1], whole[3])


def _expression_at(frame: FrameType, lasti: int) -> ast.expr | None:
    code = frame.f_code
    positions = next(islice(code.co_positions(), lasti // 2, None), None)
    if positions is None:
        return None
    first, last, start, end = positions
    if first is None or last is None or start is None or end is None:
        return None
    span = Span(first, last, start, end)
    if _opcode(code, lasti) in _UNPACKS:
        return _found_in_source(frame, span, unpacked_into)
    lines = [_frames.source_line(frame, number).encode() for number in range(first, last + 1)]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    node = expression(b"".join(lines).decode(errors="replace").strip())
    if _may_be_cut(node):
        return _found_in_source(frame, span, call_ending_in) or node
    return node


def _may_be_cut(node: ast.expr | None) -> bool:
    """Whether it may be the rest of a call: what is called stands on a line before its method."""
    function = node.func if isinstance(node, ast.Call) else None
    return isinstance(function, ast.Name) and function.id in _OPERATIONS


def _found_in_source(
    frame: FrameType, span: Span, find: Callable[[ast.Module, Span], ast.expr | None]
) -> ast.expr | None:
    tree = parsed(_frames.source(frame))
    return find(tree, span) if tree is not None else None


def operation_in(node: ast.expr) -> tuple[str, ast.expr]:
    """What the interpreter was asked to do, and of what."""
    if isinstance(node, ast.Await):
        operation, receiver = operation_in(node.value)
        return operation or "await", receiver
    if isinstance(node, ast.YieldFrom):
        return "yield from", node.value
    if isinstance(node, ast.Call):
        return _operation_called(node)
    if isinstance(node, _PATHS):
        return "next", node  # a loop: its position is that of what it runs over
    return "", node


def _operation_called(node: ast.Call) -> tuple[str, ast.expr]:
    function = node.func
    if isinstance(function, ast.Attribute) and function.attr in _OPERATIONS:
        return _OPERATIONS[function.attr], function.value
    if isinstance(function, ast.Name) and function.id in ("next", "anext") and node.args:
        return function.id, node.args[0]
    return "", node
