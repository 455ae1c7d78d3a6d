"""One thread is traced, a second one drains the same generator: `traced.py TRACER bare|guarded`.

The tracer holds the first thread at the event of a yield, when the generator counts as suspended
already. That lets the second one into a bare generator, whose frame then ends under the first.
"""

import sys
import threading
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

HOW, WHAT = sys.argv[1:]
STOP = 50


def numbers() -> Iterator[int]:
    yield from_zero()
    number = 1
    while number < STOP:
        yield number
        number += 1


def from_zero() -> int:
    return 0


shared = numbers()
if WHAT == "guarded":
    import genlock

    shared = genlock.guard(shared)

at_yield, drained = threading.Event(), threading.Event()
first: threading.Thread
got: list[int] = []


def hold(code: CodeType) -> None:
    if code is numbers.__code__ and threading.current_thread() is first and not at_yield.is_set():
        at_yield.set()
        drained.wait(0.2)  # in vain, where the guard keeps the second thread out


def trace(frame: FrameType, event: str, _argument: object) -> Any:
    if event == "return":
        hold(frame.f_code)
    return trace


def install() -> None:
    if HOW == "settrace":
        sys.settrace(trace)
    elif HOW == "setprofile":
        sys.setprofile(trace)
    elif sys.version_info >= (3, 12):
        events = sys.monitoring.events
        sys.monitoring.use_tool_id(4, "test")
        sys.monitoring.register_callback(4, events.PY_YIELD, lambda code, *_: hold(code))
        sys.monitoring.set_events(4, events.PY_YIELD)


def take_one() -> None:
    install()
    got.append(next(shared))


def take_the_rest() -> None:
    at_yield.wait()
    got.extend(shared)
    drained.set()


first = threading.Thread(target=take_one)
second = threading.Thread(target=take_the_rest)
first.start()
second.start()
first.join()
second.join()
assert sorted(got) == list(range(STOP)), got
print("each number once")
