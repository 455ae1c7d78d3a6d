"""Subscribers are told of everything, and the program never feels them."""

from __future__ import annotations

import asyncio
import logging
import re
import signal
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

import genlock
from crew import PATIENCE, Interrupt, Worker, interrupt, together
from genlock.sinks.logs import LogEvents

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from genlock import Event


def echo() -> Generator[Any, Any, None]:
    value = None
    while True:
        value = yield value


def test_a_subscriber_is_told_of_every_event_until_it_ends() -> None:
    cor = genlock.guard(echo(), prime=True)
    told: list[Event] = []
    subscription = genlock.subscribe(told.append)
    cor.send(1)
    cor.throw  # noqa: B018  # looking is not calling
    cor.close()
    subscription.end()
    subscription.end()
    assert isinstance(subscription, genlock.Subscription)
    assert not subscription.is_active
    cor.close()
    assert [(event.operation, event.outcome) for event in told] == [
        ("send", "yielded"),
        ("close", "returned"),
    ]


def test_a_subscriber_is_told_in_the_thread_of_the_call() -> None:
    cor = genlock.guard(echo(), prime=True)
    threads: list[tuple[str, int]] = []

    def note(event: Event) -> None:
        threads.append((event.thread.name, threading.get_ident()))

    with genlock.subscribe(note):
        cor.send(1)
    assert threads == [(threading.current_thread().name, threading.get_ident())]


def test_one_that_raises_is_removed_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    cor = genlock.guard(echo(), prime=True)
    told: list[Event] = []

    def fail(_: Event) -> None:
        raise ZeroDivisionError("of the subscriber")

    with genlock.subscribe(fail) as failing, genlock.subscribe(told.append):
        assert cor.send(1) == 1
        assert cor.send(2) == 2
        assert not failing.is_active
    (record,) = caplog.records
    assert record.name == "genlock"
    assert "a subscriber raised and is told no more" in record.getMessage()
    assert "of the subscriber" in (caplog.text)
    assert len(told) == 2


def deep(_: object) -> str:
    return deep(_)


def raiser(error: type[BaseException]) -> Callable[[object], Any]:
    def fail(_: object) -> None:
        raise error("of the subscriber")

    return fail


FAILING = {
    **{
        error.__name__: raiser(error)
        for error in (SystemExit, GeneratorExit, asyncio.CancelledError, StopIteration)
    },
    "RecursionError": deep,
}


@pytest.mark.parametrize("fail", FAILING.values(), ids=FAILING)
def test_whatever_a_subscriber_raises_is_kept_from_the_program(
    fail: Callable[[object], Any], caplog: pytest.LogCaptureFixture
) -> None:
    class Bracket:
        def begin(self, guard: object, operation: str) -> None:
            fail(guard)

        def __call__(self, event: Event) -> None:
            raise AssertionError("told although it has failed")

    class Finish(Bracket):
        def begin(self, guard: object, operation: str) -> Any:
            return fail

    cor = genlock.guard(echo(), prime=True)
    subscriptions = [genlock.subscribe(it) for it in (fail, Bracket(), Finish())]
    assert [cor.send(value) for value in range(3)] == [0, 1, 2]
    assert [it.is_active for it in subscriptions] == [False] * 3
    assert len(caplog.records) == 3


@pytest.mark.parametrize("fail", FAILING.values(), ids=FAILING)
def test_whatever_the_words_for_a_value_raise_is_kept_from_the_program(
    fail: Callable[[object], Any],
) -> None:
    cor = genlock.guard(echo(), prime=True)
    with genlock.trace(values=fail) as recording:
        assert cor.send(1) == 1
    (event,) = recording.events
    assert event.sent == event.got
    assert re.fullmatch(r"<\w+ while it was put into words>", str(event.got))


class Alarm(Exception):
    """What a signal handler raises."""


def by_name(number: int, frame: object) -> None:
    raise Alarm


def in_the_rest(*_: object) -> None:
    raise Alarm


@pytest.mark.parametrize("handler", [by_name, in_the_rest, signal.default_int_handler])
@pytest.mark.parametrize("way", ["subscriber", "begin", "values"])
def test_what_a_signal_handler_raises_while_one_is_told_comes_out(handler: Any, way: str) -> None:
    def told(_: object, *__: object) -> Any:
        signal.raise_signal(signal.SIGUSR1)

    class Bracket:
        begin = staticmethod(told)

        def __call__(self, event: Event) -> None:
            raise AssertionError("told although the call was never made")

    cor = genlock.guard(echo(), prime=True)
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        if way == "values":
            with genlock.trace(values=told), pytest.raises((Alarm, KeyboardInterrupt)):
                cor.send(1)
        else:
            subscriber = told if way == "subscriber" else Bracket()
            with genlock.subscribe(subscriber) as subscription:
                with pytest.raises((Alarm, KeyboardInterrupt)):
                    cor.send(1)
                assert subscription.is_active
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert cor.send(2) == 2


def test_what_is_set_into_a_thread_between_two_calls_of_a_subscriber_comes_out() -> None:
    inside = threading.Event()

    def stay(_: object) -> None:
        inside.set()
        while True:
            pass

    cor = genlock.guard(echo(), prime=True)
    with genlock.subscribe(stay):
        worker = Worker(lambda: cor.send(1))
        assert inside.wait(PATIENCE)
        interrupt(worker)
        worker.join(PATIENCE)
    assert type(worker.raised) is Interrupt
    assert cor.send(2) == 2


def test_one_that_raises_in_two_threads_at_once_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    meeting = threading.Barrier(2, timeout=PATIENCE)

    def fail(_: Event) -> None:
        meeting.wait()
        raise ZeroDivisionError

    cors = [genlock.guard(echo(), prime=True) for _ in range(2)]
    with genlock.subscribe(fail):
        together(*(partial(cor.send, 1) for cor in cors))
    assert len(caplog.records) == 1


def test_an_error_of_the_body_comes_out_although_a_subscriber_raises() -> None:
    def fail_in_body() -> Generator[None, Any, None]:
        yield
        raise KeyError("of the body")

    def fail(_: Event) -> None:
        raise ZeroDivisionError

    cor = genlock.guard(fail_in_body(), prime=True)
    with genlock.subscribe(fail), pytest.raises(KeyError, match="of the body") as caught:
        cor.send(1)
    assert caught.value.__context__ is None


def test_a_subscriber_may_drive_guards_itself() -> None:
    seen: list[object] = []

    def body() -> Generator[None, Any, None]:
        while True:
            seen.append((yield))

    counter = genlock.guard(body(), prime=True, name="counter")
    cor = genlock.guard(echo(), prime=True)

    def feed(event: Event) -> None:
        counter.send(event.guard.name)
        cor.send("the guard that is told of")

    with genlock.subscribe(feed) as subscription:
        assert cor.send(1) == 1
        assert subscription.is_active
    assert seen == ["echo"]


def test_begin_is_called_before_and_what_it_returns_after() -> None:
    steps: list[Any] = []

    class Bracket:
        def begin(self, guard: object, operation: str) -> Callable[[Event], object] | None:
            steps.append(("begin", operation))
            return lambda event: steps.append(("end", event.outcome))

        def __call__(self, event: Event) -> None:
            steps.append(("call", event.outcome))

    def body() -> Generator[None, Any, None]:
        while True:
            yield
            steps.append("inside")
            with pytest.raises(genlock.ReentrantCallError):
                cor.send("again")

    cor = genlock.guard(body(), prime=True)
    with genlock.subscribe(Bracket()):
        cor.send(1)
    assert steps == [("begin", "send"), "inside", ("call", "refused"), ("end", "yielded")]


def test_what_has_begun_is_finished_although_the_subscription_has_ended() -> None:
    finished: list[Event] = []

    class Bracket:
        def begin(self, guard: object, operation: str) -> Callable[[Event], object]:
            return finished.append

        def __call__(self, event: Event) -> None:
            pass

    def body() -> Generator[None, Any, None]:
        yield
        for subscription in subscriptions:
            subscription.end()
        yield

    told: list[Event] = []
    cor = genlock.guard(body(), prime=True)
    subscriptions = [genlock.subscribe(it) for it in (Bracket(), told.append)]
    cor.send(1)
    assert [event.outcome for event in finished] == ["yielded"]
    assert not told


def test_a_begin_that_raises_or_returns_nothing_is_no_harm(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Silent:
        def begin(self, guard: object, operation: str) -> None:
            pass

        def __call__(self, event: Event) -> None:
            raise AssertionError("told of a resumption that begin was told of")

    class Failing(Silent):
        def begin(self, guard: object, operation: str) -> None:
            raise ZeroDivisionError

    cor = genlock.guard(echo(), prime=True)
    with genlock.subscribe(Silent()) as silent, genlock.subscribe(Failing()) as failing:
        assert cor.send(1) == 1
        assert silent.is_active
        assert not failing.is_active
    assert len(caplog.records) == 1


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(TypeError, match="a subscriber has to be callable, not 'print'"):
        genlock.subscribe("print")  # type: ignore[arg-type]


def test_events_are_logged_with_their_facts(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "genlock.events")

    def body() -> Generator[None, Any, None]:
        while True:
            yield
            with pytest.raises(genlock.ReentrantCallError):
                cor.send("again")

    cor = genlock.guard(body(), prime=True, name="cor")
    with genlock.subscribe(LogEvents()):
        cor.send(1)
    refused, sent = caplog.records
    assert (refused.levelname, sent.levelname) == ("INFO", "DEBUG")
    assert sent.getMessage().startswith("cor send: yielded in ")
    assert refused.getMessage().startswith("cor send: refused ReentrantCallError in ")
    facts = {name: value for name, value in vars(sent).items() if name.startswith("genlock_")}
    assert facts.pop("genlock_took") > 0
    assert str(facts.pop("genlock_site")).startswith(f"{__file__}:")
    assert str(facts.pop("genlock_function")).endswith("body")
    assert facts == {
        "genlock_guard": "cor",
        "genlock_operation": "send",
        "genlock_outcome": "yielded",
        "genlock_error": "",
        "genlock_thread": threading.current_thread().name,
        "genlock_waited": 0,
        "genlock_deferred": 0,
    }


def test_events_below_the_level_of_the_logger_are_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "genlock.events")
    with genlock.subscribe(LogEvents()):
        next(genlock.guard(iter([1])))
    assert caplog.records == []
