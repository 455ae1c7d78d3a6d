"""Guards that are left suspended: what they hold open stays open."""

from __future__ import annotations

import gc
import warnings
import weakref
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from genlock._interpreter import _frames
from genlock.testing import _arguments, _making, _wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genlock._records import Site


@dataclass(frozen=True, slots=True)
class Leak:
    """A guard that was left suspended: its name, the line that made it, the line it is at."""

    name: str
    made_at: Site | None
    suspended_at: Site


@contextmanager
def leaks(*, on_leak: Literal["error", "warn"] = "error") -> Iterator[list[Leak]]:
    """Look for guards that are made in the block and left suspended at its end.

    A generator that is suspended has not run its `finally`: files and locks stay as they are. One
    that has ended, was never started, or that nobody can reach any more, is not left.

    Args:
        on_leak: "error" raises AssertionError, "warn" issues a ResourceWarning; both name each
            guard, the line where it was made, and the yield it waits at.

    Yields:
        A list of `Leak`, which is filled at the end of the block.

    Raises:
        AssertionError: guards are left, and that is an error. A warning may become one, too.
        ValueError: `on_leak` is neither.

    Sees the guards that any thread makes meanwhile; blocks may nest, or overlap in several threads.
    An error that leaves the block comes out as it is. May run the collector at its end.
    """
    _arguments.check_word("on_leak", on_leak, ("error", "warn"))
    made: list[tuple[weakref.ref[Any], str, Site | None]] = []

    def note(guard: _making.Made) -> None:
        if hasattr(guard.guarded, "gi_suspended"):
            made.append((weakref.ref(guard.guarded), guard.name, guard.site))

    left: list[Leak] = []
    with _making.telling(note):
        yield left
    if any(_suspended_at(ref()) for ref, _, _ in made):
        gc.collect()
    for ref, name, made_at in made:
        suspended_at = _suspended_at(ref())
        if suspended_at is not None:
            left.append(Leak(name, made_at, suspended_at))
    if not left:
        return
    text = _wording.left_suspended([(one.name, one.made_at, one.suspended_at) for one in left])
    if on_leak == "error":
        raise AssertionError(text)
    warnings.warn(text, ResourceWarning, stacklevel=3)


def _suspended_at(generator: Any) -> Site | None:
    # Another thread may resume it at any moment, or end it: then there is no frame.
    frame = generator.gi_frame if generator is not None and generator.gi_suspended else None
    return None if frame is None else _frames.full_line(frame)
