"""`@guarded` and `@coroutine`: every generator that a function returns is guarded."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Protocol, TypeVar, overload

from genlock import _wording
from genlock._function_proxies import GuardedFunction
from genlock._gates import is_off
from genlock._guard import (
    DeferringGenerator,
    GuardedGenerator,
    GuardedIterator,
    guard,
)
from genlock._policy import Choice, Policy, check_name, check_prime

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from typing import Unpack

    from genlock._policy import OtherOptions

_P = ParamSpec("_P")
_Y = TypeVar("_Y")
_S = TypeVar("_S")
_R = TypeVar("_R")
_T = TypeVar("_T")


class _Decorator(Protocol):
    """What `guarded(…)` returns: keeps a function's signature and guards what it returns."""

    @overload
    def __call__(
        self, function: Callable[_P, Generator[_Y, _S, _R]], /
    ) -> Callable[_P, GuardedGenerator[_Y, _S, _R]]: ...
    @overload
    def __call__(
        self, function: Callable[_P, Iterator[_Y]], /
    ) -> Callable[_P, GuardedIterator[_Y]]: ...
    @overload
    def __call__(
        self, function: classmethod[_T, _P, Generator[_Y, _S, _R]], /
    ) -> classmethod[_T, _P, GuardedGenerator[_Y, _S, _R]]: ...
    @overload
    def __call__(
        self, function: staticmethod[_P, Generator[_Y, _S, _R]], /
    ) -> staticmethod[_P, GuardedGenerator[_Y, _S, _R]]: ...


class _DeferringDecorator(Protocol):
    """What `guarded(on_reentry="defer")` returns."""

    @overload
    def __call__(
        self, function: Callable[_P, Generator[_Y, _S, _R]], /
    ) -> Callable[_P, DeferringGenerator[_Y, _S, _R]]: ...
    @overload
    def __call__(
        self, function: Callable[_P, Iterator[_Y]], /
    ) -> Callable[_P, GuardedIterator[_Y]]: ...
    @overload
    def __call__(
        self, function: classmethod[_T, _P, Generator[_Y, _S, _R]], /
    ) -> classmethod[_T, _P, DeferringGenerator[_Y, _S, _R]]: ...
    @overload
    def __call__(
        self, function: staticmethod[_P, Generator[_Y, _S, _R]], /
    ) -> staticmethod[_P, DeferringGenerator[_Y, _S, _R]]: ...


@overload
def guarded(
    function: Callable[_P, Generator[_Y, _S, _R]], /
) -> Callable[_P, GuardedGenerator[_Y, _S, _R]]: ...
@overload
def guarded(function: Callable[_P, Iterator[_Y]], /) -> Callable[_P, GuardedIterator[_Y]]: ...
@overload
def guarded(
    function: classmethod[_T, _P, Generator[_Y, _S, _R]], /
) -> classmethod[_T, _P, GuardedGenerator[_Y, _S, _R]]: ...
@overload
def guarded(
    function: staticmethod[_P, Generator[_Y, _S, _R]], /
) -> staticmethod[_P, GuardedGenerator[_Y, _S, _R]]: ...
@overload
def guarded(
    *,
    on_reentry: Literal["defer"],
    policy: Policy | None = None,
    name: str | None = None,
    prime: bool = False,
    **options: Unpack[OtherOptions],
) -> _DeferringDecorator: ...
@overload
def guarded(
    *,
    on_reentry: Literal["raise"] = ...,
    policy: Policy | None = None,
    name: str | None = None,
    prime: bool = False,
    **options: Unpack[OtherOptions],
) -> _Decorator: ...
def guarded(
    function: Any = None,
    /,
    *,
    policy: Policy | None = None,
    name: str | None = None,
    prime: bool = False,
    **options: Any,
) -> Any:
    """Decorate a generator function or method, so that each call returns a guard.

    Takes no arguments, or those of `guard`; works on functions, methods, class and static
    methods, above or below `@classmethod` and `@staticmethod`. A function that is no generator
    function but returns a generator or an iterator will do.

    Raises:
        TypeError: not a function, an async function, or an option that is unknown or of a wrong
            type, at once; at a call, a function that returned nothing that can be guarded.
        ValueError: an option's value is not possible.

    The functions it makes are as thread-safe as those it is given. With GENLOCK=off in the
    environment they return what the function returns (primed, with `prime`).
    """
    check_name(name)
    check_prime(prime)
    decorate = functools.partial(_decorate, Choice(policy, options), name, prime)
    return decorate if function is None else decorate(function)


@overload
def coroutine(
    function: Callable[_P, Generator[_Y, _S, _R]], /
) -> Callable[_P, GuardedGenerator[_Y, _S, _R]]: ...
@overload
def coroutine(function: Callable[_P, Iterator[_Y]], /) -> Callable[_P, GuardedIterator[_Y]]: ...
@overload
def coroutine(
    function: classmethod[_T, _P, Generator[_Y, _S, _R]], /
) -> classmethod[_T, _P, GuardedGenerator[_Y, _S, _R]]: ...
@overload
def coroutine(
    function: staticmethod[_P, Generator[_Y, _S, _R]], /
) -> staticmethod[_P, GuardedGenerator[_Y, _S, _R]]: ...
@overload
def coroutine(
    *,
    on_reentry: Literal["defer"],
    policy: Policy | None = None,
    name: str | None = None,
    **options: Unpack[OtherOptions],
) -> _DeferringDecorator: ...
@overload
def coroutine(
    *,
    on_reentry: Literal["raise"] = ...,
    policy: Policy | None = None,
    name: str | None = None,
    **options: Unpack[OtherOptions],
) -> _Decorator: ...
def coroutine(
    function: Any = None,
    /,
    *,
    policy: Policy | None = None,
    name: str | None = None,
    **options: Any,
) -> Any:
    """`guarded(prime=True)`: each call returns a guard that waits at its first yield.

    Takes the arguments of `guarded` but `prime`, and raises what it raises; a call raises
    RuntimeError where the generator ends before its first yield.
    """
    if "prime" in options:
        raise TypeError(_wording.ALWAYS_PRIMES)
    decorator = guarded(policy=policy, name=name, prime=True, **options)
    return decorator if function is None else decorator(function)


def _decorate(choice: Choice, name: str | None, prime: bool, function: Any, /) -> Any:  # noqa: FBT001
    if type(function) is classmethod or type(function) is staticmethod:
        return type(function)(_decorate(choice, name, prime, function.__func__))
    inner = function.__func__ if isinstance(function, classmethod | staticmethod) else function
    is_async = inspect.iscoroutinefunction(inner) or inspect.isasyncgenfunction(inner)
    if is_async or not callable(inner) or isinstance(inner, type):
        raise TypeError(_wording.not_decoratable(inner, prime=prime, is_async=is_async))
    if is_off and not prime:
        return function

    def call(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
        made = wrapped(*args, **kwargs)
        if made is None:
            raise TypeError(_wording.returned_nothing(name or _name_of(wrapped)))
        return guard(made, policy=choice.policy(), name=name, prime=prime)

    return GuardedFunction(function, call)  # type: ignore[call-arg]  # an object


def _name_of(function: Any) -> str:
    while type(function) is functools.partial:
        function = function.func
    name: str = getattr(function, "__qualname__", type(function).__qualname__)
    return name
