"""Which pattern `genlock run --guard` has to be given so that a generator comes out guarded."""

from __future__ import annotations

import ast
import inspect
import sys
from textwrap import dedent
from tokenize import TokenError
from typing import TYPE_CHECKING

from genlock._explaining._lookup import UNKNOWN, attribute
from genlock._explaining._syntax import parsed
from genlock._interpreter import _frames
from genlock._interpreter._functions import python_functions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType

_INSIDE = ".<locals>."
_MOST_LINES = 1000


def pattern_for(code: CodeType, frame: FrameType | None) -> str:
    """The pattern for a generator of this code; "" where none is sure to do.

    In a program any function can be guarded, in a module what has a name there: a generator made
    by a function inside of another one only if that one returns it.
    """
    names = {} if frame is None else frame.f_globals
    module, function = names.get("__name__"), code.co_qualname
    if module == "__main__":
        return f"{module}:{function}" if code.co_filename == names.get("__file__") else ""
    outer, inside, inner = function.partition(_INSIDE)
    found: object = sys.modules.get(str(module), UNKNOWN)
    for name in outer.split("."):
        found = attribute(found, name)
    if not callable(found) and type(found) not in (staticmethod, classmethod):
        return ""
    if inside and (frame is None or inner not in _returned_by(found, frame)):
        return ""
    return f"{module}:{outer}"


def _returned_by(found: object, frame: FrameType) -> Iterator[str]:
    """The functions inside of a function whose generators it returns, by its source."""
    functions = list(python_functions(found))
    if not functions or functions[-1].__code__.co_filename != frame.f_code.co_filename:
        return
    first = functions[-1].__code__.co_firstlineno
    lines = [_frames.source_line(frame, first + number) for number in range(_MOST_LINES)]
    try:
        tree = parsed(dedent("".join(inspect.getblock(lines))))
    except (SyntaxError, TokenError):  # it is not the source that was compiled
        return
    for node in ast.walk(tree) if tree is not None else ():
        made = node.value if isinstance(node, ast.Return) else None
        if isinstance(made, ast.GeneratorExp):
            yield "<genexpr>"
        elif isinstance(made, ast.Call) and isinstance(made.func, ast.Name):
            yield made.func.id
