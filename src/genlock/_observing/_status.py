"""The status of what is guarded, and its line: read from the generator itself, not from stacks."""

from __future__ import annotations

from types import GeneratorType
from typing import TYPE_CHECKING, Any, cast

from genlock._interpreter import _frames, _stacks

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from genlock._gate import Gate
    from genlock._lock_gate import LockGate
    from genlock._records import Site, Status


class Statuses:
    """Tells of many, and remembers what is the same for those of one code."""

    def __init__(self) -> None:
        # By identity, as code is hashed by its value; and kept, so that it keeps its identity.
        self._lines: dict[tuple[int, int | None], tuple[CodeType, Site]] = {}
        self._only_yields: dict[int, tuple[CodeType, Site | None]] = {}

    def of(self, gate: Gate) -> tuple[Status, Site | None]:
        """Its status and line; where threads run at once, no line if somebody may be inside."""
        guarded = gate.guarded
        if type(guarded) is not GeneratorType:
            return _status_of_other(guarded), None
        return self._from_outside(gate) if _stacks.RUN_AT_ONCE else self._read(guarded)

    def _read(self, generator: GeneratorType[Any, Any, Any]) -> tuple[Status, Site | None]:
        code = generator.gi_code
        if generator.gi_suspended:
            # To ask for its frame makes one, of some 400 bytes, which lives as long as it does.
            return "suspended", self._only_yield(code) or self._line_of(code, generator.gi_frame)
        frame = generator.gi_frame
        if frame is None:
            return "closed", None
        if generator.gi_running:
            return "running", _frames.site(frame)
        return "created", self._line_of(code, frame)

    def _from_outside(self, gate: Gate) -> tuple[Status, Site | None]:
        """As `_read`, where a generator that starts to run meanwhile crashes the interpreter."""
        generator: Any = gate.guarded
        code = generator.gi_code
        only_yield = self._only_yield(code)
        # Builds whose threads run at once have gates of that kind.
        stands = cast("LockGate", gate).standing(wants_line=only_yield is None)
        if stands is not None:
            status, line = stands
            is_there = status == "suspended" and only_yield is not None
            return status, only_yield if is_there else self._line(code, line)
        if generator.gi_running:
            return "running", None
        if generator.gi_suspended:
            return "suspended", None
        return "created" if gate.ending is None else "closed", None

    def _only_yield(self, code: CodeType) -> Site | None:
        """Where a suspended generator is that can be at one place only."""
        known = self._only_yields.get(id(code))
        if known is None:
            yields = _frames.yields(code)
            known = self._only_yields[id(code)] = code, yields[0] if len(yields) == 1 else None
        return known[1]

    def _line_of(self, code: CodeType, frame: FrameType | None) -> Site | None:
        return None if frame is None else self._line(code, frame.f_lineno)

    def _line(self, code: CodeType, line: int | None) -> Site | None:
        """A line, one record for all that are there; None if it has ended."""
        if line is None:
            return None
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
