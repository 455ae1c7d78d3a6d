"""Every example runs on its own, and prints what it promises."""

import logging
import os
import re
import signal
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable
from io import StringIO
from itertools import islice
from pathlib import Path

import pytest

import chrome_rules
import genlock
import index_stdlib
from crew import needs_gil
from genlock._interpreter._stacks import RUN_AT_ONCE

EXAMPLES = Path(index_stdlib.__file__).parent
PATIENCE = 50.0
"""Seconds that an example may take. None comes near."""


def run(name: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name), *options],
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )


def output_of(name: str, *options: str) -> list[str]:
    done = run(name, *options)
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout.splitlines()


def test_errors() -> None:
    main, other = 'MainThread: cor.send("second")', 'other: cor.send("first")'
    assert output_of("errors.py") == [
        'GL001 ReentrantCallError (a ValueError) | MainThread: itself.send("pretty")',
        f"GL002 ContendedCallError (a ValueError) | {main}; {other}",
        'GL003 DeadlockError (a ValueError) | 0: guards[number].send("go");'
        ' 1: guards[number].send("go")',
        f"GL004 GuardTimeoutError (a ValueError) | {main}; {other}",
        "GL005 AbandonedGeneratorError (a ValueError) | MainThread: next(cor);"
        " other, which is gone: kept.__enter__()",
        'GL006 NotPrimedError (another error) | MainThread: echo().send("too early")',
        "GL007 UndeliveredValuesError | still to be delivered: ('once again',)",
    ]


def test_explained() -> None:
    assert output_of("explained.py") == [
        "GL011: player was re-entered, by next_one",
        "played to the end: player",
    ]


def test_basics() -> None:
    lines = output_of("basics.py")
    assert lines[0].startswith("NotPrimedError: ")
    how_to_prime = lines[: lines.index("Echo: First")]
    assert any("next(" in line and "@genlock.coroutine" in line for line in how_to_prime)
    assert lines[len(how_to_prime) :] == [
        "Echo: First",
        "Echo: Second",
        "Looking for coroutine",
        "a coroutine is sent its values",
        "No longer looking for coroutine",
        "one value",
        "another value",
        "Farewell",
        "chapter 33",
        "StopIteration: the coroutine has ended",
        "READY AT ONCE",
    ]


def test_running_values() -> None:
    assert output_of("running_values.py") == [
        "Minimum: 10 4 4 -1",
        "Mean before the first value: None",
        "Mean: 10.0 15.0",
        "Tokens: {'a': 3, 'b': 2, 'c': 1}",
        "Window: [4, 5, 6]",
    ]


def test_testing_kit() -> None:
    pytest.importorskip("hypothesis")
    assert output_of("testing_kit.py") == [
        "Sums: [3, 7, 12]",
        "next(): yielded 0",
        "send(3): yielded 3",
        "close(): returned None",
        "Hammered by 4 threads, 500 times each: 2000",
        "Left suspended: numbers",
        "Any schedule adds up",
    ]


def test_recorded() -> None:
    nested, title, one, other, in_turn, last = output_of("recorded.py")
    assert nested == in_turn == "Savings and current: 80 120"
    assert title == "1 inverted order: threads may come to wait for each other."
    assert re.fullmatch(r"  current → savings at recorded.py:\d+, in Thread-2 .*", one)
    assert re.fullmatch(r"  savings → current at recorded.py:\d+, in Thread-1 .*", other)
    assert last == "One after the other: no cycle, no inverted order"


def test_producers() -> None:
    first, together = output_of("producers.py")
    assert first == "0 1 1 2 3 5 8 13 21 34 55 89"
    assert together.startswith("4 threads took ")
    assert together.endswith(" numbers, each exactly once: True")


def test_pipeline() -> None:
    lines = output_of("pipeline.py")
    assert lines[:9] == [
        "One source:",
        *("1", "2", "4", "8", "16", "32"),
        "No more values",
        "Four sources at once:",
    ]
    *values, last = lines[9:]
    assert last == "No more values"
    assert sorted(map(int, values)) == sorted(
        start << power for start in (1, 3, 5, 7) for power in range(6) if start << power < 50
    )


def test_stuck_service() -> None:
    lines = output_of("stuck_service.py")
    assert re.match(r"genlock: process \d+ \(stuck_service.py\), Python ", lines[0])
    assert re.match(r"2 guards: 2 running; 4 threads wait, the longest for ", lines[1])
    stall = lines.index("GET /order/stall is inside 'check' and 'ledger':")
    # Where threads run at once, nothing is read of what the innermost body calls.
    inside = 3 if RUN_AT_ONCE else 4
    rows = [line.split("  ")[2:] for line in lines[stall + 1 : stall + 1 + inside]]
    assert [row[0].strip() for row in rows] == [
        "GET /order/stall",
        *("→ check", "→ ledger", "→ write_to_tape"),
    ][:inside]
    at = "write_to_tape(order)" if RUN_AT_ONCE else "tape_runs.wait(LONGEST)"
    assert at in lines[stall + inside]
    assert len([line for line in lines if line.startswith("    GET /order/tea  ")]) == 4
    assert lines[-1] == (
        "Resumed, and all is answered: order 1, order 2, order 3, order 4, order 5"
    )


def test_two_warnings() -> None:
    lines = output_of("two_warnings.py")
    message = lines.index("A loop, guarded:") + 3
    assert lines[:message] == [
        "Two threads, bare:",
        "ValueError: generator already executing",
        "Bare sum: 1",
        "Two threads, guarded:",
        "Guarded sum: 6",
        "A loop, bare:",
        *("ping 20", "pong 19"),
        "ValueError: generator already executing",
        *("ping has ended", "pong has ended"),
        "A loop, guarded:",
        *("ping 20", "pong 19"),
    ]
    assert lines[message].startswith("ReentrantCallError: ")
    told = "\n".join(lines[message:])
    way = ['players["ping"].send(20)', 'players["pong"].send(', 'players["ping"].send(count']
    assert [step for step in sorted(way, key=told.find) if step in told] == way
    assert lines[-2:] == ["ping has ended", "pong has ended"]


def test_object_or_coroutine() -> None:
    title, *rows, by_coroutine, by_guard = output_of(
        "object_or_coroutine.py", "--rounds", "3", "--values", "200"
    )
    assert title.split() == ["ns", "per", "value", "min", "median", "ratio"]
    names = ["object with a method", "coroutine", "object with a lock", "guarded coroutine"]
    for name, row in zip(names, rows, strict=True):
        figures = re.fullmatch(rf"{name} +(\d+\.\d) +(\d+\.\d) +(\d+\.\d\d)", row)
        assert figures
        best, median, ratio = map(float, figures.groups())
        assert 0 < best <= median
        assert ratio == 1 or name != "object with a method"
    claim = r"The {} takes \d+% (less|more) time than the {}\."
    assert re.fullmatch(claim.format("coroutine", "object with a method"), by_coroutine)
    assert re.fullmatch(claim.format("guarded coroutine", "object with a lock"), by_guard)


# The index of the standard library


def test_index_of_the_standard_library() -> None:
    done = run("index_stdlib.py", "--limit", "60")
    assert done.stderr == "", "no progress where there is no terminal"
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Indexed ")
    assert lines[0].endswith(": 60 files")
    assert len([line for line in lines if re.fullmatch(r" +\d+  \w+", line)]) == 10
    assert re.search(r"^Threads: 1, seconds: [\d.]+$", done.stdout, re.MULTILINE)
    assert re.search(r"^Threads: 4, seconds: [\d.]+$", done.stdout, re.MULTILINE)
    assert lines[-1] == "Same: the threads together counted what one thread counted"

    shares = [
        (int(files), int(sent))
        for files, sent in re.findall(
            r"thread \d: (\d+) files, (\d+) lines$", done.stdout, re.MULTILINE
        )
    ]
    assert len(shares) == 4
    assert sum(files for files, _ in shares) == 60
    total = sum(sent for _, sent in shares)
    assert f"Their lines add up to {total}; {total} got into the pipeline" in lines
    assert lines[1].startswith(f"{total} lines, ")


def test_index_with_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    lines = output_of("index_stdlib.py", "--limit", "60", "--trace", str(path))
    recording = genlock.load(path)
    kept, dropped = len(recording.events), recording.dropped
    assert lines[-2] == f"Recorded {kept + dropped} calls, of which the last {kept} are in {path}"
    entries = chrome_rules.check(path.read_text("utf-8"))
    names = {entry["args"]["name"] for entry in entries if entry["ph"] == "M"}
    assert sum("ThreadPoolExecutor" in name for name in names) == 4
    assert recording.call_graph().longest_path() == ("grep", "split", "count")
    if not dropped:
        sent = sum(it.guard.name == "grep" and it.operation == "send" for it in recording.events)
        assert f"Their lines add up to {sent}; {sent} got into the pipeline" in lines


def test_a_recording_of_the_index_that_overflows_misses_no_resumption() -> None:
    files, threads, size = 200, 4, 10_000
    stop = threading.Event()
    top = Path(sysconfig.get_path("stdlib"))
    sources = list(islice(index_stdlib.find_sources(top, [], stop), files))
    handed_out = index_stdlib.hand_out(sources, threads, index_stdlib.Progress(StringIO()))
    pattern = re.compile("import")
    with genlock.trace(size=size) as recording:
        done = index_stdlib.run(handed_out, pattern, threads, stop, bare=False)
    lines, matching, tokens = done.index.lines, done.index.matching, done.index.tokens.total()
    assert lines + matching + tokens > 100_000
    stages = 3 + 3  # each is primed, and closed
    resumptions = stages + lines + matching + tokens + len(sources) + 1
    at_the_end = threads - 1  # all but one thread find that there are no more files
    assert len(recording.events) == size
    assert recording.dropped > 0
    assert len(recording.events) + recording.dropped == resumptions + at_the_end


def test_a_recording_that_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "run.jsonl"
    lines = output_of("index_stdlib.py", "--limit", "2", "--trace", str(path))
    assert f"Not written: {path}: No such file or directory" in lines


@needs_gil
def test_index_without_guards() -> None:
    done = run("index_stdlib.py", "--limit", "60", "--bare")
    assert done.stderr == ""
    lost = list(map(int, re.findall(r"(\d+) lost to ValueError: generator already", done.stdout)))
    verdict = done.stdout.splitlines()[-1]
    # Whether two threads meet is luck here; that the report is right about it is not.
    if lost:
        assert done.returncode == 1
        assert verdict.startswith(f"Different: {sum(lost)} lines lost, and ")
    else:
        assert done.returncode == 0
        assert verdict.startswith("Same, by luck: ")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Files of which everything is known, and others that are to be left out."""
    (tmp_path / "package").mkdir()
    (tmp_path / "first.py").write_text("import sys, os\nimport sys\nsys.exit()\n")
    (tmp_path / "package" / "second.py").write_bytes(b"import caf\xe9 # \xff\nno_import = 1")
    (tmp_path / "package" / "empty.py").touch()
    (tmp_path / "notes.txt").write_text("import nothing\n")
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "other.py").write_text("import other\n")
    return tmp_path


def test_index_of_a_directory(tree: Path) -> None:
    lines = output_of("index_stdlib.py", "--path", str(tree), "--threads", "3")
    assert lines[0] == f"Indexed {tree}: 3 files"
    assert lines[1] == "5 lines, 3 matching, 4 distinct tokens"
    found = [tuple(line.split()) for line in lines if re.fullmatch(r" +\d+  \w+", line)]
    assert sorted(found) == [("1", "caf"), ("1", "os"), ("2", "sys"), ("3", "import")]
    assert lines[-1].startswith("Same: ")


def test_index_of_another_pattern(tree: Path) -> None:
    lines = output_of("index_stdlib.py", "--path", str(tree), "--pattern", "exit|=", "--limit", "9")
    assert lines[1] == "5 lines, 2 matching, 3 distinct tokens"


def test_index_names_what_it_cannot_read(tree: Path) -> None:
    (tree / "dangling.py").symlink_to(tree / "nowhere.py")
    os.mkfifo(tree / "pipe.py")
    lines = output_of("index_stdlib.py", "--path", str(tree))
    assert f"Not read: {tree / 'dangling.py'}: not a file" in lines
    assert f"Not read: {tree / 'pipe.py'}: not a file" in lines
    assert lines[0] == f"Indexed {tree}: 3 files"
    assert lines[-1].startswith("Same: ")


def test_index_names_a_file_that_vanishes(tree: Path) -> None:
    gone = tree / "gone.py"
    share = index_stdlib.Share()
    index_stdlib.index_file(
        gone, index_stdlib.count(index_stdlib.Index()), share, threading.Event()
    )
    assert share.unreadable == [f"{gone}: No such file or directory"]
    assert share.files == 0


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--threads", "0"], "--threads must be at least 1, not 0"),
        (["--threads", "-3"], "--threads must be at least 1, not -3"),
        (["--threads", "many"], "--threads: invalid int value: 'many'"),
        (["--limit", "0"], "--limit must be at least 1, not 0"),
        (["--pattern", "(import"], "--pattern '(import' is no regular expression: "),
        (["--pattern", "x{99999999999999999999}"], "is no regular expression: "),
        (["--path", "no/such/directory"], "--path 'no/such/directory' cannot be read: No such "),
        (["--path", __file__], "cannot be read: Not a directory"),
        (["--trace", "run.txt"], "--trace 'run.txt' must end in .json or .jsonl"),
        (["--path"], "expected one argument"),
        (["--pth", "."], "unrecognized arguments: --pth"),
    ],
)
def test_bad_input_gets_one_line(options: list[str], complaint: str) -> None:
    done = run("index_stdlib.py", *options)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("index_stdlib.py: ")
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_directory_without_sources(tmp_path: Path) -> None:
    done = run("index_stdlib.py", "--path", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == f"index_stdlib.py: no Python file below {tmp_path}\n"


def test_progress_on_a_terminal(tree: Path) -> None:
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, str(EXAMPLES / "index_stdlib.py"), "--path", str(tree)],
            stdout=subprocess.PIPE,
            stderr=theirs,
            timeout=PATIENCE,
            check=False,
        )
        shown = os.read(ours, 10_000).decode()
    finally:
        os.close(theirs)
        os.close(ours)
    assert done.returncode == 0
    first, *_, last = shown.removeprefix("\r").split("\r")
    assert first == "threads: 1, files: 1 of 3\x1b[K"
    assert last == "\x1b[K", "the line is cleared at the end"
    assert "\n" not in shown
    assert b"\r" not in done.stdout


ENDLESS_FILES = f"""
import itertools, sys, threading
sys.path.insert(0, {str(EXAMPLES)!r})
import index_stdlib

def hand_out(files, threads, progress):
    askers = set()
    for file in itertools.cycle(files) if threads > 1 else files:
        if threads > 1 and len(askers) < threads:
            askers.add(threading.get_ident())
            if len(askers) == threads:
                print("threads are at work", flush=True)
        yield file

index_stdlib.hand_out = hand_out
sys.exit(index_stdlib.main())
"""


@pytest.mark.parametrize("options", [[], ["--bare"]], ids=["guarded", "bare"])
def test_an_interrupt_ends_all_threads(tree: Path, options: list[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS_FILES, "--path", str(tree), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as indexing:
        try:
            assert indexing.stdout
            assert indexing.stdout.readline() == "threads are at work\n"
            indexing.send_signal(signal.SIGINT)
            printed, complaint = indexing.communicate(timeout=PATIENCE)
        finally:
            indexing.kill()
    assert indexing.returncode == 130
    assert printed == ""
    assert complaint == "index_stdlib.py: interrupted\n"


# The same pipeline, with one thread kept inside until others have called.

LINES = 10


class HoldingPattern:
    """Matches everything; the first thread to search stays inside until ``let_go`` is set."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.first = iter(["the first"])

    def search(self, line: str) -> bool:
        if next(self.first, None):
            assert self.let_go.wait(PATIENCE)
        return bool(line)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    files = [tmp_path / f"{number}.py" for number in range(8)]
    for file in files:
        file.write_text(f"token_{file.stem}\n" * LINES)
    return files


@pytest.fixture
def alone(files: list[Path]) -> index_stdlib.Run:
    everything = re.compile("")
    in_turn = index_stdlib.hand_out(files, 1, index_stdlib.Progress(StringIO()))
    return index_stdlib.run(in_turn, everything, 1, threading.Event(), bare=True)


def test_a_bare_pipeline_loses_lines(
    files: list[Path], alone: index_stdlib.Run, capsys: pytest.CaptureFixture[str]
) -> None:
    if sys.gettrace() is not None:
        pytest.skip("a tracer lets two threads into a bare generator, and the interpreter crashes")
    pattern = HoldingPattern()

    class LetGoAtTheLastFile(index_stdlib.Progress):
        """By then the other threads have been refused the lines of most files."""

        def show(self, text: str) -> None:
            if text.endswith("8 of 8"):
                pattern.let_go.set()

    bare = index_stdlib.run(
        index_stdlib.hand_out(files, 4, LetGoAtTheLastFile(StringIO())),
        pattern,  # type: ignore[arg-type]  # as far as a pattern is used
        4,
        threading.Event(),
        bare=True,
    )

    refused = sum(share.refused_lines for share in bare.shares)
    assert refused > LINES
    assert bare.lines == alone.lines == len(files) * LINES
    assert bare.index.lines == bare.lines - refused
    verdict = index_stdlib.verdict(alone, bare, bare=True)
    assert verdict == f"Different: {refused} lines lost, and {refused} tokens with them"
    index_stdlib.report(files[0].parent, alone, bare)
    printed = capsys.readouterr().out
    for number, share in enumerate(bare.shares, 1):
        if share.refused_lines:
            what = f"{share.refused_lines} lost to ValueError: generator already executing"
            assert f"  thread {number}: {share.files} files, {share.lines} lines, {what}" in printed


class Waiters(logging.Handler):
    """Calls ``when_complete`` when so many threads wait for the first stage."""

    def __init__(self, wanted: int, when_complete: Callable[[], None]) -> None:
        super().__init__()
        self.wanted = wanted
        self.when_complete = when_complete
        self.threads: set[int] = set()

    def emit(self, record: logging.LogRecord) -> None:
        if "'grep'" in record.getMessage():
            self.threads.add(threading.get_ident())
            if len(self.threads) == self.wanted:
                self.when_complete()


def test_a_guarded_pipeline_loses_nothing(files: list[Path], alone: index_stdlib.Run) -> None:
    pattern = HoldingPattern()
    waiters = Waiters(3, pattern.let_go.set)
    logger = logging.getLogger("genlock")
    logger.addHandler(waiters)
    before = genlock.configure(warn_after=0)
    try:
        guarded = index_stdlib.run(
            index_stdlib.hand_out(files, 4, index_stdlib.Progress(StringIO())),
            pattern,  # type: ignore[arg-type]  # as far as a pattern is used
            4,
            threading.Event(),
            bare=False,
        )
    finally:
        genlock.configure(before)
        logger.removeHandler(waiters)

    assert pattern.let_go.is_set(), "three threads waited for the fourth"
    assert guarded.index == alone.index
    assert guarded.lines == alone.lines
    assert guarded.refused_requests == sum(share.refused_lines for share in guarded.shares) == 0
    verdict = index_stdlib.verdict(alone, guarded, bare=False)
    assert verdict == "Same: the threads together counted what one thread counted"
