"""A second thread comes while the first is inside, and is not to wait."""

import threading
from collections.abc import Generator

import genlock

inside, leave = threading.Event(), threading.Lock()
leave.acquire()


@genlock.coroutine(on_busy="raise", on_close="raise")
def sink() -> Generator[None, str, None]:
    while True:
        yield
        inside.set()
        leave.acquire()


def feed() -> None:
    sink_.send("first")


sink_ = sink()
feeder = threading.Thread(target=feed, name="feeder")
feeder.start()
inside.wait()
try:
    sink_.send("second")
except ValueError as error:
    print(f"{type(error).__name__}: {error}")
try:
    sink_.close()
except ValueError as error:
    print(f"{type(error).__name__}: {error}")
leave.release()
feeder.join()
