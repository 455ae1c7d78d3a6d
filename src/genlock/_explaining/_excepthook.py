"""Prints an explanation after the traceback of an error that nobody caught."""

from __future__ import annotations

import functools
import sys
import threading
from typing import TYPE_CHECKING, Any

from genlock._explaining._explain import explain_in_thread
from genlock._explaining._sighting import Known
from genlock._interpreter._frames import is_interruption
from genlock._text import encodable

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType, TracebackType
    from typing import Self

_state = threading.local()
"""Whether the calling thread is about to explain: of several hooks in a chain only one does."""


_is_left_to_the_report = False


def leave_to_the_report() -> None:
    """Explain nothing from now on: `genlock run` does, and once is enough."""
    global _is_left_to_the_report  # noqa: PLW0603  # state of this module
    _is_left_to_the_report = True


class ExceptHooks:
    """The hooks that `install_excepthook` has set; also a context manager that takes them out.

    Made by `install_excepthook`. Safe in any thread.
    """

    def __init__(self) -> None:
        self._is_active = True
        self._hooks: list[tuple[ModuleType, str, Any, Any]] = []
        for module, name, ours in (
            (sys, "excepthook", self._uncaught),
            (threading, "excepthook", self._uncaught_in_thread),
            (sys, "unraisablehook", self._unraisable),
        ):
            before = getattr(module, name)
            self._hooks.append((module, name, before, functools.partial(ours, before)))
        for module, name, _, hook in self._hooks:
            setattr(module, name, hook)

    def uninstall(self) -> None:
        """Put back the hooks that were there; one that was set since stays, and chains on."""
        self._is_active = False
        for module, name, before, hook in self._hooks:
            if getattr(module, name) is hook:
                setattr(module, name, _still_wanted(before))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.uninstall()

    def _uncaught(
        self,
        before: Callable[..., object],
        kind: type[BaseException],
        error: BaseException,
        traceback: TracebackType | None,
    ) -> None:
        self._chain(lambda: before(kind, error, traceback), error)

    def _uncaught_in_thread(
        self, before: Callable[..., object], args: threading.ExceptHookArgs
    ) -> None:
        thread = "" if args.thread is None else args.thread.name
        self._chain(lambda: before(args), args.exc_value, thread)

    def _unraisable(self, before: Callable[..., object], args: sys.UnraisableHookArgs) -> None:
        self._chain(lambda: before(args), args.exc_value, about=args.object)

    def _chain(
        self,
        before: Callable[[], object],
        error: BaseException | None,
        thread: str = "",
        about: object = None,
    ) -> None:
        """Do what was done before, then explain, if no hook further out is going to."""
        is_to_explain = self._is_active and not _is_left_to_the_report
        if not is_to_explain or getattr(_state, "is_explaining", False):
            before()
            return
        _state.is_explaining = True
        try:
            before()
            if error is not None:
                _print_explanation(error, thread, about)
        finally:
            _state.is_explaining = False


def _still_wanted(hook: Any) -> Any:
    """What to put back: not a hook of what was uninstalled before, which had to stay till now."""
    while isinstance(hook, functools.partial):
        owner = getattr(hook.func, "__self__", None)
        if not isinstance(owner, ExceptHooks) or owner._is_active:  # noqa: SLF001
            break
        (hook,) = hook.args
    return hook


def install_excepthook() -> ExceptHooks:
    """Have errors about generators explained that nobody caught, after their traceback.

    Sets `sys.excepthook`, `threading.excepthook` and `sys.unraisablehook` (where a finaliser's
    "generator ignored GeneratorExit" comes out). Each calls first the hook that was there; then,
    if there is something to explain, the explanation is written to `sys.stderr`.

    Returns:
        A handle with `uninstall()`, which can also be used in a `with` statement.

    Raises nothing, and the hooks raise nothing of their own: what a signal handler raises meanwhile
    comes out. Safe in any thread.
    """
    return ExceptHooks()


def _print_explanation(error: BaseException, thread: str, about: object) -> None:
    # The traceback has been printed: nothing is lost but the explanation.
    try:
        explanation = explain_in_thread(error, Known(thread, about))
    except Exception as failure:
        if is_interruption(failure):
            raise
        return
    try:
        if explanation and sys.stderr is not None:
            encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
            sys.stderr.write(encodable(f"\ngenlock: {explanation}\n", encoding))
            sys.stderr.flush()
    except Exception:
        pass
