"""A second thread waits for as long as it may."""

import threading
from collections.abc import Generator
from linecache import getline

import genlock

leave = threading.Lock()
leave.acquire()


@genlock.coroutine(timeout=0.05)
def sink() -> Generator[None, str, None]:
    while True:
        yield
        leave.acquire()


def feed(line: str) -> None:
    sink_.send(line)


sink_ = sink()
feeder = threading.Thread(target=feed, args=["first"], name="feeder")
feeder.start()
while getline(__file__, sink_.gi_frame.f_lineno).strip() != "leave.acquire()":
    pass
try:
    feed("second")
except TimeoutError as error:
    print(f"{type(error).__name__}: {error}")
leave.release()
feeder.join()
