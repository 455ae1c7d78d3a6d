"""Threads as something that can be told to have ended."""

from __future__ import annotations

import _thread
import threading
import weakref
from typing import Any


class Mark:
    """Lives as long as its thread; unlike the thread's identifier, it is never used again."""

    __slots__ = ("__weakref__", "ident", "keeps")

    def __init__(self) -> None:
        self.ident = _thread.get_ident()
        self.keeps: list[weakref.ref[Any]] = []
        """What this thread keeps for itself, or is about to, or has kept."""

    def kept(self, ident: int) -> tuple[Any, ...]:
        """What it keeps for itself at this moment, where it counts as `ident`."""
        alive = [keep for known in list(self.keeps) if (keep := known()) is not None]
        return tuple(keep for keep in alive if keep.ident == ident and keep.is_in_force())


_marks: dict[int, weakref.ref[Mark]] = {}
"""By identifier, which a new thread may have from one that has ended."""


class _Own(threading.local):
    thread: Mark
    me: weakref.ref[Mark]

    def __getattr__(self, name: str) -> Any:
        # Not in an __init__: in the midst of that, the collector may run a finaliser that comes
        # here, too, and finds half of it.
        mine = self.__dict__
        mark = mine.setdefault("thread", Mark())
        me = weakref.ref(mark)  # the same one each time
        # Known to all before it is to this thread: what is interrupted here, comes here again.
        _marks[mark.ident] = me
        mine["me"] = me
        return mine[name]

    def renew(self) -> None:
        """Count as another thread from now on, as if the one before had ended."""
        self.thread = Mark()
        self.me = _marks[self.thread.ident] = weakref.ref(self.thread)


own = _Own()
"""The calling thread: `me` is dead when it has ended."""


def own_name() -> str:
    """The name that the calling thread was given; empty if that cannot be had."""
    # Not current_thread(): that registers a thread of which threading does not know, or no longer.
    # Nor what a class of the user's makes of the name: nobody's code is to run here.
    thread = getattr(threading, "_active", {}).get(_thread.get_ident())
    given = {} if thread is None else object.__getattribute__(thread, "__dict__")
    name = given.get("_name")
    return name if type(name) is str else ""


def living() -> list[Mark]:
    """The threads that have used a guard of which another thread was inside, or exclusively."""
    return [thread for me in list(_marks.values()) if (thread := me()) is not None]
