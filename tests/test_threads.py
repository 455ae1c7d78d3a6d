"""What a thread is known by."""

import gc
from typing import Any

import pytest

from crew import Worker
from genlock._interpreter import _threads
from genlock._interpreter._threads import Mark, own


def test_each_thread_has_a_mark_of_its_own_that_ends_with_it() -> None:
    mine, others = own.me, Worker(lambda: own.me).result()
    gc.collect()
    assert mine() is own.thread
    assert others() is None


def test_a_finaliser_that_comes_while_the_mark_is_made_is_the_same_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Any] = []

    def interrupted_mark() -> Mark:
        monkeypatch.setattr(_threads, "Mark", Mark)
        seen.append(own.thread)  # by the finaliser, in the midst of it
        return Mark()

    monkeypatch.setattr(_threads, "Mark", interrupted_mark)
    Worker(lambda: seen.extend([own.thread, own.me()])).result()
    first, *later = seen
    assert len(later) == 2
    assert all(mark is first for mark in later)
