"""The interpreter's own errors about generators, each provoked, are told from all others."""

import types
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from typing import Any

import pytest

import genlock
from genlock._explaining._protocol import FAULTS, recognise


@types.coroutine
def pause() -> Generator[None, None, None]:
    yield


def drive(awaitable: Any) -> None:
    """Run a coroutine to where it waits, or ends."""
    try:
        awaitable.send(None)
    except (StopIteration, StopAsyncIteration):
        pass


def itself() -> None:
    def body() -> Iterator[int]:
        yield next(generator)

    generator = body()
    next(generator)


def unprimed(make: Callable[[], Any]) -> Callable[[], None]:
    return lambda: make().send(1)


def numbers() -> Generator[int, int, None]:
    yield 1


async def nothing() -> None:
    await pause()


async def ticks() -> AsyncGenerator[int, int]:
    while True:
        await pause()
        yield 1


async def values() -> AsyncGenerator[int, None]:
    yield 1


def raises_stop_iteration() -> None:
    def body() -> Iterator[int]:
        yield from ()
        next(iter(()))

    next(body())


def coroutine_raises_stop_iteration() -> None:
    async def body() -> None:
        next(iter(()))

    drive(body())


def async_generator_raises(error: Exception) -> Callable[[], None]:
    async def body() -> AsyncGenerator[int, None]:
        raise error
        yield 1

    return lambda: drive(anext(body()))


def ignores_exit() -> None:
    def body() -> Generator[int, None, None]:
        try:
            yield 1
        except GeneratorExit:
            yield 2

    generator = body()
    next(generator)
    try:
        generator.close()
    finally:
        next(generator, None)


def coroutine_ignores_exit() -> None:
    async def body() -> None:
        try:
            await pause()
        except GeneratorExit:
            await pause()

    coroutine = body()
    drive(coroutine)
    try:
        coroutine.close()
    finally:
        drive(coroutine)


def async_generator_ignores_exit() -> None:
    async def body() -> AsyncGenerator[int, None]:
        try:
            yield 1
        except GeneratorExit:
            yield 2

    generator = body()
    drive(anext(generator))
    try:
        drive(generator.aclose())
    finally:
        drive(anext(generator))


def coroutine_awaits_itself() -> None:
    async def body() -> None:
        await coroutine

    coroutine = body()
    drive(coroutine)


def coroutine_is_awaited_twice() -> None:
    async def wait() -> None:
        await coroutine

    coroutine = nothing()
    first = wait()
    drive(first)
    try:
        drive(wait())
    finally:
        drive(first)


def coroutine_is_awaited_again() -> None:
    coroutine = nothing()
    drive(coroutine)
    drive(coroutine)
    coroutine.send(None)


def while_it_runs(call: Callable[[Any], Awaitable[Any]]) -> Callable[[], None]:
    def provoke() -> None:
        generator = ticks()
        first = anext(generator)
        drive(first)
        try:
            drive(call(generator))
        finally:
            drive(first)

    return provoke


def step_is_awaited_twice(make: Callable[[Any], Any]) -> Callable[[], None]:
    def provoke() -> None:
        step = make(values())
        drive(step)
        step.send(None)

    return provoke


PROVOKED: dict[str, Callable[[], None]] = {
    "generator already executing": itself,
    "can't send non-None value to a just-started generator": unprimed(numbers),
    "can't send non-None value to a just-started coroutine": unprimed(nothing),
    "can't send non-None value to a just-started async generator": unprimed(
        lambda: ticks().asend(1)
    ),
    "generator raised StopIteration": raises_stop_iteration,
    "coroutine raised StopIteration": coroutine_raises_stop_iteration,
    "async generator raised StopIteration": async_generator_raises(StopIteration()),
    "async generator raised StopAsyncIteration": async_generator_raises(StopAsyncIteration()),
    "generator ignored GeneratorExit": ignores_exit,
    "coroutine ignored GeneratorExit": coroutine_ignores_exit,
    "async generator ignored GeneratorExit": async_generator_ignores_exit,
    "coroutine already executing": coroutine_awaits_itself,
    "coroutine is being awaited already": coroutine_is_awaited_twice,
    "cannot reuse already awaited coroutine": coroutine_is_awaited_again,
    "anext(): asynchronous generator is already running": while_it_runs(
        lambda generator: generator.asend(None)
    ),
    "athrow(): asynchronous generator is already running": while_it_runs(
        lambda generator: generator.athrow(KeyError())
    ),
    "aclose(): asynchronous generator is already running": while_it_runs(
        lambda generator: generator.aclose()
    ),
    "cannot reuse already awaited __anext__()/asend()": step_is_awaited_twice(anext),
    "cannot reuse already awaited aclose()/athrow()": step_is_awaited_twice(
        lambda generator: generator.aclose()
    ),
}

NOT_SEEN = {
    # What the interpreter's source has besides; compiled generators and later versions may say it.
    "asend(): asynchronous generator is already running",
    "async generator already executing",
}


@pytest.mark.parametrize("text", PROVOKED)
def test_error_of_the_interpreter_is_recognised(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # what was made was never awaited
        with pytest.raises((ValueError, TypeError, RuntimeError)) as raised:
            PROVOKED[text]()
    assert str(raised.value) == text
    fault = recognise(raised.value)
    assert fault is not None
    assert fault.error == f"{type(raised.value).__name__}: {text}"
    assert genlock.explain(raised.value).code == fault.code


def test_every_error_that_is_known_was_provoked() -> None:
    assert {fault.text for fault in FAULTS} == set(PROVOKED) | NOT_SEEN


class Busy(ValueError):
    pass


class Liar(ValueError):
    @property
    def args(self) -> Any:  # type: ignore[override]
        raise AssertionError("code of the user's was run")


class Text(str):
    __slots__ = ()

    def __hash__(self) -> int:
        raise AssertionError("code of the user's was run")


@pytest.mark.parametrize(
    "error",
    [
        Busy("generator already executing"),
        RuntimeError("generator already executing"),
        ValueError("generator already executing", 1),
        ValueError("the generator already executing"),
        ValueError(),
        ValueError(Text("generator already executing")),
        Liar(),
    ],
)
def test_what_only_looks_like_it_is_not(error: BaseException) -> None:
    assert recognise(error) is None
