"""An exception delivered at any place in a gate where the interpreter can deliver one.

A tracer of instructions has it pending from before the first call, backward jump, beginning or
resumption of a function in genlock's code; then from before the second, until there are no more.
The interpreter itself delivers it, where it delivers what another thread or a signal handler sets:
at the entry of a function that is called, else after the call or the jump, to the handler that is
in force there. After each the guard must serve, with nobody left waiting. Inside the straight lines
there is no such place, so there is none here.
"""

import _thread
import contextlib
import ctypes
import dis
import functools
import inspect
import math
import signal
import sys
from collections.abc import Callable, Generator
from itertools import count
from pathlib import Path
from threading import Event
from types import CodeType, FrameType
from typing import Any, Self

import pytest

import genlock
from crew import Occupied, Worker, until
from genlock import _waits
from genlock._interpreter import _stacks, _threads
from genlock._interpreter._threads import own

# What arrives while a generator of the package is thrown away is reported, and reaches nobody.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

PACKAGE = str(Path(genlock.__file__).parent)


class Interrupt(BaseException):
    """What another thread sets, and nothing that handles failures has to do with."""


class Alarm(Exception):
    """What the handler of a signal raises, and a diagnosis might raise itself."""


def raise_alarm(_number: int, _frame: object) -> None:
    raise Alarm


def places(code: CodeType) -> frozenset[int]:
    """The offsets of the instructions of `code` at which the interpreter looks what is pending."""
    instructions = list(dis.get_instructions(code))
    # On 3.11 a PRECALL may do the call, and leave out the CALL behind it.
    is_split = any(instruction.opname == "PRECALL" for instruction in instructions)
    calls = ("PRECALL", "CALL_FUNCTION_EX") if is_split else ("CALL",)
    looks = (*calls, "JUMP_BACKWARD", "POP_JUMP_BACKWARD")
    looks_not = ("CALL_INTRINSIC", "JUMP_BACKWARD_NO_INTERRUPT")
    return frozenset(
        instruction.offset
        for instruction in instructions
        if instruction.opname.startswith(looks) and not instruction.opname.startswith(looks_not)
    )


class Pending(dict[Any, None]):
    """Asked for what is to be delivered to the calling thread, has that pending.

    Every call would deliver it at once, and so would the entry of a function of Python's. So it is
    looked up, and a function of C's is asked for what is missing.
    """

    @classmethod
    def by(cls, deliver: Callable[[Any], object]) -> Self:
        pending: Self = type("Pending", (cls,), {"__missing__": staticmethod(deliver)})()
        return pending


_set_exception = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_ulong, ctypes.py_object)(
    ("PyThreadState_SetAsyncExc", ctypes.pythonapi)
)

_places: dict[int, tuple[frozenset[int], CodeType]] = {}
"""By the identity of the code, which is kept for that: its hash is made anew each time."""


class Interrupter:
    """Has an exception pending from the `nth` place on that the traced thread comes to.

    Where `since` is given, it has to be set before a place counts.
    """

    def __init__(
        self, nth: int, kind: type[BaseException] = Interrupt, since: Event | None = None
    ) -> None:
        self.left = nth
        self.kind = kind
        self.since = since
        self.where = ""
        self.what: Any = None

    def trace(self, frame: FrameType, event: str, _argument: object) -> Any:
        if event == "call" and not is_of_genlock(frame) and not is_of_genlock(frame.f_back):
            return None
        if event != "opcode":  # on 3.13 a call is too early: it is heeded from its first line on
            frame.f_trace_opcodes = is_of_genlock(frame)
        counts = not self.where and (self.since is None or self.since.is_set())
        if counts and is_place(frame, event):
            self.left -= 1
            if self.left < 0:
                self.where = f"{frame.f_code.co_qualname}:{frame.f_lineno}"
                sys.settrace(None)
                self.pending[self.what]
        return self.trace

    def during(self, call: Callable[[], object]) -> None:
        """Call, and raise what was delivered amid that.

        No context manager, whose end an exception can keep from running.
        """
        before, tracer = sys.gettrace(), self.trace  # 3.11 may call one that it has thrown away
        deliver: Callable[[Any], object]
        deliver, self.what = functools.partial(_set_exception, _thread.get_ident()), self.kind
        if self.kind is Alarm:
            deliver, self.what = _thread.interrupt_main, signal.SIGINT
            handler = signal.signal(signal.SIGINT, raise_alarm)
        self.pending = Pending.by(deliver)
        # Has the interpreter get ready for events of instructions before the first frame comes.
        sys._getframe().f_trace_opcodes = True
        try:
            sys.settrace(tracer)
            try:
                call()
            finally:
                sys.settrace(before)  # where nothing has been delivered yet, it is here
        finally:
            if self.kind is Alarm:
                signal.signal(signal.SIGINT, handler)


def is_of_genlock(frame: FrameType | None) -> bool:
    return frame is not None and frame.f_code.co_filename.startswith(PACKAGE)


def is_place(frame: FrameType, event: str) -> bool:
    """Whether what is pending from now on is delivered where nothing has been yet."""
    if event == "opcode":
        return is_at_place(frame)
    if not is_of_genlock(frame):
        # Called by genlock by way of C, as a generator is, which then comes to its next place.
        return event == "return"
    if event == "call":
        # Else what was pending at the call has come here.
        is_resumed = frame.f_code.co_flags & inspect.CO_GENERATOR
        return bool(is_resumed) or not is_of_genlock(frame.f_back) or not is_at_place(frame.f_back)
    return False


def is_at_place(frame: FrameType | None) -> bool:
    if frame is None:
        return False
    code = frame.f_code
    if id(code) not in _places:
        _places[id(code)] = places(code), code
    return frame.f_lasti in _places[id(code)][0]


def counter() -> Generator[int, Any, None]:
    taken = 0
    while True:
        try:
            yield taken
        except KeyError:
            pass
        taken += 1


def use_exclusively(guard: Any) -> None:
    with genlock.exclusive(guard):
        guard.send(1)


def throw(guard: Any) -> None:
    with contextlib.suppress(KeyError):
        guard.throw(KeyError())


CALLS: dict[str, Callable[[Any], Any]] = {
    "send": lambda guard: guard.send(1),
    "next": next,
    "throw": throw,
    "exclusive": use_exclusively,
}


def close(guard: Any) -> None:
    guard.close()


def all_tried(is_interrupted: Callable[[int], bool], every: int = 1) -> int:
    """Interrupt at the first place, and at each or `every` so many after it; how many that were."""
    for tried, nth in enumerate(count(0, every)):
        # Once in some 10,000 times the tracer of a new thread is not called at all, on 3.11.
        if not is_interrupted(nth) and not is_interrupted(nth):
            return tried
    raise AssertionError


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("options", [{}, {"on_reentry": "defer"}], ids=["raise", "defer"])
def test_when_the_guard_is_free(call: Callable[[Any], Any], options: Any) -> None:
    def is_interrupted(nth: int) -> bool:
        guard = genlock.guard(counter(), prime=True, **options)
        interrupter = Interrupter(nth)
        was_interrupted = interrupted(interrupter, functools.partial(call, guard))
        assert_usable(guard, interrupter)
        return was_interrupted

    assert all_tried(is_interrupted) > 2


class Returning:
    """A guard whose body calls what it is sent, with the guard."""

    def __init__(self, **options: Any) -> None:
        self.accepted: list[int] = []
        self.taken: list[int] = []
        self.guard = genlock.guard(self.body(), prime=True, **options)

    def body(self) -> Generator[int, Any, None]:
        while True:
            value = yield len(self.taken)
            if isinstance(value, int):
                self.taken.append(value)
            elif value is not None:
                value(self)

    def feed_itself(self) -> None:
        for number in range(2):
            self.guard.send(number)
            self.accepted.append(number)

    def close_itself(self) -> None:
        self.guard.close()

    def be_refused(self) -> None:
        read_refusal(self.guard.send, 1)


def read_refusal(call: Callable[..., object], *args: object) -> None:
    try:
        call(*args)
    except genlock.GenlockError as error:
        words = str(error)
    assert words


@pytest.mark.parametrize(
    ("call", "options", "every"),
    [
        (Returning.feed_itself, {"on_reentry": "defer"}, 1),
        (Returning.close_itself, {"on_close": "defer"}, 1),
        (Returning.be_refused, {}, 23),
    ],
    ids=["deferred", "close deferred", "refused, at every 23rd place"],
)
def test_when_the_body_calls_its_own_guard(
    call: Callable[[Returning], None], options: Any, every: int
) -> None:
    def is_interrupted(nth: int) -> bool:
        stage = Returning(**options)
        interrupter = Interrupter(nth)
        was_interrupted = interrupted(interrupter, lambda: stage.guard.send(call))
        has_ended = stage.guard._self_gate.has_ended()
        assert_usable(stage.guard, interrupter)
        lost = set(stage.accepted) - set(stage.taken)
        assert has_ended or len(lost) <= was_interrupted, (lost, interrupter.where)
        assert sorted(set(stage.taken)) == stage.taken, interrupter.where
        return was_interrupted

    assert all_tried(is_interrupted, every) > 5


def assert_usable(guard: Any, interrupter: Interrupter) -> None:
    try:
        served = Worker(lambda: next(guard, "ended")).result()
    except BaseException as error:
        raise AssertionError(f"unusable after an interrupt at {interrupter.where}") from error
    assert served is not None
    gate = guard._self_gate
    assert Worker(lambda: _stacks.read(sys._getframe)).result(), interrupter.where
    assert gate.busy is False, interrupter.where
    assert gate.keeper is None, interrupter.where


WAITS: dict[str, tuple[Callable[[Any], Any], dict[str, Any]]] = {
    **{name: (call, {}) for name, call in CALLS.items()},
    "close": (close, {}),
    "send, of those that defer": (CALLS["send"], {"on_reentry": "defer"}),
    "close, of those that defer": (close, {"on_reentry": "defer"}),
}


@pytest.fixture
def short_backstop(monkeypatch: pytest.MonkeyPatch) -> None:
    """What makes up for a wake-up that was lost, does it soon."""
    monkeypatch.setattr(_waits, "BACKSTOP", 0.01)


@pytest.mark.usefixtures("short_backstop")
@pytest.mark.parametrize(("call", "options"), WAITS.values(), ids=WAITS)
def test_when_the_call_waits(call: Callable[[Any], Any], options: Any) -> None:
    def is_interrupted(nth: int) -> bool:
        return wait_and_be_interrupted(call, Interrupter(nth), **options)

    assert all_tried(is_interrupted) > 20


def wait_and_be_interrupted(
    call: Callable[[Any], Any], interrupter: Interrupter, **options: Any
) -> bool:
    """Whether there was a place to interrupt; the other waiter and the guard come through."""
    with Occupied(**options) as stage:
        waiter = Worker(lambda: interrupted(interrupter, lambda: call(stage.guard)))
        until(lambda: stage.waiters() or not waiter.is_alive())
        other = Worker(lambda: stage.guard.send("other"))
        until(lambda: stage.waiters() > waiter.is_alive())
        stage.leave.set()
        was_interrupted: bool = waiter.result()
        try:
            other.result()
            assert "other" in stage.taken, interrupter.where
        except StopIteration:  # the call has ended it
            assert stage.guard._self_gate.has_ended(), interrupter.where
        assert_usable(stage.guard, interrupter)
    return was_interrupted


REFUSALS: dict[str, tuple[Callable[[Any], Any], dict[str, Any]]] = {
    "send, busy": (CALLS["send"], {"on_busy": "raise"}),
    "send, busy, of those that defer": (
        CALLS["send"],
        {"on_busy": "raise", "on_reentry": "defer"},
    ),
    "send, late": (CALLS["send"], {"timeout": 0}),
    "exclusive, busy": (CALLS["exclusive"], {"on_busy": "raise"}),
    "close, busy": (close, {"on_close": "raise"}),
}


@pytest.mark.usefixtures("short_backstop")
@pytest.mark.parametrize(("call", "options"), REFUSALS.values(), ids=REFUSALS)
def test_when_the_call_is_refused_and_says_so_at_every_23rd_place(
    call: Callable[[Any], Any], options: Any
) -> None:
    def is_interrupted(nth: int) -> bool:
        interrupter = Interrupter(nth)
        with Occupied(**options) as stage:
            was_interrupted = interrupted(interrupter, lambda: read_refusal(call, stage.guard))
            stage.leave.set()
            stage.holder.result()
            assert stage.taken == ["held"], interrupter.where
            assert_usable(stage.guard, interrupter)
        return was_interrupted

    assert all_tried(is_interrupted, every=23) > 5


@pytest.mark.usefixtures("short_backstop")
def test_when_the_close_is_left_to_whoever_is_inside() -> None:
    def is_interrupted(nth: int) -> bool:
        interrupter = Interrupter(nth)
        with Occupied(on_close="defer") as stage:
            was_interrupted = interrupted(interrupter, stage.guard.close)
            stage.leave.set()
            stage.holder.result()
            assert_usable(stage.guard, interrupter)
        return was_interrupted

    assert all_tried(is_interrupted) > 20


class Leaving(Occupied):
    """Whose holder is interrupted on its way out."""

    def __init__(self, nth: int, call: Callable[[Any], Any], **options: Any) -> None:
        super().__init__(**options)
        self.interrupter = Interrupter(nth, since=self.leave)
        self.call = call

    def hold(self) -> bool:
        return interrupted(self.interrupter, lambda: self.call(self.guard))


@pytest.mark.usefixtures("short_backstop")
@pytest.mark.parametrize("quantum", [-1.0, math.inf], ids=["handed over", "woken"])
@pytest.mark.parametrize("options", [{}, {"on_reentry": "defer"}], ids=["raise", "defer"])
@pytest.mark.parametrize(
    "call", [CALLS["send"], next, use_exclusively], ids=["send", "next", "exclusive"]
)
def test_when_others_wait_for_the_call_that_leaves(
    call: Callable[[Any], Any], options: Any, quantum: float
) -> None:
    def is_interrupted(nth: int) -> bool:
        with Leaving(nth, call, **options) as stage:
            others = [
                Worker(functools.partial(stage.guard.send, name)) for name in ("first", "second")
            ]
            until(lambda: stage.waiters() == len(others))
            stage.guard._self_gate.queue.quantum = quantum
            stage.leave.set()
            for other in others:
                other.result()
            was_interrupted: bool = stage.holder.result()
            assert sorted(stage.taken[1:]) == ["first", "second"], stage.interrupter.where
            assert_usable(stage.guard, stage.interrupter)
        return was_interrupted

    assert all_tried(is_interrupted) > 3


def interrupted(interrupter: Interrupter, call: Callable[[], Any]) -> bool:
    with contextlib.suppress(interrupter.kind):
        interrupter.during(call)
    return interrupter.where != ""


LETS_GO = {
    *("_warn", "for_handlers", "_ways", "_encoding", "encodable"),  # the handlers of a logger
    "Logger.hasHandlers",
    "_line",  # the loader of a module
    "Subscription._call",  # a subscriber
}
"""Where something of the user's is called, and what it raises is let go: an alarm there, too."""


def lets_go(where: str) -> bool:
    return where.partition(":")[0] in LETS_GO


@pytest.fixture
def unraisable(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What reaches nobody, since it was raised while something was thrown away."""
    found: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda it: found.append(it.exc_value))
    return found


@pytest.mark.parametrize(
    "call",
    [*CALLS.values(), close, genlock.state],
    ids=[*CALLS, "close", "state"],
)
@pytest.mark.parametrize("way", ["bare", "twin", "listener"])
def test_an_alarm_comes_out(call: Callable[[Any], Any], way: str, unraisable: list[object]) -> None:
    tracing: Any = {
        "bare": contextlib.nullcontext,
        "twin": genlock.trace,
        "listener": lambda: genlock.subscribe(id),
    }
    swallowed = []
    with tracing[way]():
        nth = 0
        while True:
            # Not primed, `next` is the first event of it.
            guard = genlock.guard(counter(), prime=call is not next)
            interrupter = Interrupter(nth, Alarm)
            try:
                interrupter.during(functools.partial(call, guard))
            except Alarm:
                pass
            else:
                if not interrupter.where:
                    break
                if not unraisable and not lets_go(interrupter.where):
                    swallowed.append(interrupter.where)
            assert_usable(guard, interrupter)
            unraisable.clear()
            nth += 1
    assert nth > 0
    assert swallowed == []


def test_a_thread_is_known_whose_first_use_of_a_guard_was_interrupted() -> None:
    def use(interrupter: Interrupter) -> bool:
        was_interrupted = interrupted(interrupter, lambda: own.me)
        with genlock.exclusive(genlock.guard(counter())):
            assert own.thread in _threads.living(), interrupter.where
        return was_interrupted

    assert all_tried(lambda nth: bool(Worker(lambda: use(Interrupter(nth))).result())) > 3


@pytest.mark.parametrize(
    "options",
    [{"timeout": 0.002, "warn_after": 0.0}, {"timeout": 0}, {"on_busy": "raise"}],
    ids=["for a long wait", "for none", "for a refusal"],
)
def test_an_alarm_amid_the_words_comes_out_at_every_23rd_place(
    options: Any, unraisable: list[object]
) -> None:
    swallowed: list[str] = []

    def is_interrupted(nth: int) -> bool:
        interrupter = Interrupter(nth, Alarm)
        try:
            interrupter.during(lambda: read_refusal(stage.guard.send, 1))
        except Alarm:
            pass
        else:
            if interrupter.where and not unraisable and not lets_go(interrupter.where):
                swallowed.append(interrupter.where)
        unraisable.clear()
        return interrupter.where != ""

    with Occupied(**options) as stage:
        assert all_tried(is_interrupted, every=23) > 5
    assert swallowed == []
