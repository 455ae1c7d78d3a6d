"""Errors that came from another process: of those there is a traceback as text, and no frames."""

from __future__ import annotations

from genlock._findings import Finding, findings

_CARRIERS = (
    ("multiprocessing.pool", "RemoteTraceback"),
    ("concurrent.futures.process", "_RemoteTraceback"),
)
"""The types of the causes by which pools of processes bring the traceback of a worker along."""


def remote_finding(error: BaseException) -> Finding | None:
    """What the traceback tells that `error` has brought along from another process, if it has."""
    cause = error.__cause__
    if (type(cause).__module__, type(cause).__qualname__) not in _CARRIERS:
        return None
    text = vars(cause).get("tb")
    found = findings(text.splitlines()) if isinstance(text, str) else []
    words = f"{type(error).__name__}: {error}"
    return next((each for each in found if each.error == words), None)
