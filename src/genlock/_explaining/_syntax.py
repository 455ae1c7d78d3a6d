"""Reads pieces of source code as syntax trees; warns of nothing in them."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_ESCAPE = re.compile(r"\\([\\'\"\nabfnrtvxNuU0-7])?")
"""A backslash in source, with what it is right before."""


class Span(NamedTuple):
    """Where a piece of source stands: lines, and the columns in bytes of its start and end."""

    first: int
    last: int
    start: int
    end: int


def parsed(*sources: str) -> ast.Module | None:
    """The first of these texts that is source code; None without one. Warns of nothing in it."""
    for source in sources:
        try:
            return ast.parse(_ESCAPE.sub(_known_escape, source))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def _known_escape(found: re.Match[str]) -> str:
    """An escape as it is; of one that Python does not know, and warns of, what it stands for."""
    return found[0] if found[1] else r"\\"


def expression(text: str) -> ast.expr | None:
    """An expression, or what a loop runs over; None of what is neither."""
    module = parsed(f"({text}\n)", text, f"{text} pass") if text else None
    for node in module.body if module is not None else ():
        if isinstance(node, ast.For | ast.AsyncFor):
            return node.iter
        return node.value if isinstance(node, ast.Expr) else None
    return None


def call_ending_in(tree: ast.Module, span: Span) -> ast.expr | None:
    """The whole call of a method, of which only its name and arguments stand in `span`."""
    for node in _around(tree, span):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            function, end = node.func, (node.end_lineno, node.end_col_offset)
            start = (function.end_col_offset or 0) - len(function.attr.encode())
            if (function.end_lineno, start, *end) == (span.first, span.start, span.last, span.end):
                return node
    return None


def unpacked_into(tree: ast.Module, span: Span) -> ast.expr | None:
    """What is assigned to the names that stand in `span`."""
    for node in _around(tree, span):
        if isinstance(node, ast.Assign) and any(_span(each) == span for each in node.targets):
            return node.value
    return None


def _span(node: ast.expr) -> Span:
    last, end = node.end_lineno or 0, node.end_col_offset or 0
    return Span(node.lineno, last, node.col_offset, end)


def _around(tree: ast.AST, span: Span) -> Iterator[ast.AST]:
    """The nodes whose lines those of `span` are among."""
    pending = [tree]
    while pending:  # not by recursion: see how deep a sum may be
        for node in ast.iter_child_nodes(pending.pop()):
            first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", span.last)
            if first <= span.first and span.last <= last:
                yield node
                pending.append(node)
