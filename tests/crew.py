"""Threads for tests: they start together, end in time, and hide no error."""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import genlock
from genlock import _gates
from genlock._interpreter import _stacks

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Self

PATIENCE = 20.0
"""Seconds after which a test that should have gone on has failed."""


needs_flag_gate = pytest.mark.skipif(_gates.uses_lock, reason="holds for the flag gate only")
needs_gil = pytest.mark.skipif(
    _stacks.RUN_AT_ONCE, reason="threads that share a bare generator crash this build"
)


class Worker(threading.Thread):
    """A thread that keeps what its job returned or raised."""

    def __init__(self, job: Callable[[], Any], name: str | None = None) -> None:
        super().__init__(name=name, daemon=True)
        self.job = job
        self.returned: Any = None
        self.raised: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.returned = self.job()
        except BaseException as error:
            self.raised = error

    def result(self) -> Any:
        """What the job returned; raises what it raised, or TimeoutError if it still runs."""
        self.join(PATIENCE)
        if self.is_alive():
            raise TimeoutError(f"{self.name} still runs after {PATIENCE} s")
        if self.raised is not None:
            raise self.raised
        return self.returned


def together(*jobs: Callable[[], Any]) -> list[Any]:
    """Run the jobs in threads that start at one moment; their results, in the order of jobs."""
    barrier = threading.Barrier(len(jobs))

    def started(job: Callable[[], Any]) -> Callable[[], Any]:
        def run() -> Any:
            barrier.wait(PATIENCE)
            return job()

        return run

    workers = [Worker(started(job)) for job in jobs]
    for worker in workers:
        worker.join(PATIENCE)
    return [worker.result() for worker in workers]


def until(condition: Callable[[], object], within: float = PATIENCE) -> None:
    """Return once `condition` holds; fail if it does not in time."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("what the test waits for did not come")
        time.sleep(0)


class Interrupt(BaseException):
    """What is set into a thread."""


def interrupt(thread: threading.Thread) -> None:
    """Set an exception into a thread, wherever it is."""
    ident = ctypes.c_ulong(thread.ident or 0)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(Interrupt))


def strike_down(worker: Worker) -> None:
    """Interrupt a worker that does not catch it, and see it end.

    Delivered within a callback of the interpreter's, such as that of a weak reference, an
    exception is reported and reaches nobody; then the worker needs another one.
    """
    swallowed: list[object] = []
    report, sys.unraisablehook = sys.unraisablehook, swallowed.append
    say, threading.excepthook = threading.excepthook, lambda _: None
    try:
        while worker.is_alive():
            swallowed.clear()
            interrupt(worker)
            until(lambda: swallowed or not worker.is_alive())
    finally:
        sys.unraisablehook, threading.excepthook = report, say
    # None if another one was due when it dealt with the one before.
    assert type(worker.raised) in (Interrupt, type(None)), worker.raised
    # Its traceback keeps alive what the frames held: a block of exclusive use, for one.
    worker.raised = None


class Alone:
    """Asserts that nobody else is in the part that it guards, and counts who was."""

    def __init__(self) -> None:
        self.inside: int | None = None
        self.entered = 0

    def __enter__(self) -> None:
        assert self.inside is None, "two threads are in one generator"
        self.inside = threading.get_ident()
        self.entered += 1

    def __exit__(self, *_: object) -> None:
        assert self.inside == threading.get_ident()
        self.inside = None


class Occupied:
    """A guard that the thread "holder" is inside of, until `leave` is set or the block ends."""

    def __init__(self, **options: Any) -> None:
        self.inside, self.leave = threading.Event(), threading.Event()
        self.taken: list[Any] = []
        self.guard = genlock.guard(self.body(), prime=True, name="occupied", **options)

    def body(self) -> Generator[int, Any, None]:
        while True:
            value = yield len(self.taken)
            self.taken.append(value)
            self.inside.set()
            assert self.leave.wait(PATIENCE)

    def hold(self) -> Any:
        return self.guard.send("held")

    def __enter__(self) -> Self:
        self.holder = Worker(self.hold, name="holder")
        assert self.inside.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self.leave.set()
        self.holder.join(PATIENCE)

    def waiters(self) -> int:
        """How many calls wait for the guard."""
        return len(self.guard._self_gate.queue or ())
