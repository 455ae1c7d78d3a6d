"""The file that the page of a recording is written to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genlock._programs import _run_wording
from genlock._traces import _report_wording
from genlock.cli import RefusedError

if TYPE_CHECKING:
    from genlock._traces._events import Trace


def check_name(option: str, name: str) -> None:
    """Raise RefusedError where a name is not that of a page: it may be that of the recording."""
    if not name.endswith((".html", ".htm")):
        raise RefusedError(_report_wording.no_page(option, name))


def write_page(trace: Trace, name: str, path: str, option: str) -> str:
    """Write the page of a trace, which calls it by `name`; returns words that say so.

    Raises RefusedError where it cannot be written.
    """
    from genlock._page._render import write

    try:
        size = write(trace, name, path)
    except OSError as error:
        raise RefusedError(_run_wording.no_file(option, path, error.strerror)) from error
    return _report_wording.page_written(path, size, trace)
