"""Guards the generators of other people's functions, as their modules are imported."""

from __future__ import annotations

import atexit
import functools
import logging
import os
import sys
from collections import deque
from types import FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

import wrapt

from genlock import _wording
from genlock._explaining._returned import is_bare_generator
from genlock._function_proxies import GuardedFunction, bare_of
from genlock._guard import guard
from genlock._interpreter._functions import (
    Place,
    functions,
    is_meant_by_wildcard,
    kept_as,
    other_names,
)
from genlock._policy import Choice, check_name, check_prime
from genlock._programs import _run_wording
from genlock._programs._patterns import Pattern, Use, nearest

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Self, Unpack

    from genlock._policy import Policy, PolicyOptions

_logger = logging.getLogger("genlock")
_DEEPEST = 100  # wrappers around a function


def instrument(
    pattern: str,
    /,
    *,
    policy: Policy | None = None,
    name: str | None = None,
    prime: bool = False,
    **options: Unpack[PolicyOptions],
) -> Instrument:
    """Guard every generator that the functions of a module return, without a change to its code.

    A module that is not imported yet is changed as soon as it is. Whatever can be called under a
    name that matches is wrapped: functions, methods, class and static methods, functions behind
    decorators. What they return is passed through unless it is a generator. What a module defines
    after the call, in the rest of its import or when it is reloaded, is not wrapped: call it again.
    What is wrapped is copied and pickled by its name, as functions are; but names that were bound
    to it before, in a registry say, go on to lead to what is not.

    Args:
        pattern: `pkg.mod:function`, `pkg.mod:Class.method`, `pkg.mod:*`; `*` and `?` stand for
            anything. A wildcard means the functions and methods that the module defines itself, and
            that have generators in them; what merely returns another function's has to be named.
        policy: as for `guard`, like the arguments below.
        name: what messages call the guards.
        prime: run generators that have not started to their first yield.
        **options: fields of `Policy`.

    Returns:
        A handle to undo it, also as a context manager.

    Raises:
        ValueError: `pattern` is malformed, or an option's value is not possible.
        TypeError: `pattern` is no text, or an option is unknown or of a wrong type.

    Thread-safe. A pattern that matches nothing, a module that is still being imported, and names by
    which the unguarded functions can still be called, are logged as warnings by the logger
    "genlock".
    """
    check_name(name)
    check_prime(prime)
    if not isinstance(pattern, str):
        raise TypeError(_wording.not_a_pattern(pattern))
    handle = Instrument(Pattern.parse(pattern), Choice(policy, options), name, prime=prime)
    handle.install()
    atexit.register(handle.tell_what_is_missing)
    return handle


class _Patch(NamedTuple):
    place: Place
    wrapper: Any


class Instrument:
    """Functions whose generators are guarded; made by `instrument`. Thread-safe."""

    def __init__(
        self,
        pattern: Pattern,
        choice: Choice | None = None,
        name: str | None = None,
        *,
        prime: bool = False,
        tell: Callable[[str], None] = _logger.warning,
    ) -> None:
        self._pattern, self._choice = pattern, choice or Choice(None, {})
        self._name, self._prime, self._tell = name, prime, tell
        # Several threads may import and uninstall at once. What each of them does to these is
        # whole, so that no lock is held while a metaclass or a module runs code of its own.
        self._patches: deque[_Patch] = deque()
        self._escaped: tuple[str, ...] = ()
        self._has_guarded = False
        self._seen: ModuleType | None = None  # the program may keep it out of sys.modules
        self._is_active = True
        self._is_gap_told = False
        self._process = os.getpid()  # a child leaves it to its parent to tell

    def __repr__(self) -> str:
        state = "" if self._is_active else " (uninstalled)"
        return f"<genlock.instrument({str(self._pattern)!r}){state}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.uninstall()

    @property
    def is_active(self) -> bool:
        """Whether generators are being guarded: not after `uninstall`."""
        return self._is_active

    @property
    def matched(self) -> tuple[str, ...]:
        """The qualified names of the functions that are wrapped now.

        Those that have been replaced since, by `importlib.reload` say, are none of them.
        """
        module = self._module()
        names = [(patch.place.qualname, patch.wrapper) for patch in self._patches.copy()]
        return tuple(name for name, ours in names if _leads_to(kept_as(name, module), ours))

    @property
    def escaped(self) -> tuple[str, ...]:
        """Names by which the functions can still be called unguarded, as `module:name`.

        They were made before the functions were wrapped, by `from module import function`.
        """
        return self._escaped

    def install(self) -> None:
        """Wrap the functions, now or when their module has been imported."""
        module = sys.modules.get(self._pattern.module)
        wrapt.register_post_import_hook(self._wrap, self._pattern.module)
        if module is not None and self._is_early_for(module):
            self._tell_of_gap(_run_wording.too_early(self._pattern))

    def uninstall(self) -> None:
        """Put back what was there, and guard nothing more; a second time, do nothing.

        Guards that were made stay guards. Where somebody else has replaced a function since, that
        stays, and the wrapper that it may call lets generators pass as they are.
        """
        if self._is_active:
            self.tell_what_is_missing()
            atexit.unregister(self.tell_what_is_missing)
            self._is_active = False
            self._restore()

    def use(self) -> Use:
        """What has become of the pattern so far."""
        module = self._module()
        matched = self.matched
        near: tuple[str, ...] = ()
        is_late = False
        if module is None:
            near = nearest(self._pattern.module, sys.modules.copy())
        elif not matched:
            names = [place.qualname for place in functions(module)]
            near = self._pattern.nearest(names)
            is_late = self._pattern.function in names
        return Use(
            self._pattern,
            module is not None,
            matched,
            near,
            self._escaped,
            self._has_guarded,
            is_replaced=bool(self._patches) and not matched,
            is_unseen=module is not None and self._seen is None,
            is_late=is_late,
        )

    def _module(self) -> ModuleType | None:
        return sys.modules.get(self._pattern.module, self._seen)

    def tell_what_is_missing(self, *, is_use_expected: bool = False) -> None:
        """Warn of a pattern that matches nothing, or if use is expected, of no generator made."""
        if not self._is_active or self._is_gap_told or os.getpid() != self._process:
            return
        try:
            use = self.use()
        except Exception as error:
            self._tell_of_gap(_run_wording.not_wrapped(self._pattern, error))
            return
        if not use.matched:
            self._tell(_run_wording.matched_nothing(use))
        elif is_use_expected and not use.has_guarded:
            self._tell(_run_wording.guarded_nothing(use))

    def _tell_of_gap(self, text: str) -> None:
        """Warn of what is not guarded for a reason that would not be seen in the end."""
        self._is_gap_told = True
        self._tell(text)

    def _is_early_for(self, module: ModuleType) -> bool:
        """Whether the module may be about to define more functions: it is being imported or run."""
        names = object.__getattribute__(module, "__dict__")
        if names.get("__name__") == "__main__":
            return not self._patches
        return bool(getattr(names.get("__spec__"), "_initializing", False))

    def _wrap(self, module: ModuleType) -> None:
        """Wrap what matches in a module; must not raise, or its import would fail."""
        if not self._is_active:
            return
        self._seen = module
        try:
            places = [place for place in functions(module) if self._means(place, module)]
            self._escaped = tuple(other_names(places))
            refused = [(place, self._replace(place)) for place in places]
            left_out = [(place.qualname, error) for place, error in refused if error is not None]
            if left_out:
                self._tell_of_gap(_run_wording.left_out(self._pattern, left_out))
            if self._escaped:
                self._tell(_run_wording.escaped(self._pattern, self._escaped))
        except Exception as error:
            self._tell_of_gap(_run_wording.not_wrapped(self._pattern, error))
        if not self._is_active:  # uninstalled meanwhile
            self._restore()

    def _means(self, place: Place, module: ModuleType) -> bool:
        if not self._pattern.matches(place.qualname):
            return False
        return not self._pattern.has_wildcards or is_meant_by_wildcard(place, module)

    def _replace(self, place: Place) -> Exception | None:
        wrapper = _Instrumented(place.found, self._call)
        wrapper._self_handle = self  # noqa: SLF001  # its own module's
        try:
            setattr(place.owner, place.attribute, wrapper)
        except Exception as error:  # of a class that cannot be changed
            return error
        self._patches.append(_Patch(place, wrapper))
        return None

    def _restore(self) -> None:
        while True:
            try:
                place, wrapper = self._patches.pop()
            except IndexError:
                return
            if vars(place.owner).get(place.attribute) is wrapper:
                setattr(place.owner, place.attribute, _still_wanted(place.found))

    def _call(self, wrapped: Callable[..., Any], _instance: Any, args: Any, kwargs: Any) -> Any:
        made = wrapped(*args, **kwargs)
        if not self._is_active or not is_bare_generator(made):
            return made
        self._has_guarded = True
        return guard(made, policy=self._choice.policy(), name=self._name, prime=self._prime)


class _Instrumented(GuardedFunction):
    """A function that stands in the place of another one, and knows on whose behalf."""

    if TYPE_CHECKING:
        _self_handle: Instrument

        def __init__(self, *_: object) -> None: ...


def _still_wanted(found: Any) -> Any:
    """What to put back: not the wrapper of a handle that was uninstalled before this one."""
    while type(found) is _Instrumented and not found._self_handle.is_active:  # noqa: SLF001
        found = bare_of(found)
    return found


def _leads_to(found: Any, wrapper: Any) -> bool:
    """Whether it is `wrapper`, or something that was put around it since."""
    for _ in range(_DEEPEST):
        if found is wrapper:
            return True
        if type(found) is _Instrumented:
            found = bare_of(found)
        elif type(found) is functools.partial:
            found = found.func
        elif type(found) is FunctionType:
            found = vars(found).get("__wrapped__")
        else:
            return False
    return False
