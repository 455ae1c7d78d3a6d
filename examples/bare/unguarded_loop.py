"""Two coroutines that send to each other. A program that knows nothing of genlock.

    python examples/bare/unguarded_loop.py
    genlock run examples/bare/unguarded_loop.py

The second one says by which way the call came back to the coroutine that it came from.
"""

from collections.abc import Generator

Player = Generator[None, int, None]

players: dict[str, Player] = {}


def ping() -> Player:
    """Count, and let pong count on."""
    while True:
        count = yield
        print("ping", count)
        players["pong"].send(count - 1)


def pong() -> Player:
    """Count, and let ping count on."""
    while True:
        count = yield
        print("pong", count)
        players["ping"].send(count - 1)


players["ping"], players["pong"] = ping(), pong()
for player in players.values():
    next(player)
players["ping"].send(20)
