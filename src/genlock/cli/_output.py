"""Where reports go, and as what: text for people or JSON lines, standard error or a file."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, TextIO

from genlock.cli._terminal import write

if TYPE_CHECKING:
    from collections.abc import Mapping


class Output:
    """Writes reports whole, from any thread; what cannot be written is lost without a word.

    Args:
        as_json: write one JSON object a line, in the place of the text.
        file: a file to append to; without, what is standard error at the time.
    """

    def __init__(self, *, as_json: bool = False, file: TextIO | None = None) -> None:
        self._as_json, self._file = as_json, file

    def write(self, text: str, facts: Mapping[str, object]) -> None:
        """Tell of something: in words, or as `facts` with the words as their "text"."""
        streams = (self._file, getattr(sys, "stderr", None), sys.__stderr__)
        stream = next((each for each in streams if each is not None), None)
        if stream is None:
            return
        try:
            if self._as_json:
                stream.write(json.dumps({**facts, "text": text}, default=str) + "\n")
            elif self._file is not None:
                stream.write(_headed(text) + "\n")
            else:
                write(_headed(text), stream)
            stream.flush()
        except Exception:  # closed, or nobody reads on
            pass


def _headed(text: str) -> str:
    """With what tells it from the program's own words; several lines with a gap before them."""
    return f"{_BREAK if _BREAK in text else ''}genlock: {text}"


_BREAK = "\n"
