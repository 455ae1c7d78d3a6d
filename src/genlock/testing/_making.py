"""Sees guards being made: by whom, and at which line."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from genlock import _guard
from genlock._gates import gate_for
from genlock._interpreter import _frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from genlock._gate import Gate
    from genlock._policy import Policy
    from genlock._records import Site


class Made(NamedTuple):
    """A guard that was made: what it guards, what it is called, and the line that made it."""

    guarded: Any
    name: str
    site: Site | None


_watchers: list[Callable[[Made], None]] = []
_changing = threading.Lock()


@contextmanager
def telling(watcher: Callable[[Made], None]) -> Iterator[None]:
    """Call `watcher` with every guard that any thread makes in the block."""
    with _changing:
        _watchers.append(watcher)
        _guard.make_gate = _make_seen_gate
    try:
        yield
    finally:
        with _changing:
            _watchers.remove(watcher)
            if not _watchers:
                _guard.make_gate = gate_for


def _make_seen_gate(
    guarded: object, resume: Callable[[Any], Any], policy: Policy, label: str | None
) -> Gate:
    gate = gate_for(guarded, resume, policy, label)
    maker = _frames.user_frame(sys._getframe())
    site = None if maker is None else _frames.line_of(maker.f_code, maker.f_lineno)
    for watcher in tuple(_watchers):
        watcher(Made(guarded, gate.name, site))
    return gate
