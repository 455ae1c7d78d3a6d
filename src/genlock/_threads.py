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
        """What this thread keeps for itself."""


class _Own(threading.local):
    def __init__(self) -> None:
        self.thread = Mark()
        self.me = weakref.ref(self.thread)


own = _Own()
"""The calling thread: `me` is dead when it has ended."""
