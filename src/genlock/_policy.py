"""What a guard does when it is busy: the options, their checks, and the default."""

from __future__ import annotations

import math
import reprlib
import sys
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Literal, TypedDict, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    from genlock._records import Operation

_OnBusy = Literal["wait", "raise"]
_OnReentry = Literal["raise", "defer"]
_OnClose = Literal["wait", "raise", "defer"]


class OtherOptions(TypedDict, total=False):
    """The keywords of `Policy` but `on_reentry`, on which the type of a guard depends."""

    on_busy: _OnBusy
    on_close: _OnClose
    timeout: float | None
    warn_after: float | None


class PolicyOptions(OtherOptions, total=False):
    """The keywords of `Policy`, as `guard`, `guarded`, `coroutine` and `configure` take them."""

    on_reentry: _OnReentry


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a guard does with a call that finds the generator running.

    Args:
        on_busy: another thread is inside, for next, send and throw: "wait" for the turn, or
            "raise" ContendedCallError.
        on_reentry: the call came back to its own generator: "raise" ReentrantCallError, or
            "defer" what send, throw and close bring to the next yield. (A next has nothing to
            deliver, and always raises.)
        on_close: for close, whoever is inside: "wait", "raise", or "defer" it to the next yield
            and return at once.
        timeout: the longest wait in seconds, then GuardTimeoutError; None waits as long as it
            takes, 0 tries once. A "raise" above ignores it.
        warn_after: a wait this long, in seconds, is logged once as a warning by the logger
            "genlock"; None never warns.

    Raises:
        TypeError: a number of seconds that is no number.
        ValueError: an unknown word; a negative number of seconds, or NaN.

    Immutable, so one policy serves any number of guards and threads.
    """

    on_busy: _OnBusy = "wait"
    on_reentry: _OnReentry = "raise"
    on_close: _OnClose = "wait"
    timeout: float | None = None
    warn_after: float | None = 5.0
    can_defer: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_word("on_busy", self.on_busy, get_args(_OnBusy))
        _check_word("on_reentry", self.on_reentry, get_args(_OnReentry))
        _check_word("on_close", self.on_close, get_args(_OnClose))
        for option in ("timeout", "warn_after"):
            check_seconds(option, getattr(self, option))
        # Asked whenever a guard is made.
        object.__setattr__(self, "can_defer", "defer" in (self.on_reentry, self.on_close))

    def waits(self, operation: Operation) -> bool:
        """Whether `operation` waits when another thread is inside."""
        return self._when_busy(operation) == "wait"

    def refuses(self, operation: Operation) -> bool:
        """Whether `operation` raises when another thread is inside."""
        return self._when_busy(operation) == "raise"

    def _when_busy(self, operation: Operation) -> str:
        return self.on_close if operation == "close" else self.on_busy

    def defers(self, operation: Operation) -> bool:
        """Whether `operation` is deferred when it comes back to its own generator."""
        if operation == "close":
            return "defer" in (self.on_close, self.on_reentry)
        return self.on_reentry == "defer" and operation in ("send", "throw")


def _check_word(option: str, word: object, words: tuple[str, ...]) -> None:
    if word not in words:
        raise ValueError(f"{option} must be {' or '.join(map(repr, words))}, not {word!r}")


def check_seconds(option: str, seconds: object) -> None:
    """Raise TypeError or ValueError, unless this can be a time to wait."""
    if seconds is None:
        return
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"{option} must be a number of seconds or None, not {seconds!r}")
    if not 0 <= seconds <= sys.float_info.max and seconds != math.inf:
        raise ValueError(f"{option} must be 0 or more seconds, not {reprlib.repr(seconds)}")


def check_name(name: object) -> None:
    """Raise TypeError or ValueError, unless this can be what messages call a guard."""
    if name is not None and not isinstance(name, str):
        raise TypeError(f"name must be a string or None, not {reprlib.repr(name)}")
    if name == "":
        raise ValueError("name must not be empty: messages call the guard by it")


def check_prime(prime: object) -> None:
    """Raise TypeError, unless this says whether to prime: any other object would count as true."""
    if not isinstance(prime, bool):
        raise TypeError(f"prime must be True or False, not {reprlib.repr(prime)}")


_default = Policy()


def configure(policy: Policy | None = None, /, **options: Unpack[PolicyOptions]) -> Policy:
    """Make a policy the default of all guards made from now on; existing ones keep theirs.

    Takes a policy, or options, or both (options override the policy's; without a policy they
    change the default that is in force). Returns the default that was in force before, so that
    `configure(before)` restores it.

    Raises TypeError or ValueError, and changes nothing, for a bad option. Can be called in any
    thread; of calls that overlap, the last one counts.
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
    valid = [option.name for option in fields(Policy) if option.init]
    for option in options:
        if option not in valid:
            raise TypeError(
                f"unknown option {option!r}; the options are {', '.join(valid)}"
                " (besides policy, name and prime)"
            )
    return replace(policy, **options)  # type: ignore[arg-type]  # Policy checks each of them


class Choice:
    """A policy and options that override it, resolved again only when the default has changed."""

    __slots__ = ("_default", "_options", "_policy", "_resolved")

    def __init__(self, policy: Policy | None, options: Mapping[str, object]) -> None:
        self._policy, self._options = policy, options
        self._default, self._resolved = _default, resolve(policy, options)

    def policy(self) -> Policy:
        """The policy to use now."""
        if self._default is not _default:
            self._default, self._resolved = _default, resolve(self._policy, self._options)
        return self._resolved
