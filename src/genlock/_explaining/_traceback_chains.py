"""Puts together the ways that tracebacks of one chain tell.

A traceback ends, on its outer side, where its error was caught. That of what was raised there
instead goes on from there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from genlock._explaining._tracebacks import TracebackText


def with_whole_paths(texts: Iterable[TracebackText]) -> Iterator[TracebackText]:
    """These tracebacks, each with the frames that those below it in its chain add outside."""
    chain: list[TracebackText] = []
    for text in texts:
        if text.frames or text.is_report:
            if chain and text.over == chain[-1].line:
                chain = [_continued(each, text) for each in chain]
            else:
                yield from chain
                chain = []
            chain.append(text)
        else:
            yield text
    yield from chain


def _continued(inner: TracebackText, outer: TracebackText) -> TracebackText:
    if not inner.frames:
        return inner
    begin = inner.frames[0]
    for place in reversed(range(len(outer.frames))):
        frame = outer.frames[place]
        if (frame.file, frame.function) == (begin.file, begin.function):
            return replace(inner, frames=outer.frames[:place] + inner.frames)
    return inner
