"""`genlock run --trace FILE --report FILE.html`: a recording of the whole program."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from genlock._errors import GenlockError
from genlock._gates import is_off
from genlock._programs import _run_wording
from genlock._records import Site
from genlock._traces import _report_wording
from genlock._traces._events import Failure
from genlock._traces._source import Source
from genlock._traces._whole_files import check_writable
from genlock._tracing import _recording
from genlock.cli import RefusedError
from genlock.cli._page_file import check_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from genlock._traces._events import Fate, Trace


class TracedRun:
    """Records the calls to guards, and saves them when the program has ended, however that was.

    Args:
        program: what the page calls the recording.
        size: how many calls are kept; None for as many as a recording keeps by itself.
        trace: the file that the recording is saved in, if it is to be.
        page: the file that the page of it is written to, if it is to be.

    Raises RefusedError where a name tells no format, or the file cannot be written.
    """

    def __init__(
        self, program: str, size: int | None, *, trace: str | None, page: str | None
    ) -> None:
        self._program = os.path.basename(program)
        self._trace = None if trace is None else _File("--trace", trace, _recording.format_of)
        self._page = None
        if page is not None:
            self._page = _File("--report", page, lambda name: check_name("--report", name))
        self._process = os.getpid()
        self._recording = _recording.trace(size=size or _recording.SIZE)
        self._failures: list[Failure] = []
        self._untold = 0
        self._forked = 0
        self._fates: dict[str, Fate] = {}

    def start(self) -> None:
        """Record from now on."""
        self._recording.start()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_parent=self._note_fork)

    def stop(self) -> None:
        """Record no more."""
        self._recording.stop()

    def _note_fork(self) -> None:
        self._forked += 1

    def note(self, text: str, facts: Mapping[str, Any]) -> None:
        """Keep what the user is told of an error of the program's."""
        kind = facts["genlock"]
        if kind == "error":
            self._failures.append(_failure(text, facts))
        elif kind == "times":
            self._note_number(facts["code"], _site(facts["site"]), facts["number"])
        elif kind == "caught":
            self._untold += facts["number"]

    def note_end(self, error: BaseException | None, fate: Fate) -> None:
        """Keep what became of an error of a guard's: the recording has that it was raised."""
        if isinstance(error, GenlockError):
            self._fates[str(error)] = fate

    def _note_number(self, code: str, site: Site | None, number: int) -> None:
        for place, failure in enumerate(self._failures):
            if (failure.code, failure.site) == (code, site):
                self._failures[place] = replace(failure, number=number)
                return

    def save(self, say: Callable[[str], None]) -> None:
        """Save what was recorded, and say so."""
        if os.getpid() != self._process:
            return  # the files are the parent's
        recorded = self._recording.trace
        trace = replace(
            recorded,
            failures=(*map(self._with_fate, recorded.failures), *self._failures),
            more_failures=recorded.more_failures + self._untold,
            forked=self._forked,
        )
        for file, save in ((self._trace, self._save_trace), (self._page, self._save_page)):
            if file is None:
                continue
            try:
                say(save(trace, file))
            except Exception as error:  # how the program ended is the program's
                reason = getattr(error, "strerror", None) or str(error)
                say(_run_wording.no_file(file.option, file.name, reason))

    def _with_fate(self, failure: Failure) -> Failure:
        return replace(failure, fate=self._fates.get(failure.text, failure.fate))

    def _save_trace(self, trace: Trace, file: _File) -> str:
        _recording.save(trace, file.path, Source(trace))
        return _run_wording.recorded(trace, file.name, is_off=is_off)

    def _save_page(self, trace: Trace, file: _File) -> str:
        from genlock._page._render import write

        size = write(trace, self._program, file.path, Source(trace))
        return _report_wording.page_written(file.name, size, trace)


class _File:
    """A file that is to be written when the program has ended."""

    def __init__(self, option: str, name: str, check: Callable[[str], object]) -> None:
        try:
            check(name)
            check_writable(name)  # not later, when all would be lost
        except ValueError as error:
            raise RefusedError(f"{option}: {error}") from None
        except OSError as error:
            raise RefusedError(_run_wording.no_file(option, name, error.strerror)) from None
        self.option = option
        self.name = name
        self.path = os.path.abspath(name)  # the program may change the directory


def _failure(text: str, facts: Mapping[str, Any]) -> Failure:
    sighting = facts.get("sighting") or {}
    return Failure(
        facts["code"],
        facts["error"],
        text,
        fate=facts["fate"],
        thread=sighting.get("thread", ""),
        site=_site((sighting.get("call") or {}).get("site")),
    )


def _site(told: Mapping[str, Any] | None) -> Site | None:
    return Site(**told) if told else None
