"""Reads asyncio's tasks: which is running, which is inside of a coroutine or async generator."""

from __future__ import annotations

import gc
import sys
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any

from genlock import _frames
from genlock._records import Step, Strand

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEEPEST = 1000


def inside(wanted: object) -> Strand | None:
    """The task of the running loop whose chain of awaits leads through `wanted`, if any."""
    asyncio = sys.modules.get("asyncio")
    loop = asyncio._get_running_loop() if asyncio is not None else None
    if asyncio is None or loop is None:
        return None
    for task in asyncio.all_tasks(loop):
        chain = list(_chain(task.get_coro()))
        if any(each is wanted for each in chain):
            return Strand(_called(task), tuple(_steps(chain, wanted)))
    return None


def current() -> str:
    """What to call the task that the calling thread runs; "" where it runs none."""
    asyncio = sys.modules.get("asyncio")
    loop = asyncio._get_running_loop() if asyncio is not None else None
    task = None if asyncio is None or loop is None else asyncio.current_task(loop)
    return "" if task is None else _called(task)


def _called(task: Any) -> str:
    return f"task {task.get_name()}"


def _chain(obj: Any) -> Iterator[object]:
    """What a coroutine awaits, and what that awaits, and so on."""
    for _ in range(_DEEPEST):
        if type(obj) is CoroutineType:
            awaited = obj.cr_await
        elif type(obj) is AsyncGeneratorType:
            awaited = obj.ag_await
        elif type(obj) is GeneratorType:
            awaited = obj.gi_yieldfrom
        else:
            awaited = _of_async_generator(obj)
        yield obj
        if awaited is None:
            return
        obj = awaited


def _of_async_generator(obj: object) -> object:
    """The async generator of what its `__anext__` and its like return."""
    if not type(obj).__name__.startswith("async_generator_"):
        return None
    for each in gc.get_referents(obj):
        if type(each) is AsyncGeneratorType:
            return each
    return None


def _steps(chain: list[object], wanted: object) -> Iterator[Step]:
    """The rows of the chain, from the one that awaits `wanted` on."""
    frames = [(each, _frame(each)) for each in chain]
    rows = [(each, frame) for each, frame in frames if frame is not None]
    place = next(number for number, (each, _) in enumerate(rows) if each is wanted)
    while len(rows) > place + 1 and _frames.is_library(rows[-1][1].f_code.co_filename):
        rows.pop()
    for each, frame in rows[max(0, place - 1) :]:
        site = _frames.site(frame)
        yield Step(site.function, site, "running" if each is wanted else "")


def _frame(obj: Any) -> Any:
    for kind, name in (
        (CoroutineType, "cr_frame"),
        (AsyncGeneratorType, "ag_frame"),
        (GeneratorType, "gi_frame"),
    ):
        if type(obj) is kind:
            return getattr(obj, name)
    return None
