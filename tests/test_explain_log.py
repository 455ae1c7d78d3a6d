"""`genlock explain` reads errors about generators out of logs, whatever else is in them."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

import genlock
from genlock._explaining._findings import Finding, findings
from genlock._explaining._findings_wording import told
from genlock.cli import main
from logs import CHAINED, CONTENTION, CYCLE, GROUP, OWN, UNRAISABLE, printed
from subprocesses import run_python

HERE = Path(__file__).parent
OF_A_THREAD = CONTENTION.partition("\n")[2]


def found_in(text: str) -> list[Finding]:
    return findings(text.splitlines(keepends=True))


def only(text: str) -> Finding:
    (finding,) = found_in(text)
    return finding


def without_place(finding: Finding) -> tuple[object, ...]:
    return (finding.code, finding.verdict, finding.generator, finding.expression, finding.path)


# What a traceback tells -----------------------------------------------------------------------


def test_a_path_that_goes_through_the_same_generator_before_is_a_cycle() -> None:
    finding = only(CYCLE)
    assert (finding.code, finding.verdict, finding.generator) == ("GL011", "re-entry", "ping")
    assert [site.function for site in finding.path] == ["play", "ping", "pong"]
    assert finding.expression == "players['ping']"


def test_a_generator_that_is_called_what_its_function_is_called_is_found_on_the_path() -> None:
    log = CYCLE.replace('players["ping"].send(20)', "first.send(20)")
    finding = only(log)
    assert (finding.verdict, finding.generator) == ("re-entry", "ping")


def test_a_call_that_reads_as_one_before_goes_to_the_same_generator() -> None:
    finding = only(CYCLE.replace("ping\n", "countdown\n"))
    assert (finding.verdict, finding.generator) == ("re-entry", "countdown")


def test_a_path_that_comes_from_elsewhere_is_most_likely_contention() -> None:
    finding = only(CONTENTION)
    assert (finding.code, finding.verdict, finding.thread) == ("GL011", "contention", "worker-3")
    assert (finding.operation, finding.expression) == ("yield from", "backlog")
    assert [site.function for site in finding.path] == ["work", "pending"]
    assert finding.driver == "pending"


@pytest.mark.parametrize(
    "named", ["worker-3 (work)", "worker-3 (<lambda>)", "worker-3", "worker-3 (a) (b)"]
)
def test_a_thread_is_told_without_what_it_runs(named: str) -> None:
    finding = only(CONTENTION.replace("worker-3:", f"{named}:"))
    assert (finding.thread, without_place(finding)) == (
        "worker-3",
        without_place(only(CONTENTION)),
    )


@pytest.mark.timeout(30)  # what grows with the square of the line takes hours
@pytest.mark.parametrize("name", ["", "a (a)"])
def test_a_line_of_nothing_but_threads_takes_no_longer_than_any(name: str) -> None:
    assert only(f"Exception in thread {name}" * 100_000 + f"x:\n{CONTENTION}").code == "GL011"


def test_parts_of_exception_groups_are_found() -> None:
    taken, closed = found_in(GROUP)
    assert (taken.code, taken.expression, taken.first) == ("GL017", "rows", 7)
    assert (closed.code, closed.expression, closed.first) == ("GL018", "rows", 14)


def test_the_direct_cause_tells_the_generator() -> None:
    finding = only(CHAINED)
    assert (finding.code, finding.generator) == ("GL013", "heads")
    assert [site.line for site in finding.path] == [8]


@pytest.mark.parametrize(
    ("kind", "call", "advice"),
    [
        ("generator", "cor.send(1)", "Start it first:  next(cor)  or make it by  @genlock"),
        ("generator", "g().send(1)", "cor = g(); next(cor)  or make it by  @genlock.coroutine\n"),
        ("async generator", "await a.asend(1)", "Start it first:  await anext(a)\n"),
        ("coroutine", "cor.send(1)", "Let an event loop drive it:  await cor\n"),
    ],
)
def test_how_to_start_what_was_sent_to_too_early_depends_on_what_it_is(
    kind: str, call: str, advice: str
) -> None:
    log = f"""\
Traceback (most recent call last):
  File "/app/run.py", line 7, in <module>
    {call}
TypeError: can't send non-None value to a just-started {kind}
"""
    assert advice in told(only(log))


def test_errors_of_genlock_keep_their_message() -> None:
    finding = only(OWN)
    assert finding.code == "GL001"
    assert finding.message[0] == "  The call came back to itself:"
    assert finding.message[-1].endswith("its next yield.")
    assert [site.function for site in finding.path] == ["<module>"]


@pytest.mark.parametrize(
    "folder",
    [
        "/srv/genlock",
        "/home/me/genlock/src",
        "/srv/wrapt",
        "/home/me/src/genlock",
        "/home/me/src/genlock/tests",
        "/home/me/src/genlock/examples",
    ],
)
def test_a_project_in_a_folder_of_that_name_keeps_its_frames(folder: str) -> None:
    finding = only(CONTENTION.replace("/srv/app", folder))
    assert [site.function for site in finding.path] == ["work", "pending"]


@pytest.mark.parametrize(
    "module",
    [
        "genlock/_gate",
        "genlock/cli/run",
        "genlock/_tracing/_detours",
        "genlock/testing/_stage",
        "pytest_genlock",
        "wrapt/wrappers",
    ],
)
def test_frames_of_the_guards_are_left_out(module: str) -> None:
    finding = only(OWN.replace("genlock/_gate", module))
    assert [site.function for site in finding.path] == ["<module>"]


def test_the_generator_of_an_ignored_exception_is_told() -> None:
    finding = only(UNRAISABLE)
    assert (finding.code, finding.generator) == ("GL014", "Feed.lines")


def test_an_error_that_is_only_mentioned_is_found() -> None:
    finding = only("ERROR job 7 failed: generator already executing\n")
    assert (finding.code, finding.path) == ("GL011", ())


@pytest.mark.parametrize(
    "line",
    [
        "INFO generator already executing jobs, 3 to go",
        "the generator already executing: no",
        "ValueError: generator already executing it",
        'Traceback (most recent call last):\n  File "x.py", line 1, in f\n    f()\nKeyError: 1',
    ],
)
def test_what_is_about_something_else_is_not(line: str) -> None:
    assert found_in(line) == []


# What stands around it ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "prefix",
    [
        "2026-01-01 10:00:00,123 ERROR ",
        "app_1  | ",
        "2026-01-01T10:00:00.000000001Z stderr F ",
        "Jan  1 10:00:00 host app[4711]: ",
        "        ",
        "\t> ",
    ],
)
@pytest.mark.parametrize("log", [CYCLE, CONTENTION, CHAINED, GROUP, OWN])
def test_prefixes_of_lines_change_nothing(prefix: str, log: str) -> None:
    prefixed = "".join(prefix + line for line in log.splitlines(keepends=True))
    expected = [without_place(each) for each in found_in(log)]
    assert [without_place(each) for each in found_in(prefixed)] == expected


def test_the_time_may_differ_from_line_to_line() -> None:
    lines = CYCLE.splitlines(keepends=True)
    log = "".join(f"10:00:{number:02},5 web | {line}" for number, line in enumerate(lines))
    assert without_place(only(log)) == without_place(only(CYCLE))


def test_only_the_first_line_may_have_a_prefix() -> None:
    log = f"2026-01-01 10:00:00 ERROR app {CYCLE}"
    assert without_place(only(log)) == without_place(only(CYCLE))


def test_indentation_may_be_lost() -> None:
    log = "\n".join(line.strip() for line in CYCLE.splitlines())
    assert without_place(only(log)) == without_place(only(CYCLE))


def test_two_containers_may_write_at_once() -> None:
    mixed = ""
    for one, other in zip(CYCLE.splitlines(), CYCLE.splitlines(), strict=True):
        mixed += f"app_1 | {one}\napp_2 | {other}\n"
    assert only(mixed).count == 2
    assert without_place(only(mixed)) == without_place(only(CYCLE))


def test_a_traceback_may_be_a_string_of_json() -> None:
    log = json.dumps({"level": "error", "exc_info": CYCLE, "logger": "app"})
    assert without_place(only(log)) == without_place(only(CYCLE))


def test_the_same_traceback_is_told_once_and_counted() -> None:
    finding = only(f"{CYCLE}INFO fine\n{CYCLE}")
    assert (finding.count, finding.first) == (2, 1)
    assert finding.last == CYCLE.count("\n") + 2


def test_a_traceback_that_is_cut_off_is_no_finding() -> None:
    assert found_in(CYCLE.rpartition("ValueError")[0]) == []


def test_a_traceback_may_have_lost_its_head() -> None:
    head, _, rest = CYCLE.partition("  File")
    assert head == "Traceback (most recent call last):\n"
    log = f"  File{rest}"
    assert without_place(only(log)) == without_place(only(CYCLE))
    *_, last = CONTENTION.rpartition("  File")
    assert [site.function for site in only(f"  File{last}").path] == ["pending"]


def test_colours_change_nothing() -> None:
    log = re.sub(r'"(.+)", line (\d+)', '\x1b[35m"\\1"\x1b[0m, line \x1b[35m\\2\x1b[0m', CYCLE)
    log = re.sub("^ValueError", "\x1b[1;35mValueError\x1b[0m", log, flags=re.MULTILINE)
    assert log.count("\x1b") > 6
    assert without_place(only(log)) == without_place(only(CYCLE))


@pytest.mark.parametrize("key", ["log", "message"])
def test_each_line_may_be_an_object_of_json(key: str) -> None:
    log = "".join(
        json.dumps({key: line, "stream": "stderr", "time": "2026-01-01T10:00:00Z"}) + "\n"
        for line in ["INFO\n", *CYCLE.splitlines(keepends=True), "INFO\n"]
    )
    assert without_place(only(log)) == without_place(only(CYCLE))


@pytest.mark.parametrize(
    "line",
    [
        "ERROR worker died: ValueError: generator already executing (job=5)",
        'level=error msg="ValueError: generator already executing" job=5',
        "level=error err=generator already executing job=5",
        '{"message": "failed", "error": "ValueError: generator already executing", "job": 5}',
        '{"message": "ValueError: generator already executing", "job": 5}',
        "ERROR [ValueError('generator already executing')] [job 5]",
        'ERROR failed: ValueError("generator already executing") in job 5',
        "10:00|ValueError: generator already executing|job 5",
        '{"log": "{\\"err\\": \\"generator already executing\\", \\"job\\": 5}\\n"}',
        '{"msg": "failed: generator already executing", "err": "generator already executing"}',
    ],
)
def test_a_mention_may_stand_within_a_line(line: str) -> None:
    finding = only(f"{line}\n")
    assert (finding.code, finding.path) == ("GL011", ())


def cut_by_kubernetes(log: str) -> str:
    line = json.dumps({"level": "error", "exc": log})
    head = "2026-01-01T10:00:00.000000001Z"
    parts = [line[place : place + 100] for place in range(0, len(line), 100)]
    cut = [f"{head} stderr P {part}\n{head} stdout F fine\n" for part in parts]
    return "".join([*cut, f"{head} stderr F \n{head} stdout F Traceback\n"])


def error_first(log: str) -> str:
    """What AWS Lambda prints."""
    *frames, last = log.splitlines()
    return "\n".join([f"[ERROR] {last}", *frames, "END RequestId: 4711"])


def in_json_of_lambda(log: str) -> str:
    _, *frames, last = log.splitlines(keepends=True)
    kind, _, message = last.strip().partition(": ")
    facts = {"errorMessage": message, "errorType": kind, "requestId": "4711"}
    return json.dumps({**facts, "stackTrace": frames}) + '\n{"level": "INFO"}\n'


def in_docker(text: str) -> str:
    return json.dumps({"log": f"{text}\n", "stream": "stderr"})


def logfmt(text: str) -> str:
    return f'level=error msg="a 5\\" disk" err={json.dumps(text)} job=5'


SHAPES: dict[str, Callable[[str], str]] = {
    "the JSON of an app in that of Docker": lambda log: in_docker(json.dumps({"exc": log})),
    "JSON in JSON": lambda log: json.dumps({"m": json.dumps({"stack": log, "z": 1})}),
    "JSON in a string": lambda log: json.dumps(json.dumps({"stack": log})),
    "JSON over several lines": lambda log: json.dumps({"z": 1, "stack": log}, indent=2),
    "JSON with an array": lambda log: json.dumps([{"a": [{"stack": f"failed\n{log}"}]}]),
    "that over several lines": lambda log: json.dumps([{"a": [{"stack": log}]}], indent=2),
    "a list of lines": lambda log: json.dumps({"stack": log.splitlines()}),
    "that over several lines, too": lambda log: json.dumps({"stack": log.splitlines()}, indent=1),
    "JSON behind a prefix": lambda log: f"[10:00] web-1 {json.dumps({'stack': log})}",
    "the same said twice": lambda log: json.dumps({"stack": log, "err": log.splitlines()[-1]}),
    "logfmt": logfmt,
    "repr": repr,
    "repr of bytes": lambda log: repr({"exc": log.encode()}),
    "escaped line breaks": lambda log: "ERROR it's " + log.replace("\n", "\\n"),
    "rsyslog": lambda log: "ERROR failed#012" + log.replace("\n", "#012"),
    "returns": lambda log: log.replace("\n", "\r"),
    "parts of lines": cut_by_kubernetes,
    "its error first": error_first,
    "that on one line": lambda log: error_first(log).replace("\n", "\r").replace("  ", "\xa0\xa0"),
    "that as JSON": in_json_of_lambda,
    "its error above, too": lambda log: f"ERROR failed: {log.splitlines()[-1]}\n{log}",
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("log", [CYCLE, OF_A_THREAD])
def test_what_it_was_put_in_changes_nothing(log: str, shape: str) -> None:
    put = SHAPES[shape](log.rstrip())
    assert put != log
    assert without_place(only(put)) == without_place(only(log))


@pytest.mark.parametrize("shape", ["JSON in JSON", "logfmt", "repr of bytes", "returns"])
def test_characters_that_are_escaped_are_told_as_they_were(shape: str) -> None:
    line = 'players["ping"].send("\\t é → 🎛")'
    log = SHAPES[shape](CYCLE.replace('players["ping"].send(20)', line))
    expected = line if shape != "repr of bytes" else 'players["ping"].send("\\t '
    assert only(log).path[0].code.startswith(expected)


def test_an_error_above_the_traceback_of_another_is_told_by_itself() -> None:
    log = 'ERROR failed: generator already executing\nTraceback (most recent call last):\n  File "x'
    finding = only(f'{log}.py", line 1, in f\n    f()\nKeyError: 1\n')
    assert (finding.code, finding.path, finding.first) == ("GL011", (), 1)


def test_an_error_above_what_genlock_says_of_it_is_not_told_again() -> None:
    told_of = "genlock: [GL011] 'ping' was sent a value.\n  Inside:\n"
    (finding,) = found_in(f"ERROR failed: generator already executing\n{told_of}")
    assert (finding.is_own, finding.first) == (True, 2)
    first, second = found_in(f"ERROR failed: generator raised StopIteration\n{told_of}")
    assert (first.code, second.code) == ("GL013", "GL011")


def test_a_chain_may_be_on_one_line_with_what_genlock_says_of_it() -> None:
    said = "genlock: [GL011] 'ping' was sent a value.\n  Inside:\n"
    over = "During handling of the above exception, another exception occurred:\n\n"
    other = OF_A_THREAD.replace("ValueError: generator already executing", "KeyError: 1")
    finding = only(json.dumps({"exc": f"{CYCLE}{said}{over}{other}"}))
    assert (finding.code, finding.is_own, finding.count) == ("GL011", True, 1)


def test_a_line_of_code_may_be_json() -> None:
    log = CYCLE.replace('players["ping"].send(20)', '{"message": "x"}')
    assert '{"message": "x"}' in [site.code for site in only(log).path]


def test_names_in_what_the_line_was_put_in_are_not_what_it_says() -> None:
    about = {"container": "generator", "labels": {"image": "coroutine"}}
    lines = CYCLE.splitlines(keepends=True)
    log = "".join(json.dumps({"log": line, "kubernetes": about}) + "\n" for line in lines)
    assert without_place(only(log)) == without_place(only(CYCLE))


def test_what_can_be_read_of_no_traceback_is_said() -> None:
    log = "tb.py:10: in handle\n    self.tot.send(v)\nE   ValueError: generator already executing\n"
    assert "There is no traceback in Python's own format with it." in told(only(log))
    assert "(pytest:  --tb=native)" in told(only(log))


# What the tracebacks of a chain tell ----------------------------------------------------------


class FeedError(Exception):
    """What a program makes of an error."""


def pull(rows: Any) -> Any:
    try:
        return next(rows)
    except ValueError as error:
        raise FeedError from error


@pytest.mark.parametrize("line", ["return next(rows)", "try: return next(rows)"])
def test_the_path_goes_on_where_its_error_was_caught(line: str) -> None:
    def lines() -> Iterator[object]:
        yield pull(feed)

    feed = lines()
    log = printed(lambda: next(feed)).replace("return next(rows)", line)
    finding = only(log)
    assert [site.function for site in finding.path][-2:] == ["lines", "pull"]
    assert finding.expression == "rows"
    assert finding.by_way_of == "lines"
    assert "This path leads through lines: either\n  that is the same generator, or" in told(
        finding
    )


def test_where_the_error_was_caught_the_path_may_begin_in_the_generator() -> None:
    log = CONTENTION.partition("  File")[0] + "  File" + CONTENTION.rpartition("  File")[2]
    assert only(log).begins_in == "pending"
    assert "This path begins in pending: either\n  another thread was inside, or" in told(only(log))
    assert only(CONTENTION).begins_in == ""
    assert "so most likely\n  another thread was inside" in told(only(CONTENTION))


def test_what_genlock_has_said_of_it_is_not_said_again() -> None:
    report = "[GL011] 'ping' was sent a value while worker was inside.\n  Inside:\n    worker  x\n"
    log = f"{CYCLE}\ngenlock: {report}  More about it:  genlock explain GL011\nINFO fine\n"
    finding = only(log)
    assert finding.first == CYCLE.count("\n") + 2
    assert told(finding).partition(": ")[2] == f"{report}  More about it:  genlock explain GL011"
    first, second = found_in(f"{CYCLE}{log}{CONTENTION}")[:2]
    assert (first.verdict, first.count, second.is_own) == ("re-entry", 1, True)


# What genlock's errors say, without a traceback -------------------------------------------------


def refused() -> genlock.ReentrantCallError:
    def ping() -> Generator[None, int, None]:
        yield
        itself.send(1)

    itself = genlock.guard(ping())
    next(itself)
    with pytest.raises(genlock.ReentrantCallError) as raised:
        itself.send(0)
    return raised.value


SAID = str(refused())
HEADLINE, *MESSAGE = SAID.splitlines()

SAYINGS = {
    "a message": f"ERROR [worker] send failed: {SAID}",
    "with its type": f"10:00:00 ERROR send failed: ReentrantCallError: {SAID}",
    "as Python prints it": f"genlock.ReentrantCallError: {SAID}",
    "a prefix of each line": "\n".join(f"app_1  | {line}" for line in f"E: {SAID}".splitlines()),
    "a time in each line": "\n".join(
        f"2026-01-01 10:00:0{second},5 {line}"
        for second, line in enumerate(f"ERROR: {SAID}".splitlines())
    ),
    "JSON": json.dumps({"msg": "failed", "err": SAID}),
    "JSON over several lines": json.dumps({"msg": "failed", "err": SAID}, indent=2),
    "logfmt": f"level=error err={json.dumps(SAID)}",
    "above its traceback": f"ERROR failed: {SAID}\nTraceback (most recent call last):\n"
    f'  File "/srv/x.py", line 1, in f\n    x.send(1)\ngenlock.ReentrantCallError: {SAID}',
    "beside its traceback": json.dumps(
        {"exc": f"Traceback (most recent call last):\ngenlock.ReentrantCallError: {SAID}"}
        | {"err": SAID}
    ),
}


@pytest.mark.parametrize("way", SAYINGS)
def test_what_an_error_of_genlock_says_is_told(way: str) -> None:
    finding = only(f"{SAYINGS[way]}\nINFO the next line: 5\n")
    assert (finding.code, finding.count) == ("GL001", 1)
    assert finding.error.endswith(HEADLINE)
    assert finding.message == tuple(MESSAGE)


@pytest.mark.parametrize("line", [repr(refused()), HEADLINE, f"E {HEADLINE}\n    INFO next\n"])
def test_its_first_line_alone_is_told_too(line: str) -> None:
    finding = only(f"ERROR send failed: {line}\n")
    assert finding.error.removeprefix("ReentrantCallError: ") == HEADLINE
    assert finding.message == ()


def test_a_code_that_is_only_mentioned_is_no_error() -> None:
    assert found_in("INFO see [GL003] for more\nINFO [GL099] 'x' was\n") == []


def test_its_text_may_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = explain(capsys, SAID)
    assert (status, err) == (0, "")
    assert out == f"line 1: {SAID}\n  More about it:  genlock explain GL001\n"


# The command ----------------------------------------------------------------------------------


def explain(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["explain", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Any:
    def give(content: bytes) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))

    return give


def test_a_log_on_standard_input(stdin: Any, capsys: pytest.CaptureFixture[str]) -> None:
    stdin(CONTENTION.encode())
    status, out, err = explain(capsys)
    assert (status, err) == (0, "")
    assert out == (HERE / "golden" / "log_contention.txt").read_text(encoding="utf-8")


def test_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, other = tmp_path / "app.log", tmp_path / "other.log"
    log.write_text(OWN + UNRAISABLE, encoding="utf-8")
    other.write_text(CHAINED, encoding="utf-8")
    status, out, _ = explain(capsys, str(log), str(other))
    assert status == 0
    assert f"{log}:1: ReentrantCallError: [GL001] 'ping' was sent a value" in out
    assert f"{log}:12: [GL014] RuntimeError: generator ignored GeneratorExit" in out
    assert f"{other}:9: [GL013] RuntimeError: generator raised StopIteration" in out


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_other_encodings(encoding: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "app.log"
    log.write_text(CYCLE, encoding=encoding)
    status, out, _ = explain(capsys, str(log))
    assert (status, out.count("→")) == (0, 2)


def test_what_is_no_text_does_no_harm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "app.log"
    junk = bytes(range(256)) * 1000
    log.write_bytes(junk + b"\n" + CYCLE.encode() + junk)
    status, out, err = explain(capsys, str(log))
    assert (status, err) == (0, "")
    assert "'ping' was sent a value while it was still running" in out


def test_nothing_found_is_one_line_and_status_1(
    stdin: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    stdin(b"all is well\n")
    status, out, err = explain(capsys)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "no error about a generator in standard input" in err


@pytest.mark.parametrize("missing", ["no-such.log", "GL042", "."])
def test_misuse_is_one_line_and_status_2_and_the_rest_is_explained(
    missing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "app.log"
    log.write_text(CYCLE, encoding="utf-8")
    status, out, err = explain(capsys, missing, str(log))
    assert (status, err.count("\n")) == (2, 1)
    assert missing in err
    assert out.startswith(f"{log}:1: [GL011]")


def test_the_text_of_an_error_may_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = explain(capsys, "ValueError: generator already executing")
    assert (status, err) == (0, "")
    assert "line 1: [GL011] ValueError: generator already executing" in out


def test_a_file_of_that_name_does_not_hide_a_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("GL003").write_text(CYCLE, encoding="utf-8")
    assert explain(capsys, "GL003")[1].startswith("GL003  genlock.DeadlockError\n")
    assert explain(capsys, "./GL003")[1].startswith("./GL003:1: [GL011]")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_what_cannot_be_written_is_one_line_and_status_2(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "genlock", "explain", "GL003"],
            cwd=tmp_path,
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=30,
            check=False,
        )
    assert (ran.returncode, ran.stderr.count(b"\n")) == (2, 1)
    assert ran.stderr.startswith(b"genlock explain: cannot write: ")


def test_a_line_of_any_length_counts_as_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "app.log"
    log.write_text("long" * 1_000_000 + "\n" + CYCLE, encoding="utf-8")
    assert explain(capsys, str(log))[1].startswith(f"{log}:2: [GL011]")


def test_without_anything_to_read_it_says_what_to_give(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    status, out, err = explain(capsys)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "genlock explain GL011" in err


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writes = "import sys; open('pipe', 'w').write(sys.argv[1])"
    writer = subprocess.Popen([sys.executable, "-c", writes, CONTENTION], cwd=tmp_path)
    try:
        ran = run_python("-m", "genlock", "explain", "pipe", directory=tmp_path, timeout=20)
    finally:
        writer.kill()
        writer.wait()
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "pipe:2: [GL011]" in ran.stdout


def test_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = explain(capsys, "gl003")
    assert status == 0
    assert out.startswith("GL003  genlock.DeadlockError\n")


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "app.log"
    log.write_text(CYCLE, encoding="utf-8")
    status, out, _ = explain(capsys, "--json", "GL011", str(log))
    told = json.loads(out)
    assert status == 0
    assert told["pages"][0]["code"] == "GL011"
    assert told["findings"][0]["verdict"] == "re-entry"
    assert told["findings"][0]["path"][1]["function"] == "ping"


def test_an_interrupt_tells_what_was_read_so_far(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Growing(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            line = super().readline(size)
            if not line:
                raise KeyboardInterrupt
            return line

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(Growing(CYCLE.encode())))
    status, out, _ = explain(capsys)
    assert status == 130
    assert "'ping' was sent a value while it was still running" in out


def test_colour_where_it_is_asked_for(
    stdin: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("rich")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    stdin(CYCLE.encode())
    assert "\x1b[" in explain(capsys)[1]
    monkeypatch.setenv("NO_COLOR", "1")
    stdin(CYCLE.encode())
    assert "\x1b[" not in explain(capsys)[1]
