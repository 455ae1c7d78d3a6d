"""`genlock explain`: the page of a code, or what a log tells of errors about generators."""

from __future__ import annotations

import codecs
import json
import os
import re
import sys
from typing import TYPE_CHECKING

from genlock._explaining._codes import PAGES
from genlock._explaining._findings import Finding, findings
from genlock._explaining._findings_wording import nothing_found, told
from genlock.cli import RefusedError
from genlock.cli._terminal import write

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import BinaryIO

_CODE = re.compile(r"gl\d+", re.IGNORECASE)
_NOTHING_FOUND = 1
_INTERRUPTED = 130
_LONGEST_LINE = 1 << 20  # bytes: of what is longer, the rest is left out
_STDIN = "-"
_USAGE = (
    "give it a code, or a log to read:  genlock explain GL011  |  genlock explain app.log  | "
    " … | genlock explain"
)


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `genlock explain`."""
    parser.epilog = (
        "Exit status: 0 something was explained, 1 there was nothing about generators, 2 misuse,"
        " or a file that cannot be read, 130 Ctrl-C (what was read until then is explained)."
    )
    parser.add_argument(
        "subjects",
        nargs="*",
        metavar="CODE|FILE|TEXT",
        help="a code such as GL003, a log with tracebacks, or the text of an error; '-' or nothing:"
        " standard input",
    )
    parser.add_argument("--json", action="store_true", help="write one JSON object")


def perform(options: argparse.Namespace) -> int:
    """Explain; returns the exit status."""
    subjects: list[str] = options.subjects
    if not subjects and sys.stdin is not None and sys.stdin.isatty():
        raise RefusedError(_USAGE)
    answers = _Answers()
    for subject in subjects or [_STDIN]:
        answers.look_up(subject)
    answers.write(as_json=options.json)
    return answers.status()


class _Answers:
    """What is to be told of the subjects, and what is wrong with some of them.

    Logs are read until Ctrl-C: that of a program that still runs is told as far as it went.
    """

    def __init__(self) -> None:
        self._codes: list[str] = []
        self._logs: list[str] = []
        self._found: list[Finding] = []
        self._wrong: list[str] = []
        self._is_interrupted = False

    def look_up(self, subject: str) -> None:
        """Find out about a code, a log, or the text of an error."""
        code = subject.upper()
        if code in PAGES:
            self._codes.append(code)
        elif _CODE.fullmatch(subject):
            self._wrong.append(f"no such code: {subject}; there are {', '.join(PAGES)}")
        elif not os.path.exists(subject) and (meant := findings(subject.splitlines())):
            self._found += meant
        else:
            self._logs.append("standard input" if subject == _STDIN else subject)
            self._found += findings(self._lines(subject), "" if subject == _STDIN else subject)

    def _lines(self, file: str) -> Iterator[str]:
        try:
            yield from () if self._is_interrupted else _lines(file)
        except KeyboardInterrupt:
            self._is_interrupted = True
        except OSError as error:
            self._wrong.append(f"cannot read {file}: {error.strerror}")

    def write(self, *, as_json: bool) -> None:
        """Write them to standard output."""
        if as_json:
            pages = [PAGES[code].as_dict() for code in self._codes]
            write(
                json.dumps({"pages": pages, "findings": [each.as_dict() for each in self._found]})
            )
            return
        texts = [*(str(PAGES[code]) for code in self._codes), *map(told, self._found)]
        if texts:
            write("\n\n".join(texts))

    def status(self) -> int:
        """How it went. Raises RefusedError for what is wrong."""
        if self._wrong:
            raise RefusedError("; ".join(self._wrong))
        if self._is_interrupted:
            return _INTERRUPTED
        if not self._found and not self._codes:
            raise RefusedError(nothing_found(self._logs), _NOTHING_FOUND)
        return 0


def _lines(file: str) -> Iterator[str]:
    """The lines of a log, whatever is in it; each as far as it is of a reasonable length."""
    if file == _STDIN:
        if sys.stdin is None:
            return
        yield from _decoded(sys.stdin.buffer)
        return
    with open(file, "rb") as log:
        yield from _decoded(log)


def _decoded(log: BinaryIO) -> Iterator[str]:
    line = log.readline(_LONGEST_LINE)
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield from _decoded_utf16(log, line)
        return
    line = line.removeprefix(codecs.BOM_UTF8)
    while line:
        yield line.decode("utf-8", "replace")
        while line and not line.endswith(b"\n"):
            line = log.readline(_LONGEST_LINE)
        line = log.readline(_LONGEST_LINE)


def _decoded_utf16(log: BinaryIO, begin: bytes) -> Iterator[str]:
    """What PowerShell's redirection writes."""
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    text = decoder.decode(begin)
    while chunk := log.read(_LONGEST_LINE):
        *lines, text = (text + decoder.decode(chunk)).split("\n")
        yield from lines
    yield text
