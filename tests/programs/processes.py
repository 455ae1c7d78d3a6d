"""Guards in processes that multiprocessing starts: `fork` or `spawn` is the argument.

Prints what a guarded function gave in a child, what came of handing a guard to one, and how many
calls guards served in it.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from typing import TYPE_CHECKING, Any

import genlock
from counting import counted

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from multiprocessing.queues import Queue


@genlock.guarded
def squares(stop: int) -> Iterator[int]:
    for number in range(stop):
        yield number * number


@genlock.coroutine
def total() -> Generator[int, int, None]:
    amount = 0
    while True:
        amount += yield amount


def work(results: Queue[Any], made_by_parent: Any) -> None:
    with counted() as served:
        results.put((list(squares(4)), served.calls))
    results.put(made_by_parent.send(1) if made_by_parent else None)


def call_in_child(method: str, handed_over: object) -> list[object]:
    context: Any = multiprocessing.get_context(method)
    results = context.Queue()
    child = context.Process(target=work, args=(results, handed_over))
    child.start()
    found = [results.get(timeout=20), results.get(timeout=20)]
    child.join(20)
    return found


def refusal(method: str, handed_over: object) -> str | None:
    """Why it cannot be handed to a child, if it cannot."""
    try:
        call_in_child(method, handed_over)
    except TypeError as error:
        return str(error)
    return None


def main(method: str) -> None:
    shared = total()
    shared.send(40)
    is_forked = method == "fork"
    found: dict[str, object] = {
        "child": call_in_child(method, shared if is_forked else None),
        "parent": shared.send(2),
    }
    if not is_forked:
        found["guard"] = refusal(method, shared)
        found["bare"] = refusal(method, (letter for letter in "bare"))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
