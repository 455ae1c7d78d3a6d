"""Where a scheduled thread stops to let others go on: the entry of code that is watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import CodeType, FrameType

    Visit = Callable[[FrameType], None]


class Points:
    """What to call when a frame of some code is entered, or begins a line.

    Calls come in every thread that runs this code. What is called may raise only to end a thread.
    """

    def __init__(
        self, entries: Iterable[tuple[CodeType, Visit]], lines: Iterable[tuple[CodeType, Visit]]
    ) -> None:
        # By identity: code is hashed by its value, anew each time.
        self.entries = {id(code): visit for code, visit in entries}
        self.lines = {id(code): visit for code, visit in lines}
        self.codes = {id(code): code for code, _ in [*entries, *lines]}
