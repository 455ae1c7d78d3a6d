"""What is no recording, or no longer one, is refused in one line, or shown as far as it goes."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

import genlock
from genlock.cli import main
from genlock.sinks import chrome, jsonl
from traces import drawn_trace, recorded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def lines(tmp_path: Path) -> list[str]:
    recorded().save(tmp_path / "good.jsonl")
    return (tmp_path / "good.jsonl").read_text("utf-8").splitlines()


def test_lines_that_were_cut_off_are_read_up_to_there(lines: list[str], tmp_path: Path) -> None:
    path = tmp_path / "cut.jsonl"
    whole = genlock.load(tmp_path / "good.jsonl").events
    path.write_text("\n".join(lines[:20]) + "\n" + lines[20][:17], "utf-8")
    loaded = genlock.load(path)
    count = sum('"kind":"event"' in line for line in lines[:20])
    assert count
    assert loaded.events == whole[:count]
    assert loaded.trace.cut == f"{path}, line 21: the file ends in the middle of a line"


def test_a_file_cut_off_anywhere_is_read_or_refused_in_one_line(tmp_path: Path) -> None:
    trace = drawn_trace(1, calls=3)
    path = tmp_path / "run"
    for sink in (jsonl, chrome):
        file = io.StringIO()
        sink.write(trace, file)
        text = file.getvalue().rstrip("\n")
        for length in range(0, len(text), 41):
            path.write_text(text[:length], "utf-8")
            loaded, complaint = attempt(path)
            if loaded is None:
                assert complaint.startswith(f"{path}, line "), length
                assert "\n" not in complaint
            else:
                assert loaded.trace.cut
                assert loaded.events == trace.events[: len(loaded.events)]


def attempt(path: Path) -> tuple[genlock.Recording | None, str]:
    try:
        return genlock.load(path), ""
    except ValueError as error:
        return None, str(error)


DAMAGED = {
    "empty": ("", "{path}, line 1: the file is empty"),
    "blank": ("\n\n", "{path}, line 1: the file is empty"),
    "text": ("hello\n", "{path}, line 1, column 1: not a recording of genlock (Expecting value)"),
    "list": ("[1, 2]", "{path}, line 1: not a recording of genlock"),
    "foreign JSON": ('{"a": 1}', "{path}, line 1: not a recording of genlock"),
    "foreign trace": ('{"traceEvents": []}', "{path}, line 1: not a recording of genlock"),
    "foreign lines": (
        '{"kind": "other"}\n{"kind": "other"}\n',
        "{path}, line 1: not a recording of genlock",
    ),
    "future lines": (
        '{"kind": "trace", "format": "genlock-trace", "version": 2}\n',
        "{path}, line 1: a recording of version 2; this genlock reads up to 1",
    ),
    "future trace": (
        '{"traceEvents": [], "genlock": {"format": "genlock-trace", "version": 7}}',
        "{path}, key 'genlock': a recording of version 7; this genlock reads up to 1",
    ),
    "damaged trace": (
        '{"traceEvents": [], "genlock": {"format": "genlock-trace", "version": 1}}',
        "{path}, key 'genlock': damaged: 'guards' is missing",
    ),
    "unknown kind": (
        '{"kind": "trace", "format": "genlock-trace", "version": 1, "pid": 1, "epoch": 0}\n'
        '{"kind": "x"}\n{"kind": "x"}',
        "{path}, line 2: not a line of version 1: a line of the kind 'x'",
    ),
    "unknown guard": (
        '{"kind": "trace", "format": "genlock-trace", "version": 1, "pid": 1, "epoch": 0}\n'
        '{"kind": "event", "guard": 1}\n{"kind": "end", "dropped": 0}',
        "{path}, line 2: not a line of version 1: guard 1 is not told of",
    ),
    "event that ends too early": (
        '{"kind": "trace", "format": "genlock-trace", "version": 1, "pid": 1, "epoch": 0}\n'
        '{"kind": "guard", "number": 1, "name": "one"}\n'
        '{"kind": "thread", "number": 1, "name": "t", "ident": 1}\n'
        '{"kind": "event", "guard": 1, "thread": 1, "operation": "send", "begin": 9, "end": 5}\n'
        '{"kind": "end", "dropped": 0}',
        "{path}, line 4: not a line of version 1: it ends at 5, before it begins at 9",
    ),
    "event that waited for less than no time": (
        '{"kind": "trace", "format": "genlock-trace", "version": 1, "pid": 1, "epoch": 0}\n'
        '{"kind": "guard", "number": 1, "name": "one"}\n'
        '{"kind": "thread", "number": 1, "name": "t", "ident": 1}\n'
        '{"kind": "event", "guard": 1, "thread": 1, "operation": "send", "begin": 5, "end": 9,'
        ' "waited": -1}\n'
        '{"kind": "end", "dropped": 0}',
        "{path}, line 4: not a line of version 1: 'waited' cannot be -1",
    ),
    "error in threads without names": (
        '{"kind": "trace", "format": "genlock-trace", "version": 1, "pid": 1, "epoch": 0}\n'
        '{"kind": "failure", "code": "GL001", "error": "E", "text": "t", "others": ["a", 7]}\n'
        '{"kind": "end", "dropped": 0}',
        "{path}, line 2: not a line of version 1: 'others' cannot be ['a', 7]",
    ),
    "head that was cut off": (
        '{"kind":"trace","format":"genlock-t',
        "{path}, line 1: the file ends in the middle of its first line, and holds no event",
    ),
    "hardly begun": (
        '{"ki',
        "{path}, line 1: the file ends in the middle of its first line, and holds no event",
    ),
    "trace that was cut off": (
        '{"traceEv',
        "{path}, line 1, column 2: the file was cut off or damaged there (Unterminated string"
        " starting at)",
    ),
    "damaged line": (
        '{"kind": "trace", "format": "genlock-trace", "version": 1, "pid": 1, "epoch": 0}\n'
        '{"kind"\n{"kind": "x"}',
        "{path}, line 2: column 8: not JSON: Expecting ':' delimiter",
    ),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_what_is_no_recording_is_refused_in_one_line(case: str, tmp_path: Path) -> None:
    text, complaint = DAMAGED[case]
    path = tmp_path / "run.json"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match="run") as caught:
        genlock.load(path)
    assert str(caught.value) == complaint.replace("{path}", str(path))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"guard": 7}, "guard 7 is not told of"),
        ({"site": -1}, "site -1 is not told of"),
        ({"thread": [1]}, "'thread' cannot be [1]"),
        ({"begin": None}, "'begin' cannot be None"),
        ({"order": "first"}, "'order' cannot be 'first'"),
        ({"end": 1}, "it ends at 1, before it begins at "),
    ],
)
def test_the_entry_that_is_damaged_is_named(
    changes: dict[str, object], complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "run.json"
    recorded().save(path)
    whole = json.loads(path.read_text("utf-8"))
    place = next(it for it, entry in enumerate(whole["traceEvents"]) if "args" in entry)
    whole["traceEvents"][place]["args"] |= changes
    path.write_text(json.dumps(whole), "utf-8")
    loaded, told = attempt(path)
    assert loaded is None
    assert told.startswith(f"{path}, traceEvents[{place}]: damaged: {complaint}")


@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_the_mark_of_an_editor_does_no_harm(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"run.{ending}"
    recording = recorded()
    recording.save(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert genlock.load(path).events == recording.events


TOO_DEEP = "[" * 200_000
TOO_LONG = "1" * 5_000


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (TOO_DEEP, "line 1, column 101: not a recording of genlock (brackets within brackets, too"),
        (f'["[[[", [],\n {TOO_DEEP}', "line 2, column 101: not a recording of genlock (brackets"),
        (TOO_LONG, "line 1, column 1: not a recording of genlock (a number of too many digits)"),
        (f'[\n\n"{TOO_LONG}", 11, {TOO_LONG}1', "line 3, column 5009: not a recording of genl"),
        (
            f'{{"traceEvents": [\n{TOO_DEEP}',
            "line 2, column 99: the file was cut off or damaged there (brackets within",
        ),
        (
            f'{{"kind": {TOO_DEEP}',
            "line 1: not a line of version 1: column 109: brackets within",
        ),
        (
            f'{{"kind": {TOO_LONG}}}',
            "line 1: not a line of version 1: column 10: a number of too many digits",
        ),
    ],
)
def test_what_json_itself_gives_up_is_refused(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.write_text(text, "utf-8")
    loaded, reason = attempt(path)
    assert loaded is None
    assert reason.startswith(f"{path}, {complaint}")


WRONG: list[Any] = [None, "x", 1.5, True, [], {}, ["x"], {"x": 1}]


@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_a_field_that_holds_what_it_cannot_is_refused_or_does_no_harm(
    ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"run.{ending}"
    with genlock.trace(values=repr) as recording:
        genlock.guard(iter([1]), name="one").__next__()
    recording.save(path)
    text = path.read_text("utf-8")
    parts = text.splitlines() if ending == "jsonl" else [text]
    lines = [json.loads(part) for part in parts]
    statuses = set()
    for holder, key in list(places(lines)):
        right = holder[key]
        for wrong in WRONG:
            holder[key] = wrong
            path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
            status = main(["report", str(path)])
            complaint = capsys.readouterr().err
            statuses.add(status)
            assert (status, complaint.count("\n")) in [(0, 0), (2, 1)], (key, wrong)
            assert status == 0 or complaint.startswith(f"genlock report: {path}")
        holder[key] = right
    assert statuses == {0, 2}


def places(whole: Any) -> Iterator[tuple[Any, Any]]:
    """Everything in lists and objects within one another: where it is, and under which key."""
    for key in list(whole) if isinstance(whole, dict) else range(len(whole)):
        yield whole, key
        if isinstance(whole[key], dict | list):
            yield from places(whole[key])


def test_an_end_that_cannot_be_is_no_end_of_the_file(lines: list[str], tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text("\n".join([*lines[:-1], '{"kind": "end", "dropped": -1.5}\n\n']), "utf-8")
    loaded, complaint = attempt(path)
    assert loaded is None
    assert complaint.endswith(
        f", line {len(lines)}: not a line of version 1: 'dropped' cannot be -1.5"
    )


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(b'{"traceEvents": \xff')
    with pytest.raises(ValueError, match="byte 16: not a recording of genlock"):
        genlock.load(path)
