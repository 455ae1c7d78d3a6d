"""Each of the interpreter's errors about generators, in a thread that it ends."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator


def echo() -> Generator[object, object, None]:
    value = None
    while True:
        value = yield value


def sends_before_it_starts() -> None:
    echo().send("early")


def first_of(numbers: list[int]) -> Generator[int, None, None]:
    yield next(iter(numbers))


def draws_from_nothing() -> None:
    print(*first_of([]))


def stubborn() -> Generator[int, None, None]:
    try:
        yield 1
    finally:
        yield 2


def closes_what_goes_on() -> None:
    cor = stubborn()
    next(cor)
    cor.close()


def drops_what_goes_on() -> None:
    next(stubborn())


async def nap() -> None:
    await asyncio.sleep(0)


def awaits_again() -> None:
    cor = nap()
    asyncio.run(twice(cor))


async def twice(cor: Coroutine[object, object, None]) -> None:
    await cor
    await cor


def awaits_at_once() -> None:
    asyncio.run(two_at_once(nap()))


async def two_at_once(cor: Coroutine[object, object, None]) -> None:
    async def wait_for_it() -> None:
        await cor

    await asyncio.gather(wait_for_it(), wait_for_it())


async def ticks() -> AsyncGenerator[int, None]:
    try:
        for number in range(3):
            await asyncio.sleep(0)
            yield number
    finally:
        await asyncio.sleep(0)


def asks_at_once() -> None:
    asyncio.run(two_ask())


async def two_ask() -> None:
    source = ticks()

    async def ask() -> int:
        return await anext(source)

    await asyncio.gather(ask(), ask())


def closes_at_work() -> None:
    asyncio.run(one_closes())


async def one_closes() -> None:
    source = ticks()

    async def ask() -> int:
        return await anext(source)

    async def close() -> None:
        await source.aclose()

    await asyncio.gather(ask(), close())


def reuses_a_step() -> None:
    asyncio.run(one_step_twice())


async def one_step_twice() -> None:
    step = ticks().__anext__()
    await step
    await step


def in_thread(job: Callable[[], None]) -> None:
    thread = threading.Thread(target=job, name=job.__name__)
    thread.start()
    thread.join()


for job in (
    sends_before_it_starts,
    draws_from_nothing,
    closes_what_goes_on,
    drops_what_goes_on,
    awaits_again,
    awaits_at_once,
    asks_at_once,
    closes_at_work,
    reuses_a_step,
):
    in_thread(job)
