"""Runs a test module, and its doctests, with every generator in it guarded.

Usage: python harness.py test.test_generators

Prints as JSON how many tests ran, which of them failed, and how many calls guards have served.
"""

from __future__ import annotations

import faulthandler
import importlib
import io
import json
import re
import sys
import unittest
from typing import Any

from counting import counted
from importing import guard_doctests, guard_modules

LIMIT = 40
"""Seconds after which a test counts as hanging. It is shown where, and nothing more runs."""


def run_guarded(name: str) -> dict[str, Any]:
    """Run the tests of the module `name`; what came of it."""
    guard_modules(name.__eq__)
    guard_doctests()
    with counted() as served:
        suite = unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(name))
        result = unittest.TextTestRunner(io.StringIO()).run(suite)
    failed = {
        test.id().removeprefix(f"{name}."): what_failed(report)
        for test, report in [*result.failures, *result.errors]
    }
    return {
        "run": result.testsRun,
        "skipped": len(result.skipped),
        "failed": failed,
        "unexpected_successes": [test.id() for test in result.unexpectedSuccesses],
        "served": served.calls,
    }


def what_failed(report: str) -> list[str]:
    """Of a docstring its examples that failed, of any other test the line that names its error."""
    examples = re.findall(r"^Failed example:\n((?:    .*\n)+)", report, re.MULTILINE)
    if examples:
        return [example.strip() for example in examples]
    return re.findall(r"^[\w.]+Error\b.*", report, re.MULTILINE)[-1:] or [report]


if __name__ == "__main__":
    faulthandler.dump_traceback_later(LIMIT, exit=True)
    print(json.dumps(run_guarded(sys.argv[1])))
