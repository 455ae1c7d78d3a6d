"""Eight threads do everything at once to three guards: `soak.py SECONDS`.

Sends, throws, closes, timeouts, and exceptions set into the threads wherever they are; every body
asserts that it is alone. In the end every thread must still get its turns, and every guard must be
free, with nobody waiting.
"""

import ctypes
import faulthandler
import random
import sys
import threading
import time
from collections.abc import Callable, Generator

import genlock

SECONDS, THREADS = float(sys.argv[1]), 8
TIMEOUTS = (None, 0.001, 1)
PATIENCE = 15

Counts = dict[str, int]


class Interrupt(BaseException):
    """Set into a thread that is anywhere."""


def body() -> Generator[int, int, None]:
    inside = None
    taken = 0
    while True:
        try:
            yield taken
        except KeyError:
            pass
        assert inside is None, "two threads in one generator"
        inside = threading.get_ident()
        try:
            taken += 1
            for _ in range(20):
                pass
            assert inside == threading.get_ident(), "two threads in one generator"
        finally:
            inside = None


def new_guard(place: int) -> genlock.GuardedGenerator[int, int, None]:
    return genlock.guard(body(), prime=True, timeout=TIMEOUTS[place])


guards = [new_guard(place) for place in range(len(TIMEOUTS))]
is_over = False
wrong: list[BaseException] = []
counts: list[Counts] = [
    dict.fromkeys(["served", "late", "ended", "hit"], 0) for _ in range(THREADS)
]


def one_call(chance: random.Random, mine: Counts) -> None:
    place = chance.randrange(len(guards))
    guard, what = guards[place], chance.random()
    try:
        if what < 0.9:
            guard.send(1)
        elif what < 0.99:
            guard.throw(KeyError())
        else:
            guard.close()
        mine["served"] += 1
    except genlock.GuardTimeoutError:
        mine["late"] += 1
    except (StopIteration, KeyError):  # it has ended
        mine["ended"] += 1
        guards[place] = new_guard(place)


def unharmed(mine: Counts, work: Callable[[], None]) -> None:
    """Do the work, and do it again when it was hit."""
    while not is_over:
        try:
            work()
        except Interrupt:
            mine["hit"] += 1


def work(number: int) -> None:
    chance, mine = random.Random(number), counts[number]

    def call() -> None:
        try:
            while not is_over:
                one_call(chance, mine)
        except Interrupt:
            raise
        except BaseException as error:
            wrong.append(error)

    # Who is hit while it deals with a hit goes on one floor further out; three hits in a row, each
    # within the few instructions after the one before, do not happen.
    unharmed(mine, lambda: unharmed(mine, lambda: unharmed(mine, call)))


def await_progress() -> None:
    """Return when every thread has been served again, so that none has died, and no hit is due."""
    before = [own["served"] for own in counts]
    deadline = time.monotonic() + PATIENCE
    while any(own["served"] < served + 2 for own, served in zip(counts, before, strict=True)):
        if time.monotonic() > deadline:
            faulthandler.dump_traceback()
            sys.exit(f"not every thread goes on: {counts}, {wrong}")
        time.sleep(0.01)


def interrupt(thread: threading.Thread) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident or 0), ctypes.py_object(Interrupt)
    )


sys.setswitchinterval(1e-5)
threads = [threading.Thread(target=work, args=[n], daemon=True) for n in range(THREADS)]
for thread in threads:
    thread.start()
await_progress()
chance = random.Random(99)
until = time.monotonic() + SECONDS
while time.monotonic() < until:
    time.sleep(0.002)
    interrupt(chance.choice(threads))
await_progress()
is_over = True
sys.setswitchinterval(0.005)
for thread in threads:
    thread.join(PATIENCE)
    if thread.is_alive():
        faulthandler.dump_traceback()
        sys.exit(f"{thread.name} hangs")
assert not wrong, wrong
for guard in guards:
    try:
        next(guard)
    except StopIteration:
        pass
    assert guard._self_gate.busy is False
print({key: sum(own[key] for own in counts) for key in counts[0]})
