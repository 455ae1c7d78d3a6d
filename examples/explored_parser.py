"""Two threads push documents into one parser of ijson: the race found, replayed, and fixed.

A parser of ijson that values are pushed into is a chain of generators, each sending to the next.
``explore`` tries the orders in which the threads can take turns; it stops them inside the bodies
of those generators, although it was told of none. Needs ``pip install ijson``.
"""

import json
from typing import Any

from ijson.backends import python as ijson  # the one that is not compiled

import genlock
from genlock.testing import explore, replay

REPLAYS = 1000


class Inbox:
    """Collects the documents that are pushed into its parser."""

    def __init__(self) -> None:
        self.documents: list[Any] = []
        self.parser = self.make_parser()
        self.push("first")

    def make_parser(self) -> Any:
        return ijson.items_coro(self, "", multiple_values=True)

    def send(self, document: Any) -> None:
        """What the parser calls with each document."""
        self.documents.append(document)

    def push(self, author: str) -> None:
        self.parser.send(json.dumps({"by": author}).encode() + b" ")


class GuardedInbox(Inbox):
    """The same, with the fix."""

    def make_parser(self) -> Any:
        return genlock.guard(super().make_parser())


def alice(inbox: Inbox) -> None:
    inbox.push("alice")


def bob(inbox: Inbox) -> None:
    inbox.push("bob")


def is_complete(inbox: Inbox) -> bool:
    return sorted(document["by"] for document in inbox.documents) == ["alice", "bob", "first"]


if __name__ == "__main__":
    found = explore(Inbox, [alice, bob], is_complete)
    print(found)
    print()

    token = found.token or ""
    reports = {replay(Inbox, [alice, bob], token, is_complete).report for _ in range(REPLAYS)}
    print(f"Replayed {REPLAYS:,} times: {len(reports)} report")
    print()

    print("Guarded:", explore(GuardedInbox, [alice, bob], is_complete, preemptions=None))
    replay(GuardedInbox, [alice, bob], token, is_complete).assert_ok()
