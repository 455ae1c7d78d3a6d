"""A thread that ended in exclusive use, and left behind what nobody can use any more."""

import threading
from collections.abc import Generator

import genlock


@genlock.coroutine(warn_after=None)
def ledger() -> Generator[None, str, None]:
    while True:
        yield


def leave_it_kept() -> None:
    block.__enter__()


ledger_, other = ledger(), ledger()
block = genlock.exclusive(ledger_)
thread = threading.Thread(target=leave_it_kept)
thread.start()
thread.join()
print(genlock.snapshot().to_text().partition("\n")[2])
