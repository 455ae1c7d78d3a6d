"""`genlock explain`: the page of a code, or what a log tells of errors about generators."""

from __future__ import annotations

import codecs
import json
import os
import re
import sys
from typing import TYPE_CHECKING

from genlock._codes import PAGES
from genlock._findings import Finding, findings
from genlock._findings_wording import nothing_found, told
from genlock.cli import RefusedError
from genlock.cli._terminal import write

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import BinaryIO

_CODE = re.compile(r"gl\d+", re.IGNORECASE)
_NOTHING_FOUND = 1
_INTERRUPTED = 130
_LONGEST_LINE = 1 << 16  # bytes: what is longer comes in parts
_STDIN = "-"
_USAGE = (
    "give it a code, or a log to read:  genlock explain GL011  |  genlock explain app.log  | "
    " … | genlock explain"
)


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `genlock explain`."""
    parser.epilog = (
        "Exit status: 0 something was explained, 1 there was nothing about generators, 2 misuse,"
        " 130 Ctrl-C (what was read until then is explained)."
    )
    parser.add_argument(
        "subjects",
        nargs="*",
        metavar="CODE|FILE",
        help="a code such as GL003, or a log with tracebacks; '-' or nothing: standard input",
    )
    parser.add_argument("--json", action="store_true", help="write one JSON object")


def perform(options: argparse.Namespace) -> int:
    """Explain; returns the exit status."""
    subjects: list[str] = options.subjects
    if not subjects and sys.stdin is not None and sys.stdin.isatty():
        raise RefusedError(_USAGE)
    files = [each for each in subjects if not _is_code(each)]
    codes = [_known(each) for each in subjects if _is_code(each)]
    if not subjects:
        files = [_STDIN]
    try:
        return _explain(codes, files, as_json=options.json)
    except BrokenPipeError:  # whoever reads has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # for the interpreter's last flush
        return 0


def _explain(codes: list[str], files: list[str], *, as_json: bool) -> int:
    found: list[Finding] = []
    log = _Log()
    for file in files:
        found += findings(log.lines(file), "" if file == _STDIN else file)
    if as_json:
        pages = [PAGES[code].as_dict() for code in codes]
        write(json.dumps({"pages": pages, "findings": [each.as_dict() for each in found]}))
    else:
        texts = [*(str(PAGES[code]) for code in codes), *map(told, found)]
        if texts:
            write("\n\n".join(texts))
    if log.is_interrupted:
        return _INTERRUPTED
    if files and not found and not codes:
        names = ["standard input" if file == _STDIN else file for file in files]
        raise RefusedError(nothing_found(names), _NOTHING_FOUND)
    return 0


class _Log:
    """Reads logs until Ctrl-C: that of a program that still runs is told as far as it went."""

    is_interrupted = False

    def lines(self, file: str) -> Iterator[str]:
        try:
            yield from () if self.is_interrupted else _lines(file)
        except KeyboardInterrupt:
            self.is_interrupted = True


def _is_code(subject: str) -> bool:
    return _CODE.fullmatch(subject) is not None and not os.path.exists(subject)


def _known(subject: str) -> str:
    code = subject.upper()
    if code not in PAGES:
        raise RefusedError(f"no such code: {subject}; there are {', '.join(PAGES)}")
    return code


def _lines(file: str) -> Iterator[str]:
    """The lines of a log, whatever is in it; each as far as it is of a reasonable length."""
    if file == _STDIN:
        if sys.stdin is None:
            return
        yield from _decoded(sys.stdin.buffer)
        return
    try:
        with open(file, "rb") as log:
            yield from _decoded(log)
    except OSError as error:
        raise RefusedError(f"cannot read {file}: {error.strerror}") from None


def _decoded(log: BinaryIO) -> Iterator[str]:
    line = log.readline(_LONGEST_LINE)
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield from _decoded_utf16(log, line)
        return
    line = line.removeprefix(codecs.BOM_UTF8)
    while line:
        yield line.decode("utf-8", "replace")
        line = log.readline(_LONGEST_LINE)


def _decoded_utf16(log: BinaryIO, begin: bytes) -> Iterator[str]:
    """What PowerShell's redirection writes."""
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    text = decoder.decode(begin)
    while chunk := log.read(_LONGEST_LINE):
        *lines, text = (text + decoder.decode(chunk)).split("\n")
        yield from lines
    yield text
