"""Threads wait for one another, round after round: `deadlock_rounds.py ROUNDS`.

Each of two to five threads is inside a guard of its own and wants the next one's, at no agreed
moment. In a ring exactly one thread must be told; in a chain, whose last thread wants nothing,
nobody. Prints how many rounds of each there were.
"""

import random
import sys
import threading
from collections.abc import Generator

import genlock

ROUNDS = int(sys.argv[1])
TOO_LONG = 20.0
chance = random.Random(20)

Guard = genlock.GuardedGenerator[None, bool, None]


class Round:
    def __init__(self, size: int, *, closed: bool) -> None:
        self.inside = threading.Barrier(size)
        self.told: list[int] = []
        last = 0 if closed else None
        onward = [*range(1, size), last]
        self.guards: list[Guard] = [
            genlock.guard(self.body(place, onward[place]), prime=True, timeout=TOO_LONG)
            for place in range(size)
        ]

    def body(self, place: int, onward: int | None) -> Generator[None, bool, None]:
        while True:
            is_first = yield
            if is_first:
                self.inside.wait(TOO_LONG)
                try:
                    if onward is not None:
                        self.guards[onward].send(False)
                except genlock.DeadlockError:
                    self.told.append(place)

    def run(self) -> int:
        """How many threads were told of a deadlock."""
        threads = [threading.Thread(target=guard.send, args=[True]) for guard in self.guards]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(TOO_LONG)
            assert not thread.is_alive(), f"{thread.name} hangs"
        return len(self.told)


for _ in range(ROUNDS):
    assert Round(chance.randint(2, 5), closed=True).run() == 1
    assert Round(chance.randint(2, 5), closed=False).run() == 0
print(ROUNDS, "rings,", ROUNDS, "chains")
