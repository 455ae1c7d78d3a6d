"""Where reports go, and as what: text for people or JSON lines, standard error or a file."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, TextIO

from genlock._painting import painted

if TYPE_CHECKING:
    from collections.abc import Mapping


_GAP = "\n"
"""What sets a report of several lines off from a traceback."""


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
        stream = self._file or sys.stderr or sys.__stderr__
        if stream is None:
            return
        try:
            if self._as_json:
                line = json.dumps({**facts, "text": text}, default=str)
            else:
                line = f"{_GAP if _GAP in text else ''}genlock: {text}"
                line = line if self._file else painted(line, stream)
            stream.write(line + "\n")
            stream.flush()
        except Exception:  # closed, or nobody reads on
            pass
