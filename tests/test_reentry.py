"""A call that comes back to its own generator within one thread is refused at once, by any way."""

import gc
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

import genlock
from crew import PATIENCE, Occupied, Worker, needs_gil, until
from genlock import _waits

Body = Generator[Any, Any, None]


def caught_inside(call: Callable[[Any], object]) -> genlock.ReentrantCallError:
    """What `call`, made on a guard by its own body, raises there; the guard works on after it."""

    def body() -> Body:
        yield
        with pytest.raises(genlock.ReentrantCallError) as caught:
            call(guard)
        yield caught.value
        yield "still alive"

    guard = genlock.guard(body(), prime=True)
    error = guard.send("go")
    assert isinstance(error, genlock.ReentrantCallError)
    assert next(guard) == "still alive"
    return error


def actors(error: genlock.GenlockError) -> list[str]:
    return [step.actor for step in error.diagnosis.strands[0].steps]


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("send", lambda guard: guard.send(1)),
        ("next", next),
        ("next", lambda guard: guard.send(None)),
        ("next", list),
        ("throw", lambda guard: guard.throw(KeyError)),
        ("close", lambda guard: guard.close()),
        ("next", lambda guard: 1 in guard),
    ],
)
def test_every_operation_is_refused(operation: str, call: Callable[[Any], object]) -> None:
    diagnosis = caught_inside(call).diagnosis
    assert diagnosis.operation == operation
    assert diagnosis.during == "send"


def test_the_path_names_unguarded_generators_and_functions_between() -> None:
    def function(guard: Any) -> object:
        return list(unguarded(guard))

    def unguarded(guard: Any) -> Iterator[object]:
        yield guard.send(1)

    assert actors(caught_inside(function)) == ["caught_inside", "body", "function", "unguarded"]


def test_the_whole_cycle_is_named_across_guards() -> None:
    errors = []

    def hop(onward: Callable[[], Any]) -> Body:
        while True:
            value = yield
            try:
                onward().send(value)
            except genlock.ReentrantCallError as error:
                errors.append(error)

    first = genlock.guard(hop(lambda: second), prime=True, name="first")
    second = genlock.guard(hop(lambda: third), prime=True, name="second")
    third = genlock.guard(hop(lambda: first), prime=True, name="third")
    first.send(1)
    (error,) = errors
    steps = error.diagnosis.strands[0].steps
    assert [step.site.function for step in steps[1:]] == [hop.__qualname__.rpartition(".")[2]] * 3
    assert steps[1].actor == "first"
    assert steps[0].site.code == "first.send(1)"


def test_yield_from_its_own_guard() -> None:
    def body() -> Body:
        yield
        yield from guard

    guard: Any = genlock.guard(body(), prime=True)
    with pytest.raises(genlock.ReentrantCallError):
        next(guard)


def test_close_of_a_delegating_generator_that_comes_back() -> None:
    errors = []

    class Sub:
        """Asks the generator that delegates to it, while that is being closed."""

        def __iter__(self) -> Any:
            return self

        def __next__(self) -> int:
            return 1

        def close(self) -> None:
            try:
                guard.send(1)
            except ValueError as error:
                errors.append(error)

    def body() -> Body:
        yield from Sub()

    guard: Any = genlock.guard(body(), prime=True, name="delegating")
    guard.close()
    (error,) = errors
    assert type(error) is genlock.ReentrantCallError
    assert error.diagnosis.during == "close"
    assert actors(error)[-1].endswith("Sub.close")


def test_a_signal_handler_that_comes_back() -> None:
    errors: list[ValueError] = []

    def handler(*_: object) -> None:
        try:
            guard.send("from the handler")
        except ValueError as error:
            errors.append(error)

    def body() -> Body:
        while True:
            yield
            signal.raise_signal(signal.SIGUSR1)

    guard = genlock.guard(body(), prime=True, name="interrupted")
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        guard.send("go")
    finally:
        signal.signal(signal.SIGUSR1, before)
    (error,) = errors
    assert type(error) is genlock.ReentrantCallError
    assert actors(error)[1] == "interrupted"
    assert actors(error)[-1].endswith("handler")


def test_a_finaliser_run_by_the_collector_that_comes_back() -> None:
    errors: list[ValueError] = []

    class Cyclic:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            try:
                guard.send("from __del__")
            except ValueError as error:
                errors.append(error)

    def body() -> Body:
        while True:
            yield
            Cyclic()
            gc.collect()

    guard = genlock.guard(body(), prime=True)
    guard.send("go")
    (error,) = errors
    assert type(error) is genlock.ReentrantCallError
    assert actors(error)[-1].endswith("Cyclic.__del__")


def test_the_bare_generator_running_in_this_thread_is_re_entry_too() -> None:
    def body() -> Body:
        yield
        with pytest.raises(genlock.ReentrantCallError) as caught:
            guard.send(1)
        yield caught.value

    bare = body()
    guard = genlock.guard(bare, prime=True)
    error = bare.send("behind the guard's back")
    assert isinstance(error, genlock.ReentrantCallError)
    assert guard._self_gate.busy is False


def test_two_guards_on_one_generator_know_of_each_other() -> None:
    def body() -> Body:
        yield
        with pytest.raises(genlock.ReentrantCallError):
            other.send(1)
        yield "done"

    generator = body()
    one, other = genlock.guard(generator), genlock.guard(generator)
    next(one)
    assert one.send("go") == "done"


def test_re_entry_through_the_bare_generator_while_another_thread_waits_for_it() -> None:
    """The guard is busy, with a thread that polls; waiting for that one would never end."""
    polling = threading.Event()

    def body() -> Body:
        yield
        assert polling.wait(PATIENCE)
        until(lambda: guard._self_gate.busy)
        with pytest.raises(genlock.ReentrantCallError) as caught:
            guard.send("back")
        yield caught.value
        yield "served"

    bare = body()
    guard: Any = genlock.guard(bare, prime=True)
    user = Worker(lambda: bare.send("behind the guard's back"))
    until(lambda: bare.gi_running)  # type: ignore[attr-defined]  # typed as the abstract class
    waiter = Worker(lambda: guard.send("wait"))
    polling.set()
    assert isinstance(user.result(), genlock.ReentrantCallError)
    assert waiter.result() == "served"


class BareUse:
    """A guard beside the use of its bare generator in another thread, until `leave` is set."""

    def __init__(self, **options: Any) -> None:
        self.inside, self.leave = threading.Event(), threading.Event()
        bare = self.body()
        self.guard = genlock.guard(bare, prime=True, **options)
        self.user = Worker(lambda: next(bare))
        assert self.inside.wait(PATIENCE)

    def body(self) -> Generator[int, None, None]:
        yield 0
        self.inside.set()
        assert self.leave.wait(PATIENCE)
        yield 1
        yield 2


@needs_gil
def test_the_bare_generator_running_in_another_thread_is_waited_for() -> None:
    use = BareUse()
    waiter = Worker(lambda: next(use.guard))
    until(lambda: use.guard._self_gate.busy)
    use.leave.set()
    assert sorted([use.user.result(), waiter.result()]) == [1, 2]


@needs_gil
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"on_busy": "raise"}, genlock.ContendedCallError),
        ({"timeout": 0.01}, genlock.GuardTimeoutError),
    ],
)
def test_a_bare_user_is_named_to_those_who_do_not_wait(
    options: Any, error: type[genlock.GeneratorBusyError]
) -> None:
    use = BareUse(**options)
    with pytest.raises(error) as caught:
        next(use.guard)
    assert caught.value.diagnosis.strands[1].thread == use.user.name
    use.leave.set()
    assert use.user.result() == 1


# This thread owns the gate, but the generator is between two runs: the call goes through.


def numbers() -> Generator[int, Any, None]:
    number = 0
    while True:
        yield number
        number += 1


def test_a_tracer_may_use_the_guard_whose_release_it_traces() -> None:
    guard = genlock.guard(numbers())
    seen = []
    gate = guard._self_gate
    release = gate.send.__func__.__code__

    def tracer(frame: Any, event: str, _argument: object) -> Any:
        if frame.f_code is not release or frame.f_locals.get("self") is not gate:
            return None
        if event == "line" and frame.f_locals.get("was") is False:
            sys.settrace(None)
            frame.f_trace = None
            seen.append(next(guard))
            return None
        return tracer

    sys.settrace(tracer)
    try:
        own = next(guard)
    finally:
        sys.settrace(None)
    assert sorted([own, *seen]) == [0, 1]
    assert gate.busy is False


def test_a_tracer_of_the_yield_itself_is_re_entry() -> None:
    guard = genlock.guard(numbers())
    body = guard.gi_frame
    errors = []

    def tracer(frame: Any, event: str, _argument: object) -> Any:
        # Not by the code: the collector may close another generator of it right here.
        if frame is body and event == "return":
            sys.settrace(None)
            try:
                next(guard)
            except ValueError as error:
                errors.append(error)
        return tracer

    sys.settrace(tracer)
    try:
        assert next(guard) == 0
    finally:
        sys.settrace(None)
    (error,) = errors
    assert type(error) is genlock.ReentrantCallError
    assert next(guard) == 1


def test_a_signal_handler_during_a_wait_takes_the_turn_first() -> None:
    with Occupied() as stage:
        answers = []

        def handler(*_: object) -> None:
            Worker(stage.leave.set)
            answers.append(stage.guard.send("from the handler"))

        before = signal.signal(signal.SIGUSR1, handler)

        def interrupt() -> None:
            until(stage.waiters)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

        interrupter = Worker(interrupt)
        try:
            answers.append(stage.guard.send("from the wait"))
        finally:
            signal.signal(signal.SIGUSR1, before)
        interrupter.result()
    assert stage.taken == ["held", "from the handler", "from the wait"]
    assert answers == [2, 3]
    assert stage.guard._self_gate.busy is False


def handled_during_a_wait(stage: Occupied, handler: Any) -> None:
    """Let `handler` run in this thread while it waits for the guard; the holder leaves then."""
    before = signal.signal(signal.SIGUSR1, lambda *_: (Worker(stage.leave.set), handler()))

    def interrupt() -> None:
        until(stage.waiters)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    interrupter = Worker(interrupt)
    try:
        stage.guard.send("from the wait")
    finally:
        signal.signal(signal.SIGUSR1, before)
    interrupter.result()


def test_a_turn_that_a_handler_took_goes_on_without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genlock._waits.BACKSTOP", PATIENCE)
    with Occupied() as stage:
        handled_during_a_wait(stage, lambda: stage.guard.send("from the handler"))
    assert stage.taken == ["held", "from the handler", "from the wait"]


def test_a_handler_that_comes_between_registering_and_queueing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin_wait = _waits.begin_wait
    answers = []

    def interrupted(ticket: Any) -> None:
        monkeypatch.setattr(_waits, "begin_wait", begin_wait)
        begin_wait(ticket)
        stage.leave.set()
        answers.append(stage.guard.send("from the handler"))

    with Occupied() as stage:
        monkeypatch.setattr(_waits, "begin_wait", interrupted)
        answers.append(stage.guard.send("from the wait"))
    assert answers == [2, 3]
    assert stage.taken == ["held", "from the handler", "from the wait"]


def test_an_iterator_that_a_handler_entered_during_a_wait_is_not_entered_twice() -> None:
    inside, leave = threading.Event(), threading.Event()
    nested: list[BaseException] = []

    def step(number: int) -> int:
        if number == 0:
            inside.set()
            assert leave.wait(PATIENCE)
        if number == 1:
            with pytest.raises(genlock.ReentrantCallError) as caught:
                next(guard)
            nested.append(caught.value)
        return number

    guard = genlock.guard(map(step, range(5)))
    holder = Worker(lambda: next(guard))
    assert inside.wait(PATIENCE)
    answers = []

    def handler(*_: object) -> None:
        leave.set()
        answers.append(next(guard))

    before = signal.signal(signal.SIGUSR1, handler)

    def interrupt() -> None:
        until(lambda: guard._self_gate.queue)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    interrupter = Worker(interrupt)
    try:
        answers.append(next(guard))
    finally:
        signal.signal(signal.SIGUSR1, before)
    interrupter.result()
    assert holder.result() == 0
    assert answers == [1, 2]
    assert len(nested) == 1


@needs_gil
def test_the_bare_user_is_named_as_the_holder_and_not_the_call_that_polls() -> None:
    """Also where the caller is the newer thread, which comes first in the interpreter's list."""

    def body() -> Body:
        yield
        yield Worker(call).result()

    def call() -> str:
        with pytest.raises(genlock.ContendedCallError) as caught:
            next(guard)
        return caught.value.diagnosis.strands[1].thread

    bare = body()
    guard: Any = genlock.guard(bare, prime=True, on_busy="raise")
    assert next(bare) == threading.current_thread().name


@needs_gil
@pytest.mark.parametrize("operation", ["close", "throw"])
def test_close_and_throw_wait_for_a_bare_user(operation: str) -> None:
    inside, leave = threading.Event(), threading.Event()

    def body() -> Body:
        yield
        inside.set()
        assert leave.wait(PATIENCE)
        yield "bare"

    bare = body()
    guard: Any = genlock.guard(bare, prime=True)
    user = Worker(lambda: next(bare))
    assert inside.wait(PATIENCE)
    call = guard.close if operation == "close" else lambda: guard.throw(KeyError("thrown"))
    caller = Worker(call)
    until(lambda: guard._self_gate.busy)
    leave.set()
    assert user.result() == "bare"
    if operation == "close":
        assert caller.result() is None
        with pytest.raises(StopIteration) as ended:
            guard.send("too late")
        assert "'body' had been closed, at" in ended.value.__notes__[0]
    else:
        with pytest.raises(KeyError) as caught:
            caller.result()
        assert caught.value.__context__ is None
    assert guard.gi_frame is None
