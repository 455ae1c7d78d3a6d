"""Two transfers that went well, and what the recording says of the next time.

Each thread drives the ledger of the account it takes from, and that one drives the other ledger.
The two threads come one after the other here, so nothing happens. At one moment each would hold the
ledger that the other one wants.
"""

import threading
from collections.abc import Callable, Generator

import genlock
from genlock.testing import assert_no_cycle, assert_no_inversion

Ledger = genlock.GuardedGenerator[int, tuple[int, "Ledger | None"], None]


def ledger(balance: int) -> Generator[int, tuple[int, "Ledger | None"], None]:
    while True:
        amount, other = yield balance
        balance -= amount
        if other is not None:
            other.send((-amount, None))


def move(amount: int, source: Ledger, target: Ledger) -> None:
    source.send((amount, target))


def move_in_turn(amount: int, source: Ledger, target: Ledger) -> None:
    source.send((amount, None))
    target.send((-amount, None))


def record(transfer: Callable[[int, Ledger, Ledger], None]) -> genlock.Recording:
    savings = genlock.guard(ledger(100), name="savings", prime=True)
    current = genlock.guard(ledger(100), name="current", prime=True)
    with genlock.trace() as recording:
        for payment in ((30, savings, current), (10, current, savings)):
            thread = threading.Thread(target=transfer, args=payment)
            thread.start()
            thread.join()
        balances = savings.send((0, None)), current.send((0, None))
    print("Savings and current:", *balances)
    return recording


if __name__ == "__main__":
    nested = record(move)
    assert_no_cycle(nested)
    try:
        assert_no_inversion(nested)
    except AssertionError as error:
        print(error)

    in_turn = record(move_in_turn)
    assert_no_cycle(in_turn)
    assert_no_inversion(in_turn)
    print("One after the other: no cycle, no inverted order")
