"""Guards do what generators do in the hands of the libraries that take them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import json
import operator
import socketserver
import threading
import types
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref import simple_server
from wsgiref.validate import validator

import pytest

import genlock
from counting import Served, counted
from crew import PATIENCE, together
from subprocesses import run_program

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator

PROGRAMS = Path(__file__).with_name("programs")


@pytest.fixture
def served() -> Iterator[Served]:
    with counted() as counter:
        yield counter


def letters() -> Iterator[str]:
    yield from "genlock"


@genlock.guarded
def counter() -> Iterator[int]:
    yield from itertools.count()


# contextlib and pytest


@contextlib.contextmanager
@genlock.guarded
def managed(log: list[object]) -> Iterator[str]:
    try:
        yield "managed"
    except KeyError as error:
        log.append(error.args)
    finally:
        log.append("left")


def test_context_managers(served: Served) -> None:
    log: list[object] = []
    with managed(log) as value:
        assert value == "managed"
    assert served.calls == 2
    with managed(log):
        raise KeyError("swallowed")
    with pytest.raises(ValueError, match="passed on"), managed(log):
        raise ValueError("passed on")
    assert log == ["left", ("swallowed",), "left", "left"]
    assert served.calls == 6


@pytest.fixture
def log(served: Served) -> Iterator[list[str]]:
    seen: list[str] = []
    yield seen
    assert seen == ["set up", "used", "torn down"]
    assert served.calls == 2


@pytest.fixture
@genlock.guarded
def resource(log: list[str]) -> Iterator[str]:
    log.append("set up")
    yield "resource"
    log.append("torn down")


def test_yield_fixtures(resource: str, log: list[str]) -> None:
    assert resource == "resource"
    log.append("used")  # what has to come after that is asserted by the fixture `log`


# Event loops and executors


def test_threads_of_an_event_loop_share_a_guard(served: Served) -> None:
    async def main() -> list[int]:
        numbers = counter()
        calls = [asyncio.to_thread(next, numbers) for _ in range(200)]
        return await asyncio.gather(*calls)

    assert sorted(asyncio.run(main())) == list(range(200))
    assert served.calls == 200


def test_an_executor_shares_a_guard(served: Served) -> None:
    numbers = counter()
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda _: next(numbers), range(500)))
    assert sorted(taken) == list(range(500))
    assert served.calls == 500


def test_an_executor_maps_over_a_guard(served: Served) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert "".join(pool.map(str.upper, genlock.guard(letters()))) == "GENLOCK"
    assert served.calls == len("genlock") + 1


@types.coroutine
@genlock.guarded
def step(value: str) -> Generator[None, None, str]:
    yield
    return value


class Waiting:
    @genlock.guarded
    def __await__(self) -> Generator[None, None, str]:
        yield
        return "waited"


@pytest.mark.parametrize(("awaitable", "result"), [(lambda: step("a"), "a"), (Waiting, "waited")])
def test_what_is_awaited(
    awaitable: Callable[[], Awaitable[str]], result: str, served: Served
) -> None:
    async def main() -> str:
        return await awaitable()

    assert asyncio.run(main()) == result
    assert served.calls == 2


# functools, itertools and builtins

CONSUMERS: dict[str, Callable[[Iterable[str]], Any]] = {
    "accumulate": itertools.accumulate,
    "batches": lambda it: iter(lambda: list(itertools.islice(it, 2)), []),
    "chain": lambda it: itertools.chain("a", it),
    "chain.from_iterable": itertools.chain.from_iterable,
    "compress": lambda it: itertools.compress(it, itertools.cycle([0, 1])),
    "cycle": lambda it: itertools.islice(itertools.cycle(it), 20),
    "enumerate": enumerate,
    "filter": lambda it: filter("lock".__contains__, it),
    "groupby": lambda it: (key for key, _ in itertools.groupby(it)),
    "islice": lambda it: itertools.islice(it, 1, None, 2),
    "join": "-".join,
    "map": lambda it: map(str.upper, it),
    "pairwise": itertools.pairwise,
    "product": lambda it: itertools.product(it, "ab"),
    "reduce": lambda it: functools.reduce(operator.add, it),
    "sorted": sorted,
    "tee": lambda it: zip(*itertools.tee(it), strict=True),
    "unpacked": lambda it: [*it],
    "zip": lambda it: zip(it, it, strict=False),
    "zip_longest": lambda it: itertools.zip_longest(it, "ab"),
}


@pytest.mark.parametrize("name", CONSUMERS)
def test_consumers_of_iterators(name: str, served: Served) -> None:
    consume = CONSUMERS[name]
    assert list(consume(genlock.guard(letters()))) == list(consume(letters()))
    assert served.calls >= len("genlock") + 1


def test_both_ends_of_a_tee_read_one_guard_alike(served: Served) -> None:
    left, right = itertools.tee(genlock.guard(letters()))
    assert ["".join(left), "".join(right)] == ["genlock", "genlock"]
    assert served.calls == len("genlock") + 2  # each finds the end for itself


def test_singledispatch_takes_a_guard_for_a_generator(served: Served) -> None:
    @functools.singledispatch
    def describe(_value: object) -> str:
        return "something"

    @describe.register
    def _(value: types.GeneratorType) -> str:  # type: ignore[type-arg]  # as it is registered
        return "generator of " + "".join(value)

    assert describe(genlock.guard(letters())) == "generator of genlock"
    assert served.calls == len("genlock") + 1


# WSGI


class ThreadingServer(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True
    request_queue_size = 12  # no fewer than come at once


class QuietHandler(simple_server.WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serving(application: Any) -> Iterator[str]:
    with simple_server.make_server(
        "127.0.0.1", 0, application, ThreadingServer, QuietHandler
    ) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join(PATIENCE)


def test_wsgi_responses(served: Served) -> None:
    tickets = counter()
    closed: list[int] = []

    @genlock.guarded
    def respond(ticket: int) -> Iterator[bytes]:
        try:
            yield b"ticket "
            yield str(ticket).encode()
        finally:
            closed.append(ticket)

    def application(_environ: object, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return respond(next(tickets))

    def get() -> bytes:
        with urllib.request.urlopen(url, timeout=PATIENCE) as response:  # noqa: S310  # http
            answer: bytes = response.read()
        return answer

    with serving(validator(application)) as url:
        answers = together(*[get] * 12)
    assert sorted(answers) == sorted(b"ticket %d" % ticket for ticket in range(12))
    assert sorted(closed) == list(range(12))
    # For each its ticket, two values, the end, and the close after that.
    assert served.calls == 12 * 5


# multiprocessing


def test_forked_processes() -> None:
    done = run_program(PROGRAMS / "processes.py", "fork")
    assert json.loads(done.stdout or done.stderr) == {
        "child": [[[0, 1, 4, 9], 5], 41],
        "parent": 42,  # what the child does to its copy, it does to its copy
    }


def test_spawned_processes() -> None:
    done = run_program(PROGRAMS / "processes.py", "spawn")
    cannot = "cannot pickle 'generator' object"
    assert json.loads(done.stdout or done.stderr) == {
        "child": [[[0, 1, 4, 9], 5], None],
        "parent": 42,
        "guard": cannot,
        "bare": cannot,
    }
