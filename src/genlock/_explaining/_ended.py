"""A StopIteration that nobody caught: whether it came out of a generator, and what to say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genlock import _wording
from genlock._explaining._expressions import named
from genlock._explaining._lookup import code_of
from genlock._interpreter import _frames
from genlock._records import Step, Strand

if TYPE_CHECKING:
    from types import TracebackType

_OF_GENERATORS = ("send", "throw")
"""What only generators, and what passes for one, are asked to do."""


def told_of_end(error: BaseException, thread: str) -> str:
    """In words, what an uncaught StopIteration of a thread means; empty if it is of no generator.

    It is of one if a guard raised it, or a call of which one can see that it went to a generator.
    """
    if type(error) is not StopIteration:
        return ""
    is_guards, call = False, None
    traceback: TracebackType | None = error.__traceback__
    while traceback is not None:
        is_guards = _frames.is_internal(traceback.tb_frame)
        call = call if is_guards else traceback
        traceback = traceback.tb_next
    if call is None:
        return ""
    what = named(call.tb_frame, call.tb_lasti, "generator")
    code = code_of(what.found)
    if code is None and not is_guards and what.operation not in _OF_GENERATORS:
        return ""
    name = what.expression if code is None else _frames.short_name(code)
    site = _frames.site_at(call.tb_frame, call.tb_lasti, call.tb_lineno)
    notes = [each for each in getattr(error, "__notes__", ()) if str(each).startswith("genlock: ")]
    return _wording.has_ended(name, Strand(thread, (Step(site.function, site),)), notes)
