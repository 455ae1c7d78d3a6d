"""Writes text to a terminal: in colour where rich is installed and colour is wanted."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from genlock._text import encodable
from genlock.cli import RefusedError

if TYPE_CHECKING:
    from typing import TextIO

_STYLES = (
    (re.compile(r"\[GL\d{3}\]|\bGL\d{3}\b"), "bold red"),
    (re.compile(r"← this call"), "bold red"),
    (re.compile(r"(?<=\S)  running$", re.MULTILINE), "bold yellow"),
    (re.compile(r"@genlock\.\w+(?:\([^)]*\))?|genlock\.\w+\([^)]*\)"), "bold green"),
    (re.compile(r"genlock (?:run|explain)(?: [^\s.,]+)*"), "bold green"),
    (re.compile(r"^ *Not known:", re.MULTILINE), "dim"),
)


def write(text: str, stream: TextIO | None = None, *, for_people: bool = True) -> None:
    """Write `text` and a line break; for people at a terminal in colour, unless NO_COLOR is set.

    Raises RefusedError where standard output cannot be written to; OSError for other streams.
    """
    stream = sys.stdout if stream is None else stream
    if stream is None:  # a program without a console
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = encodable(text, encoding, "replace")
    try:
        if for_people and _wants_colour(stream) and _write_in_colour(text, stream):
            return
        stream.write(text + "\n")
        stream.flush()
    except OSError as error:
        if stream is not sys.stdout:
            raise
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # for the interpreter's last flush
        if not isinstance(error, BrokenPipeError):  # else whoever reads has seen enough
            raise RefusedError(f"cannot write: {error.strerror}") from None


def _wants_colour(stream: TextIO) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()


def _write_in_colour(text: str, stream: TextIO) -> bool:
    try:
        from rich.console import Console
        from rich.text import Text
    except ImportError:
        return False
    coloured = Text(text)
    for pattern, style in _STYLES:
        for match in pattern.finditer(text):
            coloured.stylize(style, *match.span())
    force = True if os.environ.get("FORCE_COLOR") else None
    Console(file=stream, force_terminal=force).print(coloured, soft_wrap=True, highlight=False)
    return True
