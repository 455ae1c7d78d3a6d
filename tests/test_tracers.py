"""Under tracers and profilers, where a shared bare generator takes the interpreter down."""

import sys
from importlib.util import find_spec
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from subprocesses import run_program

PROGRAMS = Path(__file__).parent / "programs"

TRACERS = ["settrace", "setprofile", *(["monitoring"] if sys.version_info >= (3, 12) else [])]


def run(program: str, *arguments: str) -> CompletedProcess[str]:
    return run_program(PROGRAMS / f"{program}.py", *arguments)


def has_crashed(ran: CompletedProcess[str]) -> bool:
    """Whether a signal ended it: which one is up to how the interpreter was built."""
    return ran.returncode < 0


@pytest.mark.parametrize("tracer", TRACERS)
def test_a_guard_holds_under_a_tracer(tracer: str) -> None:
    ran = run("traced", tracer, "guarded")
    assert (ran.stdout, ran.stderr, ran.returncode) == ("each number once\n", "", 0)


@pytest.mark.parametrize("tracer", TRACERS)
def test_a_bare_generator_crashes_under_a_tracer(tracer: str) -> None:
    assert has_crashed(run("traced", tracer, "bare"))


CORES = ["pytrace"]
if find_spec("coverage.tracer") is not None:
    CORES.append("ctrace")
if sys.version_info >= (3, 12):
    CORES.append("sysmon")


@pytest.mark.parametrize("core", CORES)
def test_a_guard_holds_under_coverage(core: str) -> None:
    ran = run("covered", core, "guarded")
    assert (ran.stdout, ran.stderr, ran.returncode) == ("each number once\n", "", 0)


def test_a_bare_generator_crashes_under_the_coverage_tracer_in_python() -> None:
    # Nothing here can hold the tracer at the moment that matters, so it may need another try.
    assert any(has_crashed(run("covered", "pytrace", "bare")) for _ in range(5))
