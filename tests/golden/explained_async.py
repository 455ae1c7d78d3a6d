"""The interpreter's errors about coroutines and async generators."""

import asyncio
from collections.abc import AsyncGenerator

import genlock

leave = asyncio.Event()


async def work() -> int:
    await leave.wait()
    return 42


async def ticks() -> AsyncGenerator[int, None]:
    while True:
        await leave.wait()
        yield 1


async def main() -> None:
    shared, stream = work(), ticks()

    async def await_it() -> None:
        await shared

    async def run_over_it() -> None:
        async for _ in stream:
            return

    step = stream.asend(None)
    tasks = [
        asyncio.create_task(await_it(), name="waiter"),
        asyncio.create_task(run_over_it(), name="runner"),
    ]
    await asyncio.sleep(0)
    try:
        await shared
    except RuntimeError as error:
        print(genlock.explain(error))
    try:
        await run_over_it()
    except RuntimeError as error:
        print(genlock.explain(error))
    try:
        await stream.aclose()
    except RuntimeError as error:
        print(genlock.explain(error))
    leave.set()
    await asyncio.wait(tasks)
    try:
        await shared
    except RuntimeError as error:
        print(genlock.explain(error))
    await step
    try:
        await step
    except RuntimeError as error:
        print(genlock.explain(error))
    await stream.aclose()


asyncio.run(main())
