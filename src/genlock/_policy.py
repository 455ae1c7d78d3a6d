"""What a guard does when it is busy: the options, their checks, and the default."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Literal, TypedDict, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    from genlock._records import Operation

_WaitOrRaise = Literal["wait", "raise"]


class PolicyOptions(TypedDict, total=False):
    """The keywords of `Policy`, as `guard`, `guarded`, `coroutine` and `configure` take them."""

    on_busy: _WaitOrRaise
    on_close: _WaitOrRaise
    timeout: float | None
    warn_after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a guard does with a call that finds another thread inside.

    Args:
        on_busy: "wait" for the turn, or "raise" ContendedCallError, for next, send and throw.
        on_close: the same for close.
        timeout: the longest wait in seconds, then GuardTimeoutError; None waits as long as it
            takes, 0 tries once. A "raise" above ignores it.
        warn_after: a wait this long, in seconds, is logged once as a warning by the logger
            "genlock"; None never warns.

    Raises:
        TypeError: a number of seconds that is no number.
        ValueError: an unknown word; a negative number of seconds, or NaN.

    Immutable, so one policy serves any number of guards and threads.
    """

    on_busy: _WaitOrRaise = "wait"
    on_close: _WaitOrRaise = "wait"
    timeout: float | None = None
    warn_after: float | None = 5.0

    def __post_init__(self) -> None:
        for option in ("on_busy", "on_close"):
            _check_word(option, getattr(self, option))
        for option in ("timeout", "warn_after"):
            _check_seconds(option, getattr(self, option))

    def waits(self, operation: Operation) -> bool:
        """Whether `operation` waits when another thread is inside."""
        return (self.on_close if operation == "close" else self.on_busy) == "wait"


def _check_word(option: str, word: object) -> None:
    words = get_args(_WaitOrRaise)
    if word not in words:
        raise ValueError(f"{option} must be {' or '.join(map(repr, words))}, not {word!r}")


def _check_seconds(option: str, seconds: object) -> None:
    if seconds is None:
        return
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"{option} must be a number of seconds or None, not {seconds!r}")
    if math.isnan(seconds) or seconds < 0:
        raise ValueError(f"{option} must be 0 or more seconds, not {seconds!r}")


_default = Policy()


def configure(policy: Policy | None = None, /, **options: Unpack[PolicyOptions]) -> Policy:
    """Make a policy the default of all guards made from now on; existing ones keep theirs.

    Takes a policy, or options, or both (options override the policy's; without a policy they
    change the default that is in force). Returns the default that was in force before, so that
    `configure(before)` restores it.

    Raises TypeError or ValueError, and changes nothing, for a bad option. Safe in any thread.
    """
    global _default
    chosen = resolve(policy, options)
    before, _default = _default, chosen
    return before


def resolve(policy: Policy | None, options: Mapping[str, object]) -> Policy:
    """The policy to use: `policy`, or else the default in force, changed by `options`."""
    if policy is None:
        policy = _default
    elif not isinstance(policy, Policy):
        raise TypeError(f"policy must be a genlock.Policy, not {policy!r}")
    if not options:
        return policy
    valid = [field.name for field in fields(Policy)]
    for option in options:
        if option not in valid:
            raise TypeError(f"unknown option {option!r}; the options are {', '.join(valid)}")
    return replace(policy, **options)  # type: ignore[arg-type]  # Policy checks each of them
