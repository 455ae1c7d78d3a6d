"""A dump when a signal arrives; what was there before goes on as it was."""

from __future__ import annotations

import faulthandler
import io
import logging
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import genlock
from crew import Occupied, Worker, until
from genlock._observing import _mailbox, _on_signal
from subprocesses import run_program
from test_abandoned import in_a_forked_child

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs signals of Unix")

USR1 = getattr(signal, "SIGUSR1", 0)


@pytest.fixture(autouse=True)
def as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = signal.getsignal(USR1)
    yield
    for listening in [*_on_signal._listening]:
        listening.stop()
    signal.signal(USR1, before)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "dump.txt"


def test_the_signal_writes_a_dump_each_time(file: Path) -> None:
    with genlock.dump_on_signal(USR1, file):
        for times in (1, 2):
            signal.raise_signal(USR1)
            assert file.read_text("utf-8").count("genlock: process ") == times


def test_by_default_it_is_sigusr1_and_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with genlock.dump_on_signal():
        signal.raise_signal(USR1)
    assert capsys.readouterr().err.startswith(f"genlock: process {os.getpid()} ")


def test_the_handler_that_was_there_is_called_and_comes_back(file: Path) -> None:
    def handler(*arguments: Any) -> None:
        assert file.read_text("utf-8"), "after the dump"
        called.append(arguments)

    called: list[Any] = []
    signal.signal(USR1, handler)
    with genlock.dump_on_signal(USR1, file):
        signal.raise_signal(USR1)
    ((signum, frame),) = called
    assert signum == USR1
    assert frame.f_code.co_name == "test_the_handler_that_was_there_is_called_and_comes_back"
    assert signal.getsignal(USR1) is handler


@pytest.mark.parametrize("before", [signal.SIG_DFL, signal.SIG_IGN])
def test_no_handler_before_is_no_handler_after(before: signal.Handlers, file: Path) -> None:
    signal.signal(USR1, before)
    with genlock.dump_on_signal(USR1, file):
        signal.raise_signal(USR1)
    assert signal.getsignal(USR1) == before


def test_two_files_both_get_a_dump(tmp_path: Path) -> None:
    files = tmp_path / "one", tmp_path / "two"
    with genlock.dump_on_signal(USR1, files[0]), genlock.dump_on_signal(USR1, files[1]):
        signal.raise_signal(USR1)
    assert [file.read_text("utf-8").count("genlock: process") for file in files] == [1, 1]


def test_a_question_is_answered_once_and_written_to_no_file(tmp_path: Path) -> None:
    files = tmp_path / "one", tmp_path / "two"
    called: list[Any] = []
    signal.signal(USR1, lambda *arguments: called.append(arguments))
    with genlock.dump_on_signal(USR1, files[0]), genlock.dump_on_signal(USR1, files[1]):
        question = _mailbox.Question(os.getpid(), "text")
        question.ask()
        signal.raise_signal(USR1)
    assert (question.answer() or "").startswith("genlock: process ")
    question.close()
    assert [file.read_text("utf-8") for file in files] == ["", ""]
    assert len(called) == 1


def test_a_handler_that_came_later_stays(file: Path) -> None:
    def later(*arguments: Any) -> None:
        dump(*arguments)

    listening = genlock.dump_on_signal(USR1, file)
    dump: Any = signal.signal(USR1, later)
    listening.stop()
    listening.stop()
    signal.raise_signal(USR1)
    assert signal.getsignal(USR1) is later
    assert file.read_text("utf-8") == ""


def test_a_file_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        genlock.dump_on_signal(USR1, tmp_path)
    assert signal.getsignal(USR1) == signal.SIG_DFL


def test_a_file_that_cannot_be_written_later_harms_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "removed"
    folder.mkdir()
    with genlock.dump_on_signal(USR1, folder / "dump.txt"):
        (folder / "dump.txt").unlink()
        folder.rmdir()
        signal.raise_signal(USR1)
    assert capsys.readouterr().err.startswith("genlock: no dump: FileNotFoundError: ")


def test_another_thread_is_refused() -> None:
    worker = Worker(genlock.dump_on_signal)
    with pytest.raises(ValueError, match="works in the main thread only"):
        worker.result()


def test_a_signal_that_cannot_be_handled_is_refused() -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        genlock.dump_on_signal(signal.SIGKILL)
    with pytest.raises(ValueError, match="signal number out of range"):
        genlock.dump_on_signal(9999)


def test_a_handler_that_python_cannot_call_is_not_taken_away(tmp_path: Path) -> None:
    with (tmp_path / "faults").open("w") as faults:
        faulthandler.register(USR1, faults)
        try:
            with pytest.raises(ValueError, match="SIGUSR1 has a handler that was not set from"):
                genlock.dump_on_signal(USR1)
            assert _on_signal.listen_by_default() is None
        finally:
            faulthandler.unregister(USR1)


def test_a_system_without_the_usual_signal_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "SIGUSR1")
    with pytest.raises(ValueError, match="this system has no SIGUSR1; name a signal"):
        genlock.dump_on_signal()
    assert _on_signal.listen_by_default() is None


def test_by_default_a_handler_of_the_program_is_left_alone() -> None:
    signal.signal(USR1, print)
    assert _on_signal.listen_by_default() is None
    assert signal.getsignal(USR1) is print
    signal.signal(USR1, signal.SIG_DFL)
    listening = _on_signal.listen_by_default()
    assert listening
    assert _mailbox.signal_of(os.getpid()) is None, "its own lock is none to itself"


def test_a_signal_while_a_guard_is_waited_for(file: Path) -> None:
    with Occupied() as stage, genlock.dump_on_signal(USR1, file):

        def shoot() -> None:
            until(stage.waiters)
            signal.pthread_kill(threading.main_thread().ident or 0, USR1)
            until(lambda: file.read_text("utf-8").endswith("\n\n"))
            stage.leave.set()

        shooter = Worker(shoot)
        assert stage.guard.send("late") == 2
        shooter.result()
    assert "    MainThread  " in file.read_text("utf-8").partition("Waiting for 'occupied':")[2]


def test_signals_at_every_point_of_a_busy_program(file: Path, rounds: int) -> None:
    """The dump takes no lock that what it interrupts may hold."""
    stop = threading.Event()

    def numbers() -> Generator[int, None, None]:
        number = 0
        while True:
            yield number
            number += 1

    guard = genlock.guard(numbers(), warn_after=None)

    def shoot() -> int:
        shots = 0
        while not stop.is_set():
            signal.pthread_kill(threading.main_thread().ident or 0, USR1)
            shots += 1
            until(lambda: file.stat().st_size or stop.is_set())
            file.write_bytes(b"")
        return shots

    def compete() -> None:
        while not stop.is_set():
            next(guard)

    with genlock.dump_on_signal(USR1, file):
        workers = [Worker(shoot), Worker(compete)]
        try:
            shots_wanted = rounds
            until(lambda: (next(guard), shots_wanted)[0] >= 40 * rounds)
        finally:
            stop.set()
        assert workers[0].result() > 0
        workers[1].result()


def test_a_signal_in_the_middle_of_a_write_to_the_same_stream() -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as reader, os.fdopen(write, "w", encoding="utf-8") as stream:

        class Interrupted(io.StringIO):
            def flush(self) -> None:
                raise RuntimeError("reentrant call inside <_io.BufferedWriter>")

            def fileno(self) -> int:
                return stream.fileno()

        genlock.dump(Interrupted())
        stream.close()
        assert reader.read().startswith(b"genlock: process ")


# Whether others can see that it listens.


def notice() -> Path:
    return Path(_mailbox.directory(), str(os.getpid()))


def test_it_is_announced_as_long_as_it_listens() -> None:
    assert not notice().exists()
    with genlock.dump_on_signal(USR1):
        assert notice().read_text("ascii") == str(int(USR1))
        with genlock.dump_on_signal(signal.SIGUSR2):
            assert notice().read_text("ascii") == str(int(signal.SIGUSR2))
        assert notice().read_text("ascii") == str(int(USR1))
    assert not notice().exists()


def test_no_place_for_the_notice_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, file: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/dev/null")
    with caplog.at_level(logging.WARNING, "genlock"), genlock.dump_on_signal(USR1, file):
        signal.raise_signal(USR1)
    assert "`genlock dump` will not find this process" in caplog.text
    assert file.read_text("utf-8").startswith("genlock: process")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_has_a_notice_of_its_own() -> None:
    def in_child() -> str:
        listening = Path(_mailbox.directory(), str(os.getpid())).exists()
        _on_signal._at_exit()
        return f"{listening} {Path(_mailbox.directory(), str(os.getpid())).exists()}"

    with genlock.dump_on_signal(USR1):
        assert in_a_forked_child(in_child) == "True False"
        assert in_a_forked_child(lambda: str(_mailbox.signal_of(os.getppid()))) == str(int(USR1))
        assert notice().exists()


def test_a_directory_that_is_a_link_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / f"genlock-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError, match="is not a directory that only this user can enter"):
        _mailbox.directory()


def test_a_handler_imports_nothing(tmp_path: Path) -> None:
    """It may interrupt an import, and the other thread that it waits for may be what is stuck."""
    program = tmp_path / "program.py"
    program.write_text(
        "import signal, sys, genlock\n"
        "from genlock._observing import _on_signal\n"
        "def body():\n"
        "    yield 1\n"
        "    yield 2\n"
        "guard = genlock.guard(body(), prime=True)\n"
        "def inside():\n"
        "    signal.raise_signal(signal.SIGUSR1)\n"
        "    yield [_on_signal.answer(kind) for kind in ('text', 'json', 'mermaid')]\n"
        "other = genlock.guard(inside())\n"
        "with genlock.dump_on_signal():\n"
        "    before = set(sys.modules)\n"
        "    next(other)\n"
        "    print(set(sys.modules) - before)\n"
    )
    ran = run_program(program)
    assert (ran.stdout, ran.returncode) == ("set()\n", 0)
    assert "'body' suspended" in ran.stderr
