"""Memory runs out while a guard is used: `out_of_memory.py ROUNDS`.

In the body, which asks for too much; and, one allocation after another, in a call that finds the
guard free. A call that has to wait reads frames, at which the interpreter itself breaks down when
it gets no memory: `f_back` then leaves an exception behind, without any guard. Where threads run
at once, an allocation that fails in any call of a method stops the interpreter, so there it is the
body only.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from genlock._interpreter import _stacks
from ledger import open_ledger

try:
    import _testcapi
except ImportError:  # not every build of the interpreter has it
    _testcapi = None

ROUNDS = int(sys.argv[1])
ALLOCATIONS = 25
"""More than there are in a call."""
counts = {"rounds": ROUNDS, "failed": 0}


@contextmanager
def failing(nth: int) -> Iterator[None]:
    """The nth allocation from now on fails, and no other."""
    if _testcapi is None:
        yield
        return
    _testcapi.set_nomemory(nth, nth + 1)
    try:
        yield
    finally:
        _testcapi.remove_mem_hooks()


def attempt(call: Callable[[], object], nth: int) -> None:
    try:
        with failing(nth):
            call()
    except MemoryError:
        counts["failed"] += 1


def in_the_body() -> None:
    ledger = open_ledger(lambda value: value == "large" and bytearray(sys.maxsize))
    try:
        ledger.send("large")
    except MemoryError:
        counts["failed"] += 1
    assert not ledger.close_round(in_doubt=1, ended_by="MemoryError"), "it has not ended"


def in_the_gate(nth: int, **options: Any) -> None:
    ledger = open_ledger(**options)
    attempt(lambda: ledger.send(0), nth % ALLOCATIONS)
    ledger.close_round(in_doubt=1, ended_by="MemoryError")


for number in range(ROUNDS):
    in_the_body()
    if not _stacks.RUN_AT_ONCE:
        in_the_gate(number)
        in_the_gate(number, on_reentry="defer")
print(counts)
