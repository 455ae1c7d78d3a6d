"""A recording comes back from its file as it was; what is no recording is refused in one line."""

from __future__ import annotations

import io
import json
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

import chrome_rules
import genlock
from genlock._traces import _nesting
from genlock._traces._events import Event, Trace
from genlock.sinks import chrome, jsonl
from genlock.sinks.chrome import ChromeTrace
from genlock.sinks.jsonl import JsonLines
from subprocesses import run_python
from traces import GUARDS, THREADS, drawn_trace, recorded

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

SEEDS = range(12)


def in_chrome(trace: Trace) -> str:
    file = io.StringIO()
    chrome.write(trace, file)
    return file.getvalue()


@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_a_recording_is_read_back_as_it_was(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"run.{ending}"
    recording = recorded()
    recording.save(path)
    loaded = genlock.load(path)
    assert loaded.trace == recording.trace
    assert loaded.events == recording.events
    assert loaded.call_graph().edges == recording.call_graph().edges


@pytest.mark.parametrize("sink", [jsonl, chrome])
def test_drawn_traces_are_read_back_as_they_were(sink: Any) -> None:
    for seed in SEEDS:
        trace = drawn_trace(seed)
        file = io.StringIO()
        sink.write(trace, file)
        assert sink.read(file.getvalue(), "run") == trace, seed


@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_a_name_may_be_given_as_bytes(ending: str, tmp_path: Path) -> None:
    path: Any = os.fsencode(tmp_path / f"run.{ending}")
    recording = recorded()
    recording.save(path)
    assert genlock.load(path).events == recording.events
    with pytest.raises(ValueError, match=r"run\.txt: a recording is saved as"):
        recording.save(b"run.txt")  # type: ignore[arg-type]
    (tmp_path / "run.json").write_bytes(b"")
    with pytest.raises(ValueError, match=r"run\.json, line 1: the file is empty"):
        genlock.load(os.fsencode(tmp_path / "run.json"))  # type: ignore[arg-type]


def test_what_was_loaded_cannot_be_recorded_on(tmp_path: Path) -> None:
    recorded().save(tmp_path / "run.json")
    with pytest.raises(RuntimeError, match="loaded from a file"):
        genlock.load(tmp_path / "run.json").start()


def test_another_ending_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"run\.txt: a recording is saved as \.json"):
        genlock.trace().save(tmp_path / "run.txt")
    assert list(tmp_path.iterdir()) == []


# Chrome's rules.


def test_a_recording_of_threads_keeps_the_rules_of_chrome() -> None:
    entries = chrome_rules.check(in_chrome(recorded().trace))
    kinds = {entry["ph"] for entry in entries}
    assert {"X", "M"} <= kinds
    assert {entry["args"]["name"] for entry in entries if entry["ph"] == "M"} >= {
        threading.current_thread().name
    }


def test_drawn_traces_keep_the_rules_of_chrome() -> None:
    seen = set()
    for seed in SEEDS:
        entries = chrome_rules.check(in_chrome(drawn_trace(seed)))
        seen |= {entry["ph"] for entry in entries}
    assert seen == {"X", "M", "i", "s", "f"}


def test_calls_that_find_the_generator_ended_are_instants_and_come_back_as_they_were() -> None:
    numbers = genlock.guard((number for number in range(1)), name="numbers")
    with genlock.trace() as recording:
        assert list(numbers) == [0]
        numbers.close()
    text = in_chrome(recording.trace)
    entries = chrome_rules.check(text)
    assert [entry["name"] for entry in entries if entry["ph"] == "i"] == ["ended numbers"]
    assert sum(entry["ph"] == "X" for entry in entries) == 2
    assert chrome.read(text, "run.json") == recording.trace


def test_what_does_not_nest_is_shown_in_a_lane_of_its_own() -> None:
    thread = THREADS[0]
    first = Event(GUARDS[0], thread, "send", 0, 10_000)
    overlapping = Event(GUARDS[1], thread, "send", 5_000, 15_000)
    trace = Trace((first, overlapping))
    entries = chrome_rules.check(in_chrome(trace))
    names = {entry["args"]["name"] for entry in entries if entry["ph"] == "M"}
    assert names == {"thread-1", "thread-1 (2)"}
    places = {place.event: place for place in _nesting.placed(trace.events)}
    assert places[overlapping].around is None


def test_each_lane_beside_another_one_is_its_own() -> None:
    events = [
        Event(GUARDS[place], thread, "send", 1_000 * place, 10_000 + 1_000 * place)
        for thread in THREADS[:2]
        for place in range(4)
    ]
    entries = chrome_rules.check(in_chrome(Trace(tuple(events))))
    lanes = [entry["tid"] for entry in entries if entry["ph"] == "X"]
    assert len(set(lanes)) == len(lanes) == 8
    names = {entry["args"]["name"] for entry in entries if entry["ph"] == "M"}
    assert {"thread-1", "thread-1 (2)", "thread-1 (4)", "thread-2 (4)"} <= names


def test_of_calls_with_the_same_times_the_one_that_ended_first_is_the_inner_one() -> None:
    inner, outer = (Event(guard, THREADS[0], "send", 5, 9) for guard in GUARDS[:2])
    around = {place.event: place.around for place in _nesting.placed((inner, outer))}
    assert around[outer] is None
    innermost = around[inner]
    assert innermost
    assert innermost.event is outer


def test_greenlets_that_are_switched_out_inside_get_lanes_of_their_own() -> None:
    greenlet = pytest.importorskip("greenlet")

    def body() -> Generator[None, Any, None]:
        while True:
            (yield)()

    guards = [genlock.guard(body(), prime=True, name=name) for name in ("one", "two")]
    main = greenlet.getcurrent()
    others = [greenlet.greenlet(lambda guard=guard: guard.send(main.switch)) for guard in guards]
    with genlock.trace() as recording:
        for other in (*others, *others):
            other.switch()
    assert [event.guard.name for event in recording.events] == ["one", "two"]
    entries = chrome_rules.check(in_chrome(recording.trace))
    assert len({entry["tid"] for entry in entries if entry["ph"] == "X"}) == 2
    assert recording.call_graph().edges == ()


@pytest.mark.parametrize(
    ("entry", "rule"),
    [
        ({"ts": 5, "dur": 10}, "overlap"),
        ({"ts": 5, "dur": -1}, None),
        ({"tid": "main"}, None),
        ({"tid": 9}, None),
        ({"ph": "s", "id": 1}, None),
    ],
)
def test_what_breaks_a_rule_would_be_found(entry: dict[str, Any], rule: str | None) -> None:
    good: dict[str, Any] = {"ph": "X", "name": "a", "cat": "c", "ts": 0, "dur": 10, "pid": 1}
    good["tid"] = 1
    name = {"ph": "M", "name": "thread_name", "pid": 1, "tid": 1, "args": {"name": "main"}}
    whole: dict[str, Any] = {"displayTimeUnit": "ns", "traceEvents": [good, name]}
    chrome_rules.check(json.dumps(whole))
    whole["traceEvents"].append({**good, **entry})
    with pytest.raises((AssertionError, ValueError), match=rule):
        chrome_rules.check(json.dumps(whole))


def test_times_are_in_microseconds_since_the_first_event() -> None:
    event = Event(GUARDS[0], THREADS[0], "send", 5_000_250, 5_001_500, waited=250)
    wait, call, _ = chrome_rules.check(in_chrome(Trace((event,))))
    assert (wait["ts"], wait["dur"], wait["name"]) == (0, 0.25, "wait for ping")
    assert (call["ts"], call["dur"], call["name"]) == (0.25, 1.25, "ping")


# Sinks that are subscribed.


@pytest.mark.parametrize(("sink", "ending"), [(JsonLines, "jsonl"), (ChromeTrace, "json")])
def test_a_sink_writes_what_a_recording_holds(sink: Any, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"live.{ending}"
    live = sink(path)
    with genlock.subscribe(live), genlock.trace() as recording:
        counter = genlock.guard(iter([1, 2]), name="counter")
        assert list(counter) == [1, 2]
    live.close()
    live.close()
    assert genlock.load(path).events == recording.events
    assert not genlock.load(path).trace.cut


FORKED = """
import os, sys, genlock
from genlock.sinks.chrome import ChromeTrace
from genlock.sinks.jsonl import JsonLines

numbers = genlock.guard(iter(range(100)), name="parent's")
sinks = JsonLines("run.jsonl"), ChromeTrace("run.json")
for sink in sinks:
    genlock.subscribe(sink)
next(numbers)
child = os.fork()
if not child:
    letters = genlock.guard(iter("abc"), name="child's")
    print(*letters)
    for sink in sinks:
        sink.close()
    sys.exit()
os.waitpid(child, 0)
next(numbers)
print(*(os.path.exists(name) for name in ("run.jsonl", "run.json")))
next(genlock.guard(iter("abc"), name="parent's, too"))
for sink in sinks:
    sink.close()
print(os.getpid())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_leaves_the_files_of_sinks_to_its_parent(tmp_path: Path) -> None:
    ran = run_python("-W", "ignore", "-c", FORKED, directory=tmp_path)
    *shown, pid = ran.stdout.splitlines()
    assert (shown, ran.stderr) == (["a b c", "True False"], "")
    for name in ("run.jsonl", "run.json"):
        loaded = genlock.load(tmp_path / name)
        guards = [event.guard.name for event in loaded.events]
        assert guards == ["parent's", "parent's", "parent's, too"]
        assert (loaded.trace.pid, loaded.trace.cut) == (int(pid), "")


def test_an_interrupt_while_lines_are_written_leaves_a_file_that_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = JsonLines(tmp_path / "run.jsonl")
    put = lines._put

    def interrupted(text: str) -> None:
        monkeypatch.setattr(lines, "_put", put)
        raise KeyboardInterrupt

    monkeypatch.setattr(lines, "_put", interrupted)
    numbers = genlock.guard(iter(range(3)), name="numbers")
    with genlock.subscribe(lines):
        with pytest.raises(KeyboardInterrupt):
            next(numbers)
        next(numbers)
    lines.close()
    (event,) = genlock.load(tmp_path / "run.jsonl").events
    assert event.guard.name == "numbers"


def test_lines_can_be_read_while_they_are_still_written(tmp_path: Path) -> None:
    path = tmp_path / "live.jsonl"
    live = JsonLines(path)
    with genlock.subscribe(live):
        next(genlock.guard(iter([1]), name="counter"))
        recording = genlock.load(path)
        assert [event.guard.name for event in recording.events] == ["counter"]
        assert (
            recording.trace.cut == f"{path}, line 5: the file ends there, before the recording did"
        )
    live.close()
