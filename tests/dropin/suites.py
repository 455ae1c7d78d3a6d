"""The interpreter's own tests that run with guards, and those that no guard can pass."""

from __future__ import annotations

import importlib.util
import json
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from subprocesses import run_program

SUITES = (
    "test_generators",
    "test_generator_stop",
    "test_yield_from",
    "test_coroutines",
    "test_asyncgen",
    "test_contextlib",
    "test_contextlib_async",
    "test_iter",
    "test_genexps",
)

PYTHON = platform.python_version()
FEATURE_RELEASE = PYTHON.rpartition(".")[0]
ALL_RELEASES = ("3.11", "3.12", "3.13")

FRAME = "one more frame on the stack"
TYPE = "`type(g)`"
C_HELPER = "C helper for exact generators"
WORDS = "error or note of the guard"


@dataclass(frozen=True)
class KnownFailure:
    """A test that no Python-level proxy can pass, or where the guard is meant to differ.

    A docstring is one test: `examples` are those of its examples that fail, each with its reason.
    """

    suite: str
    test: str
    reason: str = ""
    examples: tuple[tuple[str, str], ...] = ()
    releases: tuple[str, ...] = ALL_RELEASES

    @property
    def reasons(self) -> set[str]:
        return {self.reason} - {""} | {reason for _, reason in self.examples}


KNOWN_FAILURES = (
    KnownFailure("test_generators", "GeneratorStackTraceTest.test_send_with_yield_from", FRAME),
    KnownFailure("test_generators", "GeneratorStackTraceTest.test_throw_with_yield_from", FRAME),
    KnownFailure("test_generators", "SignalAndYieldFromTest.test_raise_and_yield_from", C_HELPER),
    KnownFailure(
        "test_generators",
        "__test__.coroutine",
        examples=(
            ('f().send("foo")', WORDS),
            ("type(f())", TYPE),
            ("g.send(2)", WORDS),
            ("levels", FRAME),
            ("type(f())", TYPE),
            ("type(f())", TYPE),
            ("type(f())", TYPE),
            ("type(g)", TYPE),
        ),
    ),
    KnownFailure(
        "test_generators", "__test__.email", examples=(("type(g)", TYPE), ("type(i)", TYPE))
    ),
    KnownFailure(
        "test_generators",
        "__test__.pep",
        examples=(
            ("next(me)", WORDS),
            ("next(k)  # and the generator cannot be resumed", WORDS),
        ),
    ),
    KnownFailure("test_generators", "__test__.syntax", examples=(("type(f())", TYPE),) * 6),
    KnownFailure(
        "test_genexps",
        "__test__.doctests",
        examples=(("type(g)", TYPE), ("next(me)", WORDS), ("next(g)", WORDS)),
    ),
)


def known_failures(suite: str) -> dict[str, KnownFailure]:
    """Those of a suite on this interpreter, by test."""
    return {
        known.test: known
        for known in KNOWN_FAILURES
        if known.suite == suite and FEATURE_RELEASE in known.releases
    }


class Outcome(NamedTuple):
    """What the harness says of one suite."""

    run: int
    skipped: int
    failed: dict[str, list[str]]
    unexpected_successes: list[str]
    served: int


def is_shipped(suite: str) -> bool:
    """Whether this interpreter came with its tests; some distributions leave them out."""
    try:
        return importlib.util.find_spec(f"test.{suite}") is not None
    except ModuleNotFoundError:
        return False


@cache
def run_suite(suite: str) -> Outcome:
    """Run it in a process of its own, once. Fails if that hangs or dies."""
    harness = Path(__file__).with_name("harness.py")
    done = run_program(harness, f"test.{suite}", timeout=50)
    if done.returncode:
        raise RuntimeError(f"{suite} ended with {done.returncode}:\n{done.stderr}")
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return Outcome(**report)
