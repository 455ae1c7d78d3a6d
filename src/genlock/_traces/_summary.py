"""From a trace to what a report tells: one row for each guard, or for each function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from genlock._traces._events import by_function, told_apart

if TYPE_CHECKING:
    from genlock._traces._events import Event, Trace


@dataclass(slots=True)
class Row:
    """What became of one guard, or of all guards of one function. Times in nanoseconds.

    `contended` counts the calls that had to wait, or were not to and so refused; `ended` says how
    the last of the generators ended, in a word or two, or is empty.
    """

    name: str
    resumptions: int = 0
    inside: int = 0
    waited: int = 0
    contended: int = 0
    longest_wait: int = 0
    ended: str = ""

    def add(self, event: Event) -> None:
        """Add what one event tells."""
        if event.is_resumption:
            self.resumptions += 1
            self.inside += event.end - event.begin
        if event.is_resumption or event.outcome == "ended":
            self._note_ending(event)
        self.waited += event.waited
        self.contended += event.waited > 0 or event.error == "ContendedCallError"
        self.longest_wait = max(self.longest_wait, event.waited)

    def _note_ending(self, event: Event) -> None:
        if event.outcome == "yielded":
            self.ended = ""
        elif not self.ended:  # what comes after the end says nothing of it
            self.ended = "closed" if event.operation == "close" else event.outcome
            if event.error:
                self.ended = f"raised {event.error}"


def summary(trace: Trace, *, by: str = "guard") -> list[Row]:
    """The rows of a trace, by "guard" or by "function", the one with the most time inside first."""
    names = told_apart(trace.guards) if by == "guard" else by_function(trace.guards)
    rows: dict[str, Row] = {}
    for event in trace.events:
        name = names[event.guard.number]
        (rows.get(name) or rows.setdefault(name, Row(name))).add(event)
    return sorted(rows.values(), key=lambda row: (-row.inside, row.name))
