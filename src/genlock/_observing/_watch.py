"""A watch: a thread that says which waits for guards, and which calls inside, last too long.

It looks now and then, and costs those whom it looks at nothing. That a call is the same as at
the look before, it sees by a mark on the call's own frame, which goes when the call does.
"""

from __future__ import annotations

import atexit
import itertools
import logging
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any, cast

from genlock._gates import live_gates
from genlock._interpreter import _stacks, _threads
from genlock._logged import for_handlers
from genlock._observing import _live_wording
from genlock._observing._look import Look, looked
from genlock._policy import check_seconds
from genlock._records import LongStay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    from genlock import _evidence
    from genlock._gate import Gate

_log = logging.getLogger("genlock")
_LONGEST_GOODBYE = 1.0  # seconds
_serial = itertools.count(1).__next__


class _Mark:
    """Since when a call has been seen inside.

    Kept in the frame's `f_trace`, the one place of a frame that others can write to. Where a
    tracer runs, it is called as the frame's own tracer, and hands on to the one that was there.
    """

    __slots__ = ("_tracer", "since", "told")

    def __init__(self, since: float, tracer: Callable[..., Any] | None = None) -> None:
        self.since = since
        self._tracer = tracer
        self.told: set[int] = set()
        """The watches that have told of it, by number: an address may come again."""

    def __call__(self, *event: object) -> _Mark:
        if self._tracer is not None:
            self._tracer = self._tracer(*event)
        return self


class Watch:
    """What `watch` has started; `stop()`, or the end of a `with` block, ends it."""

    def __init__(
        self, interval: float, longest: float, callback: Callable[[LongStay], object] | None
    ) -> None:
        self._interval = interval
        self._longest = longest
        self._callback = callback
        self._number = _serial()
        self._pid = os.getpid()
        self._stopped = threading.Event()
        self._told: set[tuple[int, float]] = set()
        self._keeps: weakref.WeakKeyDictionary[_evidence.Keep, _Mark]
        self._keeps = weakref.WeakKeyDictionary()
        self._thread = threading.Thread(target=self._run, name="genlock-watch", daemon=True)
        self._thread.start()
        atexit.register(self.stop)

    def stop(self) -> None:
        """End the watch, and return when it has ended: at once, unless the callback is running.

        Nothing if it has ended. In a forked child there is no watch to stop, only in the parent.
        """
        atexit.unregister(self.stop)
        if self._pid != os.getpid():
            return  # whoever held the lock of the event at the fork holds it for ever here
        self._stopped.set()
        if self._thread is not threading.current_thread():
            self._thread.join(_LONGEST_GOODBYE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        while not self._stopped.wait(self._interval):
            try:
                stays = self._look()
            except Exception:  # one look that failed; the next one may not
                _log.debug("a look of genlock.watch() failed", exc_info=True)
                continue
            for stay in stays:
                self._tell(stay)

    def _tell(self, stay: LongStay) -> None:
        try:
            _log.warning("%s", for_handlers(_live_wording.long_stay(stay), _log))
            if self._callback is not None:
                self._callback(stay)
        except BaseException:  # of the user's making: a handler of the logger's, or the callback
            try:
                _log.exception("the callback of genlock.watch() failed")
            except BaseException:
                pass

    def _look(self) -> list[LongStay]:
        gates = live_gates() if _stacks.RUN_AT_ONCE else []
        return looked(gates, self._stays)

    def _stays(self, look: Look) -> list[LongStay]:
        """What lasts too long, and was not told yet."""
        stays = []
        for ident, gate, mark in self._holds(look):
            seconds = look.now - mark.since
            if seconds >= self._longest and self._number not in mark.told:
                mark.told.add(self._number)
                state = look.state(gate)
                name = look.names[ident]
                stays.append(LongStay("hold", name, ident, seconds, state))
        waiting = {(ticket.ident, ticket.began): ticket for ticket in look.tickets}
        self._told &= waiting.keys()
        for key, ticket in waiting.items():
            waited = look.now - ticket.began
            if waited >= self._longest and key not in self._told:
                self._told.add(key)
                state = look.state(cast("Gate", ticket.wanted))
                name = look.names[ticket.ident]
                stays.append(LongStay("wait", name, ticket.ident, waited, state))
        return stays

    def _holds(self, look: Look) -> Iterator[tuple[int, Gate, _Mark]]:
        """The calls that are inside, and exclusive use: thread, gate, and the mark of each."""
        for ident, gate, frame in look.owners.values():
            mark = frame.f_trace
            if not isinstance(mark, _Mark):
                mark = frame.f_trace = _Mark(look.now, mark)
            yield ident, gate, mark
        for thread in _threads.living():
            for keep in [me() for me in list(thread.keeps)]:
                if keep is not None and keep.is_in_force():
                    mark = self._keeps.setdefault(keep, _Mark(look.now))
                    yield thread.ident, keep.gate, mark


def watch(
    interval: float = 1.0,
    *,
    longest: float = 10.0,
    callback: Callable[[LongStay], object] | None = None,
) -> Watch:
    """Log each wait for a guard, and each call inside of one, that lasts too long, once.

    A thread looks every `interval` seconds. What has lasted for `longest` is logged as a warning by
    the logger "genlock", with who is inside, at which line, and who waits. How long a call has been
    inside counts from the look that saw it first. The program's own calls pay nothing; tracers go
    on as they were.

    (Waits are also logged by the waiting thread itself, after the `warn_after` of their policy.)

    Args:
        interval: seconds between two looks.
        longest: seconds that a wait, or a call inside, or exclusive use, may last.
        callback: called with a `LongStay`, in the thread of the watch, after it was logged. What
            it raises is logged.

    Returns:
        What to `stop()` when it is to end. It ends by itself when the program does.

    Raises:
        TypeError: a time that is no number of seconds, or a callback that cannot be called.
        ValueError: a time that is not possible: `interval` has to be more than 0.

    Can be called in any thread. A forked child is not watched, unless it calls this itself.
    """
    for option, seconds in (("interval", interval), ("longest", longest)):
        if seconds is None:
            raise TypeError(f"{option} must be a number of seconds, not None")
        check_seconds(option, seconds)
    if not 0 < interval <= threading.TIMEOUT_MAX:
        raise ValueError(f"interval must be more than 0 seconds, not {interval!r}")
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be a function that takes a LongStay, not {callback!r}")
    return Watch(interval, longest, callback)
