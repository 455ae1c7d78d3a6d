"""What a guard costs the thread that uses it alone: time of calls and of making one, memory."""

from __future__ import annotations

import gc
import itertools
import sys
import tracemalloc
from timeit import Timer
from typing import TYPE_CHECKING

import peers
from tables import Reach, Table, at_most

if TYPE_CHECKING:
    from collections.abc import Mapping

    from effort import Effort

BOUNDS_OF_CALLS = (
    {"send": 0.45, "next": 0.62, "for": 0.62}
    if sys.version_info >= (3, 13)
    else {"send": 0.58, "next": 0.75, "for": 0.75}
)
"""Guard to serialize; the interpreters before 3.13 leave less to gain."""

BOUND_OF_MAKING = 5.0
BOUND_OF_MEMORY = 2.3


def calls(effort: Effort) -> tuple[Table, list[Reach]]:
    """The time of a call that meets nobody."""
    echoes = peers.echoes()
    statements = {
        "send": ("peer.send(1)", 1),
        "next": ("next(peer)", 1),
        "for": (f"for _ in islice(peer, {effort.calls}): pass", effort.calls),
    }
    times: dict[str, dict[str, float]] = {}
    for operation, (statement, calls_each) in statements.items():
        timers = {
            name: Timer(statement, globals={"peer": peer, "islice": itertools.islice})
            for name, peer in echoes.items()
        }
        times[operation] = fastest(timers, effort, calls_each)

    table = Table(
        "A call by one thread: ns, and ratio to serialize",
        ["", *itertools.chain.from_iterable((f"{operation}, ns", "ratio") for operation in times)],
    )
    for name in echoes:
        cells = (
            (f"{by_peer[name]:.0f}", f"{by_peer[name] / by_peer[peers.SERIALIZE]:.2f}x")
            for by_peer in times.values()
        )
        table.add(name, *itertools.chain.from_iterable(cells))
    reaches = [
        at_most(f"{operation} / serialize", _ratio(by_peer), BOUNDS_OF_CALLS[operation])
        for operation, by_peer in times.items()
    ]
    return table, reaches


def making(effort: Effort) -> tuple[Table, list[Reach]]:
    """The time and the memory of one more guarded generator."""
    timers = {
        name: Timer(
            "body()" if recipe.wrapper is None else "wrapper(body())",
            # timeit turns the collector off; what makes work for it shall pay for it.
            setup="gc.enable()",
            globals={"body": recipe.body, "wrapper": recipe.wrapper, "gc": gc},
        )
        for name, recipe in peers.RECIPES.items()
    }
    times = fastest(timers, effort)
    sizes = {name: _bytes_each(recipe, effort.objects) for name, recipe in peers.RECIPES.items()}

    table = Table(
        "Making one, generator included: ns and bytes, and ratio to serialize",
        ["", "making, ns", "ratio", "memory, bytes", "ratio"],
    )
    for name in timers:
        table.add(
            name,
            f"{times[name]:.0f}",
            f"{times[name] / times[peers.SERIALIZE]:.2f}x",
            f"{sizes[name]:.0f}",
            f"{sizes[name] / sizes[peers.SERIALIZE]:.2f}x",
        )
    return table, [
        at_most("making / serialize", _ratio(times), BOUND_OF_MAKING),
        at_most("memory / serialize", _ratio(sizes), BOUND_OF_MEMORY),
    ]


def running_mean(effort: Effort) -> tuple[Table, list[Reach]]:
    """Whether a coroutine beats an object, bare and shared: one computation, four ways."""
    timers = {
        name: Timer("mean.send(1)", globals={"mean": mean})
        for name, mean in peers.running_means().items()
    }
    times = fastest(timers, effort)

    table = Table(
        "A running mean takes a value: ns, and ratio to the object with a method",
        ["", "send, ns", "ratio"],
    )
    for name, nanoseconds in times.items():
        table.add(name, f"{nanoseconds:.0f}", f"{nanoseconds / times[peers.OBJECT]:.2f}x")
    ratio = times[peers.GUARDED_COROUTINE] / times[peers.LOCKED_OBJECT]
    return table, [at_most("guarded coroutine / object with a lock", ratio, 1.0)]


def fastest(timers: Mapping[str, Timer], effort: Effort, calls_each: int = 1) -> dict[str, float]:
    """Nanoseconds of a call to each peer, the least of rounds in which the peers take turns.

    Other processes only ever add time, so that the least is the nearest to the cost itself.
    """
    times = dict.fromkeys(timers, float("inf"))
    runs = max(1, effort.calls // calls_each)
    for _ in range(effort.rounds):
        for name, timer in timers.items():
            times[name] = min(times[name], timer.timeit(runs) / (runs * calls_each) * 1e9)
    return times


def _bytes_each(recipe: peers.Recipe, count: int) -> float:
    made: list[object] = [None] * count
    gc.collect()
    tracemalloc.start()
    try:
        for index in range(count):
            body = recipe.body()
            made[index] = body if recipe.wrapper is None else recipe.wrapper(body)
        return tracemalloc.get_traced_memory()[0] / count
    finally:
        tracemalloc.stop()


def _ratio(figures: Mapping[str, float]) -> float:
    return figures[peers.GUARD] / figures[peers.SERIALIZE]
