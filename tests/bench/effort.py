"""How long the benchmarks take, and so how much their figures are worth."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """The size of a run."""

    rounds: int
    calls: int
    objects: int
    seconds: float
    starvation_seconds: float


FULL = Effort(rounds=9, calls=200_000, objects=10_000, seconds=0.5, starvation_seconds=10.0)

QUICK = Effort(rounds=1, calls=1_000, objects=200, seconds=0.02, starvation_seconds=0.1)
"""Shows that everything runs; its figures mean nothing."""
