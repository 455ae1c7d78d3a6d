"""Policies: which are possible, and which one is in force."""

from collections.abc import Iterator
from typing import Any

import pytest

import genlock
from genlock import Policy


@pytest.fixture(autouse=True)
def default_restored() -> Iterator[None]:
    before = genlock.configure()
    yield
    genlock.configure(before)


def policy_of(**options: Any) -> Policy:
    return genlock.guard(iter([]), **options)._self_gate.policy


@pytest.mark.parametrize("seconds", [-1, -0.001, float("nan"), float("-inf"), 10**400])
@pytest.mark.parametrize("option", ["timeout", "warn_after"])
def test_impossible_seconds(option: str, seconds: Any) -> None:
    with pytest.raises(ValueError, match=f"{option} must be 0 or more seconds, not "):
        Policy(**{option: seconds})


@pytest.mark.parametrize("seconds", ["1", True, [1], 1j])
@pytest.mark.parametrize("option", ["timeout", "warn_after"])
def test_seconds_that_are_no_number(option: str, seconds: Any) -> None:
    with pytest.raises(TypeError, match=f"{option} must be a number of seconds or None, not "):
        Policy(**{option: seconds})


@pytest.mark.parametrize("word", ["", "Wait", "later", None, 1, []])
@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("on_busy", "'wait' or 'raise'"),
        ("on_reentry", "'raise' or 'defer'"),
        ("on_close", "'wait' or 'raise' or 'defer'"),
    ],
)
def test_unknown_words(option: str, words: str, word: Any) -> None:
    with pytest.raises(ValueError, match=f"{option} must be {words}, not "):
        Policy(**{option: word})


def test_possible_ones() -> None:
    assert Policy(timeout=0, warn_after=float("inf")).timeout == 0
    assert Policy() == Policy(
        on_busy="wait", on_close="wait", timeout=None, warn_after=5.0, on_reentry="raise"
    )
    with pytest.raises(AttributeError):
        Policy().timeout = 1  # type: ignore[misc]


def test_what_waits() -> None:
    policy = Policy(on_busy="raise")
    assert [policy.waits(op) for op in ("send", "next", "throw", "close")] == [0, 0, 0, 1]
    policy = Policy(on_close="raise")
    assert [policy.waits(op) for op in ("send", "next", "throw", "close")] == [1, 1, 1, 0]


def test_the_default_is_that_of_guards_made_from_now_on() -> None:
    made_before: genlock.GuardedIterator[int] = genlock.guard(iter([]))
    before = genlock.configure(Policy(timeout=1), warn_after=None)
    assert before == Policy()
    assert policy_of() == Policy(timeout=1, warn_after=None)
    assert policy_of(timeout=2) == Policy(timeout=2, warn_after=None)
    assert policy_of(policy=Policy()) == Policy()
    assert made_before._self_gate.policy == Policy()
    assert genlock.configure(on_busy="raise") == Policy(timeout=1, warn_after=None)
    assert policy_of() == Policy(timeout=1, warn_after=None, on_busy="raise")


def test_a_default_reaches_functions_that_were_decorated_before() -> None:
    @genlock.guarded(on_busy="raise")
    def numbers() -> Iterator[int]:
        yield 1

    genlock.configure(timeout=3)
    assert numbers()._self_gate.policy == Policy(on_busy="raise", timeout=3)


def test_a_bad_default_changes_nothing() -> None:
    with pytest.raises(ValueError, match="timeout"):
        genlock.configure(timeout=-1)
    with pytest.raises(TypeError, match=r"policy must be a genlock\.Policy, not 'wait'"):
        genlock.configure("wait")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="unknown option 'timout'"):
        genlock.configure(timout=1)  # type: ignore[call-arg]
    assert genlock.configure() == Policy()
