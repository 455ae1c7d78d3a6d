"""Two threads push whole documents into one parser of ijson, bare or guarded.

Usage: python ijson_shared.py

A document is one call of `send`, so that documents can be told apart however threads take turns.
Prints as JSON what became of a call that came while another was under way, and what was parsed.
"""

from __future__ import annotations

import json
import threading
from typing import Any

from ijson.backends import python as ijson

from crew import PATIENCE, Worker, together, until

DOCUMENTS = 100


class Sink:
    """Takes what is parsed; the thread "first" stays inside until it is let go."""

    def __init__(self) -> None:
        self.parsed: list[Any] = []
        self.inside, self.leave = threading.Event(), threading.Event()

    def send(self, item: Any) -> None:
        if threading.current_thread().name == "first":
            self.inside.set()
            assert self.leave.wait(PATIENCE)
        self.parsed.append(item)


def push_during_a_push() -> dict[str, Any]:
    sink = Sink()
    parser = ijson.items_coro(sink, "", multiple_values=True)
    first = Worker(lambda: parser.send(b'{"pushed": "first"} '), name="first")
    assert sink.inside.wait(PATIENCE)
    second = Worker(lambda: parser.send(b'{"pushed": "second"} '), name="second")
    until(lambda: not second.is_alive() or is_waited_for(parser))
    sink.leave.set()
    first.result()
    second.join(PATIENCE)
    return {"raised": repr(second.raised), "parsed": sink.parsed}


def is_waited_for(parser: Any) -> bool:
    gate = getattr(parser, "_self_gate", None)
    return bool(gate is not None and gate.queue)


def push_many() -> int:
    """How many documents came out whole, of twice as many as each thread pushed."""
    sink = Sink()
    parser = ijson.items_coro(sink, "", multiple_values=True)
    whole = {
        name: {"by": name, "numbers": list(range(50)), "nested": {"by": name}} for name in "ab"
    }

    def push(name: str) -> None:
        for _ in range(DOCUMENTS):
            parser.send(json.dumps(whole[name]).encode() + b" ")

    together(lambda: push("a"), lambda: push("b"))
    parser.close()
    return sum(item == whole[item["by"]] for item in sink.parsed)


if __name__ == "__main__":
    found: dict[str, Any] = {"during a push": push_during_a_push()}
    if "ValueError" not in found["during a push"]["raised"]:
        found["whole documents"] = push_many()
    print(json.dumps(found))
