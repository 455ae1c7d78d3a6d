"""What both file formats of a trace have in common: their mark, and what can be wrong with one."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any, TypeVar

from genlock._events import Event, Failure
from genlock._records import Site

FORMAT = "genlock-trace"
VERSION = 1
"""Goes up when a reader of the version before would misunderstand a file."""

REFERRED = ("guard", "thread", "site")
"""The fields of events that files tell of apart, once each."""

_DEFAULTS = {item.name: item.default for item in fields(Event) if item.default is not MISSING}
_PLAIN = tuple(name for name in Event.__slots__ if name not in REFERRED)

_Made = TypeVar("_Made")


class UnreadableError(ValueError):
    """A file holds no trace that could be read: its name, the position and the reason."""


def marked() -> dict[str, Any]:
    """What both formats carry to be known again."""
    return {"format": FORMAT, "version": VERSION}


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


def made(kind: type[_Made], fields: dict[str, Any]) -> _Made:
    """A record of what a file says. Raises ValueError where fields are missing or unknown."""
    try:
        return kind(**fields)
    except TypeError as error:
        raise ValueError(f"not a {kind.__name__}: {error}") from None


def failure(told: dict[str, Any]) -> Failure:
    """The failure that a file tells of. Raises ValueError or TypeError where it does not."""
    site = told.get("site")
    return made(Failure, {**told, "site": None if site is None else made(Site, site)})
