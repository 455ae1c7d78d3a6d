"""What keeps a running mean fastest: a coroutine or an object, and what does safety cost each?

The four are timed side by side in one run, in turn, round by round, so that whatever slows the
machine down for a while slows all of them down.
"""

import argparse
from collections.abc import Generator
from statistics import median
from threading import Lock
from timeit import Timer

import genlock


def running_mean() -> Generator[float, float, None]:
    """Yield the mean of the values so far."""
    total = 0.0
    count = 0
    mean = 0.0
    while True:
        value = yield mean
        total += value
        count += 1
        mean = total / count


class RunningMean:
    """The same as an object: what the coroutine has in local variables is in attributes."""

    def __init__(self) -> None:
        """Start without a value."""
        self.total = 0.0
        self.count = 0

    def send(self, value: float) -> float:
        """Return the mean of the values so far."""
        self.total += value
        self.count += 1
        return self.total / self.count


class LockedRunningMean(RunningMean):
    """The object, made safe to share between threads by hand."""

    def __init__(self) -> None:
        """Start without a value."""
        super().__init__()
        self.lock = Lock()

    def send(self, value: float) -> float:
        """Return the mean of the values so far."""
        with self.lock:
            self.total += value
            self.count += 1
            return self.total / self.count


def measure(rounds: int, values: int) -> dict[str, list[float]]:
    """Return the nanoseconds per value of each contestant, one figure a round."""
    bare = running_mean()
    next(bare)
    contestants = {
        "object with a method": RunningMean(),
        "coroutine": bare,
        "object with a lock": LockedRunningMean(),
        "guarded coroutine": genlock.coroutine(running_mean)(),
    }
    # Each timer compiles a loop of its own: in a shared one the interpreter could not specialise
    # the call for what it meets there.
    timers = {
        name: Timer("mean.send(1.0)", globals={"mean": mean}) for name, mean in contestants.items()
    }
    figures: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, timer in timers.items():
            figures[name].append(timer.timeit(values) / values * 1e9)
    return figures


def compare(figures: dict[str, list[float]], name: str, other: str) -> str:
    """Say in a sentence how ``name`` did against ``other``, by their best rounds."""
    ratio = min(figures[name]) / min(figures[other])
    word = "less" if ratio < 1 else "more"
    return f"The {name} takes {abs(1 - ratio):.0%} {word} time than the {other}."


def main() -> None:
    """Time the four and print a table."""
    parser = argparse.ArgumentParser(description="Time a running mean kept in four ways.")
    parser.add_argument("--rounds", type=int, default=50, help="how often each has its turn")
    parser.add_argument("--values", type=int, default=20_000, help="how many values in a turn")
    options = parser.parse_args()

    figures = measure(options.rounds, options.values)
    yardstick = min(figures["object with a method"])
    print(f"{'ns per value':<22}{'min':>8}{'median':>8}{'ratio':>8}")
    for name, times in figures.items():
        best = min(times)
        print(f"{name:<22}{best:>8.1f}{median(times):>8.1f}{best / yardstick:>8.2f}")
    print(compare(figures, "coroutine", "object with a method"))
    print(compare(figures, "guarded coroutine", "object with a lock"))


if __name__ == "__main__":
    main()
