"""Says of source that cannot be decoded what `python` says of a script.

That reads the file itself. `compile` has other words for the same bytes, and none for those that
stand in a comment.
"""

from __future__ import annotations

import codecs
import re

_DECLARED = re.compile(
    rb"(?:[ \t\f]*(?:#[^\r\n]*)?(?:\r\n?|\n))??[ \t\f]*#[^\r\n]*?coding[:=][ \t]*([-\w.]+)"
)
"""An encoding that is declared in one of the first two lines."""


def refusal(source: bytes, path: str, said: Exception | None = None) -> Exception | None:
    """The error that `python` ends with, if it does.

    Args:
        source: all of the script.
        path: where that was read.
        said: what `compile` has raised, if it has.
    """
    declared = _DECLARED.match(source)
    if declared is not None:
        is_of_decoding = isinstance(said, SyntaxError) and said.lineno == 0
        return SyntaxError(f"encoding problem: {declared[1].decode()}") if is_of_decoding else said
    if source.startswith(codecs.BOM_UTF8):
        return said
    try:
        source.decode()
    except UnicodeDecodeError as error:
        line = len((source[: error.start] + b".").splitlines())
        # The indentation is looked at while the lines are read.
        if isinstance(said, IndentationError) and (said.lineno or line) < line:
            return said
        return SyntaxError(
            f"Non-UTF-8 code starting with '\\x{source[error.start]:02x}' in file {path} on line"
            f" {line}, but no encoding declared; see https://peps.python.org/pep-0263/ for details"
        )
    return said
