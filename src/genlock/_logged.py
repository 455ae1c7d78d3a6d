"""Text on its way to a log: a record that one of the handlers cannot encode would be lost whole."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING

from genlock._text import encodable

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNKNOWN = "ascii"


def for_handlers(text: str, logger: logging.Logger, asked_by: logging.Filter | None = None) -> str:
    """The text, as far as every handler that a record of `logger` goes to can encode it.

    In ASCII, where that is not known; nor is it, if the filter that asks is none of `logger`'s and
    its handlers': others get the record, then.
    """
    ways = list(_ways(logger))
    if asked_by is not None and not any(asked_by in way.filters for way in ways):
        return encodable(text, _UNKNOWN)
    for way in ways:
        if isinstance(way, logging.Handler):
            text = encodable(text, _encoding(way))
    return text


def _ways(logger: logging.Logger) -> Iterator[logging.Logger | logging.Handler]:
    current: logging.Logger | None = logger
    while current is not None:
        yield current
        yield from tuple(current.handlers)
        current = current.parent if current.propagate else None
    if not logger.hasHandlers() and logging.lastResort is not None:
        yield logging.lastResort


def _encoding(handler: logging.Handler) -> str:
    stream = getattr(handler, "stream", None)
    if isinstance(stream, io.StringIO) or isinstance(handler, logging.NullHandler):
        return "utf-8"
    encoding = getattr(stream, "encoding", None)
    return encoding if isinstance(encoding, str) else _UNKNOWN
