"""Under tracers and profilers, where a shared bare generator takes the interpreter down."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "programs"

TRACERS = ["settrace", "setprofile", *(["monitoring"] if sys.version_info >= (3, 12) else [])]


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.run(
        [sys.executable, PROGRAMS / f"{program}.py", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "PYTHONFAULTHANDLER": ""},
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("tracer", TRACERS)
def test_a_guard_holds_under_a_tracer(tracer: str) -> None:
    ran = run("traced", tracer, "guarded")
    assert (ran.stdout, ran.stderr, ran.returncode) == ("each number once\n", "", 0)


@pytest.mark.parametrize("tracer", TRACERS)
def test_a_bare_generator_crashes_under_a_tracer(tracer: str) -> None:
    assert run("traced", tracer, "bare").returncode == -signal.SIGSEGV


CORES = ["pytrace", "ctrace", *(["sysmon"] if sys.version_info >= (3, 12) else [])]


@pytest.mark.parametrize("core", CORES)
def test_a_guard_holds_under_coverage(core: str) -> None:
    ran = run("covered", core, "guarded")
    assert (ran.stdout, ran.stderr, ran.returncode) == ("each number once\n", "", 0)


def test_a_bare_generator_crashes_under_the_coverage_tracer_in_python() -> None:
    # Nothing here can hold the tracer at the moment that matters, so it may need another try.
    crashed = (run("covered", "pytrace", "bare").returncode == -signal.SIGSEGV for _ in range(5))
    assert any(crashed)
