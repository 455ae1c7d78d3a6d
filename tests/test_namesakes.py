"""Guards of one name: what is said of them tells them apart, and shows which is which."""

import gc
import logging
import pickle
import threading
import weakref
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, Self

import pytest

import genlock
from crew import PATIENCE, Worker, until
from genlock import Diagnosis, Site, Step, Strand, _wording
from genlock._interpreter import _stacks
from genlock._observing import _live_wording

HERE = Site("app.py", 1, "body", "other.send(None)")


def shown(guard: object) -> str:
    """What `repr()` shows of a guard between "generator object" and the end."""
    return repr(guard).removeprefix("<generator object ").removesuffix(">").rpartition(".")[2]


class Chain:
    """Threads A, B and C: each is inside of a guard and waits for the guard of the one before."""

    def __init__(self) -> None:
        self.inside, self.leave = threading.Event(), threading.Event()

        def conn() -> Generator[None, Any, None]:
            while True:
                following = yield
                if following is not None:
                    following.send(None)
                else:
                    self.inside.set()
                    assert self.leave.wait(PATIENCE)

        self.guards = [genlock.guard(conn(), prime=True, warn_after=None) for _ in range(3)]

    def __enter__(self) -> Self:
        values = [None, *self.guards]
        self.workers = []
        for number, (name, guard, value) in enumerate(
            zip("ABC", self.guards, values, strict=False)
        ):
            self.workers.append(Worker(lambda g=guard, v=value: g.send(v), name=name))  # type: ignore[misc]
            assert self.inside.wait(PATIENCE)
            until(lambda n=number: len(genlock.snapshot().waits) == n)  # type: ignore[misc]
        return self

    def __exit__(self, *_: object) -> None:
        self.leave.set()
        for worker in self.workers:
            worker.result()


def test_a_dump_tells_which_guard_each_thread_is_inside_and_waits_for() -> None:
    with Chain() as chain:
        first, second, third = map(shown, chain.guards)
        snapshot = genlock.snapshot()
        text, chart = snapshot.to_text(), snapshot.to_mermaid()
        again = genlock.Snapshot.from_json(snapshot.to_json()).to_text()
    assert f"A is inside '{first}':\n" in text
    assert f"  Waiting for '{first}':\n    B, see there\n" in text
    assert f"B is inside '{second}' and has waited " in text
    assert f" s for '{first}' in next():\n" in text
    assert f"C is inside '{third}' and has waited " in text
    assert f"    → {second}  " in text
    assert _wording.NAMESAKES.strip() in text
    assert all(f'(["{name}: running' in chart for name in (first, second, third))
    assert again == text


def test_a_state_is_of_the_guard_whose_repr_shows_its_identity() -> None:
    with Chain() as chain:
        states = list(map(genlock.state, chain.guards))
    for guard, state in zip(chain.guards, states, strict=True):
        assert repr(guard).endswith(f" at {state.identity:#x}>")
        assert state.name == "conn"
        assert state.holder is not None
        assert state.holder.holds_identity == state.identity
    first, second, _ = states
    assert first.holder is not None
    assert second.holder is not None
    assert (first.holder.wants_identity, second.holder.wants_identity) == (0, first.identity)


@contextmanager
def two_entered_by_one_thread(**options: Any) -> Iterator[tuple[Any, Any]]:
    """Guards of one name: a thread is inside of the first one and, from there, of the second."""
    inside, leave = threading.Event(), threading.Event()

    def conn(following: Any) -> Generator[None, Any, None]:
        while True:
            yield
            if following is not None:
                following.send(None)
            else:
                inside.set()
                assert leave.wait(PATIENCE)

    inner = genlock.guard(conn(None), prime=True)
    outer = genlock.guard(conn(inner), prime=True, **options)
    holder = Worker(lambda: outer.send(None), name="holder")
    assert inside.wait(PATIENCE)
    yield outer, inner
    leave.set()
    holder.result()


@pytest.mark.skipif(_stacks.RUN_AT_ONCE, reason="what a body calls cannot be read on this build")
def test_who_waits_is_told_which_ones_the_holder_is_inside_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        caplog.at_level(logging.WARNING, "genlock"),
        two_entered_by_one_thread(timeout=0.02, warn_after=0.0) as (outer, inner),
    ):
        with pytest.raises(genlock.GuardTimeoutError) as caught:
            outer.send(1)
        stay = genlock.LongStay("hold", "holder", 1, 10.0, genlock.state(outer))
    told = str(caught.value)
    assert f"[GL004] '{shown(outer)}' was sent a value " in told
    assert told.endswith(_wording.NAMESAKES)
    watched = _live_wording.long_stay(stay)
    assert f"holder has been inside '{shown(outer)}' for 10 s" in watched
    assert f" s for '{shown(outer)}' in send()" in caplog.text
    for text in (told, watched, caplog.text):
        assert f"    → {shown(outer)}  " in text
        assert f"    → {shown(inner)}  " in text


def test_a_name_of_its_own_takes_the_place_of_the_address() -> None:
    def node(following: Any) -> Generator[None, Any, None]:
        while True:
            yield
            (following or first).send(1)

    last = genlock.guard(node(None), name="last", prime=True)
    middle = genlock.guard(node(last), name="middle", prime=True)
    first = genlock.guard(node(middle), name="first", prime=True)
    with pytest.raises(genlock.ReentrantCallError) as caught:
        first.send(1)
    lines = str(caught.value).splitlines()
    assert [line.split()[1] for line in lines if "→" in line] == ["first", "middle", "last"]
    assert "0x" not in str(caught.value)


def test_guards_that_are_broken_for_good_are_counted() -> None:
    def conn() -> Generator[None, None, None]:
        while True:
            yield

    guards = [genlock.guard(conn(), prime=True) for _ in range(2)]
    blocks = [genlock.exclusive(guard) for guard in guards]

    def enter_and_end() -> None:
        for block in blocks:
            block.__enter__()

    Worker(enter_and_end).result()
    assert "\n  2 times 'conn':\n" in genlock.snapshot().to_text()


def test_a_long_name_leaves_room_for_the_address() -> None:
    steps = (Step("main", HERE), Step("n" * 80, HERE, identity=1), Step("n" * 80, HERE, identity=2))
    strands = (Strand("main", steps),)
    told = _wording.message(Diagnosis("GL001", "n" * 80, "send", strands=strands, identity=1))
    for address in ("0x1", "0x2"):
        assert f"    → {'n' * 39}… at {address}  " in told


def test_a_diagnosis_keeps_no_guard_alive() -> None:
    with two_entered_by_one_thread(on_busy="raise") as (outer, inner):
        gone = weakref.ref(inner.__wrapped__)
        with pytest.raises(genlock.ContendedCallError) as caught:
            outer.send(1)
    diagnosis = caught.value.diagnosis
    del outer, inner, caught
    gc.collect()
    assert gone() is None
    assert diagnosis.identity


def test_a_guard_that_an_error_about_a_namesake_ended_has_its_address_beside_it() -> None:
    def node(following: Any) -> Generator[None, Any, None]:
        while True:
            yield
            (following or first).send(1)

    last = genlock.guard(node(None), prime=True)
    first = genlock.guard(node(last), prime=True)
    with pytest.raises(genlock.ReentrantCallError):
        first.send(1)
    for ended in (first, last):
        with pytest.raises(StopIteration) as caught:
            ended.send(1)
        (note,) = caught.value.__notes__
        assert note.startswith(f"genlock: '{shown(ended)}' was ended by ReentrantCallError: ")
        assert f"[GL001] '{shown(first)}' was sent a value" in note


def test_what_is_pickled_says_the_same() -> None:
    strands = (Strand("A", (), "log", "log", 1, 2), Strand("B", (), "log", "log", 2, 1))
    error = genlock.DeadlockError(Diagnosis("GL003", "log", "send", strands=strands, identity=2))
    assert "A is inside 'log at 0x1' and waits for 'log at 0x2':" in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert Diagnosis.from_json(error.diagnosis.to_json()) == error.diagnosis
    assert _wording.message(Diagnosis.from_json(error.diagnosis.to_json())) == str(error)
