"""The interpreter's own errors about generators, known by their type and their exact text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from genlock._records import Kind


class Fault(NamedTuple):
    """One of the interpreter's errors about a generator: its code, and what it is about."""

    code: str
    kind: Kind
    type: type[Exception]
    text: str

    @property
    def error(self) -> str:
        """The last line of its traceback."""
        return f"{self.type.__name__}: {self.text}"


BUSY = ("GL011", "GL015", "GL017", "GL018")
"""The codes of what is executing already."""

_BUSY_ASYNC = "asynchronous generator is already running"

FAULTS = (
    Fault("GL011", "generator", ValueError, "generator already executing"),
    *(
        Fault("GL012", kind, TypeError, f"can't send non-None value to a just-started {kind}")
        for kind in ("generator", "coroutine", "async generator")
    ),
    # What an aclose() or athrow() says that is sent a value before it has begun.
    Fault(
        "GL012",
        "async generator",
        RuntimeError,
        "can't send non-None value to a just-started coroutine",
    ),
    *(
        Fault("GL013", kind, RuntimeError, f"{kind} raised StopIteration")
        for kind in ("generator", "coroutine", "async generator")
    ),
    Fault("GL013", "async generator", RuntimeError, "async generator raised StopAsyncIteration"),
    *(
        Fault("GL014", kind, RuntimeError, f"{kind} ignored GeneratorExit")
        for kind in ("generator", "coroutine", "async generator")
    ),
    Fault("GL015", "coroutine", ValueError, "coroutine already executing"),
    Fault("GL015", "coroutine", RuntimeError, "coroutine is being awaited already"),
    Fault("GL016", "coroutine", RuntimeError, "cannot reuse already awaited coroutine"),
    *(
        Fault("GL017", "async generator", RuntimeError, f"{method}(): {_BUSY_ASYNC}")
        for method in ("anext", "asend", "athrow")
    ),
    Fault("GL017", "async generator", ValueError, "async generator already executing"),
    Fault("GL018", "async generator", RuntimeError, f"aclose(): {_BUSY_ASYNC}"),
    *(
        Fault("GL019", "async generator", RuntimeError, f"cannot reuse already awaited {methods}")
        for methods in ("__anext__()/asend()", "aclose()/athrow()")
    ),
)
"""Every one of them. Cython's generators raise the same."""

_by_type_and_text = {(fault.type, fault.text): fault for fault in FAULTS}


def recognise(error: BaseException) -> Fault | None:
    """Which of them `error` is, if any. Runs no code of the user's."""
    if type(error) not in (ValueError, TypeError, RuntimeError):
        return None
    args = error.args
    if len(args) != 1 or type(args[0]) is not str:
        return None
    return _by_type_and_text.get((type(error), args[0]))  # type: ignore[arg-type]  # any type
