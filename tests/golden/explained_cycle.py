"""Two bare coroutines that send to each other, and a generator that draws from itself."""

from collections.abc import Generator, Iterator

import genlock

players: dict[str, Generator[None, int, None]] = {}


def player(other: str) -> Generator[None, int, None]:
    while True:
        count = yield
        if count:
            players[other].send(count - 1)


class Tree:
    def __init__(self) -> None:
        self.walk = self.nodes()

    def nodes(self) -> Iterator[int]:
        yield sum(self.walk)


players["ping"], players["pong"] = player("pong"), player("ping")
for each in players.values():
    next(each)
try:
    players["ping"].send(20)
except ValueError as error:
    print(genlock.explain(error))
try:
    next(Tree().walk)
except ValueError as error:
    print(genlock.explain(error))


def closed() -> Generator[None, None, None]:
    yield
    closed_.close()
    yield


closed_ = closed()
next(closed_)
try:
    next(closed_)
except ValueError as error:
    print(genlock.explain(error))
