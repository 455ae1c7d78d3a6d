"""Two coroutines that send to one another, each driven by a thread of its own."""

from collections.abc import Generator
from typing import Any

import genlock
from genlock.testing import explore, replay

Pair = dict[str, Any]


def make_pair() -> Pair:
    pair: Pair = {}

    @genlock.coroutine(name="debit")
    def debit() -> Generator[None, int, None]:
        while (amount := (yield)) is not None:
            if amount > 0:
                pair["credit"].send(-amount)

    @genlock.coroutine(name="credit")
    def credit() -> Generator[None, int, None]:
        while (amount := (yield)) is not None:
            if amount > 0:
                pair["debit"].send(-amount)

    pair.update(debit=debit(), credit=credit())
    return pair


def pay(pair: Pair) -> None:
    pair["debit"].send(5)


def refund(pair: Pair) -> None:
    pair["credit"].send(5)


found = explore(make_pair, [pay, refund])
print(found)
print()
again = replay(make_pair, [pay, refund], found.token or "")
print(again.outcome, again.token, type(again.error).__name__)
