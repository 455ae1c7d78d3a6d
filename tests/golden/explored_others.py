"""What is no failure of the program, and yet no pass."""

import itertools
import threading
from collections.abc import Callable, Generator

import genlock
from genlock.testing import explore


def take() -> Generator[None, int, None]:
    while True:
        yield


class Shared:
    def __init__(self) -> None:
        self.sink = genlock.guard(take(), prime=True, name="sink")


def never_the_same() -> Callable[[Shared], None]:
    calls = itertools.count()

    def work(shared: Shared) -> None:
        shared.sink.send(1)
        if next(calls) > 0:
            shared.sink.send(2)

    return work


def starts_a_thread(shared: Shared) -> None:
    helper = threading.Thread(target=shared.sink.send, args=(1,), name="helper")
    helper.start()
    helper.join()


print(explore(Shared, [never_the_same(), lambda shared: shared.sink.send(3)]), end="\n\n")
print(explore(Shared, [starts_a_thread]), end="\n\n")
print(explore(list, [lambda rows: rows.append(1), lambda rows: rows.append(2)]), end="\n\n")
print(explore(Shared, [id, id]))
