"""The report of a recording with a cycle, a possible one, an inverted order and waits."""

import os
import sys
import tempfile
from contextlib import redirect_stderr
from dataclasses import replace
from pathlib import Path
from typing import Any

from genlock._records import Site
from genlock._traces._events import Event, Failure, Trace, TracedGuard, TracedThread
from genlock.cli import main
from genlock.sinks import jsonl

guards = {
    name: TracedGuard(number, name.partition("#")[0], f"shop.{name.partition('#')[0]}")
    for number, name in enumerate(["orders", "stock", "audit", "log", "log#2"], 1)
}
threads = [TracedThread(1, "MainThread", 71), TracedThread(2, "worker-1", 72)]
MAIN, WORKER = threads


def told(call: str, thread: TracedThread, line: int, begin: int, end: int) -> Event:
    """A call, in words: the guard, the operation, the outcome and perhaps the error."""
    name, operation, outcome, *error = call.split()
    facts: dict[str, Any] = {"operation": operation, "outcome": outcome, "error": "".join(error)}
    site = Site("shop.py", line, "run")
    return Event(guards[name], thread, begin=begin, end=end, site=site, **facts)


events = (
    told("stock send yielded", MAIN, 12, 1_000, 1_500),
    told("orders send yielded", MAIN, 31, 500, 2_500),
    told("orders send yielded", WORKER, 22, 4_000, 1_004_000),
    replace(told("stock send yielded", WORKER, 32, 3_000, 1_504_000), waited=2_000),
    told("audit send refused ReentrantCallError", MAIN, 44, 2_000_000, 2_000_000),
    told("log send yielded", MAIN, 43, 1_999_000, 2_001_000),
    told("audit send yielded", MAIN, 33, 1_998_000, 2_500_000),
    told("log send raised ValueError", MAIN, 34, 3_000_000, 3_000_100),
    told("log send returned", MAIN, 34, 3_001_000, 3_001_100),
    told("log#2 close returned", WORKER, 35, 3_100_000, 3_200_000),
)

failure = Failure(
    "GL001",
    "ReentrantCallError",
    "'audit' was sent a value while …",
    guard="audit",
    thread="MainThread",
    number=3,
    site=Site("shop.py", 44, "run"),
)

with tempfile.TemporaryDirectory() as directory:
    home = Path.cwd()
    os.chdir(directory)
    run, cut = Path("run.jsonl"), Path("cut.jsonl")
    with run.open("w", encoding="utf-8") as file:
        jsonl.write(Trace(events, dropped=1_234_567, pid=4711, failures=(failure,)), file)
    main(["report", str(run)])
    lines = run.read_text("utf-8").splitlines(keepends=True)
    cut.write_text("".join([*lines[:6], lines[6][:40]]), "utf-8")
    print("---")
    with redirect_stderr(sys.stdout):
        main(["report", str(cut), "--by", "function", "--top", "1"])
    os.chdir(home)
