"""A dump when a signal arrives; what was there before goes on as it was."""

from __future__ import annotations

import faulthandler
import gzip
import logging
import os
import select
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import genlock
from crew import Occupied, Worker, until
from genlock._observing import _listener, _mailbox, _on_signal
from subprocesses import run_program
from test_abandoned import in_a_forked_child

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs signals of Unix")

USR1 = getattr(signal, "SIGUSR1", 0)


@pytest.fixture(autouse=True)
def as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = {signum: signal.getsignal(signum) for signum in (USR1, _mailbox.SIGNAL)}
    yield
    if _listener._wanted_by:
        _listener._wanted_by = 1
        _listener.end()
    for signum, handler in before.items():
        signal.signal(signum, handler)


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


def test_questions_are_answered_at_once_and_disturb_nobody(file: Path) -> None:
    called: list[Any] = []
    signal.signal(USR1, lambda *arguments: called.append(arguments))
    questions = [_mailbox.Question(os.getpid(), "text") for _ in range(3)]
    with genlock.dump_on_signal(USR1, file):
        for question in questions:
            question.ask()
        questions[1].close()  # given up
        for _ in questions:
            signal.raise_signal(_mailbox.SIGNAL)
    answers = [question.answer() for question in questions]
    assert answers[1] is None
    assert all((answers[n] or "").startswith("genlock: process ") for n in (0, 2))
    for question in questions:
        question.close()
    assert (file.read_text("utf-8"), called) == ("", [])


def test_a_question_that_another_handler_answers_meanwhile(file: Path) -> None:
    def answer(kind: str) -> str:
        if not inner:
            inner.append(kind)
            _mailbox.answer_all(answer)
        return kind

    inner: list[str] = []
    questions = [_mailbox.Question(os.getpid(), kind) for kind in ("text", "json")]
    for question in questions:
        question.ask()
    _mailbox.answer_all(answer)
    assert [question.answer() for question in questions] == ["text", "json"]


def test_a_program_that_takes_the_signal_of_questions_keeps_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    signal.signal(_mailbox.SIGNAL, print)
    with caplog.at_level(logging.WARNING, "genlock"), genlock.dump_on_signal(USR1):
        assert signal.getsignal(_mailbox.SIGNAL) is print
        assert not notice().exists()
    assert "cannot ask this process: it has a handler of SIGURG" in caplog.text
    assert signal.getsignal(_mailbox.SIGNAL) is print


def test_a_handler_that_takes_the_signal_of_questions_later_stays_and_gets_it() -> None:
    called: list[int] = []
    question = _mailbox.Question(os.getpid(), "text")
    with genlock.dump_on_signal(USR1):
        signal.signal(_mailbox.SIGNAL, lambda signum, _frame: called.append(signum))
        question.ask()
        signal.raise_signal(_mailbox.SIGNAL)
    assert (called, question.answer()) == ([_mailbox.SIGNAL], None)
    question.close()


def test_the_signal_of_questions_is_given_back() -> None:
    with genlock.dump_on_signal(USR1), genlock.dump_on_signal(signal.SIGUSR2):
        assert signal.getsignal(_mailbox.SIGNAL) == _listener._handle
    assert signal.getsignal(_mailbox.SIGNAL) == signal.SIG_DFL
    with genlock.dump_on_signal(USR1):
        signal.signal(_mailbox.SIGNAL, print)
    assert signal.getsignal(_mailbox.SIGNAL) is print


def test_the_signal_of_questions_is_for_nothing_else() -> None:
    with pytest.raises(ValueError, match="SIGURG is the signal by which `genlock dump` asks"):
        genlock.dump_on_signal(_mailbox.SIGNAL)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_that_ends_a_process_still_does(name: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import signal, genlock\n"
        f"genlock.dump_on_signal(signal.{name})\n"
        f"signal.raise_signal(signal.{name})\n"
        "print('went on')\n"
    )
    ran = run_program(program)
    assert (ran.returncode, ran.stdout) == (-getattr(signal, name), "")
    assert ran.stderr.startswith("genlock: process ")


def test_ctrl_c_still_interrupts(file: Path) -> None:
    with pytest.raises(KeyboardInterrupt), genlock.dump_on_signal(signal.SIGINT, file):
        signal.raise_signal(signal.SIGINT)
    assert file.read_text("utf-8").startswith("genlock: process ")


def test_stopped_in_the_order_they_were_set_up_they_leave_nothing(file: Path) -> None:
    first, second = genlock.dump_on_signal(USR1, file), genlock.dump_on_signal(USR1, file)
    first.stop()
    second.stop()
    assert signal.getsignal(USR1) == signal.SIG_DFL


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
    told, dump, *_ = capsys.readouterr().err.splitlines()
    assert told.startswith(f"genlock: no dump in {folder / 'dump.txt'!r} ([Errno 2] No such file")
    assert dump.startswith("genlock: process ")


@pytest.mark.parametrize("given", [5, b"dump.txt", ["dump.txt"]])
def test_what_cannot_be_written_to_is_refused(given: Any) -> None:
    for take in (genlock.dump, lambda file: genlock.dump_on_signal(USR1, file)):
        with pytest.raises(TypeError, match="file must be a path, an open text file or None, not"):
            take(given)
    assert signal.getsignal(USR1) == signal.SIG_DFL


def test_a_closed_file_is_refused(file: Path) -> None:
    with file.open("w") as closed:
        pass
    with pytest.raises(ValueError, match="file is closed"):
        genlock.dump_on_signal(USR1, closed)


def test_what_interrupts_a_dump_or_an_answer_goes_on(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt() -> None:
        raise ZeroDivisionError("of another handler")

    for module in (_on_signal, _listener):
        monkeypatch.setattr(module, "snapshot", interrupt)
    with genlock.dump_on_signal(USR1, file):
        with pytest.raises(ZeroDivisionError, match="of another handler"):
            signal.raise_signal(USR1)
        _mailbox.Question(os.getpid(), "text").ask()
        with pytest.raises(ZeroDivisionError, match="of another handler"):
            signal.raise_signal(_mailbox.SIGNAL)


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
    assert _on_signal.listen_by_default()
    assert notice().exists()


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

    def shoot_and_read() -> bytes:
        # The pipe is full once a byte more would have to wait, and so does the main thread.
        until(lambda: not select.select([], [write], [], 0)[1])
        signal.pthread_kill(threading.main_thread().ident or 0, USR1)
        with os.fdopen(read, "rb") as reader:
            return reader.read()

    with os.fdopen(write, "w", encoding="utf-8") as stream, genlock.dump_on_signal(USR1, stream):
        reader = Worker(shoot_and_read)
        stream.write("x" * 500_000)
        stream.flush()
    found = reader.result()
    assert found.count(b"x") >= 500_000
    assert found.count(b"genlock: process ") == 1


def test_a_dump_goes_through_what_the_file_is_wrapped_in(tmp_path: Path) -> None:
    path = tmp_path / "dump.txt.gz"
    with gzip.open(path, "wt", encoding="utf-8") as packed:
        packed.write("before\n")
        genlock.dump(packed)
    assert gzip.decompress(path.read_bytes()).startswith(b"before\ngenlock: process ")

    class Tee:
        def __getattr__(self, name: str) -> Any:
            return getattr(sys.stdout, name)

        def write(self, text: str) -> None:
            parts.append(text)

    parts: list[str] = []
    genlock.dump(Tee())
    assert parts[0].startswith("genlock: process ")


# Whether others can see that it listens.


def notice() -> Path:
    return Path(_mailbox.directory(), str(os.getpid()))


def test_it_is_announced_as_long_as_it_listens() -> None:
    assert not notice().exists()
    with genlock.dump_on_signal(USR1):
        with genlock.dump_on_signal(signal.SIGUSR2):
            assert notice().exists()
        assert notice().exists()
    assert not notice().exists()


def test_no_place_for_the_notice_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, file: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/dev/null")
    with caplog.at_level(logging.WARNING, "genlock"), genlock.dump_on_signal(USR1, file):
        signal.raise_signal(USR1)
    assert "`genlock dump` cannot ask this process: it cannot say so: " in caplog.text
    assert file.read_text("utf-8").startswith("genlock: process")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_has_a_notice_of_its_own() -> None:
    def in_child() -> str:
        listening = Path(_mailbox.directory(), str(os.getpid())).exists()
        _listener._withdraw_notice()
        return f"{listening} {Path(_mailbox.directory(), str(os.getpid())).exists()}"

    with genlock.dump_on_signal(USR1):
        assert in_a_forked_child(in_child) == "True False"
        assert in_a_forked_child(lambda: str(_mailbox.listens(os.getppid()))) == "True"
        assert notice().exists()


def test_a_notice_that_is_cleared_away_while_it_is_put_up_is_put_up_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import fcntl  # not there on every system

    def lock_too_late(descriptor: int, how: int) -> None:
        if not cleared:
            cleared.append(descriptor)
            notice().unlink()
        lock(descriptor, how)

    cleared: list[int] = []
    lock = fcntl.lockf
    monkeypatch.setattr(fcntl, "lockf", lock_too_late)
    with genlock.dump_on_signal(USR1):
        assert cleared
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
        "from genlock._observing import _listener\n"
        "def body():\n"
        "    yield 1\n"
        "    yield 2\n"
        "guard = genlock.guard(body(), prime=True)\n"
        "def inside():\n"
        "    signal.raise_signal(signal.SIGUSR1)\n"
        "    yield [_listener.answer(kind) for kind in ('text', 'json', 'mermaid')]\n"
        "other = genlock.guard(inside())\n"
        "with genlock.dump_on_signal():\n"
        "    before = set(sys.modules)\n"
        "    next(other)\n"
        "    print(set(sys.modules) - before)\n"
    )
    ran = run_program(program)
    assert (ran.stdout, ran.returncode) == ("set()\n", 0)
    assert "'body' suspended" in ran.stderr
