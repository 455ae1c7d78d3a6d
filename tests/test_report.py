"""`genlock report`: a table, what comes back, what is taken in both orders; and bad input."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

import genlock
from genlock._traces import _report_wording as wording
from genlock._traces._events import Event, Trace, TracedGuard, TracedThread
from genlock._traces._summary import summary
from genlock.cli import main
from genlock.sinks import jsonl
from subprocesses import run_python

if TYPE_CHECKING:
    from pathlib import Path

GUARD = TracedGuard(1, "cor", "demo.cor")
THREAD = TracedThread(1, "MainThread", 7)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = tmp_path / "run.jsonl"
    with genlock.trace() as recording:
        assert list(genlock.guard(iter("ab"), name="letters")) == ["a", "b"]
    recording.save(path)
    return path


def test_a_recording_is_shown(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(run)]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert told.out.startswith(f"{run}: 3 events of 1 guard in 1 thread, process ")
    row = next(line for line in told.out.splitlines() if line.startswith("letters"))
    assert row.split()[1] == "3"
    assert row.endswith("returned")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "{run}: No such file or directory"),
        ("", "{run}, line 1: the file is empty"),
        ('{"a": 1}', "{run}, line 1: not a recording of genlock"),
        (
            '{"kind": "trace", "format": "genlock-trace", "version": 99}',
            "{run}, line 1: a recording of version 99; this genlock reads up to 1",
        ),
    ],
)
def test_bad_input_gets_one_line_and_status_2(
    text: str | None, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run.json"
    if text is not None:
        run.write_text(text, "utf-8")
    assert main(["report", str(run)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"genlock report: {complaint.replace('{run}', str(run))}\n"


def test_a_directory_gets_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_no_rows_at_all_are_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(run), "--top", "0"]) == 2
    assert capsys.readouterr().err == "genlock report: --top has to be 1 or more, not 0\n"


def test_what_can_be_read_of_a_file_that_was_cut_off_is_shown(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = run.read_text("utf-8").splitlines()
    run.write_text("\n".join(lines[:-1]), "utf-8")
    assert main(["report", str(run)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"Incomplete: {run}, line {len(lines) - 1}: the file ends there, before")
    assert "letters" in out


def test_an_empty_recording_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run.jsonl"
    with run.open("w", encoding="utf-8") as file:
        jsonl.write(Trace(), file)
    assert main(["report", str(run)]) == 0
    assert "0 events of 0 guards in 0 threads" in capsys.readouterr().out


def test_whoever_reads_may_have_seen_enough(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    assert main(["report", str(run)]) == 0
    sys.stdout.close()


def test_an_output_that_knows_few_characters_gets_others_instead(run: Path) -> None:
    ran = run_python(
        *("-m", "genlock", "report", run.name),
        directory=run.parent,
        environment={"PYTHONIOENCODING": "ascii"},
    )
    assert (ran.stderr, ran.returncode) == ("", 0)
    assert " ?s " in ran.stdout


def test_rich_draws_the_table_on_a_terminal(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("rich")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["report", str(run)]) == 0
    out = capsys.readouterr().out
    assert "letters" in out
    assert "────" in out


def test_without_rich_a_terminal_gets_the_plain_table(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setitem(sys.modules, "rich.table", None)
    assert main(["report", str(run)]) == 0
    assert "────" not in capsys.readouterr().out


def test_a_row_adds_up_its_events() -> None:
    def event(outcome: str, begin: int, **more: object) -> Event:
        return Event(GUARD, THREAD, "send", begin, begin + 5, outcome, **more)  # type: ignore[arg-type]

    events = (
        event("yielded", 0, waited=30),
        event("yielded", 10, waited=50),
        event("refused", 20, error="ContendedCallError"),
        event("refused", 30, error="NotPrimedError"),
        event("deferred", 40),
        event("raised", 50, error="KeyError"),
        event("returned", 60),
    )
    (row,) = summary(Trace(events))
    assert (row.resumptions, row.inside, row.waited) == (4, 20, 80)
    assert (row.contended, row.longest_wait) == (3, 50)
    assert row.ended == "raised KeyError"


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "-"),
        (70, "70 ns"),
        (1_500, "1.5 µs"),
        (999_400, "999 µs"),
        (12_340_000, "12.3 ms"),
        (4_000_000_000, "4 s"),
        (999_600, "1 ms"),
        (999_999_999, "1 s"),
        (59_400_000_000, "59.4 s"),
        (59_500_000_000, "1 min"),
        (125_000_000_000, "2 min 5 s"),
        (7_260_000_000_000, "2 h 1 min"),
        (363_600_000_000_000, "4 d 5 h"),
    ],
)
def test_durations_come_in_the_unit_that_suits_them(nanoseconds: int, text: str) -> None:
    assert wording.duration(nanoseconds) == text
