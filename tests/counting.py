"""Counts what passes through guards: a test that passes does not prove that one was in the way."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import patch

from genlock import _guard
from genlock._flag_gate import FlagGate

if TYPE_CHECKING:
    from collections.abc import Iterator


class Served:
    """How many calls the guards have served."""

    calls = 0


def count_calls(served: Served) -> type[FlagGate]:
    """A gate that adds every call to `served`.

    The call takes the same frames as without: a gate looks up `resume` for each send and next,
    and a guard looks up `enter` for each other operation, before either is called.
    """
    slot: Any = FlagGate.__dict__["resume"]

    def look_up_resume(gate: FlagGate) -> object:
        served.calls += 1  # whole: threads take turns at calls and jumps only
        return slot.__get__(gate)

    def look_up_enter(gate: FlagGate) -> object:
        served.calls += 1
        return FlagGate.enter.__get__(gate)

    members = {
        "__slots__": (),
        "resume": property(look_up_resume, slot.__set__),
        "enter": property(look_up_enter),
    }
    return cast("type[FlagGate]", type("CountingGate", (FlagGate,), members))


@contextmanager
def counted() -> Iterator[Served]:
    """Count the calls to the guards that are made in the block."""
    served = Served()
    with patch.object(_guard, "FlagGate", count_calls(served)):
        yield served
