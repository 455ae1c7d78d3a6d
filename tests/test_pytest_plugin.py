"""The pytest plugin: its fixtures and its marker, and what it adds to reports of failures."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from plugin_runs import BY_NAME, runner, shows

if TYPE_CHECKING:
    from plugin_runs import Run

pytest_plugins = ["pytester"]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    return runner(pytester, monkeypatch)


def assert_no_line_of_genlock(result: pytest.RunResult) -> None:
    """Of its own lines, which help nobody: tracebacks name a file and a line."""
    assert not re.search(r"^\S*genlock/\S*\.py:\d+", result.stdout.str(), re.MULTILINE)


# What it costs.


@pytest.mark.usefixtures("run")  # for the path on which modules are found
def test_nothing_of_genlock_is_imported_where_nothing_is_used(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import threading

        def test_passing():
            pass

        def test_failing():
            assert {"a": [ValueError("something else")]} == {}

        def test_thread():
            thread = threading.Thread(target=int, args=["no number"])
            thread.start()
            thread.join()
    """)
    program = pytester.makepyfile(
        look="""
        import sys, pytest
        pytest.main(sys.argv[1:])
        assert "pytest_genlock" in sys.modules
        print("imported:", [name for name in sys.modules if name.split(".")[0] == "genlock"])
    """
    )
    ran = pytester.run(sys.executable, program, *BY_NAME)
    shows(ran, "1 failed, 2 passed, 1 warning", "imported: []")


# Fixtures.


def test_explore_fails_a_test_with_its_report(run: Run) -> None:
    result = run("""
def test_race(genlock_explore):
    genlock_explore(bare, [send_one, send_one]).assert_ok()
""")
    result.assert_outcomes(failed=1)
    shows(
        result,
        ">       genlock_explore(bare, [send_one, send_one]).assert_ok()",
        "AssertionError: failed: ValueError: generator already executing, in T2",
        "T1 was inside 'total'",
        "[GL011] Threads share a bare generator.",
        "Let them take turns; write above test_it.py:5:  @genlock.guarded",
        'genlock.testing.replay(setup, workers, "g1:1>T2")',
    )
    failures, _, _ = result.stdout.str().partition("short test summary")
    assert failures.count("[GL011]") == 1  # under CI=true, the summary has it, too
    assert_no_line_of_genlock(result)


def test_fixtures_are_the_functions_of_the_kit(run: Run) -> None:
    run("""
def test_explore(genlock_explore):
    result = genlock_explore(guarded, [send_one, send_one], check=lambda cor: cor.send(0) == 2)
    result.assert_ok()
    assert result.exhausted

def test_hammer(genlock_hammer):
    cor = guarded()
    genlock_hammer(lambda: cor.send(1), threads=2, rounds=10)
    assert cor.send(0) == 20

def test_transcript(genlock_transcript):
    written = genlock_transcript(total())
    next(written)
    written.send(3)
    assert str(written) == "next(): yielded 0\\nsend(3): yielded 3\\n"
""").assert_outcomes(passed=3)


def test_calls_are_recorded_while_a_test_runs(run: Run) -> None:
    pytest.importorskip("genlock._tracing._recording")
    run("""
from genlock.testing import assert_no_cycle, assert_no_inversion

def test_it(genlock_trace):
    cor = guarded()
    cor.send(1)
    assert [event.operation for event in genlock_trace.events][-1] == "send"
    assert_no_cycle(genlock_trace)
    assert_no_inversion(genlock_trace)
""").assert_outcomes(passed=1)


# Options.

SEES_OPTIONS = """
def test_random_schedules(genlock_explore):
    result = genlock_explore(lambda: [guarded(), guarded()], [
        lambda pair: [pair[0].send(1) for _ in range(5)],
        lambda pair: [pair[1].send(1) for _ in range(5)],
    ])
    print("seed", result.seed, str(result))
"""


def test_the_ini_file_gives_schedules_and_seed(run: Run) -> None:
    result = run(SEES_OPTIONS, "-rP", ini="genlock_schedules = 12\ngenlock_seed = 7")
    shows(result, "genlock: seed 7", "seed 7 ok: 12 schedules of more (budget=12)")


def test_the_nearest_marker_counts(run: Run) -> None:
    marked = f"""
pytestmark = pytest.mark.genlock(schedules=3, seed=8)
@pytest.mark.genlock(schedules=5)
{SEES_OPTIONS.strip()}
"""
    result = run(marked, "-rP", "--strict-markers", ini="genlock_seed = 7")
    shows(result, "genlock: seed 7", "seed 8 ok: 5 schedules of more (budget=5)")


def test_each_run_has_a_seed_of_its_own_that_the_header_shows(run: Run) -> None:
    result = run(SEES_OPTIONS, "-rP")
    header = next(line for line in result.outlines if line.startswith("genlock: seed "))
    shows(result, header, header.removeprefix("genlock: ") + " ok: ")
    assert header not in run(SEES_OPTIONS).outlines


@pytest.mark.parametrize(
    ("ini", "complaint"),
    [
        ("genlock_leaks = no", "genlock_leaks must be one of off, warn, error, not 'no'"),
        ("genlock_schedules = 0", "genlock_schedules must be a whole number from 1 on, not 0"),
        ("genlock_seed = x", "genlock_seed: invalid literal for int() with base 10: 'x'"),
    ],
)
def test_a_wrong_ini_file_is_refused_in_one_line(run: Run, ini: str, complaint: str) -> None:
    result = run("def test_it(): pass", ini=ini)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert line == f"ERROR: {complaint} (in the ini file, or with -o)"


@pytest.mark.parametrize(
    ("marker", "complaint"),
    [
        ("leaks='no'", "marker genlock: leaks must be one of off, warn, error, not 'no'"),
        ("leeks='warn'", "marker genlock: leeks: there is no such option; there are leaks, "),
        ("schedules=True", "marker genlock: schedules must be a whole number from 1 on, not True"),
        ("seed='x'", "marker genlock: seed must be a whole number, not 'x'"),
        ("'error'", "genlock('error',): this marker takes names only"),
    ],
)
def test_a_wrong_marker_is_an_error_of_its_test_alone(
    run: Run, marker: str, complaint: str
) -> None:
    result = run(f"""
@pytest.mark.genlock({marker})
def test_marked():
    print("never runs")

def test_other():
    pass
""")
    result.assert_outcomes(errors=1, passed=1)
    shows(result, "ERROR at setup of test_marked", complaint)


def test_strict_settings_know_all_that_there_is(run: Run) -> None:
    ini = "genlock_leaks = error\ngenlock_schedules = 9\ngenlock_seed = 1"
    tests = "@pytest.mark.genlock(leaks='off', seed=3)\ndef test_it(): pass"
    run(tests, "--strict-markers", "--strict-config", ini=ini).assert_outcomes(passed=1)
    shows(run("", "--markers"), '@pytest.mark.genlock(leaks="error"|"warn"|"off", schedules=N')


def test_with_autoload_off_it_is_loaded_by_name(run: Run) -> None:
    tests = """
@pytest.mark.genlock(schedules=2)
def test_it(genlock_explore):
    genlock_explore(guarded, [send_one, send_one]).assert_ok()

def test_dying():
    in_thread(send_too_early)
"""
    result = run(tests, "--strict-markers", loaded=BY_NAME, apart=True)
    result.assert_outcomes(passed=1, failed=1)
    shows(result, "genlock: seed ", "[GL012]")


# Guards left suspended.

LEAKING = """
kept = []

def test_leaking():
    kept.append(guarded())
"""


def test_a_guard_that_is_left_suspended_fails_the_test(run: Run) -> None:
    result = run(LEAKING, ini="genlock_leaks = error")
    result.assert_outcomes(passed=1, errors=1)
    shows(result, "ERROR at teardown of test_leaking", "1 guard left suspended:", "'sum', made at")
    assert "During handling" not in result.stdout.str()


def test_a_guard_that_is_left_suspended_can_be_a_warning(run: Run) -> None:
    marked = LEAKING.replace("def test", "@pytest.mark.genlock(leaks='warn')\ndef test")
    result = run(marked, ini="genlock_leaks = error")
    result.assert_outcomes(passed=1, warnings=1)
    shows(result, "warnings summary", "PytestWarning: 1 guard left suspended:")


def test_guards_that_are_left_are_nobodys_business_unless_asked_for(run: Run) -> None:
    run(LEAKING).assert_outcomes(passed=1)


def test_what_fixtures_close_is_not_left(run: Run) -> None:
    run(
        """
@pytest.fixture
def make():
    made = []
    yield lambda: made.append(guarded())
    for each in made:
        each.close()

def test_it(make):
    make()
""",
        ini="genlock_leaks = error",
    ).assert_outcomes(passed=1)


def test_a_test_that_fails_is_not_told_of_what_its_traceback_keeps(run: Run) -> None:
    result = run(
        """
def test_it():
    cor = guarded()
    assert cor.send(1) == 2
""",
        ini="genlock_leaks = error",
    )
    result.assert_outcomes(failed=1)
    run(LEAKING, ini="genlock_leaks = error").assert_outcomes(passed=1, errors=1)


# Threads that die.

DYING = """
def test_dying():
    in_thread(send_too_early)
"""


def test_a_thread_that_dies_of_a_generator_fails_the_test(run: Run) -> None:
    result = run(DYING)
    result.assert_outcomes(failed=1)
    shows(
        result,
        "uncaught in the thread 'adder': TypeError: can't send non-None value to a just-started",
        ", in send_too_early",
        "total().send(1)",
        "- genlock -",
        "[GL012] ",
        "FAILED ",
    )
    assert "in _bootstrap_inner" not in result.stdout.str()
    assert "During handling" not in result.stdout.str()


def test_a_thread_that_leaves_by_system_exit_has_not_died(run: Run) -> None:
    run("""
def leave():
    try:
        send_too_early()
    except TypeError as error:
        raise SystemExit from error

def test_it():
    in_thread(leave)
""").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("call", "note"),
    [
        ("cor.send(1)", ""),
        ("next(cor)", ""),
        ("shared.__next__()", "genlock: 'sum' had been closed, at"),
        ("shared.send(1)", "genlock: 'sum' had been closed, at"),
    ],
)
def test_a_thread_that_dies_because_a_generator_has_ended_fails_the_test(
    run: Run, call: str, note: str
) -> None:
    result = run(f"""
def test_it():
    cor, shared = bare(), guarded()
    cor.close()
    shared.close()
    in_thread(lambda: {call})
""")
    result.assert_outcomes(failed=1)
    shows(
        result,
        "uncaught in the thread 'adder': StopIteration",
        "- genlock -",
        "StopIteration ended the thread: 'total' has ended",
        call,
        note,
        "make a new one.",
        "except StopIteration: …",
    )


@pytest.mark.parametrize("call", ["next(iter([]))", "next(nothing)", "stop()"])
def test_a_thread_that_dies_because_anything_else_has_ended_is_left_to_pytest(
    run: Run, call: str
) -> None:
    result = run(f"""
def stop():
    raise StopIteration

def test_it():
    nothing = iter([])
    in_thread(lambda: {call})
""")
    result.assert_outcomes(passed=1, warnings=1)


LOW_LEVEL = """
import _thread
import time

def in_low_level_thread(job):
    started = _thread.allocate_lock()
    started.acquire()
    def run():
        started.release()
        job()
    before = _thread._count()
    _thread.start_new_thread(run, ())
    started.acquire()
    while _thread._count() > before:
        time.sleep(0.001)

def test_dying():
    in_low_level_thread(send_too_early)
"""


def test_a_thread_below_the_threading_module_fails_the_test_too(run: Run) -> None:
    result = run(LOW_LEVEL)
    result.assert_outcomes(failed=1)
    shows(result, "uncaught in the thread 'thread ", "TypeError: can't send non-None", "[GL012] ")


def test_what_finalisers_and_low_level_threads_raise_otherwise_is_left_to_pytest(run: Run) -> None:
    result = run(
        LOW_LEVEL.replace("send_too_early", "lambda: int('no number')")
        + """
def test_finaliser():
    class Last:
        def __del__(self):
            send_too_early()
    Last()
"""
    )
    result.assert_outcomes(passed=2, warnings=2)


def test_who_ignores_low_level_threads_goes_on_ignoring_them(run: Run) -> None:
    ignoring = "@pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning')"
    run(LOW_LEVEL.replace("def test", f"{ignoring}\ndef test")).assert_outcomes(passed=1)


def test_without_the_plugin_it_is_a_warning(run: Run) -> None:
    run(DYING, loaded=()).assert_outcomes(passed=1, warnings=1)


def test_a_thread_that_dies_of_anything_else_is_left_to_pytest(run: Run) -> None:
    result = run("""
def test_it():
    in_thread(lambda: int("no number"))
""")
    result.assert_outcomes(passed=1, warnings=1)


@pytest.mark.parametrize(
    "what", [":pytest.PytestUnhandledThreadExceptionWarning", "Exception in thread adder"]
)
def test_who_ignores_dying_threads_goes_on_ignoring_them(run: Run, what: str) -> None:
    ignoring = f"@pytest.mark.filterwarnings('ignore:{what}')"
    run(f"{ignoring}\n{DYING.strip()}").assert_outcomes(passed=1)


def test_who_ignores_them_is_not_told_of_them_where_the_test_fails_itself(run: Run) -> None:
    result = run("""
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_it():
    in_thread(send_too_early)
    assert not "as it should be"
""")
    result.assert_outcomes(failed=1)
    assert "uncaught in" not in result.stdout.str()


def test_where_dying_threads_are_errors_there_is_one_error(run: Run) -> None:
    result = run(DYING, "-W", "error")
    result.assert_outcomes(failed=1)
    shows(result, "uncaught in the thread 'adder'", "[GL012]")


def test_a_test_that_fails_for_itself_tells_of_the_thread_too(run: Run) -> None:
    result = run("""
def test_it():
    in_thread(send_too_early)
    in_thread(send_too_early)
    assert not "as it should be"
""")
    result.assert_outcomes(failed=1)
    shows(
        result,
        "assert not 'as it should be'",
        "- genlock: uncaught in a thread -",
        "uncaught in the thread 'adder'",
        "Traceback",
        "uncaught in the thread 'adder'",
        "[GL012] ",
    )
    assert result.stdout.str().count("in send_too_early") == 1


def test_a_skipped_test_is_skipped(run: Run) -> None:
    run("def test_it():\n    pytest.skip('all of it')").assert_outcomes(skipped=1)


def test_a_skipped_test_fails_for_its_threads(run: Run) -> None:
    result = run("""
def test_it():
    in_thread(send_too_early)
    pytest.skip("the rest")
""")
    result.assert_outcomes(failed=1)


@pytest.mark.parametrize(("when", "outcome"), [("before", "setup"), ("after", "teardown")])
def test_a_thread_that_dies_in_a_fixture_is_an_error_there(
    run: Run, when: str, outcome: str
) -> None:
    before, after = (
        "in_thread(send_too_early)" if each == when else "pass" for each in ("before", "after")
    )
    result = run(f"""
@pytest.fixture
def noisy():
    {before}
    yield
    {after}

def test_it(noisy):
    pass
""")
    assert result.parseoutcomes()["errors"] == 1
    shows(result, f"ERROR at {outcome} of test_it", "uncaught in the thread 'adder'")


def test_a_thread_that_an_earlier_test_left_is_told_to_be_older(run: Run) -> None:
    result = run("""
leave = threading.Event()

def wait_and_die():
    leave.wait(20)
    send_too_early()

late = threading.Thread(target=wait_and_die, name="late")

def test_first():
    late.start()

def test_second():
    leave.set()
    late.join()
    in_thread(send_too_early)
""")
    result.assert_outcomes(passed=1, failed=1)
    shows(
        result,
        "uncaught in the thread 'late' (there before this test): TypeError",
        "uncaught in the thread 'adder': TypeError",
    )


def test_a_thread_that_dies_when_the_tests_are_over_is_left_to_pytest(run: Run) -> None:
    result = run(
        """
leave = threading.Event()

def wait_and_die():
    leave.wait(20)
    send_too_early()

late = threading.Thread(target=wait_and_die, name="late")

def test_it():
    late.start()

@pytest.fixture(scope="session", autouse=True)
def last(request):
    def end():
        leave.set()
        late.join()
    request.config.add_cleanup(end)
""",
        apart=True,
    )
    shows(result, "1 passed")
    assert "late" in result.stderr.str() + result.stdout.str()


# Diagnoses.


@pytest.mark.parametrize(
    ("fails", "told"),
    [
        ("total().send(1)", "[GL012] "),
        ("genlock.guard(total()).send(1)", "[GL006] 'total' was sent a value before"),
        ("raise KeyError from pytest.raises(TypeError, send_too_early).value", "[GL012] "),
        (
            "raise ExceptionGroup('', [pytest.raises(TypeError, send_too_early).value])",
            "[GL012] ",
        ),
    ],
)
def test_a_failure_of_the_generator_protocol_has_its_diagnosis(
    run: Run, fails: str, told: str
) -> None:
    for option in ("--tb=short", "--show-capture=no"):
        result = run(f"def test_it():\n    {fails}", option)
        result.assert_outcomes(failed=1)
        shows(result, "- genlock -", told, "More about it:  genlock explain GL")
        assert_no_line_of_genlock(result)


def test_so_has_a_test_case_of_unittest(run: Run) -> None:
    result = run("""
import unittest

class Test(unittest.TestCase):
    def test_failing(self):
        in_thread(send_too_early)
        send_too_early()

    def test_dying(self):
        in_thread(send_too_early)
""")
    result.assert_outcomes(failed=2)
    shows(result, " Test.test_dying ", "uncaught in the thread 'adder'", "[GL012] ")
    shows(
        result,
        " Test.test_failing ",
        "- genlock -",
        "[GL012] ",
        "- genlock: uncaught in a thread -",
        "[GL012] ",
    )


def test_a_failure_of_anything_else_has_none(run: Run) -> None:
    result = run("def test_it():\n    assert ValueError('generator already executing') is None")
    result.assert_outcomes(failed=1)
    assert "- genlock" not in result.stdout.str()


def test_an_error_of_which_nothing_is_known_has_all_its_lines(run: Run) -> None:
    result = run("def test_it():\n    send_too_early()\n\ndef test_own():\n    genlock.guard(3)")
    result.assert_outcomes(failed=2)
    assert re.search(r"^\S*_guard\.py:\d+: TypeError", result.stdout.str(), re.MULTILINE)


def test_generators_of_pytest_are_not_taken_for_the_one_that_was_running(run: Run) -> None:
    result = run("def test_it():\n    raise ValueError('generator already executing')")
    shows(result, "[GL011] ")
    assert "Running, one of which it may be" not in result.stdout.str()


def test_an_expected_failure_stays_one(run: Run) -> None:
    run("""
@pytest.mark.xfail(raises=TypeError, strict=True)
def test_it():
    send_too_early()
""").assert_outcomes(xfailed=1)
