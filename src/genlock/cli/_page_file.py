"""The file that the page of a recording is written to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genlock import _report_wording, _run_wording
from genlock.cli import RefusedError

if TYPE_CHECKING:
    from genlock._events import Trace


def check_name(option: str, name: str) -> None:
    """Raise RefusedError where a name is not that of a page: it may be that of the recording."""
    if not name.endswith((".html", ".htm")):
        raise RefusedError(_report_wording.no_page(option, name))


def write_page(trace: Trace, name: str, path: str, *, option: str, shown: str = "") -> str:
    """Write the page of a trace, which calls it by `name`; returns a line that says so.

    `shown` is what the user called the file. Raises RefusedError where it cannot be written.
    """
    shown = shown or path
    from genlock._page._render import write

    try:
        size = write(trace, name, path)
    except OSError as error:
        raise RefusedError(_run_wording.no_file(option, shown, error.strerror)) from error
    return _report_wording.page_written(shown, size, trace)
