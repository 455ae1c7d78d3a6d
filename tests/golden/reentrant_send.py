"""Two coroutines that send to each other."""

from collections.abc import Generator

import genlock


@genlock.coroutine
def ping() -> Generator[None, int, None]:
    while True:
        count = yield
        pong_.send(count - 1)


@genlock.coroutine
def pong() -> Generator[None, int, None]:
    while True:
        count = yield
        ping_.send(count - 1)


ping_, pong_ = ping(), pong()

try:
    ping_.send(20)
except ValueError as error:
    print(f"{type(error).__name__}: {error}")
try:
    ping_.send(20)
except StopIteration as error:
    print(*error.__notes__)
