"""Stands still with its main thread in one place or another, until a line comes on stdin.

    stuck.py PLACE

It prints its number when it is there, and "went on" when it has; then it ends.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

import genlock

if TYPE_CHECKING:
    from collections.abc import Generator

    from genlock._gate import Gate

go_on = threading.Event()
inside = threading.Event()
PATIENCE = 20.0


@genlock.coroutine(warn_after=None)
def stage() -> Generator[None, str, None]:
    while True:
        who = yield
        inside.set()
        if who == "inside a lock":
            lock.acquire()
        else:
            assert go_on.wait(PATIENCE)


def announce(when: threading.Event) -> None:
    """Say that the main thread is in its place; let it go on when told so."""
    when.wait(PATIENCE)
    print(os.getpid(), flush=True)
    sys.stdin.readline()
    go_on.set()
    lock.release()


def hold() -> None:
    threading.Thread(target=stage_.send, args=("holder",), name="holder").start()
    assert inside.wait(PATIENCE)


def begin_to_wait() -> threading.Event:
    """An event that is set when a thread waits for the stage."""
    gate: Gate = stage_._self_gate
    waits = threading.Event()

    def look() -> None:
        while not gate.queue:
            pass
        waits.set()

    threading.Thread(target=look).start()
    return waits


def main() -> None:
    place = sys.argv[1]
    genlock.dump_on_signal(signal.SIGUSR1)
    when = inside
    if place == "waiting":
        hold()
        when = begin_to_wait()
    elif place not in ("inside", "inside a lock"):
        hold()
    if place == "in C":
        when = threading.Event()
    threading.Thread(target=announce, args=(when,)).start()
    match place:
        case "inside" | "inside a lock" | "waiting":
            stage_.send(place)
        case "joining":
            [holder] = [thread for thread in threading.enumerate() if thread.name == "holder"]
            holder.join()
        case "computing":
            while not go_on.is_set():
                pass
        case "in C":
            # Between this event and the call there is no instruction.
            sys.setprofile(lambda _frame, event, _: when.set() if event == "c_call" else None)
            hashlib.pbkdf2_hmac("sha256", b"", b"", 20_000_000)
    print("went on", flush=True)


lock = threading.Lock()
lock.acquire()
stage_ = stage()
main()
