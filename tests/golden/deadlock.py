"""Two threads that hold one guard each and want the other's."""

import threading
from collections.abc import Generator

import genlock

both_inside = threading.Barrier(2)
left_waits = threading.Event()


@genlock.coroutine
def debit() -> Generator[None, int, None]:
    while True:
        amount = yield
        both_inside.wait()
        credit_.send(amount)


@genlock.coroutine
def credit() -> Generator[None, int, None]:
    while True:
        amount = yield
        if amount < 0:
            both_inside.wait()
            left_waits.wait()
            debit_.send(amount)


debit_, credit_ = debit(), credit()


def left() -> None:
    try:
        debit_.send(1)
    except RuntimeError as error:
        right_thread.join()  # it speaks first
        print(f"left: {error}, because of")
        print(*error.__cause__.__notes__ if error.__cause__ else ())


def right() -> None:
    try:
        credit_.send(-1)
    except ValueError as error:
        print(f"{type(error).__name__}: {error}")


left_thread = threading.Thread(target=left, name="left")
right_thread = threading.Thread(target=right, name="right")
left_thread.start()
right_thread.start()
while not credit_._self_gate.queue:
    pass
left_waits.set()
right_thread.join()
left_thread.join()
