"""A twin of the flag gate's `send` that also records.

Made from the source of `send` itself, so that the lines the gate stands on are the same by
construction: only the line that resumes the generator is another one. A hook that is called
instead of the generator would take 45 ns more for each call.
"""

# ruff: noqa: F821  # what the twin finds in the globals of `send`, nothing here has

from __future__ import annotations

import ast
import inspect
from types import CodeType
from typing import TYPE_CHECKING, Any, cast

from genlock._traces import _clock

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from types import FrameType

    from genlock._flag_gate import FlagGate
    from genlock._tracing._log import Track

    # What stands in the globals of `send` while a recording runs.
    _own: threading.local
    _begin_track: Callable[[], Track]
    _read_clock: Callable[[], float]
    _caller: Callable[[int], FrameType]
    _raw_next: Callable[..., object]
    _raw_elsewhere: Callable[..., object]
    _failed: Callable[..., None]
    _is_interruption: Callable[[BaseException], bool]


def _resume(self: FlagGate, value: Any) -> Any:
    """What stands in the twin for `return self.resume(value)`."""
    # Hot path. Nothing is kept that would keep a frame, a generator or a value alive.
    # 3.11 looks a slot up quickly, but not as a method: so each is taken before it is called.
    try:
        track = _own.track
    except AttributeError:
        track = _begin_track()
    append = track.append
    resume = self.resume
    begin = _read_clock()
    try:
        result = resume(value)
    except BaseException as error:
        _failed(self, track, begin, value, error)
        raise
    end = next(track.clock)
    try:
        if value is None:
            append(_raw_next(self, track, begin, end, _caller(1)))
        else:
            caller = _caller(1)
            append((self.traced, track, begin, end, caller.f_code, caller.f_lasti))
    except Exception as error:  # its first one, or no Python code called it
        try:
            if _is_interruption(error):
                raise
            append(_raw_elsewhere(self, track, value, begin, end))
        except (RecursionError, MemoryError):  # no room to tell of it; the value has to come out
            pass
    return result


def recording(original: CodeType) -> CodeType | None:
    """The code of the twin of `send`, whose code is given; None where its source is not there."""
    tree, template = _source_of(original), _source_of(_resume.__code__)
    if tree is None or template is None:
        return None
    function = next(node for node in ast.walk(template) if _is_template(node))
    substitution = _Substitution(cast("ast.FunctionDef", function))
    substitution.visit(tree)
    if substitution.count != 1:
        return None
    return _compiled(ast.fix_missing_locations(tree), original)


def _is_template(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == _resume.__name__


def _source_of(code: CodeType) -> ast.Module | None:
    """The syntax tree of a function's module; None where the code was made from another one.

    A newer version may have been installed since the program began.
    """
    try:
        tree = ast.parse("".join(inspect.findsource(code)[0]))
        compiled = _compiled(tree, code)
    except (OSError, TypeError, SyntaxError, AttributeError, IndexError, ValueError):
        return None
    told = ((it.co_code, it.co_consts, it.co_names, it.co_varnames) for it in (compiled, code))
    return tree if next(told) == next(told) else None


def _compiled(tree: ast.Module, original: CodeType) -> CodeType:
    """The code of a function of the same name, compiled with all of its module.

    That decides how names are looked up. Raises ValueError if there is no such function.
    """
    found = [compile(tree, original.co_filename, "exec", dont_inherit=True)]
    for code in found:
        if code.co_qualname == original.co_qualname:
            return code
        found += [it for it in code.co_consts if isinstance(it, CodeType)]
    raise ValueError(original.co_qualname)


class _Substitution(ast.NodeTransformer):
    """Puts the template in the place of the statement that resumes the generator."""

    def __init__(self, template: ast.FunctionDef) -> None:
        self.count = 0
        self._statements = [_ClockReading().visit(node) for node in template.body[1:]]

    def visit_Return(self, node: ast.Return) -> Any:  # the name is ast's
        if ast.unparse(node) != "return self.resume(value)":
            return node
        self.count += 1
        for statement in self._statements:
            for inner in ast.walk(statement):
                ast.copy_location(inner, node)
        return self._statements


class _ClockReading(ast.NodeTransformer):
    """Reads the clock in the way that is quickest on this interpreter."""

    def visit_Call(self, node: ast.Call) -> ast.Call:
        if isinstance(node.func, ast.Name) and node.func.id == "_read_clock":
            node.args = [ast.Constant(argument) for argument in _clock.ARGUMENTS]
        self.generic_visit(node)
        return node
