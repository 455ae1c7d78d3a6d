"""The lines of source that calls stand at, read where they are still what they were."""

from __future__ import annotations

import linecache
import os
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genlock._records import Site
    from genlock._traces._events import Trace

_LONGEST = 200


class Source:
    """Reads the files that were not changed after a trace was recorded: their lines are its own.

    Only for a trace that was recorded in this process: what a file says of files is not trusted.
    """

    def __init__(self, trace: Trace) -> None:
        last = max((event.end for event in trace.events), default=0)
        self._until = last + trace.epoch if trace.epoch else 0
        self._is_readable: dict[str, bool] = {}

    def with_code(self, site: Site) -> Site:
        """The site with the code that stands there, where that can be read."""
        return site if site.code else replace(site, code=self._line(site))

    def _line(self, site: Site) -> str:
        readable = self._is_readable.get(site.file)
        if readable is None:
            readable = self._is_readable[site.file] = self._is_as_it_was(site.file)
        return linecache.getline(site.file, site.line).strip()[:_LONGEST] if readable else ""

    def _is_as_it_was(self, file: str) -> bool:
        try:
            found = os.stat(file)
            return stat.S_ISREG(found.st_mode) and found.st_mtime_ns <= self._until
        except (OSError, ValueError):  # no file, or no name that one could have
            return False
