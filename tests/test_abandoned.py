"""Whoever is inside can never come back: that is said, and not waited for."""

import os
import warnings
from collections.abc import Generator
from typing import Any

import pytest

import genlock
from crew import PATIENCE, Occupied, Worker, until
from genlock import _waits


def in_a_forked_child(job: Any) -> str:
    """What `job` returns in a child of this process."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads and fork: the subject
        child = os.fork()
    if child == 0:
        try:
            text = job()
        except BaseException as error:
            text = f"{type(error).__name__}: {error}"
        os.write(writer, text.encode()[:4000])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return text


pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


POLICIES = [{}, {"on_busy": "raise"}, {"timeout": 0}]


@pytest.mark.parametrize("policy", POLICIES)
def test_a_generator_that_another_thread_ran_at_the_fork(policy: Any) -> None:
    with Occupied(**policy) as stage:
        told = in_a_forked_child(lambda: str(stage.guard.send("never")))
    assert told.startswith("AbandonedGeneratorError: [GL005] 'occupied' was sent a value, but")
    assert stage.taken == ["held"]


@pytest.mark.parametrize("on_close", ["wait", "raise", "defer"])
def test_its_close_says_so_too(on_close: str) -> None:
    with Occupied(on_close=on_close) as stage:
        told = in_a_forked_child(lambda: str(stage.guard.close()))
    assert told.startswith("AbandonedGeneratorError: [GL005] 'occupied' was to be closed, but")


@pytest.mark.parametrize("policy", POLICIES)
def test_exclusive_use_of_it_says_so_too(policy: Any) -> None:
    with Occupied(**policy) as stage:
        told = in_a_forked_child(lambda: str(genlock.exclusive(stage.guard).__enter__()))
    assert told.startswith("AbandonedGeneratorError: [GL005] ")


@pytest.mark.parametrize("policy", POLICIES)
def test_exclusive_use_of_a_thread_that_has_ended(policy: Any) -> None:
    with Occupied(**policy) as stage:
        stage.leave.set()
        stage.holder.join(PATIENCE)
        block = genlock.exclusive(stage.guard)
        Worker(block.__enter__).result()
        with pytest.raises(genlock.AbandonedGeneratorError):
            stage.guard.send("never")
        with pytest.raises(genlock.AbandonedGeneratorError):
            genlock.exclusive(stage.guard).__enter__()


def test_guards_that_were_idle_at_the_fork_work_in_the_child() -> None:
    def numbers() -> Generator[int, None, None]:
        yield from range(10)

    guard = genlock.guard(numbers(), prime=True)
    with Occupied():
        assert in_a_forked_child(lambda: str(next(guard))) == "1"
    assert next(guard) == 1


def test_threads_that_waited_at_the_fork_wait_no_more_in_the_child() -> None:
    with Occupied(timeout=PATIENCE) as stage:
        waiter = Worker(lambda: stage.guard.send("waiting"))
        until(stage.waiters)
        assert in_a_forked_child(lambda: str(len(_waits._waiting))) == "0"
        stage.leave.set()
        assert waiter.result() == 2


@pytest.mark.parametrize("policy", POLICIES)
def test_a_greenlet_that_is_switched_out_inside(policy: Any) -> None:
    greenlet = pytest.importorskip("greenlet")

    def body() -> Generator[Any, Any, None]:
        while True:
            yield
            main.switch()

    main = greenlet.getcurrent()
    guard = genlock.guard(body(), prime=True, **{"timeout": PATIENCE, **policy})
    inside = greenlet.greenlet(lambda: guard.send("switched out"))
    inside.switch()
    with pytest.raises(genlock.AbandonedGeneratorError):
        guard.send("never")
    inside.switch()
    inside_again = greenlet.greenlet(lambda: guard.send("works again"))
    inside_again.switch()
