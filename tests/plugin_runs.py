"""Runs of pytest with the plugin, on small tests that a test writes."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import genlock
import genlock.testing

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    Run = Callable[..., pytest.RunResult]

KEPT = (genlock.testing, genlock.explain, genlock.snapshot)
"""Imported before: what a run within this process imports is forgotten after it."""

BY_NAME = ("-p", "pytest_genlock")
"""Loads the plugin, installed or not."""

HEAD = """
import threading
import pytest
import genlock

def total():
    added = 0
    while True:
        added += yield added

def bare():
    generator = total()
    next(generator)
    return generator

def guarded():
    return genlock.guard(total(), prime=True, name="sum")

def send_one(generator):
    generator.send(1)

def in_thread(job):
    thread = threading.Thread(target=job, name="adder")
    thread.start()
    thread.join()

def send_too_early():
    total().send(1)
"""


def runner(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, *, autoload: bool = False
) -> Run:
    """Runs tests, with the functions above, in this process or another one."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    if autoload:
        monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    else:
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(
        tests: str,
        *arguments: str,
        apart: bool = False,
        ini: str = "",
        loaded: tuple[str, ...] = BY_NAME,
    ) -> pytest.RunResult:
        pytester.makeini(f"[pytest]\n{ini}")
        pytester.makepyfile(test_it=HEAD + tests)
        # Not the warnings of this run, which are errors.
        words = (*loaded, "-W", "default", *arguments)
        return (pytester.runpytest_subprocess if apart else pytester.runpytest_inprocess)(*words)

    return run


def shows(result: pytest.RunResult, *texts: str) -> None:
    """Fails unless these texts are in the output, in this order."""
    output, place = result.stdout.str(), 0
    for text in texts:
        place = output.find(text, place)
        assert place >= 0, f"{text!r} is missing, or comes too early"
