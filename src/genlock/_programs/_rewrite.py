"""Guards, in the syntax tree of a module, whatever makes generators.

It is for code that nobody wants to decorate by hand: each generator function becomes `@guarded`,
each generator expression an argument of `guard`, each lambda with a yield one of `guarded`. What
other functions return can be guarded, too.
"""

from __future__ import annotations

import ast
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    _Put = Callable[[ast.expr], None]

# A name that began with two underscores and did not end with them would be mangled in a class.
_GUARD = "__genlock_guard__"
_GUARDED = "__genlock_guarded__"
_RETURNS = "__genlock_returns__"
_PACKAGE = "genlock"
_RETURNED = "genlock._explaining._returned"

_OPENS_SCOPE = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.GeneratorExp
_RUNS_INSIDE = ("body", "elt", "generators")


def guard_generators(
    tree: ast.Module,
    matches: Callable[[str], bool] = lambda _qualname: True,
    may_return_one: Callable[[str], bool] = lambda _qualname: False,
) -> ast.Module:
    """Guard the generators that the code of `tree` makes; changes the tree, and returns it.

    Async generators are left alone. The innermost decorator is the one that guards, so that all
    others are given the guarded function. All nodes keep their positions. Where there is something
    to guard, one import is added, below the docstring and the imports from `__future__`.

    Args:
        tree: a module as `ast.parse` makes it.
        matches: whether to guard what has this qualified name: `function`, `Class.method`,
            `function.<locals>.inner`, `function.<locals>.<genexpr>`, `<lambda>`; asked of a lambda
            by the names that it is assigned to, too, and of a generator expression that is the
            value of a `return` or lambda, by the names of that function.
        may_return_one: whether to guard the generators that a function of this qualified name, or
            a lambda of this name, returns, which makes none itself.
    """
    scopes = list(_scopes(tree))  # all: what a scope is may be known by its last node only
    chosen = [each for each in scopes if each.makes_generators and any(map(matches, each.names))]
    returning = [(each, name) for each in scopes for name in each.hands_on if may_return_one(name)]
    for scope in chosen:
        scope.guard()
    for scope, name in returning:
        scope.guard_returns(name)
    if returning:
        _import(tree.body, _RETURNED, guarding_returns=_RETURNS)
    if chosen:
        _import(tree.body, _PACKAGE, guard=_GUARD, guarded=_GUARDED)
    return tree


class _Scope:
    """A node that is compiled to code of its own; `put` replaces it where it stands."""

    __slots__ = ("is_async", "node", "outer", "parent", "put", "qualname", "yields")

    def __init__(
        self, node: ast.AST, outer: _Scope | None, parent: ast.AST | None, put: _Put | None
    ) -> None:
        self.node = node
        self.outer = outer
        self.parent = parent
        self.put = put
        self.qualname = "" if outer is None else outer.prefix + _name(node)
        self.yields = isinstance(node, ast.GeneratorExp)
        self.is_async = isinstance(node, ast.AsyncFunctionDef)

    @property
    def prefix(self) -> str:
        """What the qualified names of inner scopes begin with."""
        if isinstance(self.node, ast.Module):
            return ""
        return self.qualname + ("." if isinstance(self.node, ast.ClassDef) else ".<locals>.")

    @property
    def makes_generators(self) -> bool:
        return self.yields and not self.is_async

    @property
    def called(self) -> list[str]:
        """The qualified names that a function can be called by where it is defined."""
        if isinstance(self.node, ast.FunctionDef):
            return [self.qualname]
        if isinstance(self.node, ast.Lambda) and self.outer is not None:
            return [self.outer.prefix + name for name in _assigned_to(self.parent)]
        return []

    @property
    def hands_on(self) -> list[str]:
        """The names of a function that makes no generators, and may return those of others."""
        return [] if self.yields or self.is_async else self.called

    @property
    def names(self) -> list[str]:
        """What the generators are known by that it makes."""
        further = self.called
        is_returned = isinstance(self.parent, ast.Return | ast.Lambda)
        if isinstance(self.node, ast.GeneratorExp) and is_returned and self.outer is not None:
            further = self.outer.called
        return [*dict.fromkeys([self.qualname, *further])]

    def note(self, node: ast.AST) -> None:
        """See what a node that runs in this scope makes of it."""
        if isinstance(node, ast.Yield | ast.YieldFrom):
            self.yields = True
        elif isinstance(node, ast.Await) or getattr(node, "is_async", False):
            self.is_async = True

    def guard(self) -> None:
        node = self.node
        if isinstance(node, ast.FunctionDef):
            self.decorate(_GUARDED)
        else:
            self.call(_GUARDED if isinstance(node, ast.Lambda) else _GUARD)

    def guard_returns(self, name: str) -> None:
        if isinstance(self.node, ast.FunctionDef):
            self.decorate(_RETURNS)
        else:
            self.call(_RETURNS, ast.Constant(name))

    def call(self, name: str, *further: ast.expr) -> None:
        """Put a call of a function of this name in the place of an expression, and give it that."""
        node = self.node
        assert isinstance(node, ast.expr) and self.put is not None  # noqa: PT018, S101
        function = ast.Name(name, ast.Load())
        call = ast.Call(function, [node, *further], [])
        for new in (function, *further, call):
            ast.copy_location(new, node)
        self.put(call)

    def decorate(self, name: str) -> None:
        """Put a decorator of this name around a function, within all others."""
        node = self.node
        assert isinstance(node, ast.FunctionDef)  # noqa: S101  # as its callers saw
        # Where the definition starts, so that no line is added to those of the function.
        decorator = ast.Name(name, ast.Load())
        decorator.lineno, decorator.col_offset = node.lineno, node.col_offset
        node.decorator_list.append(decorator)


def _assigned_to(parent: ast.AST | None) -> list[str]:
    targets: list[ast.expr] = []
    if isinstance(parent, ast.Assign):
        targets = parent.targets
    elif isinstance(parent, ast.AnnAssign | ast.NamedExpr):
        targets = [parent.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.GeneratorExp):
        return "<genexpr>"
    return str(getattr(node, "name", "<lambda>"))


def _scopes(tree: ast.Module) -> Iterator[_Scope]:
    """Every scope in `tree`, having seen every node."""
    module = _Scope(tree, None, None, None)
    # Not by recursion: the interpreter compiles trees that are deeper than its limit for that.
    pending: list[tuple[ast.AST, _Scope, ast.AST | None, _Put | None]] = [
        (tree, module, None, None)
    ]
    while pending:
        node, scope, parent, put = pending.pop()
        scope.note(node)
        inner = scope
        if isinstance(node, _OPENS_SCOPE):
            inner = _Scope(node, scope, parent, put)
            yield inner
        for field, child, put_child in _children(node):
            runs_in = inner if field in _RUNS_INSIDE else scope
            if field == "iter" and _is_first_loop(node, scope) and scope.outer is not None:
                runs_in = scope.outer
            pending.append((child, runs_in, node, put_child))


def _children(node: ast.AST) -> Iterator[tuple[str, ast.AST, _Put]]:
    for field, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            yield field, value, partial(setattr, node, field)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, ast.AST):
                    yield field, item, partial(value.__setitem__, index)


def _is_first_loop(node: ast.AST, scope: _Scope) -> bool:
    """Whether it is what a generator expression is given its iterator by, from outside."""
    return isinstance(scope.node, ast.GeneratorExp) and scope.node.generators[0] is node


def _import(body: list[ast.stmt], module: str, **wanted: str) -> None:
    names = [ast.alias(name, known_as) for name, known_as in wanted.items()]
    end = _end_of_preamble(body)
    place = body[min(end, len(body) - 1)]
    for name in names:
        name.lineno, name.col_offset = place.lineno, place.col_offset
    statement = ast.ImportFrom(module, names, 0)
    statement.lineno, statement.col_offset = place.lineno, place.col_offset
    body.insert(end, statement)


def _end_of_preamble(body: list[ast.stmt]) -> int:
    """How many statements have to stay first: a docstring, and imports from `__future__`."""
    end = 0
    for statement in body:
        is_docstring = (
            end == 0
            and isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Constant)
            and isinstance(statement.value.value, str)
        )
        is_future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
        if not is_docstring and not is_future:
            break
        end += 1
    return end
