"""Which call was made inside which: read from the times of events, thread by thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from genlock._traces._events import Event


class Around(NamedTuple):
    """A call that others were made inside of, its place in the order of the trace, and `outer`.

    That is the call that it was itself made inside of. So all that were made inside of one call
    share what is around that: written out for each, it would take the square of the depth. `begun`
    is when the last of them had begun.
    """

    event: Event
    order: int
    outer: Around | None
    begun: int


class Placed(NamedTuple):
    """An event, its place in the order of the trace, and what it was made inside of.

    `around` is the innermost of the calls that were inside their generators when this one came.
    Within one lane of a thread events nest, and `depth` says how deep; what does not, because a
    greenlet was switched out or exclusive use outlived the call that began it, is in a lane of its
    own.
    """

    event: Event
    order: int
    lane: int
    depth: int
    around: Around | None


def placed(events: Sequence[Event]) -> Iterator[Placed]:
    """All events with their places: thread by thread, outer calls before inner ones."""
    threads: dict[int, list[int]] = {}
    for order, event in enumerate(events):
        threads.setdefault(event.thread.number, []).append(order)
    for orders in threads.values():
        # An inner call is told of before its outer one: where times are alike, that decides.
        orders.sort(key=lambda it: (since(events[it]), -events[it].end, -it))
        yield from _placed_in_one_thread(events, orders)


def _placed_in_one_thread(events: Sequence[Event], orders: list[int]) -> Iterator[Placed]:
    lanes: list[list[Around]] = [[]]
    for order in orders:
        event = events[order]
        moment, end = since(event), event.end
        for lane, stack in enumerate(lanes):  # noqa: B007  # the lane that fits is used below
            while stack and stack[-1].event.end <= moment and stack[-1].order < order:
                stack.pop()
            if not stack or stack[-1].event.end >= end:
                break
        else:
            lane, stack = len(lanes), []
            lanes.append(stack)
        outer = stack[-1] if stack else None
        around = outer if outer is None or outer.begun <= moment else _begun(stack, moment)
        yield Placed(event, order, lane, len(stack), around)
        begun = event.begin if outer is None else max(outer.begun, event.begin)
        stack.append(Around(event, order, outer, begun))


def _begun(stack: list[Around], moment: int) -> Around | None:
    """What had begun of the calls that are open. What was waiting still is not around the next."""
    found = None
    for it in stack:
        if it.event.begin <= moment:
            found = Around(it.event, it.order, found, moment)
    return found


def since(event: Event) -> int:
    """Since when the call took up its thread: it may have waited."""
    return event.begin - event.waited


def lane_name(thread: str, lane: int) -> str:
    """What a lane of a thread is called."""
    return thread if lane == 0 else f"{thread} ({lane + 1})"
