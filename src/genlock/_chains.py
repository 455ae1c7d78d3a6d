"""The exceptions that hang together with one: what it came from, and the parts of groups."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST = 1000


def hanging_together(
    error: BaseException | None,
    *,
    as_printed: bool = False,
    not_beyond: tuple[type[BaseException], ...] = (),
) -> Iterator[BaseException]:
    """`error`, and its causes, contexts and parts: the nearest first, each once.

    At most 1,000 of them: a chain may be as long as a program runs.

    Args:
        error: where to begin.
        as_printed: leave out what a traceback does not show: contexts that `raise … from` has put
            aside.
        not_beyond: exceptions of these types are given, but not what hangs together with them.
    """
    seen: set[int] = set()
    pending: deque[BaseException | None] = deque([error])
    while pending and len(seen) < _MOST:
        each = pending.popleft()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if issubclass(type(each), not_beyond):
            continue
        pending.append(each.__cause__)
        if not (as_printed and each.__suppress_context__):
            pending.append(each.__context__)
        if issubclass(type(each), BaseExceptionGroup):
            pending.extend(each.exceptions)  # type: ignore[attr-defined]  # it is a group


def raised_over(error: BaseException, outermost: BaseException) -> Iterator[BaseException]:
    """The exceptions that came while `error` was being handled, or of it, up to `outermost`."""
    over: dict[int, BaseException] = {}
    for each in hanging_together(outermost):
        below = each.__context__ or each.__cause__
        if below is not None:
            over.setdefault(id(below), each)
    while (above := over.pop(id(error), None)) is not None:
        yield above
        error = above
