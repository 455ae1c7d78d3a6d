"""What a guard does when threads meet at it: throughput, the longest waits, fair shares."""

from __future__ import annotations

import heapq
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from statistics import fmean, median
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import peers
from tables import Reach, Table, at_least

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from effort import Effort

THREADS = (2, 8, 32)
STEPS = (0, 100)

BOUND_OF_THROUGHPUT = 1.5
AIM_OF_THROUGHPUT = 4.0
CROWD = 8
"""From so many threads on, a guard aims higher than its bound."""

LONGEST = 10
SHORT_ENOUGH = 0.012
"""Seconds: a wait that nobody minds, however short that of others is."""

COLUMNS = ["threads, steps in the body", peers.SERIALIZE, peers.GUARD, "ratio"]

STARVATION_THREADS = 32
BOUND_OF_SHARE = 0.1

T = TypeVar("T")


@dataclass(slots=True)
class Clock:
    """Tells the threads of a round when to stop: an attribute, because reading it costs least."""

    running: bool = True


class Sends(NamedTuple):
    """What one thread got done."""

    sent: int
    began: float
    ended: float


class Rounds(NamedTuple):
    """What the rounds of one peer came to.

    A plain lock has two gaits, and may change them from round to round: a convoy, in which each
    send costs a switch of threads, and monopolies, in which one thread goes on while all others
    wait. The median tells which was more frequent, the extremes that there are two.
    """

    median: float
    least: float
    most: float

    def to_text(self, scale: float, digits: int) -> str:
        """All three, in units that make the figures short."""
        middle, least, most = (f"{figure * scale:.{digits}f}" for figure in self)
        return f"{middle} ({least} to {most})"


def throughput(effort: Effort) -> tuple[Table, list[Reach]]:
    """How many values get through."""
    table = Table(
        "Threads share one generator: thousand sends a second, median round (least to most)",
        COLUMNS,
    )
    reaches = []
    for threads, steps in _settings():
        rates = _in_turns(
            peers.makers_of_shared(steps),
            effort.rounds,
            partial(_rate, threads=threads, effort=effort),
        )
        ratio = rates[peers.GUARD].median / rates[peers.SERIALIZE].median
        setting = f"{threads}, {steps}"
        thousands = (rounds.to_text(scale=1 / 1000, digits=0) for rounds in rates.values())
        table.add(setting, *thousands, f"{ratio:.2f}x")
        reaches.append(at_least(f"throughput {setting}", ratio, BOUND_OF_THROUGHPUT))
        if threads >= CROWD:
            reaches.append(at_least(f"throughput {setting}, aim", ratio, AIM_OF_THROUGHPUT))
    return table, reaches


def waits(effort: Effort) -> tuple[Table, list[Reach]]:
    """How long the unlucky ones wait."""
    table = Table(
        f"Threads share one generator: mean of the {LONGEST} longest sends, ms,"
        " median round (least to most)",
        COLUMNS,
    )
    reaches = []
    for threads, steps in _settings():
        longest = _in_turns(
            peers.makers_of_shared(steps),
            effort.rounds,
            partial(_longest_waits, threads=threads, effort=effort),
        )
        guard, serialize = longest[peers.GUARD].median, longest[peers.SERIALIZE].median
        bound = max(serialize, SHORT_ENOUGH)
        setting = f"{threads}, {steps}"
        milliseconds = (rounds.to_text(scale=1000, digits=1) for rounds in longest.values())
        table.add(setting, *milliseconds, f"{guard / serialize:.2f}x")
        reaches.append(
            Reach(
                f"longest waits {setting}",
                f"{guard * 1000:.1f} ms",
                f"<= {bound * 1000:.1f} ms",
                guard <= bound,
            )
        )
    return table, reaches


def starvation(effort: Effort) -> tuple[Table, list[Reach]]:
    """Whether everybody gets a turn."""
    table = Table(
        f"{STARVATION_THREADS} threads for {effort.starvation_seconds:g} s:"
        " share of a thread, in fair shares",
        ["", "smallest", "largest"],
    )
    smallest = {}
    for name, make in peers.makers_of_shared(steps=0).items():
        done = _in_threads(make(), STARVATION_THREADS, effort.starvation_seconds, _count)
        fair = fmean(sends.sent for sends in done)
        shares = [sends.sent / fair for sends in done]
        smallest[name] = min(shares)
        table.add(name, f"{min(shares):.2f}", f"{max(shares):.2f}")
    share = smallest[peers.GUARD]
    reach = Reach("smallest share", f"{share:.2f}", f">= {BOUND_OF_SHARE}", share >= BOUND_OF_SHARE)
    return table, [reach]


def _settings() -> Iterator[tuple[int, int]]:
    return ((threads, steps) for steps in STEPS for threads in THREADS)


def _in_turns(
    makers: dict[str, Callable[[], peers.Peer]],
    rounds: int,
    measure: Callable[[peers.Peer], float],
) -> dict[str, Rounds]:
    """Figures of rounds in which the peers take turns, each time with a new generator."""
    figures: dict[str, list[float]] = {name: [] for name in makers}
    for _ in range(rounds):
        for name, make in makers.items():
            figures[name].append(measure(make()))
    return {name: Rounds(median(each), min(each), max(each)) for name, each in figures.items()}


def _rate(peer: peers.Peer, threads: int, effort: Effort) -> float:
    done = _in_threads(peer, threads, effort.seconds, _count)
    # By the threads' own clocks: the one that started them may come to its turn much later.
    seconds = max(sends.ended for sends in done) - min(sends.began for sends in done)
    return sum(sends.sent for sends in done) / seconds


def _longest_waits(peer: peers.Peer, threads: int, effort: Effort) -> float:
    done = _in_threads(peer, threads, effort.seconds, _waits)
    return fmean(heapq.nlargest(LONGEST, (wait for waits in done for wait in waits)))


def _count(peer: peers.Peer, clock: Clock) -> Sends:
    sent = 0
    began = time.perf_counter()
    while clock.running:
        peer.send(1)
        sent += 1
    return Sends(sent, began, time.perf_counter())


def _waits(peer: peers.Peer, clock: Clock) -> list[float]:
    now = time.perf_counter
    longest = [0.0] * LONGEST
    while clock.running:
        began = now()
        peer.send(1)
        waited = now() - began
        if waited > longest[0]:
            heapq.heapreplace(longest, waited)
    return longest


def _in_threads(
    peer: peers.Peer, threads: int, seconds: float, work: Callable[[peers.Peer, Clock], T]
) -> list[T]:
    """What the work returned in each of the threads, which begin it together."""
    clock = Clock()
    start = threading.Barrier(threads)
    under_way: list[None] = []
    all_under_way = threading.Event()

    def run() -> T:
        start.wait()
        under_way.append(None)
        if len(under_way) == threads:
            all_under_way.set()
        # Behind a barrier, the last of many threads comes to its turn a fraction of a second
        # after the first. Until then there is less of a crowd than what is measured.
        while len(under_way) < threads:
            peer.send(1)
        return work(peer, clock)

    with ThreadPoolExecutor(threads) as pool:
        try:
            futures = [pool.submit(run) for _ in range(threads)]
            all_under_way.wait()
            time.sleep(seconds)
        finally:
            clock.running = False
    return [future.result() for future in futures]
