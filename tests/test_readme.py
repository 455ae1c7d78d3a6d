"""What the README shows is what happens."""

import importlib
import re
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import genlock
from genlock._explaining._protocol import FAULTS
from genlock.testing import explore
from plugin_runs import BY_NAME
from subprocesses import run_python

README = Path(__file__).parents[1] / "README.md"
GOLDEN = Path(__file__).parent / "golden"


def blocks(language: str) -> list[str]:
    text = README.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def block_with(text: str) -> str:
    return next(block for block in blocks("python") if text in block)


def run(block: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "readme"}
    exec(compile(block, "readme.py", "exec"), names)
    return names


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("access.log").write_text("GET /\nPUT /\n", encoding="utf-8")


def test_the_fix_counts() -> None:
    counts: dict[str, int] = {}
    counter = run(blocks("python")[0])["count"](counts)
    for word in "a b a".split():
        counter.send(word)
    assert counts == {"a": 2, "b": 1}


def test_the_ways_to_use_it_run() -> None:
    before = genlock.configure()
    try:
        used = run(blocks("python")[1])
    finally:
        genlock.configure(before)
    with used["shared"] as shared:
        assert [*shared] == ["GET /\n", "PUT /\n"]
    lines = used["lines"]("access.log")
    assert next(lines) == "GET /\n"
    lines.close()
    assert used["totals"]().send(3) == 3
    with used["results"] as results, used["outlet"] as outlet:
        outlet.send("a word")
        assert results.recv() == "a word"


def test_the_error_in_hand(capsys: pytest.CaptureFixture[str]) -> None:
    run(blocks("python")[4])
    assert capsys.readouterr().out == "GL006 echo 9\nEcho: Second\n"


def test_deferral_and_exclusive_use(capsys: pytest.CaptureFixture[str]) -> None:
    run(blocks("python")[2])
    assert capsys.readouterr().out == "ping 3\npong 2\nping 1\npong 0\n"
    run(blocks("python")[3])
    assert capsys.readouterr().out == "So Far So Good\n"


def test_functions_of_other_modules_are_guarded() -> None:
    (block,) = [block for block in blocks("python") if "genlock.instrument(" in block]
    ran = run_python(
        "-c", block, directory=README.parent
    )  # alone: nobody has imported that module before
    assert (ran.stdout, ran.stderr) == ("make tea\n('shlex.__iter__',) ()\n", "")


@pytest.mark.skipif(not hasattr(sys, "monitoring"), reason="an older interpreter sees less")
def test_what_is_explained_and_then_cured() -> None:
    (transcript,) = [block for block in blocks("console") if block.startswith("$ genlock run")]
    shown = re.findall(r"^\$ genlock (.*)\n((?:(?!\$ ).*\n)*)", transcript, re.MULTILINE)
    assert len(shown) == 2
    for command, output in shown:
        words = ["-m", "genlock", *command.split()]
        ran = run_python(*words, directory=README.parent, environment={"PYTHON_GIL": "1"})
        told = (ran.stdout + ran.stderr).replace(f"{README.parent}/", "")
        # Only some interpreters mark the expression.
        assert re.sub(r"^ +[~^]+\n", "", told, flags=re.MULTILINE) == output


def test_the_message_is_the_one_that_comes() -> None:
    shown = next(block for block in blocks("text") if "GL001" in block)
    kept = (GOLDEN / "reentrant_send.txt").read_text(encoding="utf-8")
    message = kept.partition("\ngenlock: ")[0].replace("reentrant_send.py", "demo.py")
    assert shown.rstrip() == f"genlock.{message}"


def test_the_ways_to_get_an_explanation(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = [each for each in blocks("python") if "install_excepthook" in each]
    before = sys.excepthook, threading.excepthook, sys.unraisablehook
    failing = block.replace("    ...\n", "    raise ValueError('generator already executing')\n")
    try:
        run(failing)
    finally:
        sys.excepthook, threading.excepthook, sys.unraisablehook = before
    assert capsys.readouterr().out.startswith("[GL011] A generator was asked for a value")


@pytest.mark.parametrize("kept", ["explained_threads", "log_contention"])
def test_the_explanations_are_those_that_come(kept: str) -> None:
    shown = [each.partition("| genlock explain\n")[2] or each for each in blocks("console")]
    whole = (GOLDEN / f"{kept}.txt").read_text(encoding="utf-8")
    assert any(whole.startswith(each) for each in shown)


def test_the_codes_of_the_interpreters_errors_are_told() -> None:
    text = README.read_text(encoding="utf-8")
    assert {fault.code for fault in FAULTS} == set(re.findall(r"^\| (GL01\d) ", text, re.MULTILINE))


def test_a_look_from_within(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = [block for block in blocks("python") if "genlock.state" in block]
    run(block)
    assert capsys.readouterr().out == "suspended 4 () 0\n[]\n"
    assert Path("guards.txt").read_text(encoding="utf-8").startswith("genlock: process ")


def test_the_dump_is_that_of_the_example() -> None:
    (shown,) = [block for block in blocks("console") if "stuck_service" in block]
    source = (README.parent / "examples" / "stuck_service.py").read_text("utf-8").splitlines()
    placed = re.findall(r"stuck_service\.py:(\d+)  (.*?)(?:  +running)?$", shown, re.MULTILINE)
    assert len(placed) == 8
    for line, code in placed:
        assert code in source[int(line) - 1]


def test_a_recording_tells_what_happened(capsys: pytest.CaptureFixture[str]) -> None:
    run(block_with("genlock.trace()"))
    assert capsys.readouterr().out == "total send yielded 12\ntotal close returned 13\n0 () ()\n"


def test_a_subscriber_writes_lines(capsys: pytest.CaptureFixture[str]) -> None:
    run(block_with("genlock.subscribe(lines)"))
    assert capsys.readouterr().out == "So Far\n3\n"


def test_the_report_is_the_one_that_comes() -> None:
    shown = next(block for block in blocks("console") if "genlock report" in block)
    kept = (GOLDEN / "report.txt").read_text(encoding="utf-8").partition("\n---\n")[0]
    assert shown == f"$ genlock report run.jsonl\n{kept}\n"


def test_the_race_is_found_as_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    block = block_with("explore(")
    Path("test_account.py").write_text(block, encoding="utf-8")
    monkeypatch.syspath_prepend(str(Path.cwd()))
    found = importlib.import_module("test_account")
    with pytest.raises(AssertionError) as raised:
        found.test_two_threads()
    shown = next(block for block in blocks("text") if "T1  salary" in block)
    assert f"AssertionError: {raised.value}\n" == shown

    guarded = explore(lambda: genlock.guard(found.ledger(), prime=True), [found.salary, found.rent])
    assert str(guarded) == "ok: all 8 schedules with at most 2 preemptions"
    assert str(guarded) in " ".join(README.read_text(encoding="utf-8").split())


def test_pytest_reports_as_shown() -> None:
    account, tests = (
        next(block for block in blocks("python") if word in block)
        for word in ("explore(setup", "genlock_explore(")
    )
    Path("test_account.py").write_text(account, encoding="utf-8")
    Path("test_it.py").write_text(tests, encoding="utf-8")
    words = ("-m", "pytest", *BY_NAME, "-p", "no:cacheprovider", "test_it.py")
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "80"}
    told = run_python(*words, directory=Path.cwd(), environment=alone).stdout
    told = re.sub(r"^ +[~^]+\n", "", told.replace(f"{Path.cwd()}/", ""), flags=re.MULTILINE)
    shown = next(block for block in blocks("text") if "landlord" in block)
    assert shown in told
    assert "AssertionError: failed: ValueError: generator already executing, in T2" in told
    assert "2 failed" in told
