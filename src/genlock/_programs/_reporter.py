"""Tells the user of a running program what its errors were about, after their tracebacks."""

from __future__ import annotations

import _thread
import os
import sys
import threading
import time
from collections import deque
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from genlock._explaining._excepthook import leave_to_the_report
from genlock._explaining._explain import explain_in_thread
from genlock._explaining._protocol import recognise
from genlock._explaining._sighting import Known
from genlock._interpreter._chains import hanging_together
from genlock._interpreter._frames import is_interruption
from genlock._programs import _run_wording
from genlock._programs._lookout import Lookout, Seen

if TYPE_CHECKING:
    from collections.abc import Callable

    from genlock._explaining._explain import Explanation
    from genlock._records import Sighting
    from genlock._traces._events import Fate

_SETTLED_AFTER = 0.1
"""Seconds after which an error that no hook has got is taken for one that the program caught."""


class Reporter:
    """Tells of each error once: when it has ended the program or a thread, or was caught.

    Thread-safe. A failure of its own is told in one line, and harms nothing else.

    Args:
        write: writes a text, or facts in its place; must not raise.
        tells_caught: whether to tell of errors that the program catches, too.
        note_end: called with every error that somebody has printed and with its fate, before
            anything is told of it; must not raise.
    """

    def __init__(
        self,
        write: Callable[[str, dict[str, object]], None],
        *,
        tells_caught: bool,
        note_end: Callable[[BaseException | None, Fate], None] | None = None,
    ) -> None:
        self._write, self._tells_caught = write, tells_caught
        self._note_end = note_end
        self._lookout = Lookout(self._notice)
        self._unsettled: deque[tuple[float, Seen, Explanation]] = deque()
        self._is_teller_at_work = _thread.allocate_lock()
        self._explained: deque[Seen] = deque()
        self._hooked = threading.local()

    def start(self) -> None:
        """See errors from now on, those of threads and finalisers included."""
        sees_errors_raised = self._lookout.start()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)
        leave_to_the_report()
        self._chain(threading, "excepthook", self._tell_of_thread)
        self._chain(sys, "unraisablehook", self._tell_of_ignored)
        _see_threads_end(self._tell_of_ended_thread)
        if self._tells_caught and not sees_errors_raised:
            self._say("note", _run_wording.ONLY_LOGGED)
            _see_logged(self._tell_of_logged)

    def tell(self, error: BaseException | None, fate: Fate, about: object = None) -> None:
        """Tell what an error that somebody has printed was about, and those that it came from."""
        if self._note_end is not None:
            self._note_end(error, fate)
        try:
            for each in _errors_within(error):
                self._tell_one(each, fate, about, error)
        except BaseException as failure:
            self._own_failure(failure)

    def finish(self) -> None:
        """Tell what is still to be told when the program has ended, and see nothing more."""
        self._lookout.stop()
        while self._unsettled:
            self._tell_settled()
        explained, numbers = self._explained.copy(), self._lookout.numbers()
        for seen in explained:
            number = numbers.get(seen.place, 1)
            if self._tells_caught and number > 1:
                text = _run_wording.raised_often(seen.sighting, number)
                self._say("times", text, number=number, **_which(seen.sighting))
        told = {seen.place for seen in explained}
        untold = sum(number for place, number in numbers.items() if place not in told)
        if untold:
            text = _run_wording.caught_untold(untold, tells_caught=self._tells_caught)
            self._say("caught", text, number=untold)

    def say(self, text: str) -> None:
        """Tell of something that is no error of the program's."""
        self._say("note", text)

    def _forget(self) -> None:
        """Leave to the parent process what is the parent's to tell."""
        self._lookout.forget()
        self._unsettled.clear()
        self._is_teller_at_work = _thread.allocate_lock()
        self._explained.clear()

    # Errors -----------------------------------------------------------------------------------

    def _tell_one(
        self, error: BaseException, fate: Fate, about: object, within: BaseException | None
    ) -> None:
        seen = self._lookout.what_was_seen_of(error)
        if seen is not None and seen.is_told:
            if seen.sighting is not None:
                self._say("again", _run_wording.explained_above(seen.sighting))
            return
        sighting = None if seen is None else seen.sighting
        known = Known(about=about, within=within)
        explanation = explain_in_thread(error, known, sighting=sighting, under_run=True)
        if seen is not None:
            seen.sighting = explanation.sighting
            if not seen.is_to_be_told():
                return
            self._explained.append(seen)
        self._explain(explanation, fate)

    def _explain(self, explanation: Explanation, fate: Fate) -> None:
        facts = {"genlock": "error", "fate": fate, **asdict(explanation)}
        self._write(_run_wording.explained(explanation, fate), facts)

    def _say(self, kind: str, text: str, **facts: object) -> None:
        self._write(text, {"genlock": kind, **facts})

    def _own_failure(self, failure: BaseException) -> None:
        if is_interruption(failure):
            raise failure
        self._say("failure", _run_wording.own_failure(failure))

    # Hooks ------------------------------------------------------------------------------------

    def _chain(self, module: Any, name: str, then: Callable[[Any], None]) -> None:
        before = getattr(module, name)

        def hook(args: Any) -> None:
            try:
                before(args)
            finally:
                then(args)

        setattr(module, name, hook)

    def _tell_of_ignored(self, unraisable: Any) -> None:
        self.tell(unraisable.exc_value, "ignored", unraisable.object)

    def _tell_of_thread(self, args: Any) -> None:
        self._hooked.error = id(args.exc_value)
        self.tell(args.exc_value, "thread")

    def _tell_of_ended_thread(self, error: BaseException | None) -> None:
        """Tell of an error that came to a hook of the program's own, if that does not chain."""
        if getattr(self._hooked, "error", None) != id(error):
            self.tell(error, "thread")
        self._hooked.error = None

    # What the program catches -----------------------------------------------------------------

    def _tell_of_logged(self, error: BaseException) -> None:
        try:
            for each in _errors_within(error):
                seen = self._lookout.seen_late(each)
                if seen is not None and seen.number == 1:
                    self.tell(each, "caught")
        except BaseException as failure:
            self._own_failure(failure)

    def _notice(self, error: BaseException, seen: Seen) -> None:
        if self._tells_caught and seen.number == 1:
            explanation = explain_in_thread(error, sighting=seen.sighting, under_run=True)
            self._unsettled.append((time.monotonic() + _SETTLED_AFTER, seen, explanation))
            self._see_to_a_teller()

    def _see_to_a_teller(self) -> None:
        if self._is_teller_at_work.acquire(blocking=False):
            try:
                _thread.start_new_thread(self._tell_as_they_settle, ())
            except RuntimeError:  # no more threads: the end of the program will tell
                self._is_teller_at_work.release()

    def _tell_as_they_settle(self) -> None:
        try:
            while self._unsettled:
                due, *_ = self._unsettled[0]
                time.sleep(max(0.0, due - time.monotonic()))
                self._tell_settled()
        except IndexError:  # the program has ended, and all is told
            pass
        finally:
            self._is_teller_at_work.release()
        if self._unsettled:  # by one that still found this at work
            self._see_to_a_teller()

    def _tell_settled(self) -> None:
        """Tell of the first of those that nobody has told of yet."""
        try:
            _, seen, explanation = self._unsettled.popleft()
        except IndexError:  # another thread does
            return
        try:
            if seen.is_to_be_told():
                self._explained.append(seen)
                self._explain(explanation, "caught")
        except BaseException as failure:
            self._own_failure(failure)


def _which(sighting: Sighting | None) -> dict[str, object]:
    """The code of an error and the line of its call, as those who read the facts know it."""
    if sighting is None:
        return {"code": "", "site": None}
    return {"code": sighting.code, "site": asdict(sighting.call.site) if sighting.call else None}


def _errors_within(error: BaseException | None) -> list[BaseException]:
    """The interpreter's errors about generators among those that a traceback shows, oldest first.

    Those of the chain of causes, and of groups.
    """
    shown = hanging_together(error, as_printed=True)
    return [each for each in shown if recognise(each) is not None][::-1]


def _see_threads_end(tell: Callable[[BaseException | None], None]) -> None:
    """Have `tell` called when `threading.excepthook` was, whichever that is by then."""
    module: Any = threading
    make = getattr(module, "_make_invoke_excepthook", None)
    if make is None:  # as every version has it that this knows of
        return

    def make_and_tell() -> Callable[[threading.Thread], None]:
        invoke = make()

        def invoke_and_tell(thread: threading.Thread) -> None:
            error = sys.exc_info()[1]
            try:
                invoke(thread)
            finally:
                tell(error)

        return invoke_and_tell

    module._make_invoke_excepthook = make_and_tell  # noqa: SLF001


def _see_logged(tell: Callable[[BaseException], None]) -> None:
    """Have `tell` called with each error that is logged with its traceback."""
    import logging

    make = logging.getLogRecordFactory()

    def make_and_tell(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        exc_info: Any = record.exc_info
        error: Any = exc_info[1] if type(exc_info) is tuple and exc_info[1:] else None
        if issubclass(type(error), BaseException):
            tell(error)
        return record

    logging.setLogRecordFactory(make_and_tell)
