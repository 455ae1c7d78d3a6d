"""A program does under `genlock run` what it does under `python`."""

from __future__ import annotations

import py_compile
import re
import signal
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from genlock._interpreter import _stacks
from genlock._programs import _run_wording
from subprocesses import run_python

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WHO_AM_I = """
import os, pickle, sys

class Own:
    pass

names = sorted(set(globals()) - {"os", "pickle", "sys", "Own"})
for name in names:
    value = globals()[name]
    print(name, type(value) if name in ("__builtins__", "__loader__") else value)
print(sys.argv, sys.path[0], sys._getframe().f_code.co_filename)
print(sys.modules["__main__"].__dict__ is globals(), __doc__)
print(type(pickle.loads(pickle.dumps(Own()))) is Own)
print("read:", sys.stdin.read())
"""
PROGRAMS = {
    "said": '"""Said of itself."""' + WHO_AM_I,
    "divides": "def divide():\n    1 / 0\n\ndivide()\n",
    "exits_with_number": "import sys\nsys.exit(7)\n",
    "exits_with_text": "import sys\nsys.exit('no more')\n",
    "syntax": "def f(:\n    pass\n",
    "imports_broken": "import divides\n",
    "imports_nothing": "import there_is_no_such_module\n",
    "chained": "try:\n    1 / 0\nexcept OSError:\n    pass\nfinally:\n    raise KeyError(1)\n",
    "group": "raise ExceptionGroup('both', [ValueError(1), TypeError(2)])\n",
    "ends_in_order": """
        import atexit, sys, threading, time
        atexit.register(print, "first registered")
        atexit.register(print, "last registered")
        def linger():
            threading.main_thread().join()
            print("lingered", flush=True)
        threading.Thread(target=linger).start()
        raise RuntimeError("ended")
        """,
    "own_hook": """
        import sys
        sys.excepthook = lambda *error: print("hook got", error, error[2].tb_lineno)
        1 / 0
        """,
    "broken_hook": """
        import sys
        def hook(*_):
            raise KeyError("in the hook")
        sys.excepthook = hook
        1 / 0
        """,
    "exiting_hook": """
        import sys
        sys.excepthook = lambda *_: sys.exit(5)
        1 / 0
        """,
    "no_hook": "import sys\ndel sys.excepthook\n1 / 0\n",
    "thread_fails": """
        import threading
        thread = threading.Thread(target=lambda: 1 / 0, name="one")
        thread.start()
        thread.join()
        print("went on")
        """,
    "last_error": """
        import atexit, sys
        atexit.register(lambda: print(repr(sys.last_value), sys.last_traceback.tb_lineno))
        1 / 0
        """,
    "dies": "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n",
    "interrupted": "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nwhile True: pass\n",
    "spawns": """
        import multiprocessing
        def double(number):
            return 2 * number
        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(double, [1, 2]))
        """,
    "forks": """
        import multiprocessing
        def double(number):
            return 2 * number
        with multiprocessing.get_context("fork").Pool(1) as pool:
            print(pool.map(double, [1, 2]))
        """,
}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("programs")
    for name, text in PROGRAMS.items():
        (directory / f"{name}.py").write_text(dedent(text), encoding="utf-8")
    for package, files in {
        "folder": {"__main__.py": WHO_AM_I},
        "package": {"__init__.py": "", "__main__.py": WHO_AM_I, "inner.py": WHO_AM_I},
        "broken": {"__init__.py": "import there_is_no_such_module\n", "inner.py": ""},
        "failing": {"__init__.py": "1 / 0\n", "inner.py": ""},
        "empty": {},
    }.items():
        (directory / package).mkdir()
        for file, text in files.items():
            (directory / package / file).write_text(text, encoding="utf-8")
    with zipfile.ZipFile(directory / "zipped.pyz", "w") as archive:
        archive.writestr("__main__.py", WHO_AM_I)
    (directory / "elsewhere").mkdir()
    (directory / "elsewhere" / "link.py").symlink_to("../said.py")
    return directory


RUNS = [
    *(f"{name}.py" for name in PROGRAMS),
    "said.py one -x --guard -- --two",
    "folder/ one",
    "zipped.pyz -m",
    "elsewhere/link.py",
    "./elsewhere/../said.py",
    "empty",
    "missing.py",
    "-m said one -x -- -m",
    "-msaid one",
    "-- said.py one",
    "-m package",
    "-m syntax",
    "-m missing",
    "-m missing.inner",
    "-m broken.inner",
    "-m failing.inner",
    "-m empty",
    "-m json.tool --no-such-option",
    "-m interrupted",
]


if _stacks.RUN_AT_ONCE:  # where wrapt is all Python, and starting takes four times as long
    RUNS = RUNS[::4]


@pytest.mark.parametrize("words", RUNS)
def test_it_is_as_with_python(words: str, directory: Path) -> None:
    arguments = words.split()
    bare, run = both(*arguments, directory=directory, given="some input")
    assert_alike(run, bare)


@pytest.mark.parametrize(
    "source",
    [
        b"# \xe9\nprint(1)\n",
        b"\n'''in two lines\r\n\xe9'''\n",
        b"  indented = 1\n# \xe9\n",
        b"# \xe9\n  indented = 1\n",
        b"#!\n# coding: unheard-of\n",
        b"# coding: ascii\n'\xe9'\n",
        b"# coding: latin-1\nprint(ascii('\xe9'))\n",
    ],
)
def test_a_script_that_is_not_utf_8_is_read_as_python_reads_it(
    source: bytes, tmp_path: Path
) -> None:
    (tmp_path / "encoded.py").write_bytes(source)
    bare, run = both("encoded.py", directory=tmp_path)
    assert_alike(run, bare)


@pytest.mark.parametrize(
    "words", ["said.py", "divides.py", "syntax.py", "zipped.pyz", "-m package", "-m syntax"]
)
def test_it_is_as_with_python_where_it_is_compiled_with_guards(words: str, directory: Path) -> None:
    bare, run = both(*words.split(), options=["--guard", "__main__:*"], directory=directory)
    assert_alike(run, bare)


def test_nothing_is_said_of_guards_for_what_cannot_be_compiled(directory: Path) -> None:
    _, run = both("syntax.py", options=["--guard", "__main__:f"], directory=directory)
    assert "guarded" not in run.stderr


def test_a_program_without_its_source_cannot_be_guarded_and_that_is_said(directory: Path) -> None:
    compiled = py_compile.compile(str(directory / "divides.py"), str(directory / "divides.pyc"))
    assert compiled
    bare, run = both("divides.pyc", options=["--guard", "__main__:divide"], directory=directory)
    assert "'__main__:divide' guarded nothing: the program has no source" in run.stderr
    assert run.stderr.startswith(bare.stderr)


def assert_alike(
    run: subprocess.CompletedProcess[str], bare: subprocess.CompletedProcess[str]
) -> None:
    assert steady(run.stdout) == steady(bare.stdout)
    assert steady(run.stderr) == steady(bare.stderr)
    assert run.returncode == bare.returncode


def both(
    *words: str,
    flags: Sequence[str] = (),
    options: Sequence[str] = (),
    directory: Path,
    given: str = "",
) -> list[subprocess.CompletedProcess[str]]:
    """The program under `python` and under `genlock run`, at the same time."""

    def run(launcher: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return run_python(*flags, *launcher, *words, directory=directory, given=given)

    with ThreadPoolExecutor() as pool:
        return list(pool.map(run, [(), ("-m", "genlock", "run", *options)]))


def steady(text: str) -> str:
    """Without what differs from run to run, and the interpreter's own frames around a module."""
    text = text.replace(f"\ngenlock: {_run_wording.RUNS_AT_ONCE}\n", "")
    text = re.sub(r"genlock: '__main__:\*' guarded nothing.*\n", "", text)
    text = re.sub(r"0x[0-9a-f]+", "0x…", text)
    text = re.sub(r'  File "<frozen (runpy|importlib[^"]*)>".*\n', "", text)
    # A module that cannot be compiled: without those frames nothing is left to head.
    return re.sub(r'^Traceback .*\n(?=  File ".*\n(.*\n)*SyntaxError)', "", text)


@pytest.mark.parametrize("flag", ["-P", "-O", "-Werror", "-u"])
def test_flags_of_the_interpreter_hold(flag: str, directory: Path) -> None:
    program = directory / "flags.py"
    program.write_text(
        "import sys, warnings\n"
        "print(sys.flags, sys.path[0], __debug__, sys.stdout.line_buffering)\n"
        "warnings.warn('look out')\n"
    )
    bare, run = both("flags.py", flags=[flag], directory=directory)
    assert_alike(run, bare)


@pytest.mark.parametrize("program", ["folder", "zipped.pyz"])
def test_a_safe_path_holds_the_folder_that_is_run(program: str, directory: Path) -> None:
    bare, run = both(program, flags=["-P"], directory=directory)
    assert_alike(run, bare)


def test_an_interrupt_from_the_keyboard_ends_it(directory: Path) -> None:
    program = directory / "waits.py"
    program.write_text(
        "import sys, time\n"
        "try:\n    print('waiting', flush=True)\n    time.sleep(20)\n"
        "finally:\n    print('cleaned up', flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-m", "genlock", "run", str(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            assert running.stdout
            assert running.stdout.readline() == "waiting\n"
            running.send_signal(signal.SIGINT)
            printed, complaint = running.communicate(timeout=20)
        finally:
            running.kill()
    assert printed == "cleaned up\n"
    assert running.returncode == -signal.SIGINT
    assert complaint.count("Traceback") == 1
    assert complaint.endswith("KeyboardInterrupt\n")
    assert "genlock" not in steady(complaint)
