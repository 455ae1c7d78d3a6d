"""`genlock run`: what it tells of a program, when, and to whom."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

import genlock
from genlock._interpreter import _stacks
from genlock._programs import _run_wording
from genlock._traces._events import Event, Trace, TracedGuard, TracedThread
from subprocesses import run_python

if TYPE_CHECKING:
    import subprocess

GOLDEN = Path(__file__).parent / "golden" / "run"
EXAMPLES = Path(__file__).parents[1] / "examples" / "bare"
SEES_ERRORS_RAISED = hasattr(sys, "monitoring")

needs_monitoring = pytest.mark.skipif(
    not SEES_ERRORS_RAISED, reason="this interpreter does not tell when an error is raised"
)
WITH_GIL = {"PYTHON_GIL": "1"}
"""Where threads run at once, a bare generator that they share would crash the interpreter."""


def genlock_run(
    *words: str, directory: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    return run_python(
        "-m", "genlock", "run", *words, directory=directory, environment=WITH_GIL | environment
    )


def steady(text: str) -> str:
    """The text without the line numbers of the standard library, and the widths of columns."""
    text = re.sub(r"(asyncio/tasks|threading)\.py:\d+", r"\1.py:…", text)
    return re.sub(r"(?<=\S) {2,}", "  ", text)


# What is told -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "options"),
    [
        (EXAMPLES / "unguarded_sum.py", []),
        (EXAMPLES / "unguarded_loop.py", []),
        (GOLDEN / "inner.py", []),
        (GOLDEN / "each_error.py", []),
        (GOLDEN / "caught.py", ["--caught"]),
    ],
    ids=lambda given: given.stem if isinstance(given, Path) else "".join(given),
)
def test_report_is_the_kept_one(program: Path, options: list[str], tmp_path: Path) -> None:
    report = tmp_path / "report.txt"
    genlock_run(*options, "--output", str(report), program.name, directory=program.parent)
    assert steady(report.read_text("utf-8")) == steady(kept(program.stem).read_text("utf-8"))


def kept(name: str) -> Path:
    before = GOLDEN / f"{name}.311.txt"
    return before if not SEES_ERRORS_RAISED and before.exists() else GOLDEN / f"{name}.txt"


def test_an_uncaught_error_is_explained_below_its_traceback() -> None:
    ran = genlock_run("unguarded_loop.py", directory=EXAMPLES)
    bare = run_python("unguarded_loop.py", directory=EXAMPLES)
    assert ran.stdout == bare.stdout == "ping 20\npong 19\n"
    assert ran.returncode == bare.returncode == 1
    traceback, report = ran.stderr.split("\ngenlock: ")
    assert traceback == bare.stderr
    assert report.startswith("[GL011] 'ping' was sent a value while it was still running.")


def write(directory: Path, text: str, name: str = "program.py") -> None:
    (directory / name).write_text(dedent(text), encoding="utf-8")


LATE = """
def echo():
    yield

def send_early():
    cor = echo()
    cor.send(1)
"""
"""The shortest way to an error that can be explained."""


def test_an_error_behind_another_one_is_explained(tmp_path: Path) -> None:
    write(
        tmp_path,
        LATE
        + "try:\n    send_early()\nexcept TypeError as error:\n    raise KeyError(1) from error\n",
    )
    ran = genlock_run("program.py", directory=tmp_path)
    assert "\nKeyError: 1\n\ngenlock: [GL012] 'echo' was sent a value before" in ran.stderr


def test_an_error_that_two_threads_raise_is_explained_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        LATE
        + "from concurrent.futures import ThreadPoolExecutor\n"
        + "with ThreadPoolExecutor() as pool:\n    pool.submit(send_early).result()\n",
    )
    ran = genlock_run("program.py", directory=tmp_path)
    assert ran.stderr.count("GL012]") == 1


def test_an_error_that_came_to_the_threads_own_hook_is_explained(tmp_path: Path) -> None:
    write(
        tmp_path,
        LATE
        + """
import threading
threading.excepthook = lambda args: print("hook got", args.exc_value)
thread = threading.Thread(target=send_early)
thread.start()
thread.join()
""",
    )
    ran = genlock_run("program.py", directory=tmp_path)
    assert ran.stdout.startswith("hook got can't send non-None value")
    assert ran.stderr.count("GL012]") == 1


HANDED_ON = """
import threading
from concurrent.futures import ThreadPoolExecutor
begun, leave = threading.Event(), threading.Event()
def held():
    while True:
        yield
        begun.set()
        leave.wait(20)
cor = held()
next(cor)
"""


@needs_monitoring
@pytest.mark.parametrize(
    "share",
    [
        """
        threads = [threading.Thread(target=cor.send, args=(1,)) for _ in range(2)]
        threads[0].start()
        begun.wait()
        threads[1].start()
        threads[1].join()
        leave.set()
        """,
        """
        with ThreadPoolExecutor() as pool:
            first = pool.submit(cor.send, 1)
            begun.wait()
            second = pool.submit(cor.send, 1)
            second.exception()
            leave.set()
        second.result()
        """,
    ],
    ids=["thread", "pool"],
)
def test_a_generator_whose_method_is_all_that_threads_were_given_is_named(
    share: str, tmp_path: Path
) -> None:
    write(tmp_path, HANDED_ON + dedent(share))
    ran = genlock_run("program.py", directory=tmp_path)
    assert "\ngenlock: [GL011] 'held' was sent a value while Thread" in ran.stderr
    assert "write above program.py:5:  @genlock.guarded\n" in ran.stderr
    assert advice(ran.stderr, "or, without a change:") == "  genlock run --guard __main__:held …"
    assert "Not known" not in ran.stderr


@pytest.mark.parametrize("place", ["main", "thread"])
def test_hooks_that_the_program_has_installed_do_not_explain_again(
    place: str, tmp_path: Path
) -> None:
    write(
        tmp_path,
        LATE
        + f"""
import threading, genlock
genlock.install_excepthook()
if {place!r} == "main":
    send_early()
thread = threading.Thread(target=send_early)
thread.start()
thread.join()
""",
    )
    ran = genlock_run("program.py", directory=tmp_path)
    assert ran.stderr.count("Traceback") == 1
    assert ran.stderr.count("GL012]") == 1


@pytest.mark.parametrize("pool", ["multiprocessing.Pool(1)", "ProcessPoolExecutor(1)"])
def test_an_error_from_another_process_is_explained_by_its_traceback(
    pool: str, tmp_path: Path
) -> None:
    write(
        tmp_path,
        f"""
        import multiprocessing, sys
        from concurrent.futures import ProcessPoolExecutor
        def numbers():
            yield next(shared)
        def work(_):
            global shared
            shared = numbers()
            return next(shared)
        if __name__ == "__main__":
            multiprocessing.set_start_method("spawn")
            with {pool} as pool:
                print(list(pool.map(work, [1])))
        """,
    )
    ran = genlock_run("program.py", directory=tmp_path)
    report = ran.stderr.partition("genlock: ")[2]
    assert report.startswith("[GL011] ValueError: generator already executing\n")
    assert "  It was raised in another process.\n" in report
    assert "'numbers' was asked for a value while it was still running: the call came" in report
    assert re.search(r"→ numbers +program.py:5  yield next\(shared\) +← this call", report)


def test_guards_that_are_switched_off_are_told_of(tmp_path: Path) -> None:
    write(tmp_path, LATE)
    words = ("--guard", "__main__:echo", "program.py")
    off = genlock_run(*words, directory=tmp_path, GENLOCK="off")
    assert off.stderr == "genlock: GENLOCK=off in the environment: --guard guards nothing.\n"
    assert genlock_run(*words, directory=tmp_path).stderr == ""


@needs_monitoring
def test_errors_that_the_program_catches_are_counted(tmp_path: Path) -> None:
    write(
        tmp_path, LATE + "for _ in range(3):\n    try: send_early()\n    except TypeError: pass\n"
    )
    ran = genlock_run("program.py", directory=tmp_path)
    assert ran.stderr == f"genlock: {_run_wording.caught_untold(3)}\n"


def test_an_error_that_is_caught_and_logged_is_explained_once_for_its_place(tmp_path: Path) -> None:
    write(
        tmp_path,
        "import logging\n"
        + LATE
        + "for _ in range(3):\n"
        + "    try: send_early()\n    except TypeError: logging.exception('again')\n",
    )
    ran = genlock_run("--caught", "program.py", directory=tmp_path)
    assert ran.stderr.count("GL012] 'echo' was sent a value") == 1
    assert "GL012] was raised 3 times in all at program.py:8." in ran.stderr


@pytest.mark.parametrize("exc_info", ["(None, 'text', None)", "(1,)", "KeyError(1)", "True"])
def test_whatever_is_logged_as_an_error_is_logged(exc_info: str, tmp_path: Path) -> None:
    write(
        tmp_path,
        f"""
        import logging
        logging.basicConfig(format="logged %(message)s")
        logging.raiseExceptions = False
        logging.getLogger().handlers[0].formatter.formatException = lambda _: ""
        logging.error("it", exc_info={exc_info})
        print("went on")
        """,
    )
    ran = genlock_run("--caught", "program.py", directory=tmp_path)
    assert (ran.stdout, ran.returncode) == ("went on\n", 0)
    assert "logged it" in ran.stderr
    assert "failed" not in ran.stderr


@needs_monitoring
def test_the_same_code_in_many_files_is_told_of_up_to_a_number(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
        source = "def echo():\\n    yield\\ntry: echo().send(1)\\nexcept TypeError: pass"
        for number in range(1010):
            exec(compile(source, f"<made {number}>", "exec"), {})
        """,
    )
    ran = genlock_run("--caught", "program.py", directory=tmp_path)
    assert ran.stderr.count("The program caught this: [GL012]") == 1001
    assert ran.stderr.endswith(f"{_run_wording.caught_untold(10, tells_caught=True)}\n")


@needs_monitoring
def test_what_is_caught_is_told_while_the_program_runs(tmp_path: Path) -> None:
    write(
        tmp_path,
        LATE
        + """
import pathlib, time
try:
    send_early()
except TypeError:
    pass
deadline = time.monotonic() + 20
while not pathlib.Path("report.txt").read_text() and time.monotonic() < deadline:
    time.sleep(0.01)
print(pathlib.Path("report.txt").read_text())
""",
    )
    ran = genlock_run("--caught", "--output", "report.txt", "program.py", directory=tmp_path)
    assert "genlock: The program caught this: [GL012] 'echo'" in ran.stdout


@needs_monitoring
def test_what_was_told_as_caught_and_ends_the_program_is_not_told_again(tmp_path: Path) -> None:
    write(
        tmp_path,
        LATE
        + """
import pathlib, time
try:
    send_early()
except TypeError as error:
    kept = error
deadline = time.monotonic() + 20
while not pathlib.Path("report.txt").read_text() and time.monotonic() < deadline:
    time.sleep(0.01)
raise kept
""",
    )
    genlock_run("--caught", "--output", "report.txt", "program.py", directory=tmp_path)
    told = (tmp_path / "report.txt").read_text("utf-8")
    assert told.count("'echo' was sent a value") == 1
    assert told.endswith("\ngenlock: [GL012] that error is explained above.\n")


@needs_monitoring
def test_a_child_does_not_tell_of_its_parents_errors(tmp_path: Path) -> None:
    write(
        tmp_path,
        LATE
        + """
import os, sys
try:
    send_early()
except TypeError:
    pass
child = os.fork()
if child:
    os.waitpid(child, 0)
""",
    )
    ran = genlock_run("program.py", directory=tmp_path)
    assert ran.stderr == f"genlock: {_run_wording.caught_untold(1)}\n"


def test_a_child_does_not_repeat_what_is_told_of_patterns(tmp_path: Path) -> None:
    write(tmp_path, "import os\nchild = os.fork()\nif child:\n    os.waitpid(child, 0)\n")
    patterns = ("--guard", "__main__:f", "--guard", "no_such_module:f")
    ran = genlock_run(*patterns, "program.py", directory=tmp_path)
    assert ran.stderr.count("guarded nothing") == 2


@needs_monitoring
def test_where_all_monitoring_tools_are_taken_errors_are_explained_afterwards(
    tmp_path: Path,
) -> None:
    write(
        tmp_path,
        """
        import sys
        from genlock.cli import main
        for tool in (3, 4, 5):
            sys.monitoring.use_tool_id(tool, "another")
        main(["run", "--caught", "failing.py"])
        """,
        "launcher.py",
    )
    write(tmp_path, LATE + "send_early()\n", "failing.py")
    ran = run_python("launcher.py", directory=tmp_path, environment=WITH_GIL)
    assert _run_wording.ONLY_LOGGED in ran.stderr
    assert "[GL012] 'echo' was sent a value" in ran.stderr


SHOOTS_ITSELF = """
import signal
{before}
signal.raise_signal(signal.SIGUSR1)
print("went on")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs signals of Unix")
def test_it_listens_for_who_asks_what_the_guards_do(tmp_path: Path) -> None:
    write(tmp_path, SHOOTS_ITSELF.format(before=""))
    ran = genlock_run("program.py", directory=tmp_path)
    assert (ran.stdout, ran.returncode) == ("went on\n", 0)
    assert re.match(r"genlock: process \d+ \(program\.py\), Python .*\nNo guards\.\n", ran.stderr)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs signals of Unix")
def test_a_handler_of_the_programs_own_takes_its_place(tmp_path: Path) -> None:
    before = "signal.signal(signal.SIGUSR1, lambda *_: print('own'))"
    write(tmp_path, SHOOTS_ITSELF.format(before=before))
    ran = genlock_run("program.py", directory=tmp_path)
    assert (ran.stdout, ran.stderr) == ("own\nwent on\n", "")


@pytest.mark.parametrize(
    "launch",
    [
        "import threading; threading.Thread(target=main, args=(words,)).start()",
        "import signal; vars(signal).pop('SIGUSR1', None); main(words)",
        "import signal; signal.signal = lambda *_: int('refused'); main(words)",
        "import tempfile; tempfile.tempdir = '/dev/null'; main(words)",
    ],
    ids=["in a thread", "no such signal", "signals refused", "no place for a notice"],
)
def test_a_program_runs_where_it_cannot_listen(launch: str, tmp_path: Path) -> None:
    write(tmp_path, "print('ran')\n")
    write(
        tmp_path,
        f"from genlock.cli import main\nwords = ['run', 'program.py']\n{launch}\n",
        "launcher.py",
    )
    ran = run_python("launcher.py", directory=tmp_path, environment=WITH_GIL)
    assert (ran.stdout, ran.returncode) == ("ran\n", 0)
    assert "Traceback" not in ran.stderr


@pytest.mark.skipif(not _stacks.RUN_AT_ONCE, reason="threads take turns on this build")
def test_on_a_free_threaded_build_it_says_what_it_cannot_do(tmp_path: Path) -> None:
    write(tmp_path, "print('ran')\n")
    ran = run_python("-m", "genlock", "run", "program.py", directory=tmp_path)
    assert ran.stdout == "ran\n"
    assert ran.stderr == f"\ngenlock: {_run_wording.RUNS_AT_ONCE}\n"


# To whom ------------------------------------------------------------------------------------------


def test_json_has_an_object_a_line() -> None:
    ran = genlock_run("--json", "unguarded_loop.py", directory=EXAMPLES)
    reports: list[dict[str, Any]] = [
        json.loads(line) for line in ran.stderr.splitlines() if line.startswith("{")
    ]
    (report,) = reports
    assert report["genlock"] == "error"
    assert report["fate"] == "program"
    assert report["code"] == "GL011"
    assert report["error"] == "ValueError: generator already executing"
    assert report["text"].startswith("[GL011] 'ping' was sent a value")
    (candidate,) = report["sighting"]["candidates"]
    assert [step["actor"] for step in candidate["inside"]["steps"]][1:] == ["ping", "pong"]
    assert candidate["pattern"] == "__main__:ping"


def test_a_report_goes_to_the_end_of_a_file(tmp_path: Path) -> None:
    write(tmp_path, LATE + "send_early()\n")
    (tmp_path / "report.txt").write_text("kept\n")
    ran = genlock_run("-o", "report.txt", "program.py", directory=tmp_path)
    assert "genlock" not in ran.stderr
    assert (tmp_path / "report.txt").read_text().startswith("kept\n\ngenlock: [GL012]")


def test_what_no_encoding_knows_does_not_cost_the_report(tmp_path: Path) -> None:
    start = "import threading\nthreading.Thread(target=send_early, name='\\udc80').start()\n"
    write(tmp_path, LATE + start)
    genlock_run("-o", "report.txt", "program.py", directory=tmp_path)
    told = (tmp_path / "report.txt").read_text()
    assert "[GL012] 'echo' was sent a value" in told
    assert "\\udc80  program.py:7" in told


@pytest.mark.parametrize(
    ("replaced", "shown"),
    [("sys.stderr = Lines()", "stdout"), ("del sys.stderr", "stderr")],
)
def test_the_programs_own_standard_error_is_written_to_even_if_it_is_false(
    replaced: str, shown: str, tmp_path: Path
) -> None:
    write(
        tmp_path,
        "import sys\n"
        "class Lines(list):\n"
        "    def write(self, text): sys.stdout.write(text)\n"
        "    def flush(self): pass\n"
        "    def isatty(self): return False\n"
        f"{replaced}\n" + LATE + "sys.excepthook = lambda *_: None\nsend_early()\n",
    )
    ran = genlock_run("program.py", directory=tmp_path)
    assert "genlock: [GL012]" in getattr(ran, shown)
    assert ran.returncode == 1


def test_colours_come_from_rich_and_for_those_who_want_them(tmp_path: Path) -> None:
    pytest.importorskip("rich")
    write(tmp_path, LATE + "send_early()\n")
    coloured = genlock_run("program.py", directory=tmp_path, FORCE_COLOR="1", NO_COLOR="")
    plain = genlock_run("program.py", directory=tmp_path, FORCE_COLOR="1", NO_COLOR="1")
    assert "\x1b[1;31m[GL012]" in coloured.stderr
    assert "\x1b" not in plain.stderr.partition("genlock: ")[2]
    without_colour = re.sub(r"\x1b\[[\d;]*m", "", coloured.stderr)
    assert without_colour.partition("genlock: ")[2] == plain.stderr.partition("genlock: ")[2]


# --guard ------------------------------------------------------------------------------------------


def test_guarding_the_programs_own_function_cures_it() -> None:
    ran = genlock_run("--guard", "__main__:add_up", "unguarded_sum.py", directory=EXAMPLES)
    assert (ran.stdout, ran.stderr, ran.returncode) == ("Sum: 6\n", "", 0)


def test_guarding_a_module_as_it_is_imported_cures_it(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
        import sys, threading
        begun, leave = threading.Event(), threading.Event()
        def numbers():
            for number in range(3):
                begun.set()
                leave.wait(float(sys.argv[1]))
                yield number
        """,
        "library.py",
    )
    write(
        tmp_path,
        """
        import threading
        from library import begun, leave, numbers
        shared, taken = numbers(), []
        worker = threading.Thread(target=lambda: taken.append(next(shared)))
        worker.start()
        begun.wait()
        try:
            taken.append(next(shared))
        finally:
            leave.set()
            worker.join()
        print(sorted(taken))
        """,
    )
    bare = genlock_run("program.py", "20", directory=tmp_path)
    assert bare.returncode == 1
    assert "[GL011] 'numbers' was asked for a value" in bare.stderr
    assert "genlock run --guard library:numbers" in bare.stderr
    ran = genlock_run("--guard", "library:numbers", "program.py", "0.1", directory=tmp_path)
    assert (ran.stdout, ran.stderr, ran.returncode) == ("[0, 1]\n", "", 0)


MAKERS = """
import functools, genlock, sys, threading
begun, leave = threading.Event(), threading.Event()
def work():
    begun.set()
    leave.wait(float(sys.argv[1]))
def passed_on(function):
    @functools.wraps(function)
    def call(*args):
        return function(*args)
    return call
def numbers():
    yield work()
def nested():
    def inner():
        yield work()
    return inner()
class Source:
    def draw(self):
        yield work()
    @staticmethod
    def static():
        yield work()
    @property
    def drawn(self):
        yield work()
def local():
    class Source:
        def __iter__(self):
            yield work()
    return iter(Source())
def of_expression():
    return (work() for _ in range(1))
@passed_on
@passed_on
def decorated():
    yield work()
by_lambda = lambda: (work() for _ in range(1))
"""
SHARE = """
shared = {made}
def take():
    next(shared, None)
worker = threading.Thread(target=take, name="worker")
worker.start()
begun.wait()
try:
    take()
finally:
    leave.set()
    worker.join()
"""
PATIENCE, IMPATIENCE = "20", "0.1"
"""For how many seconds the worker stays inside: as long as an error takes, or as there is none."""
NAMED = ["numbers()", "Source().draw()", "Source.static()", "decorated()"]
RETURNED = ["nested()", "of_expression()"]
UNNAMED = ["Source().drawn", "local()", "by_lambda()", "(work() for _ in range(1))"]


def advice(stderr: str, begin: str) -> str:
    """The rest of the one line that begins like this."""
    (line,) = [line.strip() for line in stderr.splitlines() if line.strip().startswith(begin)]
    return line.removeprefix(begin)


@pytest.mark.parametrize("made", [*NAMED, *RETURNED, *UNNAMED])
def test_a_guard_that_is_recommended_cures_the_program(made: str, tmp_path: Path) -> None:
    write(tmp_path, MAKERS + SHARE.format(made=made))
    bare = genlock_run("program.py", PATIENCE, directory=tmp_path)
    assert "ValueError: generator already executing" in bare.stderr
    command = advice(bare.stderr, "or, without a change:  genlock run ")
    words = shlex.split(command.replace("…", f"program.py {IMPATIENCE}"))
    ran = genlock_run(*words, directory=tmp_path)
    assert (ran.stdout, ran.stderr, ran.returncode) == ("", "", 0)


@pytest.mark.parametrize("made", [*NAMED, *RETURNED])
def test_so_does_one_for_a_module(made: str, tmp_path: Path) -> None:
    write(tmp_path, MAKERS, "library.py")
    source = "import library\nfrom library import begun, leave, threading\n"
    write(tmp_path, source + SHARE.format(made=f"library.{made}"))
    bare = genlock_run("program.py", PATIENCE, directory=tmp_path)
    command = advice(bare.stderr, "or, without a change:  genlock run ")
    words = shlex.split(command.replace("…", f"program.py {IMPATIENCE}"))
    ran = genlock_run(*words, directory=tmp_path)
    assert (ran.stdout, ran.stderr, ran.returncode) == ("", "", 0)


@pytest.mark.parametrize("made", UNNAMED[:-1])
def test_a_guard_that_cannot_be_had_is_not_recommended(made: str, tmp_path: Path) -> None:
    write(tmp_path, MAKERS, "library.py")
    source = "import library\nfrom library import begun, leave, threading\n"
    write(tmp_path, source + SHARE.format(made=f"library.{made}"))
    ran = genlock_run("program.py", PATIENCE, directory=tmp_path)
    assert "[GL011]" in ran.stderr
    assert "--guard" not in ran.stderr


@pytest.mark.parametrize("made", [*NAMED, "nested()", "Source().drawn", "local()"])
def test_a_decorator_that_is_recommended_cures_the_program(made: str, tmp_path: Path) -> None:
    write(tmp_path, MAKERS + SHARE.format(made=made))
    bare = genlock_run("program.py", PATIENCE, directory=tmp_path)
    place, decorator = advice(bare.stderr, "Let them take turns; write above ").split(":  ")
    lines = (tmp_path / "program.py").read_text(encoding="utf-8").splitlines(keepends=True)
    number = int(place.removeprefix("program.py:")) - 1
    indent = " " * (len(lines[number]) - len(lines[number].lstrip()))
    write(tmp_path, "".join([*lines[:number], f"{indent}{decorator}\n", *lines[number:]]))
    ran = genlock_run("program.py", IMPATIENCE, directory=tmp_path)
    assert (ran.stdout, ran.stderr, ran.returncode) == ("", "", 0)


@pytest.mark.parametrize(
    "returning", ["def made():\n    return numbers()", "def made():\n    return nested()"]
)
def test_a_function_may_be_guarded_that_returns_a_generator(returning: str, tmp_path: Path) -> None:
    write(tmp_path, f"{MAKERS}{returning}\n" + SHARE.format(made="made()"))
    ran = genlock_run("--guard", "__main__:made", "program.py", IMPATIENCE, directory=tmp_path)
    assert (ran.stdout, ran.stderr, ran.returncode) == ("", "", 0)


LOUDER = """
import functools
def louder(words):
    @functools.wraps(words)
    def {inner}(*args):
        {made}
    return {inner}
@louder
def by(name):
    yield name
"""
YIELDING = LOUDER.format(inner="shouting", made="yield from map(str.upper, words(*args))")
RETURNING = LOUDER.format(inner="passing", made="return words(*args)")


@pytest.mark.parametrize("pattern", ["*", "by", "louder.<locals>.shouting"])
def test_what_wraps_another_function_runs_as_it_would_bare(pattern: str, tmp_path: Path) -> None:
    show = "print(type(by('a')).__name__, *by('a'), *by.__wrapped__('a'))\n"
    write(tmp_path, YIELDING + show)
    ran = genlock_run("--guard", f"__main__:{pattern}", "program.py", directory=tmp_path)
    kind = "generator" if pattern == "by" else "GuardedGenerator"  # that of the inner function
    assert (ran.stdout, ran.stderr) == (f"{kind} A a\n", "")
    if "<locals>" in pattern:
        return
    write(tmp_path, YIELDING, "library.py")
    write(tmp_path, f"from library import by\n{show}")
    ran = genlock_run("--guard", f"library:{pattern}", "program.py", directory=tmp_path)
    assert (ran.stdout, ran.stderr) == ("GuardedGenerator A a\n", "")


def test_what_only_returns_a_generator_of_the_function_it_wraps_is_guarded(tmp_path: Path) -> None:
    write(tmp_path, f"{RETURNING}print(type(by('a')).__name__, *by('a'))\n")
    pattern = "__main__:louder.<locals>.passing"
    ran = genlock_run("--guard", pattern, "program.py", directory=tmp_path)
    assert (ran.stdout, ran.stderr) == ("GuardedGenerator a\n", "")


EACH_KIND = """
def numbers():
    yield 1
def of_expression():
    return (number for number in range(2))
by_lambda = lambda: (yield 1)
of_lambda = lambda: (number for number in range(2))
passing_on = lambda: numbers()
class Source:
    draw = lambda self: (yield 1)
    def drawn(self):
        return (number for number in range(2))
"""
KINDS = """
for make in numbers, of_expression, by_lambda, of_lambda, passing_on, Source().draw, Source().drawn:
    print(type(make()).__name__)
"""


@pytest.mark.parametrize("module", ["__main__", "library"])
def test_a_wildcard_means_the_same_functions_in_a_program_and_in_a_module(
    module: str, tmp_path: Path
) -> None:
    write(tmp_path, EACH_KIND, "library.py")
    write(tmp_path, (EACH_KIND if module == "__main__" else "from library import *") + KINDS)
    ran = genlock_run("--guard", f"{module}:*", "program.py", directory=tmp_path)
    assert (ran.stdout, ran.stderr) == ("GuardedGenerator\n" * 7, "")


@pytest.mark.parametrize("name", ["by_lambda", "of_lambda", "passing_on", "Source.draw"])
def test_a_lambda_is_guarded_by_the_name_that_it_is_assigned_to(name: str, tmp_path: Path) -> None:
    write(tmp_path, EACH_KIND + f"print(type({name.replace('.', '().')}()).__name__)")
    ran = genlock_run("--guard", f"__main__:{name}", "program.py", directory=tmp_path)
    assert (ran.stdout, ran.stderr) == ("GuardedGenerator\n", "")


def test_one_that_returns_none_is_told_of(tmp_path: Path) -> None:
    write(tmp_path, "def made():\n    return 5\nprint(made())\n")
    ran = genlock_run("--guard", "__main__:made", "program.py", directory=tmp_path)
    nothing = "genlock: '__main__:made' guarded nothing: no generator came out of made.\n"
    assert (ran.stdout, ran.stderr) == ("5\n", nothing)
    ran = genlock_run("--guard", "__main__:ma*", "program.py", directory=tmp_path)
    assert "no such function of '__main__' makes generators" in ran.stderr


@pytest.mark.parametrize("pattern", ["__main__:numbers", "package.inner:numbers"])
def test_a_module_that_is_run_is_guarded_under_both_its_names(pattern: str, tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    text = "def numbers():\n    yield 1\nprint(type(numbers()).__name__)\n"
    write(tmp_path / "package", text, "inner.py")
    ran = genlock_run("--guard", pattern, "-m", "package.inner", directory=tmp_path)
    assert (ran.stdout, ran.stderr) == ("GuardedGenerator\n", "")


@pytest.mark.parametrize("mode", ["prepend", "importlib"])
def test_what_pytest_imports_is_guarded_and_its_assertions_tell_values(
    mode: str, tmp_path: Path
) -> None:
    write(
        tmp_path,
        """
        import pytest
        def numbers():
            yield 1
        @pytest.fixture
        def shared():
            return numbers()
        """,
        "conftest.py",
    )
    write(
        tmp_path,
        """
        def made():
            yield 1
        def test_kinds(shared):
            kinds = {type(made()).__name__, type(shared).__name__}
            assert kinds == 5
        """,
        "test_it.py",
    )
    guards = ["--guard", "conftest:numbers", "--guard", "test_it:made"]
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", f"--import-mode={mode}"]
    ran = genlock_run(*guards, "-m", "pytest", *options, directory=tmp_path)
    assert "assert {'GuardedGenerator'} == 5" in ran.stdout
    assert (ran.stderr, ran.returncode) == ("", 1)


BY_ITS_PATH = """
import importlib.util
spec = importlib.util.spec_from_file_location("plugin", "plugin.py")
plugin = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plugin)
print(type(plugin.numbers()).__name__, type(spec.loader).__name__)
"""
BEFORE_ALL_FINDERS = """
import importlib.machinery, sys
class Finder:
    find_spec = staticmethod(importlib.machinery.PathFinder.find_spec)
sys.meta_path.insert(0, Finder)
import plugin
print(type(plugin.numbers()).__name__, type(plugin.__spec__.loader).__name__)
"""


@pytest.mark.parametrize("loading", [BY_ITS_PATH, BEFORE_ALL_FINDERS])
def test_a_module_is_guarded_whoever_finds_and_loads_it(loading: str, tmp_path: Path) -> None:
    write(tmp_path, "def numbers():\n    yield 1\n", "plugin.py")
    write(tmp_path, loading)
    ran = genlock_run("--guard", "plugin:numbers", "program.py", directory=tmp_path)
    assert (ran.stdout, ran.stderr) == ("GuardedGenerator SourceFileLoader\n", "")


BY_EXEC = """
import sys, types
library = sys.modules["library"] = types.ModuleType("library")
exec("def numbers(): yield 1", vars(library))
"""
AFTERWARDS = """
import library
def numbers(): yield 1
library.numbers = numbers
"""


@pytest.mark.parametrize(
    ("loading", "why"),
    [
        (BY_EXEC, "'library' was loaded past the import hook that would have guarded it"),
        (AFTERWARDS, "'numbers' was put into 'library' after its import"),
    ],
)
def test_what_cannot_be_guarded_is_not_said_to_be_missing(
    loading: str, why: str, tmp_path: Path
) -> None:
    write(tmp_path, "", "library.py")
    write(tmp_path, loading)
    ran = genlock_run("--guard", "library:numbers", "program.py", directory=tmp_path)
    write_there = "; write @genlock.guarded there.\n"
    assert ran.stderr == f"genlock: 'library:numbers' guarded nothing: {why}{write_there}"


def test_what_to_write_is_told_where_a_module_runs_the_script(tmp_path: Path) -> None:
    write(tmp_path, "def numbers():\n    yield 1\nprint(type(numbers()).__name__)\n")
    guarding = ["--guard", "__main__:numbers"]
    ran = genlock_run(*guarding, "-m", "cProfile", "program.py", directory=tmp_path)
    assert ran.stdout.startswith("generator\n")
    start = "If it is a function of a script that cProfile runs:  python "
    words = shlex.split(advice(ran.stderr, start).replace("SCRIPT", "program.py"))
    words.remove("…")
    ran = run_python(*words, directory=tmp_path, environment=WITH_GIL)
    assert ran.stdout.startswith("GuardedGenerator\n")


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("__main__:ech", "'__main__' has no such function. Nearest: __main__:echo"),
        ("program:echo", "no module 'program' was imported."),
        ("library:number", "'library' has no such function. Nearest: library:numbers"),
        ("librari:numbers", "no module 'librari' was imported. Nearest: library:numbers"),
        ("library:numbers", "no generator came out of numbers after 'library' had been imported."),
    ],
)
def test_a_pattern_that_guards_nothing_is_told_of_at_the_end(
    pattern: str, complaint: str, tmp_path: Path
) -> None:
    write(tmp_path, "def numbers():\n    yield 1\n\nshared = numbers()\n", "library.py")
    write(tmp_path, LATE + "import library\n")
    ran = genlock_run("--guard", pattern, "program.py", directory=tmp_path)
    assert ran.stderr.startswith(f"genlock: '{pattern}' guarded nothing: {complaint}")
    assert ran.stderr.count("\n") == 1
    assert ran.returncode == 0


# --trace ------------------------------------------------------------------------------------------

needs_signals = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="of Unix alone")

GUARDED = """
import genlock, os, signal, sys, threading, time

@genlock.coroutine
def echo():
    value = None
    while True:
        value = yield value

cor = echo()
print(cor.send(1))
"""
"""A program that calls a guard twice."""


def calls_in(path: Path) -> list[str]:
    return [event.operation for event in genlock.load(path).events]


def without_own_frames(text: str) -> str:
    """Tracebacks as they would be if genlock had no frames: there are more while it records."""
    return re.sub(r'  File "[^"]*/genlock/_[^"]*".*\n(    .*\n)*', "", text)


def told(calls: int, name: str, dropped: int = 0, forked: int = 0) -> str:
    """What is said of so many calls."""
    call = Event(TracedGuard(1, "cor"), TracedThread(1, "MainThread", 7), "send", 1, 2)
    trace = Trace((call,) * calls, dropped, forked=forked)
    return f"genlock: {_run_wording.recorded(trace, name)}\n"


@pytest.mark.parametrize(
    "ending",
    [
        "pass",
        "sys.exit(3)",
        "sys.exit('for a reason')",
        "raise KeyError(1)",
        "cor.throw(KeyError)",
        "signal.raise_signal(signal.SIGINT)",
    ],
)
def test_the_recording_is_saved_however_the_program_ends(ending: str, tmp_path: Path) -> None:
    write(tmp_path, f"{GUARDED}{ending}\n")
    bare = run_python("program.py", directory=tmp_path)
    ran = genlock_run("--trace", "run.jsonl", "program.py", directory=tmp_path)
    assert (ran.stdout, ran.returncode) == (bare.stdout, bare.returncode)
    operations = ["next", "send"] + ["throw"] * ("throw" in ending)
    assert calls_in(tmp_path / "run.jsonl") == operations
    assert without_own_frames(ran.stderr) == without_own_frames(bare.stderr) + told(
        len(operations), "run.jsonl"
    )


@pytest.mark.parametrize(
    "options", [["--report", "run.html"], ["--trace", "run.json"], ["--guard", "json:dum"]]
)
def test_ctrl_c_ends_the_program_whatever_is_told_at_its_end(
    options: list[str], tmp_path: Path
) -> None:
    write(tmp_path, f"{GUARDED}import json\nsignal.raise_signal(signal.SIGINT)\n")
    bare = run_python("program.py", directory=tmp_path)
    ran = genlock_run(*options, "program.py", directory=tmp_path, FORCE_COLOR="1", NO_COLOR="")
    assert "genlock" in ran.stderr
    assert (ran.stdout, ran.returncode) == (bare.stdout, bare.returncode)


@needs_signals
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_the_recording_is_saved_when_a_signal_ends_the_program(name: str, tmp_path: Path) -> None:
    ending = f"""
sys.stdout.flush()
threading.Thread(target=signal.pause, daemon=True).start()
os.kill(os.getpid(), signal.{name})
time.sleep(30)
"""
    write(tmp_path, GUARDED + ending)
    ran = genlock_run("--trace", "run.json", "program.py", directory=tmp_path)
    assert (ran.stdout, ran.stderr) == ("1\n", told(2, "run.json"))
    assert ran.returncode == -getattr(signal, name)
    assert calls_in(tmp_path / "run.json") == ["next", "send"]


@needs_signals
def test_the_recording_is_saved_when_a_signal_ends_a_program_that_waits(tmp_path: Path) -> None:
    """For a guard that another thread is inside of, which asks for the end."""
    write(
        tmp_path,
        GUARDED
        + """
sys.stdout.flush()
is_kept = threading.Event()

def keep():
    with genlock.exclusive(cor):
        is_kept.set()
        while not genlock.state(cor).waiters:
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)

threading.Thread(target=keep, daemon=True).start()
is_kept.wait()
cor.send(2)
""",
    )
    ran = genlock_run("--trace", "run.json", "program.py", directory=tmp_path)
    assert (ran.stdout, ran.returncode) == ("1\n", -signal.SIGTERM)
    assert calls_in(tmp_path / "run.json") == ["next", "send"]


@needs_signals
def test_a_signal_that_is_handled_or_ends_a_child_saves_nothing(tmp_path: Path) -> None:
    own = """
child = os.fork()
if not child:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(30)
print(os.waitpid(child, 0)[1], flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(30)
"""
    write(tmp_path, GUARDED + own)
    ran = genlock_run("--trace", "run.json", "program.py", directory=tmp_path)
    assert (ran.stdout, ran.returncode) == (f"1\n{int(signal.SIGTERM)}\n", 5)
    assert ran.stderr.endswith(told(2, "run.json", forked=1))
    assert ran.stderr.count("recorded in") == 1


def test_what_threads_do_after_the_main_program_is_recorded(tmp_path: Path) -> None:
    late = """
def wait_and_send():
    threading.main_thread().join()
    cor.send(2)

threading.Thread(target=wait_and_send, name="late").start()
os.mkdir("elsewhere")
os.chdir("elsewhere")
"""
    write(tmp_path, GUARDED + late)
    ran = genlock_run("--trace", "run.json", "program.py", directory=tmp_path)
    assert (ran.stdout, ran.stderr) == ("1\n", told(3, "run.json"))
    events = genlock.load(tmp_path / "run.json").events
    assert [event.thread.name for event in events] == ["MainThread", "MainThread", "late"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_leaves_the_recording_to_its_parent(tmp_path: Path) -> None:
    write(
        tmp_path,
        GUARDED
        + "child = os.fork()\nif child:\n    os.waitpid(child, 0)\nelse:\n    cor.send(2)\n",
    )
    ran = genlock_run("--trace", "run.json", "program.py", directory=tmp_path)
    assert ran.stderr.splitlines()[-1] + "\n" == told(2, "run.json", forked=1)
    assert ran.stderr.count("recorded in") == 1
    assert calls_in(tmp_path / "run.json") == ["next", "send"]


def test_a_recording_that_cannot_be_saved_in_the_end_changes_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, GUARDED + "os.mkdir('run.json')\nsys.exit(3)\n")
    ran = genlock_run("--trace", "run.json", "program.py", directory=tmp_path)
    assert (ran.stdout, ran.returncode) == ("1\n", 3)
    assert ran.stderr == "genlock: --trace: cannot write to 'run.json': Is a directory\n"


def test_when_guards_are_off_that_is_why_nothing_is_recorded(tmp_path: Path) -> None:
    write(tmp_path, "import genlock\nprint(*genlock.guard(iter([1])))\n")
    words = ("--trace", "run.json", "program.py")
    ran = genlock_run(*words, directory=tmp_path, GENLOCK="off")
    assert ran.stdout == "1\n"
    assert (
        ran.stderr
        == "genlock: recorded in run.json: no call, since GENLOCK=off in the environment\n"
    )


def test_without_guards_there_is_nothing_to_record_and_with_guard_there_is(tmp_path: Path) -> None:
    write(tmp_path, "def numbers():\n    yield 1\nprint(*numbers())\n")
    words = ("--trace", "run.json", "program.py")
    ran = genlock_run(*words, directory=tmp_path)
    assert (ran.stdout, ran.stderr) == ("1\n", told(0, "run.json"))
    assert "--guard" in ran.stderr
    ran = genlock_run("--guard", "__main__:numbers", *words, directory=tmp_path)
    assert (ran.stdout, ran.stderr) == ("1\n", told(2, "run.json"))
    assert calls_in(tmp_path / "run.json") == ["next", "next"]


def test_calls_that_did_not_fit_are_told(tmp_path: Path) -> None:
    write(tmp_path, GUARDED + "for value in range(100_000):\n    cor.send(value)\n")
    ran = genlock_run("--trace", "run.jsonl", "program.py", directory=tmp_path)
    assert ran.stderr == told(100_000, "run.jsonl", dropped=2)
    assert "the last 100,000 of 100,002 calls" in ran.stderr


# What goes wrong ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "nothing to run: name a script, or -m and a module"),
        (["-m"], "nothing to run: name a script, or -m and a module"),
        (["--guard", "library.numbers", "x.py"], "did you mean 'library:numbers'?"),
        (["--guard", ":numbers", "x.py"], "':numbers' is no pattern of functions"),
        (["--output", "no/such/folder", "x.py"], "cannot write to 'no/such/folder': No such file"),
        (["--trace", "no/such/a.json", "x.py"], "cannot write to 'no/such/a.json': No such file"),
        (["--trace", "run.txt", "x.py"], "--trace: run.txt: a recording is saved as .json"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    words: list[str], complaint: str, tmp_path: Path
) -> None:
    ran = genlock_run(*words, directory=tmp_path)
    assert complaint in ran.stderr
    assert ran.stderr.startswith("genlock run: ")
    assert ran.stderr.count("\n") == 1
    assert ran.returncode == 2


def test_a_failure_of_its_own_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, LATE + "try:\n    send_early()\nexcept TypeError:\n    pass\nsend_early()\n")
    launcher = """
        from genlock._programs import _lookout, _reporter
        from genlock.cli import main
        body = "def broken(*_, **__): raise LookupError('planted')"
        broken = compile(body, _reporter.__file__, "exec")
        names = {}
        exec(broken, names)
        _lookout.sight = _reporter.explain_in_thread = names["broken"]
        main(["run", "--caught", "program.py"])
        """
    write(tmp_path, launcher, "launcher.py")
    ran = run_python("launcher.py", directory=tmp_path, environment=WITH_GIL)
    bare = run_python("program.py", directory=tmp_path)
    assert bare.stderr in ran.stderr
    assert "genlock itself failed: LookupError: planted" in ran.stderr
    assert ran.stderr.count("Traceback") == bare.stderr.count("Traceback") == 1
    assert ran.returncode == bare.returncode == 1


INTERRUPTED = """
from genlock._programs import _lookout, _reporter
from genlock.cli import main
body = "import signal\\ndef interrupted(*_, **__): signal.raise_signal(signal.SIGINT)"
names = {}
exec(compile(body, _reporter.__file__, "exec"), names)
WHERE = names["interrupted"]
main(["run", "program.py"])
"""


@needs_monitoring
def test_ctrl_c_amid_a_look_reaches_the_program(tmp_path: Path) -> None:
    write(tmp_path, LATE + "try:\n    send_early()\nexcept TypeError:\n    print('went on')\n")
    write(tmp_path, INTERRUPTED.replace("WHERE", "_lookout.sight"), "launcher.py")
    ran = run_python("launcher.py", directory=tmp_path, environment=WITH_GIL)
    assert (ran.stdout, ran.returncode) == ("", -signal.SIGINT)


def test_ctrl_c_amid_an_explanation_ends_the_program(tmp_path: Path) -> None:
    write(tmp_path, LATE + "send_early()\n")
    write(tmp_path, INTERRUPTED.replace("WHERE", "_reporter.explain_in_thread"), "launcher.py")
    ran = run_python("launcher.py", directory=tmp_path, environment=WITH_GIL)
    assert ran.returncode == -signal.SIGINT
    assert "genlock itself failed" not in ran.stderr


# Somebody else's coroutines -----------------------------------------------------------------------


@needs_monitoring
def test_a_parser_of_ijson_that_threads_share_is_explained() -> None:
    pytest.importorskip("ijson")
    ran = genlock_run("shared_parser.py", directory=EXAMPLES)
    assert ran.returncode == 1
    report = ran.stderr.partition("\ngenlock: ")[2]
    assert report.startswith("[GL011] 'utf8_encoder' was sent a value while worker was inside.\n")
    assert "→ utf8_encoder    ijson/backends/python.py:" in report
    assert "genlock run --guard ijson.backends.python:utf8_encoder" in report


@pytest.mark.parametrize("function", ["utf8_encoder", "*"])
def test_a_parser_of_ijson_that_threads_share_is_cured_by_guarding_it(function: str) -> None:
    pytest.importorskip("ijson")
    pattern = f"ijson.backends.python:{function}"
    ran = genlock_run("--guard", pattern, "shared_parser.py", directory=EXAMPLES)
    assert ran.stderr == ""
    assert ran.returncode == 0
    assert ran.stdout.splitlines() == [
        f"200 documents by {by}, as if parsed by one thread alone: True"
        for by in ("worker", "main")
    ]
