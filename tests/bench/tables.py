"""Tables of measurements, as aligned text or as Markdown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a measurement has to get, and whether it got there in this run."""

    measure: str
    measured: str
    bound: str
    met: bool


def at_most(measure: str, ratio: float, bound: float) -> Reach:
    """Judge a ratio that should be small."""
    return Reach(measure, f"{ratio:.2f}x", f"<= {bound:.2f}x", ratio <= bound)


def at_least(measure: str, ratio: float, bound: float) -> Reach:
    """Judge a ratio that should be large."""
    return Reach(measure, f"{ratio:.2f}x", f">= {bound:.2f}x", ratio >= bound)


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table: the first column names the rows, the others hold figures."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)

    def add(self, *cells: str) -> None:
        """Add a row."""
        self.rows.append(cells)

    def to_text(self) -> str:
        """Render for a terminal."""
        widths = [max(map(len, column)) for column in zip(self.columns, *self.rows, strict=True)]

        def line(cells: Sequence[str]) -> str:
            name, *figures = (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
            return "  ".join([name.strip().ljust(widths[0]), *figures]).rstrip()

        rule = ["-" * width for width in widths]
        return "\n".join([self.title, "", *map(line, [self.columns, rule, *self.rows])])

    def to_markdown(self) -> str:
        """Render for a README."""
        rule = ["---", *["---:"] * (len(self.columns) - 1)]
        lines = (f"| {' | '.join(cells)} |" for cells in [self.columns, rule, *self.rows])
        return "\n".join([f"**{self.title}**", "", *lines])


def summary(reaches: Iterable[Reach]) -> Table:
    """What the run was to reach, and what it did."""
    table = Table("Reach", ["measure", "measured", "to reach", "verdict"])
    for reach in reaches:
        table.add(reach.measure, reach.measured, reach.bound, "met" if reach.met else "missed")
    return table
