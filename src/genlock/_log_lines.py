"""Lines of a log as the program wrote them: without colours, and out of what they were put in."""

from __future__ import annotations

import json
import re

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_ESCAPED = "Traceback (most recent call last):\\n"
_IN_JSON = ("log", "message", "msg", "MESSAGE", "textPayload")
"""Where the writers of logs in JSON keep the line that a program wrote; Docker's is the first."""
_MATTERS = re.compile("generator|coroutine|awaited")


def as_written(line: str) -> list[str]:
    """The lines that a program wrote, of which a log has made this one.

    They are several where a traceback has been put on one line, with its line breaks escaped.
    """
    line = line.rstrip()
    if "\x1b" in line:
        line = _COLOURS.sub("", line)
    if _ESCAPED in line:
        return _unescaped(line)
    if line.startswith("{"):
        return _out_of_json(line)
    return [line]


def _unescaped(line: str) -> list[str]:
    plain = line.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
    before, header, rest = plain.partition("Traceback (most")
    # What stands before it in a JSON object is no prefix of its lines.
    *inside, last = (header + rest).split("\n")
    return [before, *inside, re.sub(r'["\'][,}\]].*$', "", last)]


def _out_of_json(line: str) -> list[str]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return [line]
    texts = {key: text for key, text in record.items() if isinstance(text, str)}
    written = next((texts.pop(key) for key in _IN_JSON if key in texts), None)
    if written is None or any(_MATTERS.search(text) for text in texts.values()):
        return [line]
    return [_COLOURS.sub("", each).rstrip() for each in written.splitlines()] or [""]
