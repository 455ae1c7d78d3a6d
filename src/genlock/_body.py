"""What stands behind a gate: a generator, or any iterator, as its owner runs it.

Tells what the body raised from what the generator says of itself, remembers what ended it, and
polls while somebody runs it behind the guard's back.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from genlock import _diagnoses, _evidence
from genlock._records import Ending
from genlock._waits import Patience

if TYPE_CHECKING:
    import weakref
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from genlock._events import TracedGuard
    from genlock._policy import Policy
    from genlock._records import Operation

_log = logging.getLogger("genlock")
_own = threading.local()

_ALREADY_EXECUTING = "generator already executing"
_NOT_STARTED = "can't send non-None value to a just-started generator"
_LONGEST_NAME = 80  # characters: more would break up the messages
_SHORTEST_POLL = 1e-5  # seconds: what a short body takes
_LONGEST_POLL = 5e-3  # seconds: what the interpreter lets a thread run before it switches


class Body:
    """Runs `guarded`; whoever calls its methods owns the gate, or is about to ask for it."""

    __slots__ = ("ending", "guarded", "label", "policy", "resume", "traced")

    guarded: Any
    traced: TracedGuard
    """What events call it. Set when the first one is recorded, so that making a guard costs no
    more."""

    if TYPE_CHECKING:  # every body is that of a gate
        keeper: weakref.ref[_evidence.Keep] | None

        def end_keep(self, keep: weakref.ref[_evidence.Keep]) -> None: ...
        def holder(self) -> AbstractContextManager[_evidence.Presence | None]: ...

    def __init__(
        self, guarded: object, resume: Callable[[Any], Any], policy: Policy, label: str | None
    ) -> None:
        self.resume = resume
        self.guarded = guarded
        self.policy = policy
        self.label = label
        self.ending: Ending | type[BaseException] | None = None

    @property
    def name(self) -> str:
        """What messages call the guard."""
        name = self.label
        if name is None:
            name = str(getattr(self.guarded, "__qualname__", None) or type(self.guarded).__name__)
            name = name.rpartition("<locals>.")[2]
        return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"

    def run(self, operation: Operation, call: Callable[..., Any], *args: Any) -> Any:
        try:
            result = call(*args)
        except BaseException as error:
            try:
                is_bare_use = self.is_bare_use(error, *args)
            except RecursionError:
                is_bare_use = False
                if getattr(self.guarded, "gi_frame", self) is None:
                    self.ending = self.ending or error.__class__
            if not is_bare_use:
                raise
        else:
            if operation == "close" and self.ending is None and self.has_ended():
                self.ending = _diagnoses.closed(sys._getframe())
            return result
        return self.poll_until_free(operation, call, *args)

    def is_bare_use(self, error: BaseException, *given: Any) -> bool:
        """Whether somebody runs the bare generator; if not, what is to be said of `error` is.

        Raises RecursionError where the stack has no room to look. The error of the user then has
        to stand as it is.
        """
        if self.is_shut_out(error, *given):
            return True
        self.note_ending(error, *given)
        return False

    def is_shut_out(self, error: BaseException, *thrown: Any) -> bool:
        """Whether `error` says that somebody runs the bare generator, behind the guard's back."""
        return (
            type(error) is ValueError
            and _says(error, _ALREADY_EXECUTING)
            and self.is_refusal(error)
            and not any(error is exception for exception in thrown)
        )

    def is_refusal(self, error: BaseException) -> bool:
        """Whether `error` came of asking the generator, not out of its body.

        Then no frame is below that of the call. Of other iterators nothing of the kind is known.
        """
        traceback = error.__traceback__
        is_from_the_call = traceback is None or traceback.tb_next is None
        return is_from_the_call and hasattr(self.guarded, "gi_frame")

    def is_not_primed(self, error: BaseException) -> bool:
        """Whether `error` says that the generator has not reached its first yield."""
        return type(error) is TypeError and _says(error, _NOT_STARTED) and self.is_refusal(error)

    def has_ended(self) -> bool:
        return getattr(self.guarded, "gi_frame", self) is None

    def poll_until_free(self, operation: Operation, call: Callable[..., Any], *args: Any) -> Any:
        """Try again until the bare generator is free. Nobody will say when, so poll."""
        if _evidence.own_stack(sys._getframe(), self.guarded).passes_through:
            raise _diagnoses.reentrant(self, operation, sys._getframe()) from None
        if self.policy.refuses(operation):
            raise _diagnoses.contended(self, operation, sys._getframe()) from None
        patience = Patience(self.policy.timeout, self.policy.warn_after)
        pause = _SHORTEST_POLL
        while True:
            self.check(operation, patience)
            time.sleep(patience.pause(pause))
            pause = min(pause * 2, _LONGEST_POLL)
            try:
                return call(*args)
            except BaseException as error:
                if not self.is_bare_use(error, *args):
                    raise

    def note_ending(self, error: BaseException, *given: Any) -> None:
        """Remember what ended the generator; say so to who comes later, or comes too early."""
        if self.is_not_primed(error):
            raise _diagnoses.not_primed(self, sys._getframe()) from None
        if not self.has_ended():
            return
        if self.ending is None:
            self.ending = _diagnoses.ended(error)
            return
        if isinstance(self.ending, type):  # there was no room on the stack to say more
            self.ending = Ending("raised", error=self.ending.__name__)
        if isinstance(error, StopIteration) and (
            self.ending.how != "returned" or any(value is not None for value in given)
        ):
            # A loop that meets the end of a generator has lost nothing, and needs no note.
            _diagnoses.tell_ending(self, error, self.ending)

    def check(self, operation: Operation, patience: Patience) -> None:
        """Raise GuardTimeoutError when the wait has been long enough; warn when it gets long."""
        if patience.is_over():
            waited = patience.waited()
            raise _diagnoses.timed_out(self, operation, sys._getframe(), waited) from None
        if patience.wants_warning() and not getattr(_own, "is_warning", False):
            _own.is_warning = True  # a log handler that waits, too, is not to warn of that
            try:
                text = _diagnoses.long_wait(self, operation, sys._getframe(), patience)
                _log.warning("%s", text)
            except Exception:  # a broken logging set-up must not cost the user the value
                pass
            finally:
                _own.is_warning = False


def _says(error: BaseException, text: str) -> bool:
    """Whether `error` has this text, and nothing whose comparison could be of the user's making."""
    return len(error.args) == 1 and type(error.args[0]) is str and error.args[0] == text
