"""What both file formats of a trace have in common: their mark, and what can be wrong with one."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, TypeVar, cast

from genlock._records import Site
from genlock._traces._events import Event, Failure, Unfinished

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = "genlock-trace"
VERSION = 1
"""Goes up when a reader of the version before would misunderstand a file."""

REFERRED = ("guard", "thread", "site")
"""The fields of events that files tell of apart, once each."""

_DEFAULTS = {item.name: item.default for item in fields(Event) if item.default is not MISSING}
_PLAIN = tuple(name for name in Event.__slots__ if name not in REFERRED)

_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "bool": (bool,),
    "str": (str,),
    "str | None": (str, type(None)),
    "Operation": (str,),
    "Outcome": (str,),
    "Fate": (str,),
}
"""What fields may hold, by what the records say of them; other fields hold records."""

MISFITS = (ValueError, KeyError, TypeError, AttributeError)
"""What comes up where a file tells something else than it should; `reason` says it in words."""

_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"?|[][{}]|[0-9]+')
_DEEPEST = 100
"""Brackets within one another: more than any recording has, less than can be read."""

_Made = TypeVar("_Made")


class UnreadableError(ValueError):
    """A file holds no trace that could be read: its name, the position and the reason."""


def marked() -> dict[str, Any]:
    """What both formats carry to be known again."""
    return {"format": FORMAT, "version": VERSION}


class GivenUpError(ValueError):
    """What may be JSON, but goes beyond what can be read of it; told as a JSONDecodeError is."""

    def __init__(self, msg: str, text: str, place: int) -> None:
        self.msg = msg
        self.lineno = text.count("\n", 0, place) + 1
        self.colno = place - text.rfind("\n", 0, place)
        super().__init__(f"column {self.colno}: {msg}")


def parsed(text: str) -> Any:
    """What JSON says. Raises JSONDecodeError if it is none, and GivenUpError."""
    try:
        return json.loads(text)
    except RecursionError:
        place = _first_too_deep(text)
        raise GivenUpError("brackets within brackets, too deep to be read", text, place) from None
    except json.JSONDecodeError:
        raise
    except ValueError:  # the one thing that is left
        place = _first_too_long(text)
        raise GivenUpError("a number of too many digits", text, place) from None


def _first_too_deep(text: str) -> int:
    depth = 0
    for token in _TOKENS.finditer(text):
        depth += (token[0] in ("[", "{")) - (token[0] in ("]", "}"))
        if depth > _DEEPEST:
            return token.start()
    return 0  # it is not the file's fault: little was left of the stack


def _first_too_long(text: str) -> int:
    numbers = (token for token in _TOKENS.finditer(text) if token[0].isdecimal())
    return max(numbers, key=lambda number: len(number[0])).start()


def check_mark(head: dict[str, Any], where: str) -> None:
    """Raise UnreadableError unless `head` is that of a trace of a version that is known."""
    version = head.get("version")
    if head.get("format") != FORMAT or type(version) is not int:
        raise UnreadableError(f"{where}: not a recording of genlock")
    if version > VERSION:
        raise UnreadableError(
            f"{where}: a recording of version {version}; this genlock reads up to {VERSION}"
        )


def plain_fields(event: Event) -> dict[str, Any]:
    """The fields of an event that stand for themselves, but those with their default value."""
    told = {name: getattr(event, name) for name in _PLAIN}
    return {
        name: value
        for name, value in told.items()
        if name not in _DEFAULTS or value != _DEFAULTS[name]
    }


def made(kind: type[_Made], told: dict[str, Any]) -> _Made:
    """A record of what a file says. Raises ValueError where that does not make one."""
    try:
        record = kind(**told)
    except TypeError as error:
        raise ValueError(f"not a {kind.__name__}: {error}") from None
    for name, types in _checked_fields(cast("Any", kind)):
        if type(getattr(record, name)) not in types:
            raise ValueError(f"{name!r} cannot be {told[name]!r:.40}")
    return record


@functools.cache
def _checked_fields(kind: Any) -> list[tuple[str, tuple[type, ...]]]:
    typed = ((item.name, str(item.type)) for item in fields(kind))
    return [(name, _TYPES[text]) for name, text in typed if text in _TYPES]


def restored(told: dict[str, Any], tables: Mapping[str, Mapping[Any, Any]]) -> Event:
    """The event that a file tells of, given what it refers to. One of MISFITS where it is none."""
    parts = {name: _referred(name, told, tables[name]) for name in REFERRED if name in told}
    record = made(Event, {**told, **parts})
    if record.end < record.begin:
        raise ValueError(f"it ends at {record.end}, before it begins at {record.begin}")
    for name in ("waited", "deferred"):
        if getattr(record, name) < 0:
            raise ValueError(f"{name!r} cannot be {getattr(record, name)}")
    return record


def _referred(name: str, told: dict[str, Any], table: Mapping[Any, Any]) -> Any:
    number = whole_number(told, name)
    if number not in table:
        raise ValueError(f"{name} {number} is not told of")
    return table[number]


def reason(error: Exception) -> str:
    """What is wrong in a file, of one of MISFITS."""
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def begins_like(text: str, beginning: str) -> bool:
    """Whether a file's text begins like this, or was cut off within it."""
    return text.startswith(beginning) or beginning.startswith(text.rstrip())


def whole_number(told: dict[str, Any], name: str) -> int:
    """A number that a file tells. Raises ValueError if it is none, KeyError if it is missing."""
    number = told[name]
    if type(number) is not int:
        raise ValueError(f"{name!r} cannot be {number!r:.40}")
    return number


def failure(told: dict[str, Any]) -> Failure:
    """The failure that a file tells of. Raises ValueError or TypeError where it does not."""
    others = told.get("others", ())
    if type(others) not in (list, tuple) or any(type(name) is not str for name in others):
        raise ValueError(f"'others' cannot be {others!r:.40}")
    return made(Failure, {**told, "site": _site(told.get("site")), "others": tuple(others)})


def unfinished(told: dict[str, Any]) -> Unfinished:
    """The call that a file tells of. Raises ValueError or TypeError where it does not."""
    return made(Unfinished, told | {name: _site(told.get(name)) for name in ("site", "at")})


def _site(told: dict[str, Any] | None) -> Site | None:
    return None if told is None else made(Site, told)
