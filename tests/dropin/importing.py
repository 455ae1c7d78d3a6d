"""Runs other people's code with every generator in it guarded."""

from __future__ import annotations

import ast
import doctest
import sys
from importlib.machinery import PathFinder, SourceFileLoader
from typing import TYPE_CHECKING, Any

from genlock._programs._rewrite import guard_generators

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class _GuardingLoader(SourceFileLoader):
    def get_code(self, fullname: str) -> Any:
        path = self.get_filename(fullname)
        tree = ast.parse(self.get_data(path), path)
        return compile(guard_generators(tree), path, "exec", dont_inherit=True)


class _GuardingFinder:
    def __init__(self, matches: Callable[[str], bool]) -> None:
        self.matches = matches

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if self.matches(name) else None
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _GuardingLoader(spec.loader.name, spec.loader.path)
            return spec
        return None


def guard_modules(matches: Callable[[str], bool]) -> None:
    """Guard the generators of the modules with such names that are imported from now on."""
    sys.meta_path.insert(0, _GuardingFinder(matches))


def guard_doctests() -> None:
    """Guard the generators of the examples that doctest runs from now on."""
    vars(doctest)["compile"] = _compile_example


def _compile_example(
    source: str,
    filename: str,
    mode: str,
    flags: int,
    dont_inherit: bool,  # noqa: FBT001  # as the compile that it stands in for
) -> object:
    tree: Any = compile(source, filename, mode, flags | ast.PyCF_ONLY_AST, dont_inherit)
    tree.body = guard_generators(ast.Module(tree.body, [])).body
    return compile(tree, filename, mode, flags, dont_inherit)
