"""Which call was made inside which: read from the times of events, thread by thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from genlock._traces._events import Event


class Placed(NamedTuple):
    """An event, its place in the order of the trace, and what it was made inside of.

    `outer` are the calls that were inside their generators when this one came, outermost first, and
    `around` is the place of the innermost of them. Within one lane of a thread events nest, and
    `depth` says how deep; what does not, because a greenlet was switched out or exclusive use
    outlived the call that began it, is in a lane of its own.
    """

    event: Event
    order: int
    lane: int
    depth: int
    outer: tuple[Event, ...]
    around: int | None


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
    lanes: list[list[int]] = [[]]
    for order in orders:
        event = events[order]
        for lane, stack in enumerate(lanes):  # noqa: B007  # the lane that fits is used below
            while stack and events[stack[-1]].end <= since(event) and stack[-1] < order:
                stack.pop()
            if not stack or events[stack[-1]].end >= event.end:
                break
        else:
            lane, stack = len(lanes), []
            lanes.append(stack)
        # What lies around it may have been waiting still: then this is no part of that call.
        inside = [it for it in stack if events[it].begin <= since(event)]
        outer = tuple(events[it] for it in inside)
        yield Placed(event, order, lane, len(stack), outer, inside[-1] if inside else None)
        stack.append(order)


def since(event: Event) -> int:
    """Since when the call took up its thread: it may have waited."""
    return event.begin - event.waited


def lane_name(thread: str, lane: int) -> str:
    """What a lane of a thread is called."""
    return thread if lane == 0 else f"{thread} ({lane + 1})"
