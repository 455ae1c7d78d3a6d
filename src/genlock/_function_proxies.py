"""What stands where a function stood: answers as that does, and guards what it returns."""

from __future__ import annotations

import sys
from types import MethodType
from typing import TYPE_CHECKING, Any

import wrapt

if TYPE_CHECKING:
    _FunctionWrapper = object
    _BoundFunctionWrapper = object
else:
    _FunctionWrapper = wrapt.FunctionWrapper
    _BoundFunctionWrapper = wrapt.BoundFunctionWrapper

_WRAPTS_NAMES = getattr(_FunctionWrapper.__init__, "__globals__", None)
_IS_ALL_PYTHON = _WRAPTS_NAMES is not None
_CLASSES_HAVE = ("__annotations__", "__doc__", "__type_params__")
"""What wrapt, in one version or another, sets on a proxy alone, since its class has it, too."""


def bare_of(proxy: Any) -> Any:
    """The function that a proxy stands for, and calls."""
    if _IS_ALL_PYTHON:
        return object.__getattribute__(proxy, "_self_bare")
    return _FunctionWrapper.__wrapped__.__get__(proxy)  # type: ignore[attr-defined]  # wrapt's


class _Wrapped:
    """`__wrapped__` as of any function: what `functools.wraps` says that it was put around.

    Where nothing is said, it is the bare function. wrapt goes by this name to what it calls, so a
    function under `functools.wraps(other)` would call the other one.
    """

    def __get__(self, proxy: Any, _owner: object = None) -> Any:
        if proxy is None:
            raise AttributeError("__wrapped__")
        bare = bare_of(proxy)
        if sys._getframe(1).f_globals is _WRAPTS_NAMES:
            return bare
        try:
            return object.__getattribute__(proxy, "_self_wraps")
        except AttributeError:
            return getattr(bare, "__wrapped__", bare)

    def __set__(self, proxy: Any, bare: Any) -> None:
        # Asked for only where wrapt is all Python, when it makes the proxy.
        object.__setattr__(proxy, "_self_bare", bare)


class GuardedMethod(_BoundFunctionWrapper):
    """What something other than a function became when it was bound: pickled as methods are."""

    if not TYPE_CHECKING:
        __wrapped__ = _Wrapped()

        def __setattr__(self, name, value):
            if name == "__wrapped__":
                setattr(bare_of(self), name, value)
            else:
                super().__setattr__(name, value)

        def __copy__(self):
            return self

        def __deepcopy__(self, memo):
            from copy import deepcopy

            bound_to = getattr(bare_of(self), "__self__", None)
            if bound_to is None:  # a static method
                return self
            return getattr(deepcopy(bound_to, memo), self.__name__)

        def __reduce_ex__(self, protocol):
            from pkgutil import resolve_name

            bound_to = getattr(bare_of(self), "__self__", None)
            if bound_to is None:
                return resolve_name, (f"{self.__module__}:{self.__qualname__}",)
            return getattr, (bound_to, self.__name__)


class GuardedFunction(_FunctionWrapper):
    """A decorated function: bound, copied and pickled as functions are."""

    if not TYPE_CHECKING:
        __bound_function_wrapper__ = GuardedMethod
        __wrapped__ = _Wrapped()

        if _IS_ALL_PYTHON:

            def __call__(self, /, *args, **kwargs):
                # wrapt's asks for __wrapped__, twice, and for more that is of no use here.
                return self._self_wrapper(bare_of(self), None, args, kwargs)

        def __get__(self, instance, owner=None):
            bare = bare_of(self)
            bind = getattr(type(bare), "__get__", None)
            bound = bare if bind is None else bind(bare, instance, owner)
            if bound is bare:
                return self
            if type(bound) is MethodType and bound.__func__ is bare:
                return MethodType(self, bound.__self__)
            return super().__get__(instance, owner)

        def __setattr__(self, name, value):
            if name == "__wrapped__":
                name = "_self_wraps"
            elif name in _CLASSES_HAVE:
                setattr(bare_of(self), name, value)
            super().__setattr__(name, value)

        def __delattr__(self, name):
            if name != "__wrapped__":
                super().__delattr__(name)
                return
            try:
                super().__delattr__("_self_wraps")
            except AttributeError:
                delattr(bare_of(self), name)
            else:
                # functools.wraps may have copied one with the attributes of the other function.
                vars(bare_of(self)).pop(name, None)

        def __copy__(self):
            return self

        def __deepcopy__(self, memo):
            return self

        def __reduce_ex__(self, protocol):
            return self.__qualname__
