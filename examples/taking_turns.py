"""What a guard can do with calls that come at the wrong moment, or belong together.

    python examples/taking_turns.py

Two coroutines that send to each other cannot run: each of them is still inside its own turn when
the other one's value comes. Deferred, the value waits for the next yield. And a joint that prints
its values in pairs needs both of one thread, however many threads there are.
"""

import threading
from collections.abc import Generator

import genlock

Player = genlock.DeferringGenerator[None, int, None]


def player(name: str, other: str, players: dict[str, Player]) -> Generator[None, int, None]:
    while True:
        count = yield
        print(name, count)
        if count:
            players[other].send(count - 1)


def countdown(start: int) -> None:
    players: dict[str, Player] = {}
    for name, other in [("ping", "pong"), ("pong", "ping")]:
        players[name] = genlock.guard(player(name, other, players), prime=True, on_reentry="defer")
    players["ping"].send(start)


def joint() -> Generator[None, str, None]:
    while True:
        left = yield
        right = yield
        print(left, right)


def pairs(threads: int) -> None:
    shared = genlock.guard(joint(), prime=True)

    def send_pair(number: int) -> None:
        with genlock.exclusive(shared):
            shared.send(f"So Far {number},")
            shared.send(f"So Good {number}")

    senders = [threading.Thread(target=send_pair, args=[number]) for number in range(threads)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()


def unanswered() -> None:
    """A deferred value that is never taken is not lost: it comes out in the error."""

    def one_turn() -> Generator[None, str, None]:
        first = yield
        deferred: genlock.Deferred | None = guarded.send(f"{first}, again")
        print("Deferred:", deferred is genlock.DEFERRED)

    guarded = genlock.guard(one_turn(), prime=True, on_reentry="defer")
    try:
        guarded.send("a value")
    except genlock.UndeliveredValuesError as error:
        print("Undelivered:", *error.values)


if __name__ == "__main__":
    countdown(5)
    pairs(3)
    unanswered()
