"""From plain data to the text of a page that stands alone."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from genlock._page._data import page_data
from genlock._traces._whole_files import written_whole

if TYPE_CHECKING:
    from genlock._traces._events import Trace
    from genlock._traces._source import Source

SCRIPTS = (
    "words.js",
    "head.js",
    "recording.js",
    "rows.js",
    "search.js",
    "view.js",
    "colours.js",
    "painter.js",
    "arrows.js",
    "time_line.js",
    "pointer.js",
    "overview.js",
    "details.js",
    "stretch.js",
    "limited.js",
    "tables.js",
    "failures.js",
    "findings.js",
    "call_graph.js",
    "theme.js",
    "keys.js",
    "page.js",
)
"""The parts of the page's script, in the order in which they are put together."""

_UNSAFE = {ord(it): f"\\u{ord(it):04x}" for it in "<>&"}
_PLACE = re.compile(r"\{\{(\w+)\}\}")


def write(trace: Trace, name: str, path: str, source: Source | None = None) -> int:
    """Write the page of a trace to a file; returns its size in bytes.

    `name` is what the page calls the recording. Lines of `source` are in it, where the trace does
    not tell them. Raises OSError where the file cannot be written: it is then as it was.
    """
    # A name that UTF-8 has no letters for is shown as far as HTML can.
    text = page(page_data(trace, name, source)).encode("utf-8", "xmlcharrefreplace")
    with written_whole(path, "wb") as file:
        return file.write(text)


def page(data: dict[str, Any]) -> str:
    """The page that shows what `page_data` has made."""
    style, library, script = _asset("page.css"), _library(), _script()
    parts = {
        "title": html.escape(data["name"]),
        "policy": _policy(style, library, script),
        "style": style,
        "data": embedded(data),
        "library": library,
        "script": script,
    }
    return _PLACE.sub(lambda place: parts[place[1]], _asset("page.html"))


def embedded(data: object) -> str:
    """JSON that stays what it is inside of an HTML element: nothing in it can end that."""
    return json.dumps(data, separators=(",", ":")).translate(_UNSAFE)


def _policy(style: str, *scripts: str) -> str:
    """What the page may do: run its own code, and nothing else. It can load nothing at all."""
    allowed = " ".join(map(_fingerprint, scripts))
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_fingerprint(style)};"
        " img-src data:; base-uri 'none'; form-action 'none'"
    )


def _fingerprint(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _script() -> str:
    parts = "\n".join(map(_asset, SCRIPTS))
    return f'(() => {{\n"use strict";\n{parts}}})();\n'


def _library() -> str:
    vendor = files("genlock._page") / "vendor"
    licence = (vendor / "dagre.LICENSE.txt").read_text("utf-8")
    return f"/*\n@dagrejs/dagre\n\n{licence}*/\n{(vendor / 'dagre.min.js').read_text('utf-8')}"


def _asset(name: str) -> str:
    return (files("genlock._page") / "assets" / name).read_text("utf-8")
