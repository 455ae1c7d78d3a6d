"""A coroutine that is closed by a callback that it calls itself."""

from collections.abc import Generator

import genlock


def on_done() -> None:
    sink_.close()


@genlock.coroutine(name="the sink")
def sink() -> Generator[None, str, None]:
    while True:
        if (yield) == "done":
            on_done()


sink_ = sink()

try:
    sink_.send("done")
except ValueError as error:
    print(f"{type(error).__name__}: {error}")
