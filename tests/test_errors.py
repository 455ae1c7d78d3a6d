"""The errors as objects: what they inherit, keep, forget, and how they travel."""

import gc
import json
import pickle
import re
import sys
import weakref
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

import genlock
from crew import Occupied
from genlock import Diagnosis, Site, Step, Strand, _diagnoses, _wording
from genlock._interpreter import _frames, _stacks

HERE = Site("/app/demo.py", 12, "ping", "pong.send(19)")
DIAGNOSIS = Diagnosis(
    "GL001",
    "ping",
    "send",
    "send",
    (Strand("MainThread", (Step("ping", HERE, "running"),), "ping", "pong"), Strand("other")),
    1.5,
    (HERE,),
)
ERRORS = {
    "GL000": genlock.GeneratorBusyError,
    "GL001": genlock.ReentrantCallError,
    "GL002": genlock.ContendedCallError,
    "GL003": genlock.DeadlockError,
    "GL004": genlock.GuardTimeoutError,
    "GL006": genlock.NotPrimedError,
}


@pytest.mark.parametrize(("code", "kind"), ERRORS.items())
def test_errors_are_pickled_whole(code: str, kind: type[genlock.GenlockError]) -> None:
    error = kind(DIAGNOSIS)
    error.add_note("a note of the user's")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert again.code == code
    assert str(again) == str(error)
    assert again.diagnosis == DIAGNOSIS
    assert again.__notes__ == ["a note of the user's"]


def test_a_pickled_error_without_notes_has_none() -> None:
    again = pickle.loads(pickle.dumps(genlock.DeadlockError(DIAGNOSIS)))
    assert not hasattr(again, "__notes__")


def test_what_except_clauses_already_there_go_on_catching() -> None:
    busy = [kind for code, kind in ERRORS.items() if code < "GL006"]
    assert all(issubclass(kind, (ValueError, genlock.GeneratorBusyError)) for kind in busy)
    assert all(issubclass(kind, genlock.GenlockError) for kind in ERRORS.values())
    assert issubclass(genlock.GuardTimeoutError, TimeoutError)
    assert issubclass(genlock.NotPrimedError, TypeError)
    assert not issubclass(genlock.NotPrimedError, ValueError)


def test_their_arguments_are_those_of_the_interpreters_own_errors() -> None:
    def body() -> Generator[None, Any, None]:
        with pytest.raises(ValueError, match=r"already executing|GL001") as raised:
            itself.send(1)
        refusals.append(raised.value)
        yield

    refusals: list[BaseException] = []
    for itself in (body(), genlock.guard(body())):
        with pytest.raises(TypeError) as raised:
            itself.send(1)
        refusals.append(raised.value)
        next(itself)
    kinds = [TypeError, ValueError, genlock.NotPrimedError, genlock.ReentrantCallError]
    assert [type(refusal) for refusal in refusals] == kinds
    assert [refusal.args for refusal in refusals[:2]] == [refusal.args for refusal in refusals[2:]]
    assert str(refusals[2]).startswith("[GL006] ")
    assert str(refusals[3]).startswith("[GL001] ")
    assert repr(refusals[3]).startswith("ReentrantCallError(\"[GL001] 'body' was sent")
    assert "\n" not in repr(refusals[3])


def test_a_diagnosis_goes_to_json_and_back() -> None:
    text = DIAGNOSIS.to_json()
    assert json.loads(text)["strands"][0]["steps"][0]["site"]["line"] == 12
    assert Diagnosis.from_json(text) == DIAGNOSIS


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"code": 1}', DIAGNOSIS.to_json().replace('"send"', '"sing"')]
)
def test_json_of_another_kind_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # that of json, or our own
        Diagnosis.from_json(text)


class Payload:
    pass


def reentrant(payload: Payload) -> genlock.GenlockError:
    def body() -> Generator[Any, Any, None]:
        yield
        kept = payload
        try:
            guard.send(kept)
        except genlock.GenlockError as error:
            yield error.with_traceback(None)

    guard = genlock.guard(body(), prime=True)
    error = next(guard)
    assert isinstance(error, genlock.GenlockError)
    return error


def contended(payload: Payload) -> genlock.GenlockError:
    with Occupied(on_busy="raise") as stage, pytest.raises(genlock.GenlockError) as caught:
        stage.guard.send(payload)
    return caught.value.with_traceback(None)


def not_primed(payload: Payload) -> genlock.GenlockError:
    def body() -> Generator[Any, Any, None]:
        yield payload

    with pytest.raises(genlock.GenlockError) as caught:
        genlock.guard(body()).send(payload)
    return caught.value.with_traceback(None)


def undelivered(payload: Payload) -> genlock.GenlockError:
    def body() -> Generator[Any, Any, None]:
        kept = payload
        yield kept
        guard.send(1)

    guard = genlock.guard(body(), prime=True, on_reentry="defer")
    with pytest.raises(genlock.GenlockError) as caught:
        guard.send(payload)
    return caught.value.with_traceback(None)


@pytest.mark.parametrize("fail", [reentrant, contended, not_primed, undelivered])
def test_a_kept_error_keeps_nothing_alive(
    fail: Callable[[Payload], genlock.GenlockError],
) -> None:
    payload = Payload()
    alive = weakref.ref(payload)
    error = fail(payload)
    del payload
    gc.collect()
    assert error.diagnosis.strands
    assert alive() is None


@pytest.mark.parametrize(
    ("module", "reader"),
    [
        (_frames, "site"),
        (_frames, "yields"),
        (_frames, "thread_name"),
        (_frames, "short_name"),
        (_stacks, "current_frames"),
        (_stacks, "walk"),
    ],
)
def test_a_diagnosis_that_fails_leaves_the_error_standing(
    monkeypatch: pytest.MonkeyPatch, module: object, reader: str
) -> None:
    monkeypatch.setattr(module, reader, Mock(side_effect=RuntimeError("broken")))
    error = reentrant(Payload())
    assert type(error) is genlock.ReentrantCallError
    assert str(error).startswith("[GL001] ")
    assert type(contended(Payload())) is genlock.ContendedCallError


def test_a_close_that_leaves_no_room_on_the_stack_to_say_so_has_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guard = genlock.guard(iter_forever(), prime=True)
    monkeypatch.setattr(_diagnoses, "closed", Mock(side_effect=RecursionError))
    guard.close()
    assert guard.gi_frame is None


def iter_forever() -> Generator[None, None, None]:
    while True:
        yield


@pytest.fixture
def broken_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_wording, "_short", Mock(side_effect=RuntimeError("broken")))


@pytest.mark.usefixtures("broken_places")
def test_wording_that_fails_hides_nothing() -> None:
    def body() -> Generator[Any, Any, None]:
        yield
        raise LookupError("the user's own")

    assert "[GL001] 'body'" in str(reentrant(Payload()))
    with Occupied(warn_after=0, timeout=0.01) as stage, pytest.raises(TimeoutError):
        stage.guard.send(1)
    guard = genlock.guard(body(), prime=True)
    with pytest.raises(LookupError, match="the user's own"):
        next(guard)
    with pytest.raises(StopIteration):
        guard.send(1)
    guard = genlock.guard(body(), prime=True)
    guard.close()
    with pytest.raises(StopIteration):
        guard.send(1)


@pytest.mark.parametrize(
    ("module", "reader"), [(_frames, "site"), (_frames, "thread_name"), (_stacks, "walk")]
)
def test_what_a_signal_handler_raises_meanwhile_comes_out(
    monkeypatch: pytest.MonkeyPatch, module: object, reader: str
) -> None:
    class Alarm(Exception):
        pass

    def interrupted(*_: object) -> Any:
        raise Alarm

    with Occupied(on_busy="raise") as stage:
        monkeypatch.setattr(module, reader, interrupted)
        with pytest.raises(Alarm):
            stage.guard.send(1)


def test_an_argument_that_cannot_be_compared_is_left_alone() -> None:
    class Array:
        def __eq__(self, other: object) -> bool:
            raise RuntimeError("the truth value is ambiguous")

        __hash__ = None  # type: ignore[assignment]

    def body(kind: type[Exception]) -> Generator[Any, Any, None]:
        yield
        raise kind(Array())

    for kind in (ValueError, TypeError):
        guard = genlock.guard(body(kind), prime=True)
        with pytest.raises(kind) as caught:
            next(guard)
        assert type(caught.value) is kind


def test_a_search_path_with_a_path_object_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [Path.cwd(), b"bytes", "", "/", *sys.path])
    assert "test_errors.py:" in str(reentrant(Payload()))


def test_a_long_path_is_shortened_in_its_middle() -> None:
    steps = tuple(
        Step(f"f{n}", Site("/app/demo.py", n, f"f{n}", f"f{n + 1}()")) for n in range(1, 31)
    )
    error = genlock.ReentrantCallError(
        Diagnosis("GL001", "ping", "send", strands=(Strand("main", steps),))
    )
    rows = [line for line in str(error).splitlines() if "demo.py" in line or "more calls" in line]
    assert len(rows) == 12
    assert "19 more calls" in rows[3]
    assert "→ f30" in rows[-1]
    thirteen = Diagnosis("GL001", "ping", "send", strands=(Strand("main", steps[:13]),))
    assert "2 more calls" in str(genlock.ReentrantCallError(thirteen))
    twelve = Diagnosis("GL001", "ping", "send", strands=(Strand("main", steps[:12]),))
    assert "more calls" not in str(genlock.ReentrantCallError(twelve))


def test_a_stop_iteration_that_leaves_the_body_is_remembered_with_its_line() -> None:
    def body() -> Generator[None, None, None]:
        yield next(iter(()))

    guard = genlock.guard(body())
    with pytest.raises(RuntimeError, match="generator raised StopIteration"):
        next(guard)
    with pytest.raises(StopIteration) as stopped:
        next(guard)
    (note,) = stopped.value.__notes__
    assert re.search(r"was ended by RuntimeError: .*, at test_errors\.py:\d+ in ", note)


def test_an_error_whose_text_fails_is_remembered_by_its_name() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    def body() -> Generator[None, None, None]:
        raise Mute
        yield

    guard = genlock.guard(body())
    with pytest.raises(Mute):
        next(guard)
    with pytest.raises(StopIteration) as stopped:
        next(guard)
    (note,) = stopped.value.__notes__
    assert "was ended by Mute, at " in note


def test_a_long_error_is_remembered_in_short() -> None:
    ending = _diagnoses.ended(ValueError("x" * 10_000))
    assert len(ending.error) < 300


def test_the_note_reaches_who_sees_only_a_runtime_error() -> None:
    """A driver whose inner coroutine has ended: PEP 479 hides the StopIteration in a cause."""

    def inner() -> Generator[None, int, None]:
        1 / (yield)

    def driver() -> Generator[None, int, None]:
        while True:
            value = yield
            inside.send(value)

    inside = genlock.guard(inner(), prime=True)
    outside = genlock.guard(driver(), prime=True)
    with pytest.raises(ZeroDivisionError):
        inside.send(0)
    with pytest.raises(RuntimeError, match="generator raised StopIteration") as raised:
        outside.send(1)
    (note,) = raised.value.__cause__.__notes__  # type: ignore[union-attr]
    assert "'inner' was ended by ZeroDivisionError" in note


def test_a_generator_that_was_sent_to_before_its_start_is_none_the_worse() -> None:
    def echo() -> Generator[object, object, None]:
        value = None
        while True:
            value = yield value

    guard = genlock.guard(echo())
    with pytest.raises(genlock.NotPrimedError) as early:
        guard.send(1)
    assert early.value.__suppress_context__
    next(guard)
    assert guard.send(2) == 2


def test_a_type_error_of_the_body_with_those_words_passes_through() -> None:
    def body() -> Generator[None, None, None]:
        yield
        raise TypeError("can't send non-None value to a just-started generator")

    guard = genlock.guard(body(), prime=True)
    with pytest.raises(TypeError) as caught:
        next(guard)
    assert type(caught.value) is TypeError


def test_a_name_too_long_for_a_message_is_cut() -> None:
    guard = genlock.guard(iter([1]), name="n" * 1000)
    assert genlock._guard.gate_of(guard).name == "n" * 79 + "…"


def test_an_error_that_comes_out_again_is_told_about_once() -> None:
    def brief() -> Generator[int, None, None]:
        yield 1

    guard, stop = genlock.guard(brief()), StopIteration()
    assert list(guard) == [1]
    for _ in range(3):
        with pytest.raises(StopIteration):
            guard.throw(stop)
    assert len(stop.__notes__) == 1


def test_names_break_no_line_of_a_message() -> None:
    name = "A\x1b[31m\nB"
    step = genlock.Step(name, genlock.Site("a.py", 1, name))
    strands = (genlock.Strand(name, (step, step)), genlock.Strand(name, (step,)))
    for code in ("GL001", "GL002", "GL003", "GL004", "GL005", "GL006", "GL007"):
        text = _wording.message(genlock.Diagnosis(code, name, "send", strands=strands))
        assert text.replace("\n", "").isprintable()
        assert "\nB" not in text
