"""Guards that one function made: a call that comes back, and two threads that want each other's."""

import re
import threading
from collections.abc import Generator
from typing import Any

import genlock

both_inside = threading.Barrier(2)


def let_the_first_wait() -> None:
    both_inside.wait()
    while threading.current_thread().name == "T2" and not genlock.snapshot().waits:
        pass


@genlock.coroutine
def node() -> Generator[None, object, None]:
    following: Any = yield
    while True:
        if (yield) == "together":
            let_the_first_wait()
        following.send("on")


def ring(size: int) -> list[Any]:
    nodes = [node() for _ in range(size)]
    for one, following in zip(nodes, [*nodes[1:], nodes[0]], strict=True):
        one.send(following)
    return nodes


def drive(guards: list[Any], first: int, value: str) -> None:
    try:
        guards[first].send(value)
    except ValueError as error:
        text = f"{type(error).__name__}: {error}\n"
        for number, guard in enumerate(guards, 1):
            shown = repr(guard).removeprefix("<generator object ").removesuffix(">")
            text = text.replace(shown, f"node at (its address, {number})")
        print(re.sub(" {2,}(?=namesakes.py)", "  ", text))
    except RuntimeError:
        pass  # the other thread's node has ended


drive(ring(3), 0, "on")
two = ring(2)
for number in range(2):
    threading.Thread(target=drive, args=(two, number, "together"), name=f"T{number + 1}").start()
