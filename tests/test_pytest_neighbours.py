"""The pytest plugin beside other plugins: timeouts, workers, coverage, random order; or none."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plugin_runs import BY_NAME, runner, shows

if TYPE_CHECKING:
    from plugin_runs import Run

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[1]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    return runner(pytester, monkeypatch)


def loaded(*plugins: str) -> tuple[str, ...]:
    """The arguments that load these plugins besides ours, by the names of their modules."""
    for plugin in plugins:
        pytest.importorskip(plugin)
    return (*BY_NAME, *(word for plugin in plugins for word in ("-p", plugin)))


# Timeouts.

HANGING = """
def waiting():
    while True:
        inside.set()
        yield never.wait(30)

def sending():
    yield
    while True:
        yield next(inner)

inside, never = threading.Event(), threading.Event()
inner = genlock.guard(waiting(), name="inner")
outer = genlock.guard(sending(), name="outer", prime=True)

def test_hanging():
    threading.Thread(target=outer.send, args=(1,), name="holder", daemon=True).start()
    inside.wait(20)
    next(inner)
"""
SNAPSHOT = ["genlock: the guards when the time was up", "inner", "holder", "MainThread"]


@pytest.mark.parametrize("workers", [[], ["-n1", "--max-worker-restart=0"]])
@pytest.mark.parametrize("method", ["signal", "thread"])
def test_a_timeout_comes_with_a_snapshot(run: Run, method: str, workers: list[str]) -> None:
    plugins = loaded("pytest_timeout", *(["xdist.plugin"] if workers else []))
    words = ["--timeout=1", f"--timeout-method={method}", *workers]
    result = run(HANGING, *words, loaded=plugins, apart=True)
    assert result.ret != 0
    told = result.stdout.str() + result.stderr.str()
    shown = told[told.index(SNAPSHOT[0]) :]
    for word in SNAPSHOT:
        assert word in shown
    assert told.count(SNAPSHOT[0]) == 1
    if method == "signal":
        shows(result, "Failed: Timeout", SNAPSHOT[0])


def test_a_timeout_without_guards_is_as_ever(run: Run) -> None:
    slow = "def test_slow():\n    threading.Event().wait(20)"
    result = run(slow, "--timeout=0.2", loaded=loaded("pytest_timeout"), apart=True)
    result.assert_outcomes(failed=1)
    assert "genlock: the guards" not in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize("method", ["signal", "thread"])
def test_a_test_that_is_in_time_is_as_ever(run: Run, method: str) -> None:
    quick = "def test_quick(): guarded().send(1)"
    words = ["--timeout=20", f"--timeout-method={method}"]
    run(quick, *words, loaded=loaded("pytest_timeout")).assert_outcomes(passed=1)


# Workers of pytest-xdist.


def test_the_seed_and_the_reports_pass_between_workers_and_controller(
    run: Run, tmp_path: Path
) -> None:
    result = run(
        f"""
import pathlib
@pytest.mark.parametrize("number", [1, 2])
def test_seed(genlock_explore, number):
    seed = genlock_explore(guarded, [send_one]).seed
    pathlib.Path({str(tmp_path)!r}, f"{{number}}").write_text(f"genlock: seed {{seed}}")

def test_dying():
    in_thread(send_too_early)

def test_failing():
    send_too_early()
""",
        "-n2",
        "--dist=each",
        loaded=loaded("xdist.plugin"),
        apart=True,
    )
    result.assert_outcomes(passed=4, failed=4)
    header = re.search(r"^genlock: seed \d+$", result.stdout.str(), re.MULTILINE)
    assert header is not None
    assert {path.read_text() for path in tmp_path.iterdir()} == {header[0]}
    assert result.stdout.str().count("[GL012] ") == 4


# Others.


@pytest.mark.parametrize("core", ["ctrace", "pytrace"])
def test_coverage_is_measured(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, core: str
) -> None:
    if core == "ctrace":
        pytest.importorskip("coverage.tracer")
    monkeypatch.setenv("COVERAGE_CORE", core)
    tests = """
import contextlib

def test_explore(genlock_explore):
    genlock_explore(guarded, [send_one, send_one]).assert_ok()
    reached = [1]

def primed(left=[]):
    left[:] = [bare()]
    return left[0]

def resume(generator):
    with contextlib.suppress(ValueError):
        generator.send(1)
    generator.close()

def test_replay():
    from genlock.testing import replay
    replay(primed, [resume], "g1:").assert_ok()
    if not threading.active_count():
        raise AssertionError
    reached = [2]
"""
    words = ("--cov=test_it", "--cov-report=term-missing")
    result = run(tests, *words, loaded=loaded("pytest_cov.plugin"), apart=True)
    result.assert_outcomes(passed=2)
    line = r"^test_it\.py +\d+ +(\d+) +\d+%(.*)"
    measured = re.search(line, result.stdout.str(), re.MULTILINE)
    assert measured is not None, "no figures"
    # Of the functions that are there for other tests, and of what is never reached.
    left_out = ['thread = threading.Thread(target=job, name="adder")', "thread.start()"]
    left_out += ["thread.join()", "total().send(1)", "raise AssertionError"]
    assert numbers(measured[2]) == lines_of(pytester, *left_out), "more is missing"


def numbers(ranges: str) -> list[int]:
    """The lines of a report of coverage, such as `3, 5-7`."""
    ends = [list(map(int, each.split("-"))) for each in ranges.split(",")]
    return [number for each in ends for number in range(each[0], each[-1] + 1)]


def lines_of(pytester: pytest.Pytester, *texts: str) -> list[int]:
    """The numbers of the lines of the test with these texts."""
    lines = (pytester.path / "test_it.py").read_text("utf-8").splitlines()
    return [number for number, line in enumerate(lines, 1) if line.strip() in texts]


def test_tests_may_come_in_any_order(run: Run) -> None:
    tests = """
@pytest.mark.parametrize("number", range(4))
def test_it(genlock_explore, number):
    assert genlock_explore(guarded, [send_one], seed=number).seed == number
"""
    result = run(tests, loaded=loaded("pytest_randomly"), apart=True)
    result.assert_outcomes(passed=4)
    shows(result, "Using --randomly-seed=")


def test_it_is_loaded_where_it_is_installed_and_can_be_left_out(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runner(pytester, monkeypatch, autoload=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    points = project["entry-points"]["pytest11"]
    about = pytester.mkdir("genlock-0.dist-info")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: genlock\nVersion: 0\n")
    lines = [f"{name} = {module}\n" for name, module in points.items()]
    (about / "entry_points.txt").write_text("".join(["[pytest11]\n", *lines]))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(pytester.path), *sys.path]))
    tests = """
from genlock.testing import explore

def test_function():
    explore(guarded, [send_one, send_one]).assert_ok()

def test_fixture(genlock_explore):
    genlock_explore(guarded, [send_one]).assert_ok()
"""
    for words in ((), BY_NAME):
        run(tests, loaded=words, apart=True).assert_outcomes(passed=2)
    result = run(tests, "-p", "no:genlock", loaded=(), apart=True)
    result.assert_outcomes(passed=1, errors=1)
    shows(result, "fixture 'genlock_explore' not found")
