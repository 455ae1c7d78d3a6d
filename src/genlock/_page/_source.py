"""The lines of source that calls stand at, read where they are still what they were."""

from __future__ import annotations

import linecache
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genlock._events import Trace
    from genlock._records import Site

_LONGEST = 200


class Source:
    """Reads the files that were not changed after a trace was recorded: their lines are its own."""

    def __init__(self, trace: Trace) -> None:
        last = max((event.end for event in trace.events), default=0)
        self._until = last + trace.epoch if trace.epoch else 0
        self._is_readable: dict[str, bool] = {}

    def code_at(self, site: Site) -> str:
        """The code at a site, or nothing."""
        if site.code:
            return site.code
        readable = self._is_readable.get(site.file)
        if readable is None:
            readable = self._is_readable[site.file] = self._is_as_it_was(site.file)
        return linecache.getline(site.file, site.line).strip()[:_LONGEST] if readable else ""

    def _is_as_it_was(self, file: str) -> bool:
        try:
            return os.stat(file).st_mtime_ns <= self._until
        except (OSError, ValueError):  # no file, or no name that one could have
            return False
