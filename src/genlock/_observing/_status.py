"""The status of what is guarded, and its line: read from the generator itself, not from stacks."""

from __future__ import annotations

from types import GeneratorType
from typing import TYPE_CHECKING, Any, Literal

from genlock._interpreter import _frames, _stacks

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from genlock._gate import Gate
    from genlock._records import Site

    Status = Literal["created", "suspended", "running", "closed", "idle"]


class Statuses:
    """Tells of many, and remembers what is the same for those of one code."""

    def __init__(self) -> None:
        # By identity, as code is hashed by its value; and kept, so that it keeps its identity.
        self._lines: dict[tuple[int, int | None], tuple[CodeType, Site]] = {}
        self._only_yields: dict[int, tuple[CodeType, Site | None]] = {}

    def of(self, gate: Gate) -> tuple[Status, Site | None]:
        """Its status and line; where threads run at once, no line if somebody may be inside."""
        if not _stacks.RUN_AT_ONCE:
            return self._read(gate.guarded)
        # A generator that starts to run or ends meanwhile crashes an interpreter whose threads
        # run at once: it is read by its owner.
        found: list[tuple[Status, Site | None]] = []
        if not gate.busy and gate.run_if_free(lambda: found.append(self._read(gate.guarded))):
            gate.after_release()
        return found[0] if found else (_from_outside(gate), None)

    def _read(self, guarded: Any) -> tuple[Status, Site | None]:
        if type(guarded) is not GeneratorType:
            return _status_of_other(guarded), None
        code = guarded.gi_code
        if guarded.gi_suspended:
            # To ask for its frame makes one, of some 400 bytes, which lives as long as it does.
            return "suspended", self._only_yield(code) or self._line(code, guarded.gi_frame)
        frame = guarded.gi_frame
        if frame is None:
            return "closed", None
        if guarded.gi_running:
            return "running", _frames.site(frame)
        return "created", self._line(code, frame)

    def _only_yield(self, code: CodeType) -> Site | None:
        """Where a suspended generator is that can be at one place only."""
        known = self._only_yields.get(id(code))
        if known is None:
            yields = _frames.yields(code)
            known = self._only_yields[id(code)] = code, yields[0] if len(yields) == 1 else None
        return known[1]

    def _line(self, code: CodeType, frame: FrameType | None) -> Site | None:
        """The line of a frame, one record for all that are there; None if it has ended."""
        if frame is None:
            return None
        line = frame.f_lineno
        known = self._lines.get((id(code), line))
        if known is None:
            known = self._lines[id(code), line] = code, _frames.line_of(code, line)
        return known[1]


def _status_of_other(guarded: Any) -> Status:
    """The status of what is no generator of the interpreter's own, as far as it tells."""
    try:
        is_running, frame = guarded.gi_running, guarded.gi_frame
    except Exception:  # it has no such thing, or a __getattr__ of its own that fails
        return "idle"
    return "running" if is_running else "closed" if frame is None else "idle"


def _from_outside(gate: Gate) -> Status:
    """The status, as far as it is told without the frame of a generator."""
    guarded = gate.guarded
    if type(guarded) is not GeneratorType:
        return _status_of_other(guarded)
    if guarded.gi_running:
        return "running"
    if guarded.gi_suspended:
        return "suspended"
    return "created" if gate.ending is None else "closed"
