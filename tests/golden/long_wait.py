"""A wait that takes long is logged, once; one that blocks an event loop at once."""

import asyncio
import logging
import sys
import threading
from collections.abc import Generator
from linecache import getline

import genlock

leave = threading.Lock()
leave.acquire()


class LeaveWhenWarned(logging.StreamHandler):  # type: ignore[type-arg]
    """The holder goes when the warning is out, so that nobody has to guess a time."""

    def emit(self, record: logging.LogRecord) -> None:
        leave.release()


logging.basicConfig(stream=sys.stdout, format="%(name)s %(levelname)s %(message)s")
logging.getLogger("genlock").addHandler(LeaveWhenWarned())


@genlock.coroutine(warn_after=0.05)
def sink() -> Generator[None, str, None]:
    while True:
        yield
        leave.acquire()


def feed() -> None:
    sink_.send("first")


def with_feeder_inside(close: threading.Thread) -> None:
    feeder = threading.Thread(target=feed, name="feeder")
    feeder.start()
    while getline(__file__, sink_.gi_frame.f_lineno).strip() != "leave.acquire()":
        pass
    close.start()
    close.join()
    feeder.join()


def close() -> None:
    sink_.close()


async def close_in_loop() -> None:
    sink_.close()


def run_loop() -> None:
    asyncio.run(close_in_loop())


sink_ = sink()
with_feeder_inside(threading.Thread(target=close, name="closer"))
sink_ = sink()
with_feeder_inside(threading.Thread(target=run_loop, name="loop"))
