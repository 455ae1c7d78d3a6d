"""Eight threads do everything at once to four guards: `soak.py OPERATIONS quiet|hit`, of each.

Sends, throws, closes (then the guard is made anew), timeouts, exclusive use, deferral, and with
"hit" exceptions set into the threads wherever they are; every body asserts that it is alone. In the
end as many values must have been taken as were accepted, but for two for each hit, the guards must
be free, and memory as it was after a quarter of the work: what the process takes of the system and,
where nobody was hit, the blocks in it.
"""

import faulthandler
import random
import sys
import threading
import time
from collections.abc import Callable, Generator
from typing import Any

import genlock
from crew import PATIENCE, Alone, Interrupt, interrupt

OPERATIONS, IS_HIT, THREADS = int(sys.argv[1]), sys.argv[2] == "hit", 8
OPTIONS: list[dict[str, Any]] = [
    {},
    {"timeout": 0.001},
    {"timeout": 5},
    {"on_reentry": "defer", "on_close": "defer"},
]
MOST_BLOCKS_MORE = 20_000
MOST_KB_MORE = 6_000  # measured: 100 to 1,600, whatever the number of operations
LONGEST = 600  # seconds

Guard = Any  # of all the kinds that the options make


class Tally:
    """What one thread has done."""

    def __init__(self) -> None:
        self.done = self.hit = 0
        self.accepted = self.taken = 0  # taken: by whatever body this thread ran
        self.counts = dict.fromkeys(["served", "late", "ended", "kept", "deferred"], 0)


own = threading.local()
tallies: list[Tally] = []
wrong: list[BaseException] = []
swallowed: list[object] = []
"""Hits within a finaliser, or where a generator is thrown away: they reach nobody."""


def body(place: int) -> Generator[int, int | None, None]:
    alone = Alone()
    while True:
        try:
            value = yield 0
        except KeyError:
            continue
        if value is None:
            continue
        with alone:
            own.tally.taken += 1
            for _ in range(20):
                pass
        if "on_reentry" in OPTIONS[place] and value % 10 == 0:
            feed_itself(place)


def feed_itself(place: int) -> None:
    """By way of the guard that is there now, which may be another one."""
    try:
        if guards[place].send(1) is genlock.DEFERRED:
            own.tally.counts["deferred"] += 1
        own.tally.accepted += 1
    except (genlock.GenlockError, StopIteration):
        pass  # a close is due, or it has ended


def new_guard(place: int) -> Guard:
    return genlock.guard(body(place), prime=True, **OPTIONS[place])


guards: list[Guard] = [new_guard(place) for place in range(len(OPTIONS))]


def call(guard: Guard, what: float, mine: Tally) -> None:
    if what < 0.7:
        guard.send(mine.done % 10)
        mine.accepted += 1
    elif what < 0.8:
        next(guard)
    elif what < 0.9:
        with genlock.exclusive(guard):
            for _ in range(2):
                guard.send(1)
                mine.accepted += 1
        mine.counts["kept"] += 1
    elif what < 0.995:
        guard.throw(KeyError())
    else:
        guard.close()


def one_operation(chance: random.Random, mine: Tally) -> None:
    place = chance.randrange(len(guards))
    try:
        call(guards[place], chance.random(), mine)
        mine.counts["served"] += 1
    except genlock.UndeliveredValuesError as error:  # another thread has closed it
        mine.accepted += 1 - len(error.values)  # its own value was taken
    except genlock.GuardTimeoutError:
        mine.counts["late"] += 1
    except (StopIteration, KeyError):  # it has ended
        mine.counts["ended"] += 1
        guards[place] = new_guard(place)


def unharmed(mine: Tally, work: Callable[[], None]) -> None:
    """Do the work, and do it again when it was hit."""
    while mine.done < OPERATIONS and not wrong:
        try:
            work()
        except Interrupt:
            mine.hit += 1


def work(number: int) -> None:
    chance, mine = random.Random(number), tallies[number]
    own.tally = mine

    def operate() -> None:
        try:
            while mine.done < OPERATIONS and not wrong:
                mine.done += 1
                one_operation(chance, mine)
        except Interrupt:
            raise
        except BaseException as error:
            wrong.append(error)

    # Who is hit while it deals with a hit goes on one floor further out; three hits in a row, each
    # within the few instructions after the one before, do not happen.
    unharmed(mine, lambda: unharmed(mine, lambda: unharmed(mine, operate)))


class Memory:
    """Blocks and kilobytes that the process has, at a moment in the middle of the work."""

    def __init__(self) -> None:
        self.blocks = sys.getallocatedblocks()
        self.peak = 0
        try:
            import resource
        except ImportError:
            return
        unit = 1024 if sys.platform == "darwin" else 1
        self.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit


def watch(threads: list[threading.Thread]) -> tuple[Memory, Memory]:
    """Hit threads until all is done; memory after a quarter of the work, and near its end."""
    chance = random.Random(99)
    marks: list[Memory] = []
    shares = [0.25, 0.97]
    deadline = time.monotonic() + LONGEST
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.002)
        done = sum(tally.done for tally in tallies)
        if IS_HIT and done < 0.95 * OPERATIONS * THREADS:
            interrupt(chance.choice(threads))
        if len(marks) < len(shares) and done >= shares[len(marks)] * OPERATIONS * THREADS:
            marks.append(Memory())
        if time.monotonic() > deadline:
            faulthandler.dump_traceback()
            sys.exit(f"not every thread goes on: {[tally.done for tally in tallies]}, {wrong}")
    while len(marks) < len(shares):
        marks.append(Memory())
    return marks[0], marks[1]


def report(unraisable: "sys.UnraisableHookArgs") -> None:
    if unraisable.exc_type is Interrupt:
        swallowed.append(unraisable.exc_type)
    else:
        sys.__unraisablehook__(unraisable)


def assert_free(guard: Guard) -> None:
    """Another thread, which has nothing to do with the ones before, gets its turn."""
    try:
        with genlock.exclusive(guard, timeout=PATIENCE):
            next(guard)
    except StopIteration:
        pass


def main() -> None:
    sys.setswitchinterval(1e-5)
    sys.unraisablehook = report
    tallies.extend(Tally() for _ in range(THREADS))
    threads = [threading.Thread(target=work, args=[n], daemon=True) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    early, late = watch(threads)
    assert not wrong, wrong
    for guard in guards:
        assert_free(guard)

    hits = len(swallowed) + sum(tally.hit for tally in tallies)
    accepted = sum(tally.accepted for tally in tallies)
    taken = sum(tally.taken for tally in tallies)
    assert abs(taken - accepted) <= 2 * hits, (taken, accepted, hits)
    assert bool(hits) is IS_HIT

    more = late.blocks - early.blocks
    assert IS_HIT or more < MOST_BLOCKS_MORE, f"{more} blocks of memory more"
    more_kb = late.peak - early.peak
    assert more_kb < MOST_KB_MORE, f"{more_kb} kB of memory more"
    counts = {key: sum(tally.counts[key] for tally in tallies) for key in tallies[0].counts}
    counts |= {"accepted": accepted, "taken": taken, "hits": hits}
    print(counts | {"more blocks": more, "more kB": more_kb})


main()
