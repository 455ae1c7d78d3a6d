"""Writes what this interpreter's tests gave into the table of README.md.

Usage, with each interpreter: PYTHONPATH=src:tests python tests/dropin/table.py
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from suites import ALL_RELEASES, FEATURE_RELEASE, PYTHON, SUITES, known_failures, run_suite

README = Path(__file__).with_name("README.md")
HEAD = (
    "| suite | CPython | tests | failed | calls served by guards | why they failed |\n"
    "|---|---|---|---|---|---|\n"
)


class Row(NamedTuple):
    """A line of the table, as texts."""

    suite: str
    python: str
    run: str
    failed: str
    served: str
    why: str

    def __str__(self) -> str:
        return f"| {' | '.join(self)} |"


def measured(suite: str) -> Row:
    """The row that this interpreter gives for a suite."""
    outcome = run_suite(suite)
    known = known_failures(suite)
    reasons = {reason for test in outcome.failed for reason in known[test].reasons}
    return Row(
        suite,
        PYTHON,
        str(outcome.run),
        str(len(outcome.failed)),
        str(outcome.served),
        "; ".join(sorted(reasons)),
    )


def written() -> list[Row]:
    """The rows that README.md has."""
    rows = re.findall(r"^\| (test_.*) \|$", README.read_text("utf-8"), re.MULTILINE)
    return [Row(*re.split(r" ?\| ", row)) for row in rows]


def update() -> None:
    """Replace the rows of this release of the interpreter."""
    rows = [row for row in written() if row.python.rpartition(".")[0] != FEATURE_RELEASE]
    rows += [measured(suite) for suite in SUITES]
    rows.sort(key=lambda row: (SUITES.index(row.suite), row.python))
    table = HEAD + "".join(f"{row}\n" for row in rows)
    text = README.read_text("utf-8")
    first_table = re.compile(r"(^\|.*\n)+", re.MULTILINE)
    README.write_text(first_table.sub(lambda _: table, text, count=1), "utf-8")


if __name__ == "__main__":
    assert FEATURE_RELEASE in ALL_RELEASES
    update()
