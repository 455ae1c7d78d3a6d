"""Colours for a terminal: rich's where it is installed, none elsewhere."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TextIO

_STYLES = {
    r"\[GL\d\d\d\]": "bold red",
    r"'[^'\n]+'": "bold",
    r"^    (→ )?[^\s→]\S*(?=  )": "cyan",
    r"[^\s:(]+\.pyw?:\d+": "magenta",
    r"← this call|(?<=  )running$": "bold red",
    r"@genlock\.\S+|genlock\.guard\(.*\)|genlock run .*": "bold green",
}


def painted(text: str, stream: TextIO) -> str:
    """`text` as it is to be written to `stream`: coloured for a terminal that wants it."""
    if not _takes_colour(stream) or find_spec("rich") is None:
        return text
    import re

    from rich.console import Console
    from rich.text import Text

    rich_text = Text(text)
    for pattern, style in _STYLES.items():
        rich_text.highlight_regex(re.compile(pattern, re.MULTILINE), style)
    console = Console(file=stream, force_terminal=True, highlight=False, soft_wrap=True)
    with console.capture() as capture:
        console.print(rich_text, end="")
    return capture.get()


def _takes_colour(stream: TextIO) -> bool:
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()
