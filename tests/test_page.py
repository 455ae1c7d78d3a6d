"""The page of a recording: its data, what it is made of, and how one asks for it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from importlib.resources import files
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import genlock
from crew import Worker, until
from genlock._page._columns import columns
from genlock._page._data import page_data
from genlock._page._render import SCRIPTS, embedded, page
from genlock._records import Site
from genlock._traces._events import Event, Failure, Trace, TracedGuard, TracedThread, told_apart
from genlock._traces._source import Source
from genlock.cli import main
from genlock.sinks import chrome, jsonl
from subprocesses import run_python
from traces import drawn_trace

if TYPE_CHECKING:
    from collections.abc import Generator

ROOT = Path(__file__).parents[1]
PAGE = files("genlock._page")
EVIL = "</script><img src=x onerror=alert(1)>\u2028&amp;"

LIBRARY = "7f751ea7f1695a56c55845e4415b8ce7d65620b10a15bf1ea806f70af10f97f2"
"""What `.vendor/refresh` made of the version that its package-lock.json pins."""


# The data -----------------------------------------------------------------------------------------


def events_of(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The events as a page reads them from the columns, times since the first one."""
    count = data["count"]
    told = {
        name: [values] * count if isinstance(values, int) else values
        for name, values in data["events"].items()
    }
    told["begin"] = list(accumulate(told["begin"]))
    return [{name: values[place] for name, values in told.items()} for place in range(count)]


@pytest.mark.parametrize("seed", range(5))
def test_the_columns_tell_of_each_event(seed: int) -> None:
    trace = drawn_trace(seed)
    data = columns(trace)
    since = min(event.begin - event.waited for event in trace.events)
    texts, sites = data["texts"], data["sites"]
    told = [
        (
            data["guards"][it["guard"]][2:],
            data["lanes"][it["lane"]][0],
            it["begin"] + since,
            it["took"],
            it["waited"],
            it["deferred"],
            *(texts[it[name]] for name in ("operation", "outcome", "error", "sent", "got")),
            sites[it["site"]],
        )
        for it in events_of(data)
    ]
    expected = [
        (
            [event.guard.file, event.guard.line],
            event.thread.number,
            event.begin,
            event.end - event.begin,
            event.waited,
            event.deferred,
            *(event.operation, event.outcome, event.error, event.sent or "", event.got or ""),
            event.site and [event.site.file, event.site.line, "main", event.site.code],
        )
        for event in trace.events
    ]
    assert sorted(told, key=str) == sorted(expected, key=str)


@pytest.mark.parametrize("seed", range(20))
def test_calls_in_one_row_do_not_overlap(seed: int) -> None:
    ends: dict[tuple[int, int], int] = {}
    for event in events_of(columns(drawn_trace(seed))):
        row = event["lane"], event["depth"]
        assert event["begin"] - event["waited"] >= ends.get(row, 0)
        ends[row] = event["begin"] + event["took"]


def test_a_call_knows_the_one_around_it_but_not_one_that_still_waited() -> None:
    guard, thread = TracedGuard(1, "cor"), TracedThread(1, "MainThread", 7)
    inner = Event(guard, thread, "send", 20, 30)
    outer = Event(guard, thread, "send", 10, 40)
    (first, second) = events_of(columns(Trace((inner, outer))))
    assert (first["outer"], second["outer"], second["depth"]) == (0, 1, 1)
    waiting = replace(outer, begin=35, waited=25)  # a signal handler came in between
    told = {it["begin"]: it for it in events_of(columns(Trace((inner, waiting))))}
    assert [told[begin]["outer"] for begin in (10, 25)] == [0, 0]
    assert told[10]["depth"] == 1


def test_what_all_events_have_in_common_is_told_once() -> None:
    trace = drawn_trace(1)
    plain = Trace(tuple(replace(event, deferred=0) for event in trace.events))
    assert columns(plain)["events"]["deferred"] == 0


def test_the_code_of_a_caller_is_read_where_it_is_what_it_was(tmp_path: Path) -> None:
    source = tmp_path / "caller.py"
    source.write_text("first\n  cor.send(1)\n", "utf-8")
    changed = source.stat().st_mtime_ns
    guard, thread = TracedGuard(1, "cor"), TracedThread(1, "MainThread", 7)
    events = (Event(guard, thread, "send", 10, 20),)
    site = Site(str(source), 2, "main")
    pipe = tmp_path / "pipe.py"
    os.mkfifo(pipe)
    unchanged = Source(Trace(events, epoch=changed))
    later = Source(Trace(events, epoch=time.time_ns()))
    assert unchanged.with_code(site).code == "cor.send(1)"
    assert Source(Trace(events, epoch=changed - 21)).with_code(site).code == ""
    assert Source(Trace(events)).with_code(site).code == ""
    assert unchanged.with_code(replace(site, file="gone\0.py")).code == ""
    assert unchanged.with_code(replace(site, code="known")).code == "known"
    assert later.with_code(replace(site, file=str(pipe))).code == ""


def test_what_is_missing_is_told_first() -> None:
    data = page_data(replace(drawn_trace(1), dropped=1_234, cut="run.jsonl, line 7"), "run.jsonl")
    assert data["missing"][0].startswith("Incomplete: run.jsonl, line 7")
    assert data["missing"][1].startswith("Dropped: 1,234 older events")
    assert data["facts"].startswith(f"{data['count']} events of ")


def test_an_empty_recording_has_a_page() -> None:
    data = page_data(Trace(), "run.json")
    assert (data["count"], data["missing"]) == (0, [])
    assert "UTC" not in data["facts"]
    assert "run.json" in page(data)


# What it is made of -------------------------------------------------------------------------------


def test_no_name_can_end_what_it_is_in() -> None:
    guard = TracedGuard(1, EVIL, EVIL, EVIL, 1)
    site = Site(EVIL, 1, EVIL, EVIL)
    call = Event(guard, TracedThread(1, EVIL, 7), "send", 1, 2, "raised", EVIL, site=site, got=EVIL)
    told = Failure("GL001", EVIL, EVIL, guard=EVIL, thread=EVIL, site=site)
    trace = Trace((call,), failures=(told,), cut=EVIL)
    text = page(page_data(trace, EVIL))
    head, _, rest = text.partition('<script type="application/json" id="data">')
    data, _, _ = rest.partition("</script>")
    assert "<img" not in text
    assert head.count("&lt;/script&gt;&lt;img") == 1
    assert json.loads(data)["guards"][0][0] == EVIL
    assert not re.search("[<>&\u2028]", data)


def test_a_lone_surrogate_can_be_written(tmp_path: Path) -> None:
    text = embedded(["\ud800"])
    assert text.isascii()
    assert json.loads(text) == ["\ud800"]
    run = tmp_path / "run.jsonl"
    with genlock.trace() as recording:
        list(genlock.guard(iter("ab"), name="\udcff"))
    recording.save(run)
    assert main(["report", str(run), "-o", str(tmp_path / "run.html")]) == 0


def test_what_looks_like_a_place_to_fill_in_stays_text() -> None:
    text = page(page_data(Trace(), "{{data}} {{policy}}"))
    assert "<title>{{data}} {{policy}}: genlock report</title>" in text


def test_nothing_but_its_own_code_may_run() -> None:
    text = page(page_data(drawn_trace(1), "run.json"))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy[1]


def test_every_part_of_its_script_is_used() -> None:
    parts = {part.name for part in (PAGE / "assets").iterdir() if part.name.endswith(".js")}
    assert sorted(SCRIPTS) == sorted(parts)


def test_the_library_of_others_is_the_one_that_is_pinned() -> None:
    data = (PAGE / "vendor" / "dagre.min.js").read_bytes()
    assert hashlib.sha256(data).hexdigest() == LIBRARY
    licence = (PAGE / "vendor" / "dagre.LICENSE.txt").read_text("utf-8")
    assert "Permission is hereby granted" in licence
    assert licence in page(page_data(Trace(), "run.json"))


@pytest.mark.network
@pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm")
def test_the_library_can_be_made_anew(tmp_path: Path) -> None:
    refresh = ["/bin/bash", str(ROOT / ".vendor" / "refresh"), str(tmp_path)]
    done = subprocess.run(refresh, capture_output=True, text=True, timeout=50, check=False)
    if re.search("ENOTFOUND|ECONN|ETIMEDOUT|EAI_AGAIN", done.stderr):
        pytest.skip("the registry cannot be had")
    assert done.returncode == 0, done.stderr
    for made in tmp_path.iterdir():
        assert made.read_bytes() == (PAGE / "vendor" / made.name).read_bytes()
    assert len(list(tmp_path.iterdir())) == len(list((PAGE / "vendor").iterdir()))


def luminance(colour: str) -> float:
    """How bright a colour is, as WCAG 2 reckons it."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_to_be_read_stands_out(theme: str) -> None:
    style = (PAGE / "assets" / "page.css").read_text("utf-8")
    light, dark = re.findall(r"^:root[^{]*\{(.*?)^\}", style, re.MULTILINE | re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#\w{6});", light if theme == "light" else dark))
    pairs = [("label", f"fill-{number}") for number in range(10)]
    pairs += [(ink, paper) for ink in ("ink", "quiet", "accent") for paper in ("paper", "raised")]
    pairs += [("ink", "wait-paper"), ("bad", "bad-paper"), ("bad", "paper")]
    pairs += [("wait", paper) for paper in ("paper", "raised", "wait-paper")]
    for ink, paper in pairs:
        low, high = sorted(luminance(colours[it]) for it in (ink, paper))
        assert (high + 0.05) / (low + 0.05) >= 4.5, (theme, ink, paper)


# The errors that it shows -------------------------------------------------------------------------


@genlock.guarded(name="loop")
def coming_back() -> Generator[int, None, None]:
    yield 1
    try:
        next(shared)
    except genlock.ReentrantCallError:
        yield 2
    next(shared)


shared = coming_back()


def test_errors_of_guards_are_recorded_with_their_diagnosis(tmp_path: Path) -> None:
    global shared  # noqa: PLW0603  # the coroutine comes back to itself by this name
    with genlock.trace() as recording:
        for _ in range(2):
            shared = coming_back()
            next(shared)
            next(shared)
            with pytest.raises(genlock.ReentrantCallError) as caught:
                next(shared)
    first, second = recording.trace.failures
    assert second.text == str(caught.value)
    assert (first.code, first.error, first.guard) == ("GL001", "ReentrantCallError", "loop")
    assert (first.number, second.number) == (2, 2)
    assert first.thread == threading.current_thread().name
    assert first.site is not None
    assert second.site is not None
    assert (first.site.file, second.site.line - first.site.line) == (__file__, 3)
    begin, end = (recording.events[place].begin for place in (0, -1))
    assert begin < first.at < end
    for name in ("run.json", "run.jsonl"):
        recording.save(tmp_path / name)
        assert genlock.load(tmp_path / name).trace == recording.trace


def test_like_errors_of_several_threads_name_them_all(tmp_path: Path) -> None:
    def ask() -> None:
        with pytest.raises(genlock.NotPrimedError):
            unprimed("letters").send(1)

    with genlock.trace() as recording:
        for name in ["first", "second", "first", "third"]:
            Worker(ask, name=name).result()
    (told,) = recording.trace.failures
    assert (told.thread, told.others, told.number) == ("first", ("second", "third"), 4)
    (shown,) = page_data(recording.trace, "run.json")["failures"]
    assert shown["where"] == "in first, second, third"
    for name in ("run.json", "run.jsonl"):
        recording.save(tmp_path / name)
        assert genlock.load(tmp_path / name).trace.failures == recording.trace.failures


def test_of_many_threads_with_like_errors_eight_are_named_besides_the_first() -> None:
    def ask() -> None:
        with pytest.raises(genlock.NotPrimedError):
            unprimed("letters").send(1)

    with genlock.trace() as recording:
        for number in range(20):
            Worker(ask, name=f"w{number}").result()
    (told,) = recording.trace.failures
    assert told.others == (*(f"w{number}" for number in range(1, 9)), "…")


def unprimed(name: str) -> genlock.GuardedGenerator[None, int, None]:
    def taking() -> Generator[None, int, None]:
        yield

    return genlock.guard(taking(), name=name)


def test_errors_outside_of_a_recording_are_not_in_it() -> None:
    recording = genlock.trace()
    with recording:
        pass
    with pytest.raises(genlock.NotPrimedError):
        unprimed("never").send(1)
    with recording:
        pass
    assert recording.trace.failures == ()


def test_only_so_many_different_errors_are_kept_and_the_others_counted(tmp_path: Path) -> None:
    with genlock.trace() as recording:
        for number in range(300):
            with pytest.raises(genlock.NotPrimedError):
                unprimed(f"letters-{number}").send(1)
    assert len(recording.trace.failures) == 200
    data = page_data(recording.trace, "run.json")
    assert data["errors"] == 300
    assert data["missing"] == ["Not told: 100 more errors about generators."]
    for name in ("run.json", "run.jsonl"):
        recording.save(tmp_path / name)
        assert genlock.load(tmp_path / name).trace.more_failures == 100


def test_alike_errors_are_one_row_whichever_guards_they_came_from() -> None:
    @genlock.guarded
    def failing() -> Generator[int, None, None]:
        yield 1
        raise KeyError

    with genlock.trace() as recording:
        for _ in range(600):
            with pytest.raises(KeyError):
                list(failing())
    data = page_data(recording.trace, "run.json")
    (row,) = data["troubles"]
    assert (row[0], row[1], row[-1]) == ("raised", "KeyError", 600)
    assert row[2].endswith("failing")
    assert (data["troubled"], data["moreTroubles"], data["errors"]) == (600, 0, 0)


def test_kinds_of_failed_calls_beyond_those_shown_are_counted() -> None:
    guard, thread = TracedGuard(1, "cor"), TracedThread(1, "MainThread", 7)
    events = [
        Event(guard, thread, "send", at, at + 1, "raised", "KeyError", site=Site("a.py", at, "f"))
        for at in range(1, 601)
    ]
    data = page_data(Trace(tuple(events)), "run.json")
    assert (len(data["troubles"]), data["moreTroubles"], data["troubled"]) == (500, 100, 600)


def test_the_first_error_to_come_up_comes_first() -> None:
    failures = [Failure("GL001", "E", str(at), at=at) for at in (0, 30, 10, 20)]
    data = page_data(Trace((), failures=tuple(failures)), "run.json")
    assert [it["text"] for it in data["failures"]] == ["10", "20", "30", "0"]


def test_a_function_that_drives_itself_in_other_generators_is_no_cycle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    @genlock.guarded
    def walk(depth: int) -> Generator[int, None, None]:
        yield depth
        if depth:
            yield from walk(depth - 1)

    with genlock.trace() as recording:
        assert list(walk(3)) == [3, 2, 1, 0]
    data = page_data(recording.trace, "run.json")
    graph = data["graphs"]["function"]
    assert [edge[:2] for edge in graph["edges"]] == [[graph["nodes"][0][0]] * 2]
    assert (graph["cyclic"], graph["possible"]) == ([], [])
    assert (data["findings"]["cycles"], data["findings"]["possible"]) == ([], [])
    recording.save(tmp_path / "run.json")
    assert main(["report", str(tmp_path / "run.json"), "--by", "function"]) == 0
    assert "No call cycle." in capsys.readouterr().out


def test_what_was_found_of_guards_is_marked_at_their_functions() -> None:
    trace = drawn_trace(2)
    data = page_data(trace, "run.json")
    shown = {(edge[0], edge[1]) for edge in data["graphs"]["function"]["edges"]}
    for kind in ("cyclic", "possible", "inverted"):
        assert shown.issuperset(map(tuple, data["graphs"]["function"][kind]))
    assert data["graphs"]["function"]["cyclic"]


def test_calls_that_were_under_way_when_it_ended_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inside, go_on = threading.Event(), threading.Event()

    @genlock.coroutine
    def standing() -> Generator[None, int, None]:
        while True:
            yield
            inside.set()
            go_on.wait(20)

    cor = standing()
    with genlock.trace() as recording:
        holder = threading.Thread(target=cor.send, args=(1,), name="holder")
        holder.start()
        assert inside.wait(20)
        waiter = threading.Thread(target=lambda: cor.send(2), name="waiter")
        waiter.start()
        until(lambda: genlock.state(cor).waiters)
    go_on.set()
    holder.join(20)
    waiter.join(20)
    held, waiting = recording.trace.unfinished
    assert (held.guard, held.thread, held.operation, held.is_waiting) == (
        *("standing", "holder", "send"),
        False,
    )
    assert (waiting.thread, waiting.is_waiting, waiting.waited > 0) == ("waiter", True, True)
    assert waiting.site is not None
    assert waiting.site.code.startswith("cor.send(2)")
    for name in ("run.json", "run.jsonl"):
        recording.save(tmp_path / name)
        assert genlock.load(tmp_path / name).trace == recording.trace
    assert main(["report", str(tmp_path / "run.json")]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "Unfinished: 2 calls were under way still when the recording ended."
    assert lines[0].startswith("    holder is inside of standing")
    assert re.match(
        r"    waiter waits for standing, for [\d.]+ .s so far, called at test", lines[1]
    )
    data = page_data(recording.trace, "run.json")
    assert (data["unfinished"], data["isPartial"], data["nothing"]) == (2, True, "")


def test_a_recording_that_ended_in_peace_has_nothing_unfinished() -> None:
    with genlock.trace() as recording:
        list(genlock.guard(iter("ab"), name="letters"))
    assert recording.trace.unfinished == ()


def test_a_recording_without_calls_says_how_to_get_some(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run.json"
    with genlock.trace() as recording:
        pass
    recording.save(run)
    hint = "The program called no guard. To guard functions of it:  genlock run --guard"
    assert main(["report", str(run)]) == 0
    heading, told = capsys.readouterr().out.splitlines()
    assert "0 events" in heading
    assert told.startswith(hint)
    assert main(["report", str(run), "-o", str(tmp_path / "run.html")]) == 0
    assert hint in capsys.readouterr().out
    assert page_data(recording.trace, "run.json")["nothing"].startswith(hint)


def test_a_name_of_which_nothing_can_be_seen_is_put_in_quotes() -> None:
    names = told_apart([TracedGuard(1, ""), TracedGuard(2, "  "), TracedGuard(3, "cor")])
    assert names == {1: "''", 2: "'  '", 3: "cor"}


def test_the_date_is_that_of_the_first_call() -> None:
    thread, second = TracedThread(1, "MainThread", 7), 1_000_000_000
    event = Event(TracedGuard(1, "cor"), thread, "send", 9 * second, 11 * second, waited=4 * second)
    facts = page_data(Trace((event,), epoch=1_700_000_000 * second), "run.json")["facts"]
    assert facts.endswith(", 2023-11-14 22:13:25 UTC")


@pytest.mark.parametrize("epoch", [10**25, -(10**25), 10**19])
def test_a_date_that_there_is_not_is_left_out(epoch: int) -> None:
    event = Event(TracedGuard(1, "cor"), TracedThread(1, "MainThread", 7), "send", 1, 2)
    facts = page_data(Trace((event,), epoch=epoch), "run.json")["facts"]
    assert facts.startswith("1 event of 1 guard")


def test_the_page_reads_no_file_that_a_recording_names(tmp_path: Path) -> None:
    secret = tmp_path / "secret.py"
    secret.write_text("PASSWORD = 1\n", "utf-8")
    site = Site(str(secret), 1, "main")
    event = Event(TracedGuard(1, "cor"), TracedThread(1, "MainThread", 7), "send", 1, 2, site=site)
    run = tmp_path / "run.jsonl"
    with run.open("w", encoding="utf-8") as file:
        jsonl.write(Trace((event,), epoch=time.time_ns()), file)
    assert main(["report", str(run), "-o", str(tmp_path / "run.html")]) == 0
    assert "PASSWORD" not in (tmp_path / "run.html").read_text("utf-8")


def test_a_recording_keeps_the_lines_that_its_calls_were_made_at(tmp_path: Path) -> None:
    with genlock.trace() as recording:
        list(genlock.guard(iter("ab"), name="letters"))  # this very line
    for name in ("run.json", "run.jsonl"):
        recording.save(tmp_path / name)
        site = genlock.load(tmp_path / name).events[0].site
        assert site is not None
        assert site.code.endswith("# this very line")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"code":"GL001"', '"code":1'),
        ('"fate":"refused"', '"fate":[]'),
        ('"site":null', '"site":3'),
    ],
)
def test_a_damaged_error_in_a_recording_is_refused(
    before: str, after: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = Trace(failures=(Failure("GL001", "ReentrantCallError", "what happened"),))
    for sink, name in ((jsonl, "run.jsonl"), (chrome, "run.json")):
        run = tmp_path / name
        with run.open("w", encoding="utf-8") as file:
            sink.write(trace, file)
        text = run.read_text("utf-8").replace('": ', '":').replace(before, after)
        assert after in text
        run.write_text(text.replace('"traceEvents":[', '"traceEvents": ['), "utf-8")
        assert main(["report", str(run)]) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.startswith(f"genlock report: {run}")
        assert told.err.count("\n") == 1


# How it is asked for ------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = tmp_path / "run.jsonl"
    with genlock.trace() as recording:
        list(genlock.guard(iter("ab"), name="letters"))
    recording.save(path)
    return path


def test_the_report_is_a_page_where_one_is_asked_for(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "report.html"
    assert main(["report", str(run), "-o", str(made)]) == 0
    told = capsys.readouterr()
    assert re.fullmatch(
        rf"{re.escape(str(made))}: 3 events, 0\.\d MB\. To read it, open it in a browser\.\n",
        told.out,
    )
    assert "<title>run.jsonl: genlock report</title>" in made.read_text("utf-8")


def test_a_page_never_takes_the_place_of_the_recording(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = run.read_bytes()
    assert main(["report", str(run), "-o", str(run)]) == 2
    told = capsys.readouterr()
    assert told.err == f"genlock report: --output: {str(run)!r} must end in .html or .htm\n"
    assert run.read_bytes() == before


def test_a_page_that_cannot_be_written_gets_one_line(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "nowhere" / "report.html"
    assert main(["report", str(run), "-o", str(made)]) == 2
    told = f"genlock report: --output: cannot write to {str(made)!r}: No such file or directory\n"
    assert capsys.readouterr().err == told


PROGRAM = """
import os, sys, genlock
os.chdir(os.path.dirname(os.path.abspath(__file__)))
os.makedirs("elsewhere", exist_ok=True)
os.chdir("elsewhere")
letters = genlock.guard(iter("ab"), name="letters")
print(*letters)
def inner():
    yield from again()
def again():
    yield next(bare)
bare = inner()
next(bare)
"""


def data_in(made: Path) -> dict[str, Any]:
    """What a page holds."""
    held = re.search(r'id="data">(.*?)</script>', made.read_text("utf-8"), re.DOTALL)
    assert held is not None
    data: dict[str, Any] = json.loads(held[1])
    return data


def test_a_program_is_run_and_shown_in_one_step(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, "utf-8")
    words = ["run", "--report", "run.html", "--trace", "run.json", "program.py"]
    ran = run_python("-m", "genlock", *words, directory=tmp_path)
    assert ran.returncode == 1
    assert ran.stdout == "a b\n"
    assert "genlock: run.html: 3 events, 0.2 MB. To read it, open it in a browser.\n" in ran.stderr
    data = data_in(tmp_path / "run.html")
    assert data["name"] == "program.py"
    (told,) = data["failures"]
    assert (told["code"], told["error"]) == ("GL011", "ValueError: generator already executing")
    assert (told["fate"], told["text"].partition("\n")[0]) == (
        "program",
        "[GL011] 'inner' was asked for a value while it was still running.",
    )
    assert told["text"] in ran.stderr.replace("genlock: [", "[")
    (saved,) = genlock.load(tmp_path / "run.json").trace.failures
    assert saved.text == told["text"]


def run_with_page(program: str, directory: Path, *words: str) -> tuple[dict[str, Any], str]:
    """The data of the page of a program, and what went to standard error."""
    (directory / "program.py").write_text(program, "utf-8")
    words = ("-m", "genlock", "run", "--report", "run.html", *words, "program.py")
    ran = run_python(*words, directory=directory)
    return data_in(directory / "run.html"), ran.stderr


REENTRANT = """
import genlock
@genlock.coroutine
def selfie():
    while True:
        value = yield
        me.send(value)
me = selfie()
"""


@pytest.mark.parametrize(
    ("rest", "fate"),
    [
        ("me.send(1)", "program"),
        ("import threading; threading.Thread(target=me.send, args=(1,)).start()", "thread"),
        ("try: me.send(1)\nexcept ValueError: pass", "refused"),
    ],
)
def test_an_error_of_a_guard_that_ended_something_is_told_as_that(
    rest: str, fate: str, tmp_path: Path
) -> None:
    data, _ = run_with_page(REENTRANT + rest, tmp_path)
    (told,) = data["failures"]
    assert (told["code"], told["fate"]) == ("GL001", fate)


CATCHING = """
def inner():
    yield next(bare)
for _ in range(20):
    bare = inner()
    try: next(bare)
    except ValueError: pass
"""


@pytest.mark.skipif(sys.version_info < (3, 12), reason="it does not tell when an error is raised")
def test_errors_that_the_program_caught_are_counted_on_its_page(tmp_path: Path) -> None:
    data, told = run_with_page(CATCHING, tmp_path)
    assert "the program caught 20 errors about generators." in told
    assert data["errors"] == 20
    data, told = run_with_page(CATCHING, tmp_path, "--caught")
    assert "was raised 20 times in all" in told
    assert [it["number"] for it in data["failures"]] == [20]


FORKING = """
import os, genlock
def use():
    list(genlock.guard(iter("ab"), name="letters"))
if CALLS:
    use()
for _ in range(2):
    if not os.fork():
        use()
        os._exit(0)
    os.wait()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system forks no processes")
@pytest.mark.parametrize("calls", [3, 0])
def test_that_calls_of_forked_processes_are_not_recorded_is_told(
    calls: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = FORKING.replace("CALLS", str(calls))
    data, told = run_with_page(program, tmp_path, "--trace", "run.jsonl")
    less = "without those in 2 forked processes"
    assert f"recorded in run.jsonl: {calls} calls to guards, {less}. To read it:" in told
    assert f"run.html: {calls} events, {less}, " in told
    assert data["missing"] == ["Not recorded: the calls in 2 forked processes."]
    assert data["isPartial"]
    assert main(["report", str(tmp_path / "run.jsonl")]) == 0
    assert "Not recorded: the calls in 2 forked processes.\n" in capsys.readouterr().out


@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_how_many_processes_were_forked_is_kept_in_the_file(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"run.{ending}"
    with path.open("w", encoding="utf-8") as file:
        {"json": chrome, "jsonl": jsonl}[ending].write(Trace(forked=1), file)
    trace = genlock.load(path).trace
    assert trace.forked == 1
    data = page_data(trace, "run.json")
    assert data["missing"] == ["Not recorded: the calls in a forked process."]


def test_a_page_keeps_as_many_calls_as_asked_for(tmp_path: Path) -> None:
    program = "import genlock\nlist(genlock.guard(iter(range(50)), name='numbers'))\n"
    data, told = run_with_page(program, tmp_path, "--trace-size", "10")
    assert data["count"] == 10
    assert "run.html: the last 10 events of 51," in told
    assert data["missing"] == [
        "Dropped: 41 older events, the buffer was full;"
        " genlock run --trace-size, or genlock.trace(size=…), keeps more."
    ]


STANDING = """
import genlock, threading
inside, never = threading.Event(), threading.Event()
@genlock.coroutine
def standing():
    yield
    inside.set()
    never.wait()
threading.Thread(target=standing().send, args=(1,), name="one", daemon=True).start()
inside.wait()
"""


def test_a_program_that_ends_with_calls_under_way_says_so(tmp_path: Path) -> None:
    data, told = run_with_page(STANDING, tmp_path)
    assert "genlock: run.html: 1 event, 1 under way still, 0.2 MB." in told
    assert data["missing"][1].startswith("    one is inside of standing at program.py:8")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--trace-size", "5"], "--trace-size goes with --trace or --report"),
        (["--trace-size", "0", "--report", "a.html"], "--trace-size has to be 1 or more, not 0"),
    ],
)
def test_a_size_that_is_of_no_use_is_refused(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *words, "program.py"]) == 2
    assert capsys.readouterr().err == f"genlock run: {complaint}\n"


def test_a_module_may_follow_its_option_at_once(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, "utf-8")
    ran = run_python(
        "-m", "genlock", "run", "--report", "run.html", "-mprogram", directory=tmp_path
    )
    assert ran.stdout == "a b\n"


def test_a_program_that_is_killed_leaves_the_page_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import os; os._exit(3)", "utf-8")
    words = ["-m", "genlock", "run", "--report", "run.html", "program.py"]
    assert run_python(*words, directory=tmp_path).returncode == 3
    assert [it.name for it in tmp_path.iterdir()] == ["program.py"]
    (tmp_path / "run.html").write_text("the one before", "utf-8")
    assert run_python(*words, directory=tmp_path).returncode == 3
    assert (tmp_path / "run.html").read_text("utf-8") == "the one before"


def test_one_file_that_cannot_be_leaves_none_of_the_others(tmp_path: Path) -> None:
    words = ["run", "--trace", "run.json", "--report", "gone/run.html", "program.py"]
    (tmp_path / "program.py").touch()
    assert run_python("-m", "genlock", *words, directory=tmp_path).returncode == 2
    assert [it.name for it in tmp_path.iterdir()] == ["program.py"]


@pytest.mark.parametrize(
    ("words", "which"),
    [
        (["--by", "function"], "--by"),
        (["--top", "3"], "--top"),
        (["--top", "3", "--by", "guard"], "--by and --top"),
    ],
)
def test_what_is_for_the_table_is_refused_for_a_page(
    words: list[str], which: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "report.html"
    assert main(["report", str(run), "-o", str(made), *words]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"genlock report: {which}: for the table in the terminal;")
    assert not made.exists()


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("run.txt", "--report: 'run.txt' must end in .html or .htm"),
        ("gone/run.html", "--report: cannot write to 'gone/run.html': No such file or directory"),
    ],
)
def test_a_page_that_cannot_be_is_refused_before_the_program_runs(
    name: str, complaint: str, tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text("print('has run')", "utf-8")
    ran = run_python("-m", "genlock", "run", "--report", name, "program.py", directory=tmp_path)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"genlock run: {complaint}\n"
    assert [it.name for it in tmp_path.iterdir()] == ["program.py"]
