"""The two things one is warned not to do with a coroutine, bare and guarded.

Do not send to it from two threads at once, and do not loop coroutines. A bare generator answers
both with the same few words, ``generator already executing``. A guard makes the first one work,
and names the whole loop of the second.
"""

from collections.abc import Generator
from threading import Event, Thread, Timer

import genlock

Player = Generator[None, int, None]


def add_up(begun: Event, finish: Event) -> Generator[int, int, None]:
    """Yield the sum so far; work on each value from ``begun`` until ``finish``."""
    total = 0
    while True:
        value = yield total
        begun.set()
        finish.wait()
        total += value


def ping(players: dict[str, Player]) -> Player:
    """Count, and let pong count on."""
    while True:
        count = yield
        print("ping", count)
        if count:
            players["pong"].send(count - 1)


def pong(players: dict[str, Player]) -> Player:
    """Count, and let ping count on."""
    while True:
        count = yield
        print("pong", count)
        if count:
            players["ping"].send(count - 1)


def two_threads_bare() -> None:
    """The value of the second thread is refused: it never reaches the sum."""
    begun, finish = Event(), Event()
    adder = add_up(begun, finish)
    next(adder)
    first = Thread(target=adder.send, args=(1,))
    first.start()
    begun.wait()
    try:
        adder.send(5)
    except ValueError as error:
        print(f"ValueError: {error}")
    # Only now, so that the first value was surely being worked on when the second one came.
    finish.set()
    first.join()
    print("Bare sum:", adder.send(0))


def two_threads_guarded() -> None:
    """The second thread waits for its turn."""
    begun, finish = Event(), Event()
    adder = genlock.guard(add_up(begun, finish))
    next(adder)
    first = Thread(target=adder.send, args=(1,))
    first.start()
    begun.wait()
    # This thread is about to wait in `send`, so somebody else has to let the first value finish.
    Timer(0.05, finish.set).start()
    print("Guarded sum:", adder.send(5))
    first.join()


def loop_bare() -> None:
    """The error comes back through both bodies and ends them."""
    players: dict[str, Player] = {}
    players["ping"], players["pong"] = ping(players), pong(players)
    play(players)


def loop_guarded() -> None:
    """The error tells the way the call took back to its own coroutine."""
    players: dict[str, Player] = {}
    players["ping"] = genlock.guard(ping(players))
    players["pong"] = genlock.guard(pong(players))
    play(players)


def play(players: dict[str, Player]) -> None:
    """Let the two count down from 20, then see which of them are still there."""
    for player in players.values():
        next(player)
    try:
        players["ping"].send(20)
    except ValueError as error:
        print(f"{type(error).__name__}: {error}")
    for name, player in players.items():
        try:
            player.send(0)
        except StopIteration:
            print(name, "has ended")


def main() -> None:
    """Show each warning, bare and guarded."""
    print("Two threads, bare:")
    two_threads_bare()
    print("Two threads, guarded:")
    two_threads_guarded()
    print("A loop, bare:")
    loop_bare()
    print("A loop, guarded:")
    loop_guarded()


if __name__ == "__main__":
    main()
