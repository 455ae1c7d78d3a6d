"""A second thread comes while the first is inside, and is not to wait."""

import threading
from collections.abc import Generator
from linecache import getline

import genlock

leave = threading.Lock()
leave.acquire()


@genlock.coroutine(on_busy="raise", on_close="raise")
def sink() -> Generator[None, str, None]:
    while True:
        yield
        leave.acquire()


def feed() -> None:
    sink_.send("first")


sink_ = sink()
feeder = threading.Thread(target=feed, name="feeder")
feeder.start()
while getline(__file__, sink_.gi_frame.f_lineno).strip() != "leave.acquire()":
    pass
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
