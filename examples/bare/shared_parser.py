"""Two threads push JSON documents into one parser of ijson, which is built of coroutines.

    python examples/bare/shared_parser.py
    genlock run examples/bare/shared_parser.py
    genlock run --guard ijson.backends.python:utf8_encoder examples/bare/shared_parser.py

Neither this program nor ijson knows of genlock; get it with ``pip install ijson``. Bare, a push
that comes while the other thread's is under way is refused. The second line says why, and by which
line of ijson; the third one makes the threads take turns, and every document arrives whole.
"""

import json
import time
from threading import Event, Thread
from typing import Any

from ijson.backends import python as ijson

DOCUMENTS = 200

begun = Event()


def documents(by: str) -> list[bytes]:
    """What a thread has to push: documents, each in one piece."""
    return [
        json.dumps({"by": by, "number": number, "digits": list(map(int, str(number)))}).encode()
        for number in range(DOCUMENTS)
    ]


class Store:
    """Where the parser's last coroutine sends what was read; takes its time."""

    def __init__(self) -> None:
        self.stored: list[dict[str, Any]] = []

    def send(self, document: dict[str, Any]) -> None:
        """Store a document."""
        begun.set()
        time.sleep(0.0005)
        self.stored.append(document)


def push(parser: Any, by: str) -> None:
    """Push all documents."""
    for document in documents(by):
        parser.send(document + b"\n")


def in_order(stored: list[dict[str, Any]], by: str) -> list[dict[str, Any]]:
    """What came of one thread's documents."""
    return [document for document in stored if document["by"] == by]


store = Store()
shared = ijson.items_coro(store, "", multiple_values=True)
worker = Thread(target=push, args=(shared, "worker"), name="worker")
worker.start()
begun.wait()
try:
    push(shared, "main")
finally:
    worker.join()
shared.close()

for by in ("worker", "main"):
    alone = list(ijson.items(b"\n".join(documents(by)), "", multiple_values=True))
    same = in_order(store.stored, by) == alone
    print(f"{len(alone)} documents by {by}, as if parsed by one thread alone: {same}")
