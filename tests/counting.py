"""Counts what passes through guards: a test that passes does not prove that one was in the way."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import patch

import genlock
from genlock import _gates
from genlock._gate import Gate

if TYPE_CHECKING:
    from collections.abc import Iterator


class Served:
    """How many calls the guards have served, whichever threads run at once."""

    def __init__(self) -> None:
        self._marks: list[None] = []

    @property
    def calls(self) -> int:
        return len(self._marks)

    def add_one(self) -> None:
        self._marks.append(None)  # += would lose some where threads run at once


def count_calls(kind: type[Gate], served: Served) -> type[Gate]:
    """A gate that adds every call to `served`.

    The call takes the same frames as without: a gate looks up `resume` for each send and next,
    and a guard looks up `enter` for each other operation, before either is called.
    """
    slot: Any = Gate.__dict__["resume"]

    def look_up_resume(gate: Gate) -> object:
        served.add_one()
        return slot.__get__(gate)

    def look_up_enter(gate: Gate) -> object:
        served.add_one()
        return kind.enter.__get__(gate)

    members = {
        "__slots__": (),
        "resume": property(look_up_resume, slot.__set__),
        "enter": property(look_up_enter),
    }
    return cast("type[Gate]", type("CountingGate", (kind,), members))


@contextmanager
def counted() -> Iterator[Served]:
    """Count the calls to the guards that are made in the block."""
    served = Served()
    kind = type(genlock.guard(iter(()))._self_gate)
    with patch.object(_gates, "PlainGate", count_calls(kind, served)):
        yield served
