"""Logs as programs write them: tracebacks of bare generators, and what stands around them."""

import traceback
from collections.abc import Callable, Generator
from typing import Any

players: dict[str, Generator[None, int, None]] = {}


def ping() -> Generator[None, int, None]:
    while True:
        count = yield
        players["pong"].send(count - 1)


def pong() -> Generator[None, int, None]:
    while True:
        count = yield
        players["ping"].send(count - 1)


def play() -> None:
    players["ping"], players["pong"] = ping(), pong()
    for player in players.values():
        next(player)
    players["ping"].send(20)


def printed(fail: Callable[[], Any]) -> str:
    """The traceback of what it raises."""
    try:
        fail()
    except Exception:
        return traceback.format_exc()
    raise AssertionError("it did not fail")


CYCLE = printed(play)

CONTENTION = """\
Exception in thread worker-3:
Traceback (most recent call last):
  File "/usr/lib/python3.12/threading.py", line 1073, in _bootstrap_inner
    self.run()
  File "/usr/lib/python3.12/threading.py", line 1010, in run
    self._target(*self._args, **self._kwargs)
  File "/srv/app/jobs.py", line 31, in work
    for job in self.jobs:
  File "/srv/app/jobs.py", line 12, in pending
    yield from backlog
ValueError: generator already executing
"""

GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "/srv/app/main.py", line 40, in <module>
  |     asyncio.run(main())
  |     ~~~~~~~~~~~^^^^^^^^
  | ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/srv/app/main.py", line 33, in take
    |     async for row in rows:
    |     ...<2 lines>...
    |         keep(row)
    | RuntimeError: anext(): asynchronous generator is already running
    +---------------- 2 ----------------
    | Traceback (most recent call last):
    |   File "/srv/app/main.py", line 35, in give
    |     await rows.aclose()
    |           ~~~~~~~~~~~^^
    | RuntimeError: aclose(): asynchronous generator is already running
    +------------------------------------
"""

CHAINED = """\
Traceback (most recent call last):
  File "/srv/app/rows.py", line 8, in heads
    yield next(source)
          ^^^^^^^^^^^^
StopIteration

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/srv/app/rows.py", line 20, in <module>
    print(list(heads()))
          ^^^^^^^^^^^^^
RuntimeError: generator raised StopIteration

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/app/rows.py", line 22, in <module>
    raise SystemError("no rows")
SystemError: no rows
"""

OWN = """\
Traceback (most recent call last):
  File "/srv/app/game.py", line 25, in <module>
    ping_.send(20)
  File "/venv/lib/python3.12/site-packages/genlock/_gate.py", line 120, in send
    return self.resume(value)
genlock.ReentrantCallError: [GL001] 'ping' was sent a value while it was still running.
  The call came back to itself:
    MainThread  game.py:25  ping_.send(20)  ← this call
  ping can only take another value after it reaches its next yield.
INFO the next line of the log
"""

UNRAISABLE = """\
Exception ignored in: <generator object Feed.lines at 0x7f60d0b3c1c0>
Traceback (most recent call last):
  File "/srv/app/feed.py", line 5, in stop
    del self.lines
RuntimeError: generator ignored GeneratorExit
"""
