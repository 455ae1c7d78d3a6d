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


_threads: dict[int, weakref.ref[Thread]] = {}
"""By identifier, which a new thread may have from one that has ended."""


class _Own(threading.local):
    def __init__(self) -> None:
        self.thread = Thread()
        self.me = weakref.ref(self.thread)
        _threads[self.thread.ident] = self.me


own = _Own()
"""The calling thread: `me` is dead when it has ended."""


def living() -> list[Thread]:
    """The threads that have used a guard of which another thread was inside, or exclusively."""
    return [thread for me in list(_threads.values()) if (thread := me()) is not None]
