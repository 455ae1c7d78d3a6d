"""The ring buffer of a recording: the last events, and how many there have been."""

from __future__ import annotations

import _thread
import itertools
import operator
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from genlock._interpreter import _frames
from genlock._traces import _clock
from genlock._traces._events import Event, TracedGuard, TracedThread

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from genlock._records import Site

Place = tuple["CodeType", int]
"""A line of some code: what becomes a site when somebody asks."""

_LOOKS = 20

_serial = itertools.count(1).__next__


class Raw(NamedTuple):
    """A call to `send` as the fast path leaves it: plain, and read when somebody asks.

    Made as a tuple; the names are for who reads it. Holds no frame, no generator and no value.
    """

    guard: TracedGuard
    track: Track
    begin: float
    end: float
    code: CodeType | None
    offset: int
    is_next: bool = False


class Track:
    """One thread's part in a log: who it is, and how many events it has added.

    Each thread counts its own, so that no lock is needed for the sum to be exact. `clock` counts:
    it is read once for each event that is appended. A counter beside it would take 10 ns more.
    """

    __slots__ = ("_unread", "append", "clock", "thread")

    def __init__(self, append: Callable[[Any], None]) -> None:
        self.thread = own.thread
        self.append = append
        self._unread = itertools.repeat(_clock.ARGUMENTS, sys.maxsize)
        self.clock = itertools.starmap(_clock.read, self._unread)

    def add(self, facts: tuple[Any, ...]) -> None:
        next(self.clock)
        self.append(facts)

    def seen(self) -> int:
        """How many events the thread has added, or is about to."""
        return sys.maxsize - operator.length_hint(self._unread)


class _Own(threading.local):
    """The calling thread as events tell of it, under the name that it had at first.

    And whether it is just telling a subscriber, or putting a value into words.
    """

    def __init__(self) -> None:
        ident = _thread.get_ident()
        self.thread = TracedThread(_serial(), _frames.thread_name(ident), ident)
        self.is_telling = False
        self.is_wording = False


own = _Own()


class Log:
    """The last `size` events of what was recorded from its making on.

    Any thread may add events at any time, without a lock. `values` makes the text of a value
    that is kept; None keeps no values.
    """

    def __init__(self, size: int, values: Callable[[Any], str] | None) -> None:
        self.values = values
        self._ring: deque[tuple[Any, ...]] = deque(maxlen=size)
        self._tracks: list[Track] = []
        # A class of its own would take 8 ns more for each call that is recorded.
        self.own = threading.local()
        """The calling thread's track is its `track`, from the first event on."""

    def take(self, facts: tuple[Any, ...]) -> None:
        """Add what becomes an event of the calling thread; see `event_of`."""
        try:
            track: Track = self.own.track
        except AttributeError:
            track = self.begin_track()
        track.add(facts)

    def begin_track(self) -> Track:
        """The calling thread's track, which it does not have yet."""
        track = self.own.track = Track(self._ring.append)
        self._tracks.append(track)
        return track

    def seen(self) -> int:
        """How many events were added: exact when no thread is just adding one."""
        return sum(track.seen() for track in list(self._tracks))

    def events(self) -> list[Event]:
        """The events that are still there, in the order in which they were added."""
        sites: dict[object, Site] = {}
        return [
            event_of(item) if len(item) > len(Raw._fields) else _read(Raw(*item), sites)
            for item in self._now_in_ring()
        ]

    def _now_in_ring(self) -> list[tuple[Any, ...]]:
        for _ in range(_LOOKS):
            try:
                return list(self._ring.copy())
            except RuntimeError:  # where threads run at once: one has just added an event
                continue
        # They add all the time. What they push out meanwhile counts as dropped.
        return [self._ring[place] for place in range(len(self._ring))]


def event_of(facts: tuple[Any, ...]) -> Event:
    """The event of its fields in their order, but with a place instead of the site."""
    *before, place, sent, got = facts
    site = None if place is None else _frames.line_of(*place)
    made = dict(zip(Event.__slots__, (*before, site, sent, got), strict=True))
    return Event(**made)


def _read(raw: Raw, sites: dict[object, Site]) -> Event:
    site = None
    if raw.code is not None:
        place = id(raw.code), raw.offset
        site = sites.get(place)
        if site is None:
            site = sites[place] = _frames.instruction_of(raw.code, raw.offset)
    return Event(
        raw.guard,
        raw.track.thread,
        "next" if raw.is_next else "send",
        _clock.in_ns(raw.begin),
        _clock.in_ns(raw.end),
        site=site,
    )
