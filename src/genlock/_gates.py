"""Which kind of gate the guards have: decided once, at import, for all of them."""

from __future__ import annotations

import gc
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

from genlock import _wording
from genlock._deferral import Deferral, Deliveries

if TYPE_CHECKING:
    from collections.abc import Callable

    from genlock._gate import Gate
    from genlock._policy import Policy


def _read_switch() -> str:
    word = os.environ.get("GENLOCK", "").lower() or "on"
    if word not in ("on", "off", "lock"):
        warnings.warn(
            f"GENLOCK={word!r} is neither 'on', 'off' nor 'lock': genlock stays on", stacklevel=2
        )
    return word


def _flag_holds() -> bool:
    """Whether this interpreter is one on which the tests of the flag gate have been passed."""
    return (
        sys.implementation.name == "cpython"
        and sys.version_info < (3, 14)
        and "free-threading" not in sys.version  # sysconfig, which knows, takes longer to import
    )


_switch = _read_switch()
is_off = _switch == "off"
uses_lock = _switch == "lock" or not _flag_holds()

if TYPE_CHECKING:
    from genlock._gate import Gate as PlainGate

    def only_gate(fresh: Gate) -> Gate: ...
    def all_gates() -> list[Gate]: ...
elif uses_lock:
    from genlock._lock_gate import LockGate as PlainGate
    from genlock._lock_gate import all_gates, only_gate
else:
    from genlock._flag_gate import FlagGate as PlainGate


class DeferringGate(Deferral, PlainGate):
    """A gate for policies that defer."""

    __slots__ = ("deferred",)

    def __init__(
        self, guarded: object, resume: Callable[[Any], Any], policy: Policy, label: str | None
    ) -> None:
        super().__init__(guarded, resume, policy, label)
        self.deferred = Deliveries()


_frozen_at_first = 0 if uses_lock else gc.get_freeze_count()  # some versions freeze their own


def hides_gates() -> bool:
    """Whether `gc.freeze()` has taken away objects that `live_gates` would have to look through."""
    return not uses_lock and gc.get_freeze_count() > _frozen_at_first


def live_gates() -> list[Gate]:
    """The gates of all guards; flag gates as far as the collector knows them."""
    return all_gates() if uses_lock else _collected_gates()


def _collected_gates() -> list[Gate]:
    """The gates among the objects that the collector knows: flag gates are listed nowhere.

    An object refers to its type, so these are asked for. Not for all objects: a thread that is
    filling a tuple fails if somebody else has got hold of that (CPython issue 39117).
    """
    referrers: list[Any] = gc.get_referrers(PlainGate, DeferringGate)
    return [it for it in referrers if type(it) is PlainGate or type(it) is DeferringGate]


def unlisted_gate(guarded: object, policy: Policy) -> Gate:
    """A gate that nobody uses, for something that is not guarded."""
    return PlainGate(guarded, getattr(guarded, "send", None) or next, policy, None)


def kind_for(*, can_defer: bool) -> type[Gate]:
    """The kind of gate for policies that defer, or for the others."""
    return DeferringGate if can_defer else PlainGate


def gate_for(
    guarded: object, resume: Callable[[Any], Any], policy: Policy, label: str | None
) -> Gate:
    """A gate for `guarded`; raises ValueError if its only one has other options."""
    gate = kind_for(can_defer=policy.can_defer)(guarded, resume, policy, label)
    if uses_lock:
        gate = only_gate(gate)
        if gate.policy != policy or label not in (None, gate.label):
            raise ValueError(_wording.different_policy(gate.name))
    return gate
