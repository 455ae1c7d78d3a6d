"""Two threads that share one bare generator."""

import threading
from collections.abc import Generator
from linecache import getline

import genlock

leave = threading.Lock()
leave.acquire()


def sink() -> Generator[None, str, None]:
    while True:
        yield
        leave.acquire()


def feed() -> None:
    sink_.send("first")


sink_ = sink()
next(sink_)
feeder = threading.Thread(target=feed, name="feeder")
feeder.start()
while getline(__file__, sink_.gi_frame.f_lineno).strip() != "leave.acquire()":  # type: ignore[attr-defined]
    pass
try:
    sink_.send("second")
except ValueError as error:
    print(genlock.explain(error))
try:
    sink_.close()
except ValueError as error:
    leave.release()
    feeder.join()
    print(genlock.explain(error))
