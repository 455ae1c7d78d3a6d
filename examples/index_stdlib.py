"""Four threads index the standard library through one shared pipeline of three coroutines.

    python examples/index_stdlib.py             guarded: four threads count what one counts
    python examples/index_stdlib.py --bare      the same without guards: what gets lost
    python examples/index_stdlib.py --trace run.json    and a recording of the four threads, for
                                                `genlock report` or Perfetto

Two things are shared. The files are handed out by one generator: each thread runs a ``for`` loop
over it and gets the files that no other thread got. Every line of them is sent to one pipeline:
``grep`` passes the lines that match on to ``split``, which passes each token on to ``count``.

Without guards a thread that comes while another one is inside gets a ValueError, and its line is
lost. Here the threads meet only at the first stage, so the error is raised in the thread that
came second and ends nothing. Were two of them to meet at ``count``, each having come through a
``split`` of its own, the error would come back through the body of one ``split`` and end it; all
that is sent there later meets a StopIteration, which says nothing of the cause.

Exit status: 0 when the threads together counted what one counted, 1 when not, 2 when asked for
something that cannot be done, 130 when interrupted.
"""

import argparse
import os
import re
import shutil
import signal
import sys
import sysconfig
import time
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from threading import Event
from typing import NoReturn, Self, TextIO

import genlock

PROGRAM = "index_stdlib.py"
TOKEN = re.compile(r"[^\W\d]\w*")
SECONDS_BETWEEN_CHANGES = 0.1
SECONDS_BETWEEN_LOOKS = 0.1
SECONDS_BETWEEN_SWITCHES = 1e-5
INSTALLED_PACKAGES = {"site-packages", "dist-packages"}

Stage = Generator[None, str, None]


@dataclass
class Index:
    """What the pipeline found. Only its stages write here, each to its own attribute."""

    lines: int = 0
    matching: int = 0
    tokens: Counter[str] = field(default_factory=Counter)


@dataclass
class Share:
    """What one thread did. Only that thread writes here."""

    files: int = 0
    lines: int = 0
    refused_lines: int = 0
    refused_requests: int = 0
    last_refusal: str = ""
    unreadable: list[str] = field(default_factory=list)


@dataclass
class Run:
    """One pass over all files."""

    index: Index
    shares: list[Share]
    seconds: float

    @property
    def lines(self) -> int:
        """How many lines the threads sent, by their own count."""
        return sum(share.lines for share in self.shares)

    @property
    def refused_requests(self) -> int:
        """How often a thread that asked for a file found another one asking."""
        return sum(share.refused_requests for share in self.shares)


class Progress:
    """A line on a terminal that says how far a run is; nothing where there is no terminal."""

    def __init__(self, stream: TextIO) -> None:
        """Write to ``stream``."""
        self.stream = stream
        self.is_shown = stream.isatty()
        self.last_shown = float("-inf")

    def __enter__(self) -> Self:
        """Begin with nothing to show."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave an empty line behind."""
        self.write("")

    def show(self, text: str) -> None:
        """Replace what the line says, unless it was replaced a moment ago."""
        now = time.monotonic()
        if now - self.last_shown > SECONDS_BETWEEN_CHANGES:
            self.last_shown = now
            self.write(text[: shutil.get_terminal_size().columns - 1])

    def write(self, text: str) -> None:
        """Replace what the line says, at once."""
        if self.is_shown:
            self.stream.write(f"\r{text}\x1b[K")
            self.stream.flush()


def grep(pattern: re.Pattern[str], index: Index, matching: Stage) -> Stage:
    """Pass on the lines that match ``pattern``."""
    try:
        while True:
            line = yield
            index.lines += 1
            if pattern.search(line):
                index.matching += 1
                matching.send(line)
    finally:
        matching.close()


def split(tokens: Stage) -> Stage:
    """Pass on each token of a line."""
    try:
        while True:
            line = yield
            for token in TOKEN.findall(line):
                tokens.send(token)
    finally:
        tokens.close()


def count(index: Index) -> Stage:
    """Count the tokens."""
    while True:
        token = yield
        index.tokens[token] += 1


def hand_out(files: Sequence[Path], threads: int, progress: Progress) -> Iterator[Path]:
    """Yield each file to whoever asks next."""
    for number, file in enumerate(files, 1):
        progress.show(f"threads: {threads}, files: {number} of {len(files)}")
        yield file


def build_guarded(pattern: re.Pattern[str], index: Index) -> Stage:
    """Return the first stage of a pipeline that threads can share."""
    counter = genlock.coroutine(count)(index)
    splitter = genlock.coroutine(split)(counter)
    return genlock.coroutine(grep)(pattern, index, splitter)


def build_bare(pattern: re.Pattern[str], index: Index) -> Stage:
    """Return the first stage of the same pipeline without guards."""
    counter = count(index)
    splitter = split(counter)
    searcher = grep(pattern, index, splitter)
    for stage in (counter, splitter, searcher):
        next(stage)
    return searcher


def index_files(files: Iterable[Path], pipeline: Stage, stop: Event) -> Share:
    """Send the lines of each file that ``files`` hands to this thread into ``pipeline``."""
    share = Share()
    while True:
        try:
            for file in files:
                index_file(file, pipeline, share, stop)
                if stop.is_set():
                    break
        except ValueError:
            # Without a guard another thread may just be taking a file. Ask again: a loop given up
            # here would hide how many lines the pipeline itself loses.
            share.refused_requests += 1
        else:
            return share


def index_file(file: Path, pipeline: Stage, share: Share, stop: Event) -> None:
    """Send the lines of ``file`` into ``pipeline``."""
    try:
        # What is not UTF-8 is replaced, so that no line is left out.
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if stop.is_set():
                    return
                share.lines += 1
                try:
                    pipeline.send(line)
                except ValueError as error:
                    share.refused_lines += 1
                    share.last_refusal = f"{type(error).__name__}: {error}"
    except OSError as error:
        share.unreadable.append(f"{file}: {error.strerror or error}")
    else:
        share.files += 1


def run(
    files: Iterator[Path], pattern: re.Pattern[str], threads: int, stop: Event, *, bare: bool
) -> Run:
    """Index ``files`` with so many threads, until done or told to stop."""
    index = Index()
    if bare:
        pipeline = build_bare(pattern, index)
    else:
        files = genlock.guard(files)
        pipeline = build_guarded(pattern, index)
    started = time.perf_counter()
    with closing(pipeline), ThreadPoolExecutor(threads) as pool:
        work = [pool.submit(index_files, files, pipeline, stop) for _ in range(threads)]
        # A signal that comes just before a wait begins is handled only when the wait is over.
        while wait(work, timeout=SECONDS_BETWEEN_LOOKS).not_done:
            pass
    shares = [done.result() for done in work]
    return Run(index, shares, time.perf_counter() - started)


class Parser(argparse.ArgumentParser):
    """A parser that answers bad input with one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end."""
        self.exit(2, f"{self.prog}: {message}\n")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options, or end with a line that says what is wrong with them."""
    parser = Parser(PROGRAM, description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--threads", type=int, default=4, help="how many share the pipeline")
    parser.add_argument(
        "--pattern",
        default=r"^\s*(from|import)\s",
        help="index the lines that match this regular expression (default: the imports)",
    )
    parser.add_argument("--limit", type=int, help="index only so many files")
    parser.add_argument(
        "--path",
        type=Path,
        default=sysconfig.get_paths()["stdlib"],
        help="index this directory instead of the standard library",
    )
    parser.add_argument("--bare", action="store_true", help="share without guards, and lose lines")
    parser.add_argument(
        "--trace", metavar="FILE", help="record the threads in a .json (Chrome) or .jsonl file"
    )
    options = parser.parse_args(arguments)

    if options.threads < 1:
        parser.error(f"--threads must be at least 1, not {options.threads}")
    if options.limit is not None and options.limit < 1:
        parser.error(f"--limit must be at least 1, not {options.limit}")
    if options.trace is not None and not options.trace.endswith((".json", ".jsonl")):
        parser.error(f"--trace {options.trace!r} must end in .json or .jsonl")
    try:
        options.pattern = re.compile(options.pattern)
    except (re.error, OverflowError, RecursionError) as error:
        parser.error(f"--pattern {options.pattern!r} is no regular expression: {error}")
    try:
        os.scandir(options.path).close()
    except OSError as error:
        parser.error(f"--path {str(options.path)!r} cannot be read: {error.strerror}")
    return options


def find_sources(top: Path, unreadable: list[str], stop: Event) -> Iterator[Path]:
    """Yield the Python files below ``top`` in a fixed order, without installed packages."""

    def note(error: OSError) -> None:
        unreadable.append(f"{error.filename}: {error.strerror}")

    for directory, subdirectories, names in os.walk(top, onerror=note):
        if stop.is_set():
            return
        subdirectories[:] = sorted(set(subdirectories) - INSTALLED_PACKAGES)
        for file in (Path(directory, name) for name in sorted(names) if name.endswith(".py")):
            if file.is_file():
                yield file
            else:
                # A dangling link, or a pipe that would keep its reader waiting for ever.
                unreadable.append(f"{file}: not a file")


def report(top: Path, alone: Run, together: Run) -> None:
    """Print what one thread found, and what each of several did."""
    found = alone.index
    print(f"Indexed {top}: {sum(share.files for share in alone.shares)} files")
    print(f"{found.lines} lines, {found.matching} matching, {len(found.tokens)} distinct tokens")
    print("The ten most frequent tokens:")
    for token, times in found.tokens.most_common(10):
        print(f"{times:>10}  {token}")
    for run_through in (alone, together):
        print(f"Threads: {len(run_through.shares)}, seconds: {run_through.seconds:.2f}")
    for number, share in enumerate(together.shares, 1):
        line = f"  thread {number}: {share.files} files, {share.lines} lines"
        if share.refused_lines:
            line += f", {share.refused_lines} lost to {share.last_refusal}"
        print(line)
    print(f"Their lines add up to {together.lines}; {together.index.lines} got into the pipeline")
    if together.refused_requests:
        print(f"Asking for a file was refused {together.refused_requests} times")


def verdict(alone: Run, together: Run, *, bare: bool) -> str:
    """Say in a line whether several threads counted what one counted."""
    if not is_same(alone, together):
        lost = alone.index.lines - together.index.lines
        tokens = alone.index.tokens.total() - together.index.tokens.total()
        return f"Different: {lost} lines lost, and {tokens} tokens with them"
    if bare:
        return "Same, by luck: no thread sent a line while another was inside"
    return "Same: the threads together counted what one thread counted"


def is_same(alone: Run, together: Run) -> bool:
    """Tell whether several threads sent, and counted, what one sent and counted."""
    return alone.index == together.index and alone.lines == together.lines


def save(recording: genlock.Recording, path: str) -> None:
    """Write a recording, and say what it holds."""
    try:
        recording.save(path)
    except OSError as error:
        print(f"Not written: {path}: {error.strerror}")
    else:
        kept, dropped = len(recording.events), recording.dropped
        print(f"Recorded {kept + dropped} calls, of which the last {kept} are in {path}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Index with one thread and with several, and compare; return the exit status."""
    options = parse(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # The name of a file may be unprintable; that must not cost the report.
            stream.reconfigure(errors="backslashreplace")
    # Threads take turns far more often than by default, so that a run of a second meets what a
    # service meets in a week.
    sys.setswitchinterval(SECONDS_BETWEEN_SWITCHES)
    # A flag that all threads look at: an exception could come while one is being started, and
    # nobody would wait for that one.
    stop = Event()
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    unreadable: list[str] = []
    with Progress(sys.stderr) as progress:
        files = list(islice(find_sources(options.path, unreadable, stop), options.limit))
        pattern, bare = options.pattern, options.bare
        alone = run(hand_out(files, 1, progress), pattern, 1, stop, bare=bare)
        recording = genlock.trace() if options.trace is not None else nullcontext()
        with recording:
            threads = options.threads
            together = run(hand_out(files, threads, progress), pattern, threads, stop, bare=bare)
    if stop.is_set():
        print(f"{PROGRAM}: interrupted", file=sys.stderr)
        return 130
    if not files:
        print(f"{PROGRAM}: no Python file below {options.path}", file=sys.stderr)
        return 2
    report(options.path, alone, together)
    for share in (*alone.shares, *together.shares):
        unreadable += share.unreadable
    for line in dict.fromkeys(unreadable):
        print(f"Not read: {line}")
    if isinstance(recording, genlock.Recording):
        save(recording, options.trace)
    print(verdict(alone, together, bare=options.bare))
    return 0 if is_same(alone, together) else 1


if __name__ == "__main__":
    sys.exit(main())
