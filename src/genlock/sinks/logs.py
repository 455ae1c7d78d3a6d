"""Events as records of `logging`, with their facts as attributes for whoever formats them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genlock._events import Event


class LogEvents:
    """A subscriber that logs every event.

    Args:
        logger: where to; by default the logger "genlock.events".
        level: of the records; refused calls are one level of ten higher.

    A record has the attributes `genlock_guard`, `genlock_function`, `genlock_operation`,
    `genlock_outcome`, `genlock_error`, `genlock_thread`, `genlock_site` ("file:line") and, in
    nanoseconds, `genlock_took`, `genlock_waited` and `genlock_deferred`. Thread-safe.
    """

    def __init__(self, logger: logging.Logger | None = None, level: int = logging.DEBUG) -> None:
        self._logger = logger or logging.getLogger("genlock.events")
        self._level = level

    def __call__(self, event: Event) -> None:
        """Log the event."""
        level = self._level + 10 * (event.outcome == "refused")
        if not self._logger.isEnabledFor(level):
            return
        site = event.site
        extra = {
            "guard": event.guard.name,
            "function": event.guard.function,
            "operation": event.operation,
            "outcome": event.outcome,
            "error": event.error,
            "thread": event.thread.name,
            "site": "" if site is None else f"{site.file}:{site.line}",
            "took": event.end - event.begin,
            "waited": event.waited,
            "deferred": event.deferred,
        }
        self._logger.log(
            level,
            "%s %s: %s%s in %.1f µs",
            event.guard.name,
            event.operation,
            event.outcome,
            f" {event.error}" if event.error else "",
            (event.end - event.begin) / 1000,
            extra={f"genlock_{name}": value for name, value in extra.items()},
        )
