"""`genlock report`: a table, what comes back, what is taken in both orders; and bad input."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from itertools import filterfalse, pairwise
from typing import TYPE_CHECKING

import pytest

import genlock
from genlock._records import Site
from genlock._traces import _report_wording as wording
from genlock._traces._calls import Cycle
from genlock._traces._events import Event, Failure, Trace, TracedGuard, TracedThread, Unfinished
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
    where = f"{run}, line {len(lines) - 1}: the file ends there, before"
    assert main(["report", str(run)]) == 2
    told = capsys.readouterr()
    assert told.out.startswith(f"Incomplete: {where}")
    assert "letters" in told.out
    assert told.err.startswith(f"genlock report: {where}")
    assert told.err.count("\n") == 1
    page = run.with_suffix(".html")
    assert main(["report", str(run), "-o", str(page)]) == 2
    assert capsys.readouterr().err == told.err
    assert "letters" in page.read_text("utf-8")


def test_an_empty_recording_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = written(tmp_path, Trace())
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


@pytest.mark.parametrize(("columns", "is_drawn"), [("80", True), ("79", False)])
def test_a_narrow_terminal_loses_nothing_of_the_table(
    columns: str,
    is_drawn: bool,  # noqa: FBT001
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("rich")
    guard = replace(GUARD, name="a-long-name-of-a-stage-in-a-pipeline")
    run = written(tmp_path, Trace((Event(guard, THREAD, "send", 0, 9, "raised", "ValueError"),)))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["report", str(run)]) == 0
    table = capsys.readouterr().out.split("\n\n")[1]
    assert ("────" in table) == is_drawn
    folded = "".join(line.split()[0] for line in table.splitlines() if line.strip())
    assert guard.name in (folded if is_drawn else table)
    for word in ("resumptions", "contended", "longest", "wait", "ended", "raised", "ValueError"):
        assert word in table


def test_names_break_no_line_and_reach_no_terminal_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = "näme\n\x1b[31m\ud800"
    guard, thread = replace(GUARD, name=odd), replace(THREAD, name=odd * 1000)
    other = replace(GUARD, number=2, name="other")
    site = Site("dir/\x1b.py", 3, "main")
    both = [(guard, other, thread), (other, guard, replace(THREAD, number=2))]
    events = [
        Event(each, in_, "send", begin, 100 - begin, "raised", "Error\n", site=site)
        for outer, inner, in_ in both
        for each, begin in ((inner, 20), (outer, 10))
    ]
    failure = Failure("GL003", "DeadlockError", "…", guard=odd, thread=odd, site=site, number=7)
    unfinished = [
        Unfinished(odd, odd, "send", site=site, is_waiting=True),
        Unfinished(odd, odd, "send", site=site, at=site),
        Unfinished(odd, odd, "exclusive"),
    ]
    trace = Trace(tuple(events), failures=(failure,), unfinished=tuple(unfinished))
    run = written(tmp_path, trace)
    assert main(["report", str(run)]) == 0
    out = capsys.readouterr().out
    assert set(filterfalse(str.isprintable, out)) == {"\n"}
    assert max(map(len, out.splitlines())) < 200
    shown = r"näme\n\x1b[31m\ud800"
    assert f"    GL003 DeadlockError of {shown} in {shown}  \\x1b.py:3, 7 times\n" in out
    assert f"Potential deadlock: {shown} and other are taken" in out
    assert r"raised Error\n" in out


def test_errors_are_told_with_the_threads_they_came_up_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = Site("demo.py", 3, "main")
    one = Failure("GL001", "ReentrantCallError", "…", guard="log", thread="a", others=("b", "…"))
    bare = Failure("GL011", "ValueError", "…", "caught", thread="a", number=2, site=site)
    run = written(tmp_path, Trace((Event(GUARD, THREAD, "next", 1, 2),), failures=(one, bare)))
    assert main(["report", str(run)]) == 0
    out = capsys.readouterr().out
    assert "    GL001 ReentrantCallError of log in a, b, …\n" in out
    assert (
        "    GL011 ValueError first in a  demo.py:3, 2 times\n" in out
    )  # of the others, nothing is known


def test_long_cycles_and_many_of_them_are_cut_short(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ring = [TracedGuard(number, f"stage-{number:03}") for number in range(500)]
    events = []
    for place, (driver, driven) in enumerate(pairwise([*ring, ring[0]])):
        pair = ((driven, 1, 2), (driver, 0, 3))
        events += [
            Event(it, THREAD, "send", 9 * place + begin, 9 * place + end) for it, begin, end in pair
        ]
    for place in range(1000, 1060, 2):
        first, second = (TracedGuard(number, f"one-{number}") for number in (place, place + 1))
        for number, (outer, inner) in enumerate(((first, second), (second, first)), 1):
            thread = replace(THREAD, number=number)
            begin = 9 * place
            events.append(Event(inner, thread, "send", begin + 1, begin + 2))
            events.append(Event(outer, thread, "send", begin, begin + 3))
    assert main(["report", str(written(tmp_path, Trace(tuple(events))))]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) < 300
    assert "stage-011 → … → stage-000: its calls were seen" in out
    assert "    … and 488 more\n" in out
    assert out.count("Possible call cycle") == out.count("Potential deadlock") == 20
    assert out.count("\n… and 11 more; genlock.load") == 1
    assert out.count("\n… and 10 more; genlock.load") == 1


def test_guards_that_are_closely_connected_are_counted(tmp_path: Path) -> None:
    cycle = Cycle(("a", "b", "a"), (None, None), is_reentry=False, others=tuple("cdefghijklmnopq"))
    assert wording.cycle(cycle)[-1] == (
        "  As closely connected: c, d, e, f, g, h, i, j, k, l, m, n and 3 more."
    )


def written(directory: Path, trace: Trace) -> Path:
    path = directory / "run.jsonl"
    with path.open("w", encoding="utf-8") as file:
        jsonl.write(trace, file)
    return path


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
