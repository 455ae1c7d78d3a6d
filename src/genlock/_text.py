"""Text made fit: what came from elsewhere for a message, and messages for where they go to."""

from __future__ import annotations

NAME_WIDTH = 80
"""Characters of a name: more would break up the messages."""

_LINE_WIDTH = 60
_MARKS = str.maketrans({"→": ">", "←": "<", "…": "..."})
"""The marks of our own messages; the arrows stay as wide as they are."""
_MARKS_IN_MERMAID = set('#&"<>`\\')


def cut(text: str, width: int) -> str:
    """The beginning of `text`, of at most `width` characters; where more follows, that is shown."""
    return text if len(text) <= width else text[: width - 1] + "…"


def plain(text: str, width: int = _LINE_WIDTH) -> str:
    """Text on one line, of a bearable length, with nothing that controls a terminal."""
    text = cut(text, width)
    if text.isprintable():
        return text
    shown = (
        char if char.isprintable() else " " if char == "\t" else repr(char)[1:-1] for char in text
    )
    return "".join(shown)


def encodable(text: str, encoding: str, errors: str = "backslashreplace") -> str:
    """The text, where it can be encoded; else with marks of ASCII, and the rest by `errors`."""
    try:
        text.encode(encoding)
    except LookupError:  # no encoding at all
        return encodable(text, "ascii", errors)
    except UnicodeError:
        return text.translate(_MARKS).encode(encoding, errors).decode(encoding)
    return text


def in_mermaid(text: str) -> str:
    """Text that Mermaid shows as it is: it takes the number of a character between # and ;."""
    return "".join(
        f"#{ord(char)};" if char in _MARKS_IN_MERMAID else char for char in plain(text, NAME_WIDTH)
    )
