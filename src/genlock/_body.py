"""What stands behind a gate: a generator, or any iterator.

Tells what its body raised from what the generator says of itself, and remembers what ended it.
"""

from __future__ import annotations

import sys
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from genlock import _diagnoses
from genlock._records import Ending
from genlock._text import NAME_WIDTH, cut

if TYPE_CHECKING:
    from genlock._traces._events import TracedGuard

_ALREADY_EXECUTING = "generator already executing"
_NOT_STARTED = "can't send non-None value to a just-started generator"


class Body:
    """What is known of `guarded`, whose guard messages call by `label`."""

    __slots__ = ("ending", "guarded", "label", "traced")

    guarded: Any
    traced: TracedGuard
    """What events call it. Set when the first one is recorded, so that making a guard costs no
    more."""

    def __init__(self, guarded: object, label: str | None) -> None:
        self.guarded = guarded
        self.label = label
        self.ending: Ending | type[BaseException] | None = None

    @property
    def name(self) -> str:
        """What messages call the guard."""
        name = self.label
        if name is None:
            name = _own_name(self.guarded).rpartition("<locals>.")[2]
        return cut(name, NAME_WIDTH)

    def account_for(self, error: BaseException, *given: Any) -> bool:
        """See what became of a call that raised `error`; whether it is to be tried again.

        That is so if somebody was running the bare generator, behind the guard's back. Raises
        RecursionError where the stack has no room to look: the user's error then stands as it is.
        """
        if self.is_shut_out(error, *given):
            return True
        self.note_ending(error, *given)
        return False

    def is_shut_out(self, error: BaseException, *thrown: Any) -> bool:
        """Whether `error` says that somebody runs the bare generator."""
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
        return is_from_the_call and _has_frame(self.guarded)

    def is_not_primed(self, error: BaseException) -> bool:
        """Whether `error` says that the generator has not reached its first yield."""
        return type(error) is TypeError and _says(error, _NOT_STARTED) and self.is_refusal(error)

    def has_ended(self) -> bool:
        return _has_frame(self.guarded) and self.guarded.gi_frame is None

    def note_close(self) -> None:
        """Remember who closed the generator, where that is what ended it."""
        if self.ending is None and self.has_ended():
            self.ending = _diagnoses.closed(sys._getframe())

    def note_ending(self, error: BaseException, *given: Any) -> None:
        """Remember what ended the generator; say so to who comes later, or comes too early."""
        if self.is_not_primed(error):
            error.__traceback__ = None  # it leads to the call only, and would keep that alive
            raise _diagnoses.not_primed(self, sys._getframe()) from None
        if not self.has_ended():
            return
        if self.ending is None:
            self.ending = _diagnoses.ended(error)
            return
        if isinstance(self.ending, type):  # there was no room on the stack to say more
            self.ending = Ending("raised", error=self.ending.__name__)
        if issubclass(type(error), StopIteration) and (
            self.ending.how != "returned" or any(value is not None for value in given)
        ):
            # A loop that meets the end of a generator has lost nothing, and needs no note.
            _diagnoses.tell_ending(self, error, self.ending)


def _has_frame(guarded: object) -> bool:
    """Whether it shows the frame of its body, as generators do."""
    # Asked of the type: an object may answer anything, or raise, for a name it does not have.
    return hasattr(type(guarded), "gi_frame")


def _own_name(guarded: object) -> str:
    if type(guarded) is GeneratorType:  # where nothing can go wrong, nothing is caught
        return guarded.__qualname__
    try:
        return str(getattr(guarded, "__qualname__", "") or type(guarded).__name__)
    except Exception:  # a __getattr__ that raises something of its own
        return type(guarded).__name__


def _says(error: BaseException, text: str) -> bool:
    """Whether `error` has this text, and nothing whose comparison could be of the user's making."""
    return len(error.args) == 1 and type(error.args[0]) is str and error.args[0] == text
