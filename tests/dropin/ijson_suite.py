"""Runs ijson's own tests, as they are.

Usage: python ijson_suite.py DIRECTORY, that of an unpacked source distribution

Prints as JSON how many tests ended how, and how many calls guards served in this process.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from counting import counted


class Outcomes:
    """A plugin that counts how tests end."""

    def __init__(self) -> None:
        self.ended: Counter[str] = Counter()
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or not report.passed:
            self.ended[report.outcome] += 1
        if report.failed:
            self.failed.append(f"{report.nodeid}: {report.longreprtext.splitlines()[-1]}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed.append(f"{report.nodeid}: {report.longreprtext}")


if __name__ == "__main__":
    directory = Path(sys.argv[1])
    os.chdir(directory)
    outcomes = Outcomes()
    with counted() as served:
        pytest.main(["--quiet", "-p", "no:cacheprovider", "tests"], [outcomes])
    print()
    print(json.dumps({**outcomes.ended, "failures": outcomes.failed, "served": served.calls}))
