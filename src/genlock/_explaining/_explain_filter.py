"""Adds an explanation to what is logged of an error about a generator."""

from __future__ import annotations

import logging

from genlock._explaining._explain import explain_in_thread
from genlock._interpreter._frames import is_interruption
from genlock._logged import for_handlers


class ExplainFilter(logging.Filter):
    """Explains the errors about generators that are logged with their traceback.

    Add it to a handler (or a logger): `handler.addFilter(genlock.ExplainFilter())`. A record whose
    `exc_info` holds such an error, anywhere in its chain, gets the attributes
    `genlock_explanation`, the text, and `genlock_code`; the text is also appended to its
    `stack_info`, which every formatter prints below the traceback. All other records are left as
    they are. Where one of the handlers cannot encode the text, the marks in it are in ASCII, and
    what else is lacking is escaped: the record would be lost. So it is where that cannot be known,
    as of a QueueHandler. Lets every record through that `logging.Filter(name)` lets through.

    Args:
        name: as for `logging.Filter`: the logger whose records are let through, by default all.

    Raises nothing of its own: what a signal handler raises meanwhile comes out. Safe in any thread.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Explain, where there is something to explain; then decide as `logging.Filter` does."""
        try:
            _explain(record, self)
        except Exception as failure:  # the record goes its way without
            if is_interruption(failure):
                raise
        return bool(super().filter(record))


def _explain(record: logging.LogRecord, asking: logging.Filter) -> None:
    error = record.exc_info[1] if record.exc_info else None
    if error is None or hasattr(record, "genlock_explanation"):
        return
    explanation = explain_in_thread(error)
    if explanation:
        text = for_handlers(explanation.text, logging.getLogger(record.name), asking)
        record.genlock_explanation = text
        record.genlock_code = explanation.code
        told = f"genlock: {text}"
        record.stack_info = f"{record.stack_info}\n{told}" if record.stack_info else told
