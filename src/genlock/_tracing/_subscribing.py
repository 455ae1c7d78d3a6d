"""Being told of every event as it happens."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from genlock._interpreter import _frames
from genlock._tracing import _hook
from genlock._tracing._log import own

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from genlock._records import Operation
    from genlock._traces._events import Event, TracedGuard

_logger = logging.getLogger("genlock")


class Subscription:
    """What `subscribe` returns: `end` it, or use it as a context manager."""

    def __init__(self, subscriber: Callable[[Event], object]) -> None:
        self._subscriber = subscriber
        self._begin = getattr(subscriber, "begin", None)
        self._complaint = threading.Lock()  # taken by the one that complains
        self.is_active = True

    def begin(self, guard: TracedGuard, operation: Operation) -> Callable[[Event], None]:
        """The generator is about to be resumed."""
        if self._begin is None:
            return self.tell
        finish = self._call(self._begin, guard, operation)
        return _nothing if finish is None else lambda event: self._finish(finish, event)

    def tell(self, event: Event) -> None:
        """Something has happened; nothing if that is no longer to be told."""
        if self.is_active:
            self._call(self._subscriber, event)

    def _finish(self, finish: Callable[[Event], object], event: Event) -> None:
        self._call(finish, event)

    def _call(self, function: Callable[..., Any], *args: Any) -> Any:
        if own.is_telling:
            return None  # a subscriber drives guards itself: that is not told, or would not end
        own.is_telling = True
        try:
            return function(*args)
        except BaseException as error:
            if _frames.is_delivered(error):
                raise
            self.end()
            if self._complaint.acquire(blocking=False):
                _complain(self._subscriber)
        finally:
            own.is_telling = False
        return None

    def end(self) -> None:
        """Tell the subscriber no more; nothing if that is so.

        It may still be called in other threads that were just about to.
        """
        self.is_active = False
        _hook.remove_subscription(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


def _complain(subscriber: object) -> None:
    try:
        text = "a subscriber raised and is told no more: %r"
        _logger.error(text, subscriber, exc_info=True)  # noqa: LOG014  # inside of a handler
    except BaseException as error:  # of a __repr__, say
        if _frames.is_delivered(error):
            raise


def _nothing(_: Event) -> None:
    """Nobody wants to know."""


def subscribe(subscriber: Callable[[Event], object], /) -> Subscription:
    """Have `subscriber` called with every event of every guard, as it happens.

    One that raises, whatever it is, is told no more; the logger `genlock` says so, once, and the
    program does not notice. A KeyboardInterrupt, and what a signal handler raises meanwhile, are
    the program's own and come out of the call. What guards do while a subscriber is called is not
    told to any subscriber. While there is one, each call to a guard takes some microseconds more.
    Thread-safe.

    Args:
        subscriber: called with an `Event`, in the thread that made the call and while that still
            has the guard: it should be quick, and must not wait for other threads. If it has a
            method `begin(guard, operation)`, that is called before each resumption, and what it
            returns, unless that is None, is called with the event in the place of the subscriber,
            even if the subscription has ended meanwhile.

    Returns:
        A handle; its `end` ends it.

    Raises:
        TypeError: `subscriber` cannot be called.
    """
    if not callable(subscriber):
        raise TypeError(f"a subscriber has to be callable, not {subscriber!r}")
    subscription = Subscription(subscriber)
    _hook.add_subscription(subscription)
    return subscription
