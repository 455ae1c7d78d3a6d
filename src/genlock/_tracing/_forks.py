"""Locks that a fork cannot leave locked."""

from __future__ import annotations

import os
import threading
import weakref


class Renewed:
    """Its `lock` is a new one in a forked child: a thread that is not there may have held it."""

    __slots__ = ("__weakref__", "lock")

    def __init__(self) -> None:
        self.renew()
        _all.add(self)

    def renew(self) -> None:
        """Make it another lock, which nobody holds."""
        self.lock = threading.RLock()


_all: weakref.WeakSet[Renewed] = weakref.WeakSet()


def _renew_all() -> None:
    for each in _all:
        each.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
