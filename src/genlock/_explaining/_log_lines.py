"""Lines of a log as the program wrote them: without colours, and out of what they were put in."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

from genlock._explaining._protocol import FAULTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_CONTROL = re.compile(r"#0(1[0-5]|33)")
"""What rsyslog writes for a line break, and for others like it."""
_BREAK = re.compile(r"\r\n?|\n")
_IN_JSON = ("log", "message", "msg", "MESSAGE", "textPayload")
"""Where the writers of logs in JSON keep the line that a program wrote; Docker's is the first."""
_BEGIN = re.compile(r"Traceback \(most recent call last\):|\[GL\d{3}\] ")
_FRAMES = re.compile(r'(?<!\\)File ".+?", line \d|Traceback \(most recent')
_MATTERS = re.compile(
    "|".join([_BEGIN.pattern, _FRAMES.pattern, *(re.escape(fault.text) for fault in FAULTS)])
)
_PART = re.compile(r"\S+ (?P<stream>stdout|stderr) (?P<kind>[PF]) ")
_OPENED = {
    '"': re.compile(r'(?P<outside>.*)(?<!\\)"(?P<inside>.*)', re.DOTALL),
    "'": re.compile(r"(?P<outside>.*)(?<![\w\\])b?'(?P<inside>.*)", re.DOTALL),
}
_UP_TO = {
    '"': re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL),
    "'": re.compile(r"(?:[^'\\]++|\\.)*+", re.DOTALL),
}
_ESCAPE = re.compile(r"\\(?:u([\da-fA-F]{4})|x([\da-fA-F]{2})|U([\da-fA-F]{8})|(.))")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_JSON_ENDS = ("}", "]", '"', ",")
_MOST_LAYERS = 5
_LONGEST = 1 << 20
_LONGEST_HEAD = 64
_json = json.JSONDecoder(strict=False)


def whole_lines(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """The lines with their numbers, from 1; those put together that Kubernetes has cut in parts."""
    begun: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(lines, 1):
        part = _PART.match(line) if begun or line.find(" P ", 0, _LONGEST_HEAD) > 0 else None
        if part is None:
            yield number, line
            continue
        first, text = begun.pop(part["stream"], (number, part[0]))
        text += line[part.end() :] if len(text) < _LONGEST else ""
        if part["kind"] == "P":
            begun[part["stream"]] = first, text.rstrip("\r\n")
        else:
            yield first, text
    yield from begun.values()


def as_written(line: str) -> list[str]:
    """The lines that a program wrote, of which a log has made this one.

    They are several where a traceback has been put on one line: as a string of JSON, or with its
    line breaks escaped; what that line says beside it comes first.
    """
    return _unpacked(line.rstrip(), _MOST_LAYERS)


def _unpacked(text: str, layers: int) -> list[str]:
    if "\x1b" in text:
        text = _COLOURS.sub("", text)
    if "#0" in text and _MATTERS.search(text):
        text = _CONTROL.sub(lambda code: chr(int(code[1], 8)), text)
    if "\n" in text or "\r" in text:
        lines = [each.rstrip() for each in _BREAK.split(text)]
        return [part for line in lines for part in _unpacked(line, layers)]
    inside = _inside(text) if layers else []
    if inside:
        return [part for each in inside for part in _unpacked(each.rstrip(), layers - 1)]
    return [text.replace("\xa0", " ")]  # AWS indents by these


def _inside(text: str) -> list[str]:
    found = _in_json(text) if text.endswith(_JSON_ENDS) else []
    return found or (_in_quotes(text) if "\\n" in text else [])


def _in_json(text: str) -> list[str]:
    """The texts in an object of JSON that ends this line, as far as they matter."""
    quoted = len(text) - len(text.lstrip()) if text.lstrip().startswith('"') else -1
    begins = {text.find("{"), text.find("["), quoted}
    for begin in sorted(begins - {-1}):
        try:
            record, end = _json.raw_decode(text, begin)
            texts = dict.fromkeys(each for each in _texts(record) if _MATTERS.search(each))
        except (ValueError, RecursionError):
            continue
        if text[end:].strip(" ,]}"):
            continue
        if isinstance(record, str) and record.startswith("  "):
            return [record]  # of a traceback line by line, an item a line
        if texts:
            return _arranged(list(texts))
        if begin == 0 and isinstance(record, dict):
            written = (record[key] for key in _IN_JSON if isinstance(record.get(key), str))
            return [next(written, text)]
    return []


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list) and all(isinstance(each, str) for each in value):
        yield "\n".join(each.rstrip("\n") for each in value)  # a traceback, line by line
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _arranged(texts: list[str]) -> list[str]:
    """What mentions an error as one line, before the tracebacks: they may lack their last line."""
    mentions = [text for text in texts if not _BEGIN.search(text) and not _FRAMES.search(text)]
    if len(mentions) > 1:
        mentions = [" | ".join(text.strip() for text in mentions)]
    others = [text for text in texts if _BEGIN.search(text) or _FRAMES.search(text)]
    return mentions + sorted(others, key=lambda text: _FRAMES.search(text) is not None)


def _in_quotes(text: str) -> list[str]:
    """A traceback, or what genlock says, as a string with its line breaks escaped."""
    begin = _BEGIN.search(text)
    if begin is None or "\\n" not in text[begin.end() :]:
        return []
    before, after = text[: begin.start()], text[begin.start() :]
    quote = "'" if re.search(r'(?<!\\)File "', after) else '"'
    opened = _OPENED[quote].match(before)
    if opened is None:
        return [before, _unescaped(after)]
    closed = _UP_TO[quote].match(after)
    assert closed is not None  # noqa: S101  # it matches nothing, at least
    beside = opened["outside"] + after[closed.end() + 1 :]
    return [beside, _unescaped(opened["inside"] + closed[0])]


def _unescaped(text: str) -> str:
    halves = _ESCAPE.sub(_meant, text).encode("utf-16-le", "surrogatepass")
    return halves.decode("utf-16-le", "replace")  # JSON writes some characters as two


def _meant(escape: re.Match[str]) -> str:
    number = escape[1] or escape[2] or escape[3]
    if number is None:
        return _ESCAPES.get(escape[4], escape[4])
    return chr(min(int(number, 16), sys.maxunicode))
