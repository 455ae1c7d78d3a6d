"""The calling thread as something that can be told to have ended."""

from __future__ import annotations

import _thread
import threading
import weakref
from typing import Any


class Thread:
    """Lives as long as its thread; unlike the thread's identifier, it is never used again."""

    __slots__ = ("__weakref__", "ident", "keeps")

    def __init__(self) -> None:
        self.ident = _thread.get_ident()
        self.keeps: list[weakref.ref[Any]] = []
        """What this thread keeps for itself."""


own = threading.local()
"""`me` is a weak reference to the calling thread, once `own_thread` has been called."""


def own_thread() -> weakref.ref[Thread]:
    """The calling thread: dead when that has ended."""
    me: weakref.ref[Thread] | None = getattr(own, "me", None)
    if me is None:
        own.thread = Thread()
        me = own.me = weakref.ref(own.thread)
    return me
