"""The pytest plugin beside other plugins: timeouts, workers, coverage, random order; or none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from plugin_runs import LOADED, runner, shows

if TYPE_CHECKING:
    from pathlib import Path

    from plugin_runs import Run

pytest_plugins = ["pytester"]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    return runner(pytester, monkeypatch)


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
    pytest.importorskip("pytest_timeout")
    if workers:
        pytest.importorskip("xdist")
    result = run(HANGING, "--timeout=0.7", f"--timeout-method={method}", *workers, apart=True)
    assert result.ret != 0
    told = result.stdout.str() + result.stderr.str()
    shown = told[told.index(SNAPSHOT[0]) :]
    for word in SNAPSHOT:
        assert word in shown
    assert told.count(SNAPSHOT[0]) == 1
    if method == "signal":
        shows(result, "Failed: Timeout", SNAPSHOT[0])


def test_a_timeout_without_guards_is_as_ever(run: Run) -> None:
    pytest.importorskip("pytest_timeout")
    slow = "def test_slow():\n    threading.Event().wait(20)"
    result = run(slow, "--timeout=0.3", apart=True)
    result.assert_outcomes(failed=1)
    assert "genlock: the guards" not in result.stdout.str() + result.stderr.str()


def test_a_test_that_is_in_time_is_as_ever(run: Run) -> None:
    pytest.importorskip("pytest_timeout")
    for method in ("signal", "thread"):
        result = run(
            "def test_quick(): guarded().send(1)", "--timeout=20", f"--timeout-method={method}"
        )
        result.assert_outcomes(passed=1)


# Workers of pytest-xdist.


def test_the_seed_and_the_reports_pass_between_workers_and_controller(
    run: Run, tmp_path: Path
) -> None:
    pytest.importorskip("xdist")
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
        apart=True,
    )
    result.assert_outcomes(passed=4, failed=4)
    header = re.search(r"^genlock: seed \d+$", result.stdout.str(), re.MULTILINE)
    assert header is not None
    assert {path.read_text() for path in tmp_path.iterdir()} == {header[0]}
    assert result.stdout.str().count("[GL012] ") == 4


# Others.


def test_coverage_is_measured(run: Run) -> None:
    pytest.importorskip("pytest_cov")
    tests = """
def test_it(genlock_explore):
    genlock_explore(guarded, [send_one, send_one]).assert_ok()
"""
    result = run(tests, "--cov=test_it", "--cov-report=term-missing", apart=True)
    result.assert_outcomes(passed=1)
    measured = re.search(r"^test_it\.py +\d+ +(\d+)", result.stdout.str(), re.MULTILINE)
    assert measured is not None


def test_tests_may_come_in_any_order(run: Run) -> None:
    pytest.importorskip("pytest_randomly")
    tests = """
@pytest.mark.parametrize("number", range(4))
def test_it(genlock_explore, number):
    assert genlock_explore(guarded, [send_one], seed=number).seed == number
"""
    result = run(tests, "-p", "randomly", loaded=LOADED, apart=True)
    result.assert_outcomes(passed=4)
    shows(result, "Using --randomly-seed=")


def test_with_autoload_off_it_is_loaded_by_name(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    tests = """
@pytest.mark.genlock(schedules=2)
def test_it(genlock_explore):
    genlock_explore(guarded, [send_one, send_one]).assert_ok()

def test_dying():
    in_thread(send_too_early)
"""
    result = run(tests, "--strict-markers", loaded=("-p", "pytest_genlock"), apart=True)
    result.assert_outcomes(passed=1, failed=1)
    shows(result, "genlock: seed ", "[GL012]")


def test_without_the_plugin_only_fixtures_are_missing(run: Run) -> None:
    tests = """
from genlock.testing import explore

def test_function():
    explore(guarded, [send_one, send_one]).assert_ok()

def test_fixture(genlock_explore):
    pass
"""
    result = run(tests, "-p", "no:genlock", loaded=("-p", "no:pytest_genlock"), apart=True)
    result.assert_outcomes(passed=1, errors=1)
    shows(result, "fixture 'genlock_explore' not found")
