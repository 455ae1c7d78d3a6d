"""Patterns that say which functions to guard: reading, matching, the names that come nearest."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_FUNCTION = re.compile(r"([\w*?]+|<\w+>)(\.([\w*?]+|<\w+>))*")
_WILDCARDS = frozenset("*?")
_NEAR = 3


class PatternError(ValueError):
    """What was given as a pattern cannot be one; says what to write."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """The functions of one module by their qualified names; `*` and `?` stand for anything."""

    module: str
    function: str

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Read `module:function`. Raises PatternError where it is something else."""
        module, colon, function = text.strip().partition(":")
        if not colon or not _MODULE.fullmatch(module) or not _FUNCTION.fullmatch(function):
            raise PatternError(_malformed(text))
        return cls(module, function)

    def __str__(self) -> str:
        return f"{self.module}:{self.function}"

    @property
    def has_wildcards(self) -> bool:
        """Whether it may mean functions that nobody has named."""
        return not _WILDCARDS.isdisjoint(self.function)

    def matches(self, qualname: str) -> bool:
        """Whether it means the function of this qualified name in its module."""
        return fnmatchcase(qualname, self.function)

    def nearest(self, qualnames: Iterable[str]) -> tuple[str, ...]:
        """What may have been meant, of these functions of its module; the likeliest first."""
        return nearest(self.function, qualnames)


def nearest(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names that differ least from `name`; such as end like it are near, too."""
    known = sorted(set(names))
    last = name.rpartition(".")[2]
    alike = difflib.get_close_matches(name, known, _NEAR)
    same_end = [each for each in known if each.rpartition(".")[2] == last]
    return tuple(dict.fromkeys([*same_end, *alike]))[:_NEAR]


@dataclass(frozen=True, slots=True)
class Use:
    """What became of a pattern.

    `matched` are the functions it was applied to; `near` are names that come near, where there are
    none: of functions, or of modules if its module has not been imported. `escaped` are other names
    that functions had before they were guarded, and that lead to the unguarded ones still.
    `has_guarded` tells whether a generator has come out of any of them; `is_replaced`, whether all
    have given way to others; `is_unseen`, whether the module is there without having been seen to
    be imported; `is_late`, whether the very function was put there since. `launched` is the module
    that is run as `__main__`, and may run a script in its turn.
    """

    pattern: Pattern
    is_imported: bool = False
    matched: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    escaped: tuple[str, ...] = ()
    has_guarded: bool = False
    is_replaced: bool = False
    is_unseen: bool = False
    is_late: bool = False
    launched: str = ""


def _malformed(text: str) -> str:
    wanted = "write module:function, module:Class.method or module:*"
    module, dot, function = text.strip().rpartition(".")
    guess = f"{module}:{function}" if dot else f"__main__:{text.strip()}"
    if ":" not in text and _MODULE.fullmatch(text.strip()):
        wanted = f"did you mean {guess!r}? ({wanted})"
    return f"{text!r} is no pattern of functions: {wanted}"
