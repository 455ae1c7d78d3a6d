"""`genlock dump PID`: processes that stand still are asked from outside, and go on unharmed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import genlock
from crew import PATIENCE, until
from genlock._observing import _listener, _mailbox
from genlock.cli import _process, main

if TYPE_CHECKING:
    from collections.abc import Iterator

STUCK = Path(__file__).parent / "programs" / "stuck.py"

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs the signals of Unix")


@pytest.fixture(autouse=True)
def own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where processes and those who ask them meet."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)


@contextmanager
def stuck(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The program, in its place; afterwards it has to go on and end well."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, str(STUCK), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == f"{process.pid}\n"
            yield process
            if process.poll() is None:
                out, err = process.communicate("\n", timeout=PATIENCE)
                assert (process.returncode, out) == (0, "went on\n"), err
        finally:
            process.kill()


WAITS = "print(flush=True); input()"


@contextmanager
def bystander(*words: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has to end well; by default one that does not listen."""
    with subprocess.Popen(
        [sys.executable, *(words or ("-ISc", WAITS))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    ) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "\n"
            yield process
            process.communicate("\n", timeout=PATIENCE)
            assert process.returncode == 0
        finally:
            process.kill()


def left_behind() -> list[str]:
    return [path.name for path in Path(_mailbox.directory()).iterdir()]


def dumped(pid: int, *options: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    status = main(["dump", *options, str(pid)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


@pytest.mark.parametrize("place", ["inside", "inside a lock", "waiting", "joining", "computing"])
def test_a_process_that_stands_still_tells_where(
    place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with stuck(place) as process:
        status, out, err = dumped(process.pid, capsys=capsys)
        assert (status, err) == (0, "")
        assert out.startswith(f"genlock: process {process.pid} (stuck.py), Python ")
        holder = "MainThread" if place.startswith("inside") else "holder"
        assert f"\n{holder} is inside 'stage':\n" in out
        assert ("MainThread" in out.partition("Waiting for 'stage':")[2]) == (place == "waiting")
        assert dumped(process.pid, capsys=capsys)[0] == 0, "as often as one likes"
    assert left_behind() == []


def test_the_forms(capsys: pytest.CaptureFixture[str]) -> None:
    with stuck("waiting") as process:
        _, text, _ = dumped(process.pid, "--json", capsys=capsys)
        snapshot = genlock.Snapshot.from_json(text)
        assert snapshot.pid == process.pid
        assert [wait.thread for wait in snapshot.waits] == ["MainThread"]
        _, chart, _ = dumped(process.pid, "--mermaid", capsys=capsys)
        assert chart.startswith("flowchart LR\n")
        assert json.loads(text)["genlock_snapshot"] == 1


def test_what_programs_read_is_never_in_colour(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with stuck("inside") as process:
        for form in ("--json", "--mermaid"):
            assert "\x1b" not in dumped(process.pid, form, capsys=capsys)[1]


def test_who_reads_the_beginning_only_is_told_nothing_else() -> None:
    with stuck("inside") as process:
        command = [sys.executable, "-m", "genlock", "dump", str(process.pid)]
        read, write = os.pipe()
        os.close(read)
        ran = subprocess.run(
            command,
            check=False,
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        os.close(write)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_an_answer_that_cannot_be_written_is_one_line_and_status_2() -> None:
    with stuck("inside") as process, Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "genlock", "dump", str(process.pid)],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
    assert (ran.returncode, ran.stderr) == (
        2,
        "genlock dump: cannot write: No space left on device\n",
    )


def test_a_main_thread_in_c_code_cannot_answer(capsys: pytest.CaptureFixture[str]) -> None:
    with stuck("in C") as process:
        status, out, err = dumped(process.pid, "--timeout", "0.05", capsys=capsys)
        assert (status, out) == (1, "")
        assert err.startswith(f"genlock dump: process {process.pid} has not answered within 0.05 s")
        assert "C code" in err
        assert err.count("\n") == 1
        assert left_behind() == [str(process.pid)], "the question is taken back"
        process.kill()
        process.wait()


def test_a_stopped_process_cannot_answer(capsys: pytest.CaptureFixture[str]) -> None:
    with stuck("inside") as process:
        os.kill(process.pid, signal.SIGSTOP)
        until(lambda: _mailbox.status_of(process.pid)["State"].startswith("T"))
        status, _, err = dumped(process.pid, "--timeout", "0.05", capsys=capsys)
        os.kill(process.pid, signal.SIGCONT)
    assert status == 1
    assert "is stopped, by SIGSTOP or a debugger, and cannot answer\n" in err


def test_a_process_that_does_not_listen_is_not_signalled(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with bystander() as process:
        status, out, err = dumped(process.pid, capsys=capsys)
        assert (status, out) == (2, "")
        assert err == (
            f"genlock dump: process {process.pid} does not listen. Start it with `genlock run`, or"
            " let it call genlock.dump_on_signal(). (One that has another TMPDIR, and so no file in"
            f" {_mailbox.directory()}, has to be asked with the same.)\n"
        )


def test_a_program_under_genlock_run_listens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "program.py"
    program.write_text(WAITS)
    with bystander("-m", "genlock", "run", str(program)) as process:
        status, out, err = dumped(process.pid, capsys=capsys)
        assert (status, err) == (0, "")
        assert out.startswith(f"genlock: process {process.pid} (program.py), Python ")
    assert left_behind() == []


OWN_HANDLERS = {
    "ends the process": "signal.signal(signal.SIGUSR1, lambda *_: sys.exit(9))",
    "ignores": "signal.signal(signal.SIGUSR1, signal.SIG_IGN)",
    "default": "signal.signal(signal.SIGUSR1, signal.SIG_DFL)",
    "not Python's": "faulthandler.register(signal.SIGUSR1)",
    "blocks": "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])",
    "Ctrl-C": "genlock.dump_on_signal(signal.SIGINT)",
}


@pytest.mark.parametrize("handler", OWN_HANDLERS.values(), ids=OWN_HANDLERS)
def test_what_the_program_does_at_signals_of_its_own_is_not_touched(
    handler: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "program.py"
    program.write_text(f"import faulthandler, signal, sys, genlock\n{handler}\n{WAITS}")
    with bystander("-m", "genlock", "run", str(program)) as process:
        assert dumped(process.pid, capsys=capsys)[0] == 0


def test_a_process_that_blocks_the_question_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "program.py"
    block = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGURG])"
    program.write_text(f"{block}\n{WAITS}")
    with bystander("-m", "genlock", "run", str(program)) as process:
        if not _mailbox.status_of(process.pid):
            pytest.skip("this system does not tell which signals are blocked")
        status, _, err = dumped(process.pid, "--timeout", "0.05", capsys=capsys)
    assert status == 1
    assert "cannot answer: its main thread blocks SIGURG" in err


def test_a_question_that_was_given_up_is_not_answered_elsewhere(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        f"import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGURG])\n{WAITS}\n"
        "signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGURG])\n"
    )
    with bystander("-m", "genlock", "run", str(program)) as process:
        assert main(["dump", "--timeout", "0.05", str(process.pid)]) == 1
    assert "genlock: process" not in capfd.readouterr().err


def test_a_notice_that_a_dead_process_left_is_not_believed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with bystander() as process:
        left = Path(_mailbox.directory(), str(process.pid))
        other = left.with_name("123456789")
        left.touch()
        other.touch()
        status, _, err = dumped(process.pid, capsys=capsys)
        assert (status, left.exists(), other.exists()) == (2, False, False)
        assert "does not listen" in err


def test_a_process_that_has_lost_its_handler_is_not_signalled(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell which signals are handled")
    with bystander() as process:
        monkeypatch.setattr(_mailbox, "listens", lambda _: True)
        assert dumped(process.pid, capsys=capsys)[0] == 2


def test_a_process_that_is_killed_while_it_is_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with stuck("inside") as process:
        ask = _process.Process.send

        def kill(self: Any, signum: int) -> None:
            process.kill()
            process.wait()
            ask(self, signum)

        monkeypatch.setattr(_process.Process, "send", kill)
        status, _, err = dumped(process.pid, capsys=capsys)
    assert (status, err) == (
        1,
        f"genlock dump: process {process.pid} ended before it could answer\n",
    )


def test_a_process_that_is_gone(capsys: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    status, _, err = dumped(process.pid, capsys=capsys)
    assert (status, err) == (2, f"genlock dump: there is no process {process.pid} (any more)\n")


def test_a_process_that_has_ended_and_is_not_awaited(capsys: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        until(lambda: _mailbox.status_of(process.pid).get("State", "Z").startswith("Z"))
        if _mailbox.status_of(process.pid):
            status, _, err = dumped(process.pid, capsys=capsys)
            assert status == 2
            assert "has ended already" in err


def test_a_process_of_somebody_else(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError

    with bystander() as process:
        with monkeypatch.context() as patch:
            patch.setattr(os, "kill", refuse)
            assert dumped(process.pid, capsys=capsys)[2] == (
                f"genlock dump: process {process.pid} belongs to another user: only that user can"
                " ask it\n"
            )
        with monkeypatch.context() as patch:
            patch.setattr(_mailbox, "status_of", lambda _: {"Uid": "12345\t0"})
            assert "belongs to the user 12345: only" in dumped(process.pid, capsys=capsys)[2]


def test_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert dumped(os.getpid(), capsys=capsys)[0] == 2


@pytest.mark.parametrize("pid", ["0", "-1", "x", "1.5", ""])
def test_what_is_no_number_of_a_process(pid: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["dump", "--", pid])
    assert ended.value.code == 2
    assert f"invalid process number value: {pid!r}" in capsys.readouterr().err


def test_a_number_that_is_too_large(capsys: pytest.CaptureFixture[str]) -> None:
    assert dumped(10**30, capsys=capsys)[0] == 2


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_impossible_timeouts(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["dump", "--timeout", seconds, "1"])
    assert ended.value.code == 2
    assert "invalid number of seconds value" in capsys.readouterr().err


def test_a_directory_that_others_can_enter_is_not_used(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path(_mailbox.directory()).chmod(0o755)
    with bystander() as process:
        status, _, err = dumped(process.pid, capsys=capsys)
    assert status == 2
    assert "is not a directory that only this user can enter" in err


def test_a_newer_interpreter_has_a_process_run_a_script(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # sys.remote_exec of Python 3.14, here by the process itself.
    def remote_exec(pid: int, script: str) -> None:
        scripts.append((pid, Path(script).read_text("utf-8")))
        exec(scripts[0][1], {})

    scripts: list[tuple[int, str]] = []
    monkeypatch.setattr(sys, "remote_exec", remote_exec, raising=False)
    with bystander() as process:
        status, out, err = dumped(process.pid, capsys=capsys)
        assert (status, err) == (0, "")
        assert out.startswith(f"genlock: process {os.getpid()} ")
        assert scripts[0][0] == process.pid


def test_a_script_in_a_process_without_genlock_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def remote_exec(_: int, script: str) -> None:
        subprocess.run([sys.executable, "-I", script], check=True, timeout=PATIENCE)

    monkeypatch.setattr(sys, "remote_exec", remote_exec, raising=False)
    with bystander() as process:
        assert dumped(process.pid, capsys=capsys)[1] == (
            f"genlock: process {process.pid} has no guards: it has not imported genlock\n"
        )


def test_a_script_that_may_not_be_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def remote_exec(*_: object) -> None:
        raise PermissionError("not permitted")

    monkeypatch.setattr(sys, "remote_exec", remote_exec, raising=False)
    with bystander() as process:
        status, _, err = dumped(process.pid, capsys=capsys)
    assert status == 2
    assert "does not listen (and sys.remote_exec failed: not permitted). Start" in err


def test_an_answer_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError("on purpose")

    # An error of the test's own counts as one that interrupts; this one is made by the library.
    monkeypatch.setattr("genlock._interpreter._frames.is_interruption", lambda _: False)
    monkeypatch.setattr(_listener, "snapshot", fail)
    assert _listener.answer("text") == "genlock: no dump: ZeroDivisionError: on purpose\n"
