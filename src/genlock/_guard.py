"""The proxies: what stands where the generator stood and lets one thread in at a time."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator
from types import GeneratorType
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Protocol, TypeVar, overload

import wrapt

from genlock import _wording
from genlock._deferral import Deferred
from genlock._gates import gate_for, is_off
from genlock._policy import Policy, check_name, check_prime, resolve

Yield = TypeVar("Yield", covariant=True)
Send = TypeVar("Send", contravariant=True)
Return = TypeVar("Return", covariant=True)
_Y = TypeVar("_Y")
_S = TypeVar("_S")
_R = TypeVar("_R")

make_gate = gate_for
"""What all guards get their gates from. Exchanged by who wants to see them being made: to ask for
that here would cost each guard something."""

if TYPE_CHECKING:
    from types import CodeType, FrameType, TracebackType
    from typing import Self, Unpack

    from genlock._gate import Gate
    from genlock._policy import OtherOptions, PolicyOptions

    # What a guard has is what is written here: the types of wrapt's proxy take any attribute.
    class _Proxy:
        __wrapped__: Any

    _IteratorShape = Iterator
    _GeneratorShape = Generator

    class _Sender(Protocol[Yield, Send]):
        def send(self, value: Send, /) -> Yield:
            """Take a value, and answer with another."""

else:
    _Proxy = wrapt.BaseObjectProxy

    class _IteratorShape:
        """Stands for the abstract base class, which a proxy cannot inherit from at run time."""

        __slots__ = ()

        def __class_getitem__(cls, _parameters):
            return cls

    class _GeneratorShape(_IteratorShape):
        __slots__ = ()

    class _Sender(_IteratorShape):
        __slots__ = ()


class _Missing:
    """An attribute that neither the class nor its instances have, although a base class does."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: object, owner: type) -> NoReturn:
        raise AttributeError(self.name)


class _Doc:
    """`__doc__`: of the class its docstring, of a guard that of what it guards."""

    def __init__(self, text: str | None) -> None:
        self.text = text

    def __get__(self, instance: GuardedIterator[Any] | None, owner: type) -> str | None:
        if instance is None:
            return self.text
        doc: str | None = instance.__wrapped__.__doc__
        return doc


def _tell_docstrings_apart(cls: type) -> None:
    # Where wrapt is pure Python, its metaclass does it.
    if type(cls) is type:
        cls.__doc__ = _Doc(cls.__doc__)  # type: ignore[assignment]  # a descriptor


class GuardedIterator(_Proxy, _IteratorShape[Yield]):
    """Any iterator that any number of threads can share: a map, a file, a csv reader.

    Made by `guard` or `@guarded`. `close` is guarded where the iterator has it; everything else is
    the iterator's own.

    Thread-safe. Raises what the iterator raises, and besides: `ReentrantCallError`,
    `ContendedCallError`, `DeadlockError`, `GuardTimeoutError`, `AbandonedGeneratorError`.
    """

    __slots__ = ("_self_gate",)

    _self_gate: Gate

    if TYPE_CHECKING:

        def close(self) -> Any:
            """Close the iterator, where it can be closed."""

    else:
        # wrapt's own look-up takes some 100 ns. What is not found goes to the wrapped object
        # still, by __getattr__.
        __getattribute__ = object.__getattribute__

        # Spares wrapt a look-up that fails, 400 ns, whenever a guard is made.
        __wrapped_setattr_fixups__ = tuple

        # copy and itertools.tee look for these before they do without.
        __copy__ = _Missing()
        __deepcopy__ = _Missing()

        # What a guard has of its own cannot be set from outside, as with a generator.

        def __setattr__(self, name, value):
            setattr(self.__wrapped__, name, value)

        def __delattr__(self, name):
            delattr(self.__wrapped__, name)

        def __getattr__(self, name):
            attribute = super().__getattr__(name)
            if name in ("send", "throw", "close"):
                return functools.partial(self._self_gate.enter, name, attribute)
            return attribute

        def __length_hint__(self):
            hint = getattr(type(self.__wrapped__), "__length_hint__", None)
            return NotImplemented if hint is None else hint(self.__wrapped__)

        def __init_subclass__(cls):
            super().__init_subclass__()
            _tell_docstrings_apart(cls)

    def __init__(self, *_: object) -> None:
        raise TypeError(_wording.MADE_BY_GUARD)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __iter__(self) -> Iterator[Yield]:
        """Implement iter(self)."""
        return self

    def __next__(self) -> Yield:
        """Implement next(self)."""
        result: Yield = self._self_gate.enter("next", self.__wrapped__.__next__)
        return result

    def __contains__(self, value: object) -> bool:
        # wrapt's would run through the generator behind the gate.
        return any(item is value or item == value for item in self)

    def __enter__(self) -> Self:
        entered = self.__wrapped__.__enter__()
        return self if entered is self.__wrapped__ else entered

    def __exit__(self, *exception: object) -> bool | None:
        # Ends what it guards, as close does, and so waits for its turn as that does.
        ended: bool | None = self._self_gate.enter("close", self.__wrapped__.__exit__, *exception)
        return ended

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__wrapped__.__reduce_ex__(protocol)


_tell_docstrings_apart(GuardedIterator)


class GuardedSender(GuardedIterator[Yield], _Sender[Yield, Send]):
    """An object with `send` that any number of threads can share, if it is no generator.

    Made by `guard` or `@guarded`. next, `throw` and `close` are guarded, too, where the object has
    them; everything else is the object's own. (A type checker knows of no `throw`.)

    Thread-safe. Raises what the object raises, and besides what a `GuardedIterator` does.
    """

    __slots__ = ()

    if TYPE_CHECKING:

        def send(self, value: Send, /) -> Yield:
            """Send the object a value."""


class GuardedGenerator(GuardedSender[Yield, Send], _GeneratorShape[Yield, Send, Return]):
    """A generator that any number of threads can share: made by `guard` or `@guarded`.

    Answers as the generator does, also to `isinstance(…, types.GeneratorType)`, to `inspect` and
    for `gi_frame` and its like. Only next, send, throw and close differ: they let one thread in
    at a time and do with the others what the `Policy` says.

    Thread-safe. Raises what the generator raises, and besides: `ReentrantCallError`,
    `ContendedCallError`, `DeadlockError`, `GuardTimeoutError`, `NotPrimedError`.
    """

    __slots__ = ("send",)

    if TYPE_CHECKING:

        def send(self, value: Send, /) -> Yield:
            """Resume the generator with `value`; see PEP 342."""

        @property
        def gi_code(self) -> CodeType: ...
        @property
        def gi_frame(self) -> FrameType: ...
        @property
        def gi_running(self) -> bool: ...
        @property
        def gi_yieldfrom(self) -> Iterator[Any] | None: ...

        def __iter__(self) -> Generator[Yield, Send, Return]: ...

    # send is a bound method of the gate, kept in a slot: nearly as fast to call as a function.

    def __next__(self) -> Yield:
        """Implement next(self)."""
        return self.send(None)  # type: ignore[arg-type]  # what next() does, for any Send

    @overload
    def throw(
        self,
        exception: type[BaseException],
        value: BaseException | object = None,
        traceback: TracebackType | None = None,
        /,
    ) -> Yield: ...
    @overload
    def throw(
        self,
        exception: BaseException,
        value: None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> Yield: ...
    def throw(self, *exception: Any) -> Yield:
        """Raise an exception inside the generator, at the yield where it is suspended.

        Returns what it yields next. Raises what comes out of it, and what the guard's `send`
        raises where another thread is inside or the call came back. Thread-safe. See PEP 342.
        """
        try:
            result: Yield = self._self_gate.enter("throw", self.__wrapped__.throw, *exception)
        except BaseException as error:
            _clear_gate_frames(error.__traceback__)
            raise
        finally:
            del exception
        return result

    def close(self) -> Any:
        """Raise GeneratorExit inside the generator, so that it ends; nothing if it has ended.

        Returns None (from Python 3.13 on, what the generator returns). Raises RuntimeError if it
        yields instead, and what the policy's `on_close` says. Thread-safe. See PEP 342.
        """
        return self._self_gate.enter("close", self.__wrapped__.close)


def _clear_gate_frames(traceback: TracebackType | None) -> None:
    """Make the frames between a call of `throw` and the generator's forget what was thrown.

    They hold it, and when it comes out, it holds them by its traceback: a cycle, that would keep
    the guard alive until the collector runs.
    """
    traceback = traceback and traceback.tb_next
    while traceback is not None and traceback.tb_frame.f_globals.get("__package__") == "genlock":
        traceback.tb_frame.clear()
        traceback = traceback.tb_next


class _AwaitableGenerator(GuardedGenerator[Yield, Send, Return]):
    """A guarded generator of a function under `@types.coroutine`."""

    __slots__ = ()

    def __await__(self) -> Self:
        return self


class DeferringGenerator(GuardedGenerator[Yield | Deferred, Send, Return]):
    """A guarded generator with `on_reentry="defer"`.

    What comes back to it waits for its next yield; the call returns `DEFERRED` meanwhile.
    Everything else is as with `GuardedGenerator`. Raises UndeliveredValuesError, in the thread that
    runs the generator, where that returns before all was delivered.
    """

    __slots__ = ()

    if TYPE_CHECKING:

        def __next__(self) -> Yield: ...

        # What a `for` is given. Where `yield from` passes a send on, that may be deferred, too;
        # a type checker takes both from here.
        def __iter__(self) -> Generator[Yield, Send, Return]: ...


class _AwaitableDeferringGenerator(DeferringGenerator[Yield, Send, Return]):
    """Both of it."""

    __slots__ = ()

    def __await__(self) -> Self:
        return self


_new: Callable[[type], Any] = _Proxy.__new__


def _setter(cls: type, name: str) -> Callable[[object, object], None]:
    """The quickest way to set an attribute that is kept in a slot."""
    setter: Callable[[object, object], None] | None
    setter = getattr(cls.__dict__.get(name), "__set__", None)
    return setter or (lambda instance, value: object.__setattr__(instance, name, value))


_AWAITABLE = inspect.CO_ITERABLE_COROUTINE  # of functions under @types.coroutine

_set_wrapped = _setter(_Proxy, "__wrapped__")
_set_gate = _setter(GuardedIterator, "_self_gate")
_set_send = _setter(GuardedGenerator, "send")


@overload
def guard(
    obj: Generator[_Y, _S, _R],
    /,
    *,
    on_reentry: Literal["defer"],
    policy: Policy | None = None,
    name: str | None = None,
    prime: bool = False,
    **options: Unpack[OtherOptions],
) -> DeferringGenerator[_Y, _S, _R]: ...
@overload
def guard(
    obj: Generator[_Y, _S, _R],
    /,
    *,
    policy: Policy | None = None,
    name: str | None = None,
    prime: bool = False,
    **options: Unpack[PolicyOptions],
) -> GuardedGenerator[_Y, _S, _R]: ...
@overload
def guard(obj: Coroutine[Any, Any, Any], /, **options: Any) -> NoReturn: ...
@overload
def guard(
    obj: _Sender[_Y, _S],
    /,
    *,
    on_reentry: Literal["defer"],
    policy: Policy | None = None,
    name: str | None = None,
    prime: bool = False,
    **options: Unpack[OtherOptions],
) -> GuardedSender[_Y | Deferred, _S]: ...
@overload
def guard(
    obj: _Sender[_Y, _S],
    /,
    *,
    policy: Policy | None = None,
    name: str | None = None,
    prime: bool = False,
    **options: Unpack[PolicyOptions],
) -> GuardedSender[_Y, _S]: ...
@overload
def guard(
    obj: Iterator[_Y],
    /,
    *,
    policy: Policy | None = None,
    name: str | None = None,
    prime: bool = False,
    **options: Unpack[PolicyOptions],
) -> GuardedIterator[_Y]: ...
def guard(
    obj: Any,
    /,
    *,
    policy: Policy | None = None,
    name: str | None = None,
    prime: bool = False,
    **options: Any,
) -> Any:
    """Make a generator, or any other iterator, safe to share between threads.

    Use what is returned in the place of `obj`, and `obj` itself no more.

    Args:
        obj: a generator, another iterator, or an object with `send`. A guard is returned as it is.
        policy: what to do with a call that finds another thread inside; the default is the one
            that `configure` has set.
        name: what messages call it; by default the name of its function.
        prime: run a generator that has not started to its first yield.
        **options: fields of `Policy`, which override those of `policy`.

    Raises:
        TypeError: `obj` is nothing that can be guarded, an option is unknown or of a wrong type,
            `name` is no string, or `prime` no bool.
        ValueError: an option's value is not possible, or `obj` is a guard with other options.
        RuntimeError: with `prime`, the generator ended before its first yield.

    Safe in any thread. With GENLOCK=off in the environment, returns `obj`.
    """
    if name is not None:
        check_name(name)
    if prime is not False:
        check_prime(prime)
    if is_off:
        resolve(policy, options)  # a mistake is one, whether it has an effect or not
        guarded = obj
    elif type(obj) is GeneratorType:
        guarded = _guarded_generator(obj, resolve(policy, options), name)
    elif issubclass(type(obj), GuardedIterator):
        guarded = _checked_again(obj, policy, name, options)
    elif isinstance(obj, Generator):  # Cython's, or a class of the user's
        guarded = _guarded_generator(obj, resolve(policy, options), name)
    else:
        guarded = _guarded_iterator(obj, resolve(policy, options), name)
    if prime:
        _prime(guarded, name)
    return guarded


def _guarded_generator(
    generator: Generator[Any, Any, Any], policy: Policy, name: str | None
) -> GuardedGenerator[Any, Any, Any]:
    gate = make_gate(generator, generator.send, policy, name)
    kind: type[GuardedGenerator[Any, Any, Any]] = GuardedGenerator
    is_awaitable = type(generator) is GeneratorType and generator.gi_code.co_flags & _AWAITABLE
    if policy.on_reentry == "defer":
        kind = _AwaitableDeferringGenerator if is_awaitable else DeferringGenerator
    elif is_awaitable:
        kind = _AwaitableGenerator
    # Filled by hand: an __init__ in Python, and wrapt's, would cost half as much again.
    proxy: GuardedGenerator[Any, Any, Any] = _new(kind)
    _set_wrapped(proxy, generator)
    _set_gate(proxy, gate)
    _set_send(proxy, gate.send)
    return proxy


def _guarded_iterator(obj: Any, policy: Policy, name: str | None) -> GuardedIterator[Any]:
    if isinstance(obj, Coroutine) or hasattr(type(obj), "__anext__"):  # Cython's, too
        raise TypeError(_wording.not_guardable(obj, "async"))
    can_be_sent_to = _can_be_sent_to(obj)
    if not hasattr(type(obj), "__next__") and not can_be_sent_to:
        if inspect.isroutine(obj):
            raise TypeError(_wording.not_guardable(obj, "function"))
        if _can_be_iterated_over(obj):
            raise TypeError(_wording.not_guardable(obj, "iterable"))
        raise TypeError(_wording.not_guardable(obj))
    proxy: GuardedIterator[Any] = _new(GuardedSender if can_be_sent_to else GuardedIterator)
    _set_wrapped(proxy, obj)
    _set_gate(proxy, make_gate(obj, obj.send if can_be_sent_to else obj.__next__, policy, name))
    return proxy


def _can_be_sent_to(obj: Any) -> bool:
    try:
        return hasattr(obj, "send")
    except Exception:  # a __getattr__ that raises something of its own
        return False


def _can_be_iterated_over(obj: Any) -> bool:
    if isinstance(obj, Iterable):
        return True
    try:
        iter(obj)  # by its __getitem__, which is not called yet
    except TypeError:
        return False
    return True


def _checked_again(
    guarded: GuardedIterator[Any], policy: Policy | None, name: str | None, options: dict[str, Any]
) -> GuardedIterator[Any]:
    gate = gate_of(guarded)
    chosen = resolve(policy or gate.policy, options)
    if chosen != gate.policy or name not in (None, gate.label):
        raise ValueError(_wording.different_policy(gate.name))
    return guarded


def gate_of(guarded: GuardedIterator[Any]) -> Gate:
    """The gate of a guard."""
    return guarded._self_gate  # noqa: SLF001  # its own module's


def _prime(obj: Any, name: str | None) -> None:
    """Run a coroutine that has not started to its first yield."""
    if name is None and isinstance(obj, GuardedIterator):
        name = gate_of(obj).name
    name = name or str(getattr(obj, "__name__", type(obj).__name__))
    if not _can_be_sent_to(obj):
        raise TypeError(_wording.not_primable(name))
    try:
        if isinstance(obj, GuardedIterator):
            gate_of(obj).enter("next", _start, obj.__wrapped__)
        else:
            _start(obj)
    except StopIteration as error:
        raise RuntimeError(_wording.ended_before_first_yield(name)) from error


def _start(coroutine: Any) -> None:
    if inspect.isgenerator(coroutine) and inspect.getgeneratorstate(coroutine) != "GEN_CREATED":
        return
    if hasattr(type(coroutine), "__next__"):
        next(coroutine)
    else:
        coroutine.send(None)  # what next() does
