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
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Self

import pytest

import genlock
from crew import Occupied, Worker, until
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
    """Has an exception pending from the `nth` place on that the traced thread comes to."""

    def __init__(self, nth: int, kind: type[BaseException] = Interrupt) -> None:
        self.left = nth
        self.kind = kind
        self.where = ""
        self.what: Any = None

    def trace(self, frame: FrameType, event: str, _argument: object) -> Any:
        if event == "call":
            if not is_of_genlock(frame) and not is_of_genlock(frame.f_back):
                return None
            frame.f_trace_opcodes = is_of_genlock(frame)
            frame.f_trace_lines = False
        if not self.where and is_place(frame, event):
            self.left -= 1
            if self.left < 0:
                self.where = f"{frame.f_code.co_qualname}:{frame.f_lineno}"
                sys.settrace(None)
                self.pending[self.what]
        return self.trace

    @contextmanager
    def armed(self) -> Iterator[None]:
        before = sys.gettrace()
        # Has the interpreter get ready for events of instructions before the first frame comes.
        sys._getframe().f_trace_opcodes = True
        with self.ready():
            tracer = self.trace  # kept: 3.11 may be about to call the one that it has thrown away
            sys.settrace(tracer)
            try:
                yield
            finally:
                sys.settrace(before)  # where nothing has been delivered yet, it is here

    @contextmanager
    def ready(self) -> Iterator[None]:
        """`pending[what]` has what is wanted pending in this thread."""
        if self.kind is Alarm:
            self.pending, self.what = Pending.by(_thread.interrupt_main), signal.SIGINT
            handler = signal.signal(signal.SIGINT, raise_alarm)
            try:
                yield
            finally:
                signal.signal(signal.SIGINT, handler)
        else:
            deliver = functools.partial(_set_exception, _thread.get_ident())
            self.pending, self.what = Pending.by(deliver), self.kind
            yield


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


CALLS: dict[str, Callable[[Any], Any]] = {
    "send": lambda guard: guard.send(1),
    "next": next,
    "throw": lambda guard: guard.throw(KeyError()),
    "exclusive": use_exclusively,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("options", [{}, {"on_reentry": "defer"}], ids=["raise", "defer"])
def test_when_the_guard_is_free(call: Callable[[Any], Any], options: Any) -> None:
    tried = 0
    while True:
        guard = genlock.guard(counter(), prime=True, **options)
        interrupter = Interrupter(tried)
        if not interrupted(interrupter, functools.partial(call, guard)):
            break
        assert_usable(guard, interrupter)
        tried += 1
    assert tried > 0


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


@pytest.mark.parametrize(
    "call",
    [lambda guard: guard.send(1), lambda guard: guard.close(), use_exclusively],
    ids=["send", "close", "exclusive"],
)
def test_when_the_call_waits(call: Callable[[Any], Any]) -> None:
    tried = 0
    while wait_and_be_interrupted(call, Interrupter(tried)):
        tried += 1
    assert tried > 20


def wait_and_be_interrupted(call: Callable[[Any], Any], interrupter: Interrupter) -> bool:
    """Whether there was a place to interrupt; the other waiter and the guard come through."""
    with Occupied() as stage:
        waiter = Worker(lambda: interrupted(interrupter, lambda: call(stage.guard)))
        until(lambda: stage.waiters() or not waiter.is_alive())
        other = Worker(lambda: stage.guard.send("other"))
        until(lambda: stage.waiters() > waiter.is_alive())
        stage.leave.set()
        was_interrupted: bool = waiter.result()
        with contextlib.suppress(StopIteration):  # the call may have closed it
            other.result()
        if was_interrupted:
            assert_usable(stage.guard, interrupter)
    return was_interrupted


def interrupted(interrupter: Interrupter, call: Callable[[], Any]) -> bool:
    with contextlib.suppress(interrupter.kind), interrupter.armed():
        call()
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
    [*CALLS.values(), lambda guard: guard.close(), genlock.state],
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
                with interrupter.armed():
                    call(guard)
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

    tried = 0
    while Worker(functools.partial(use, Interrupter(tried))).result():
        tried += 1
    assert tried > 0


def test_an_alarm_amid_the_words_for_a_long_wait_comes_out(unraisable: list[object]) -> None:
    swallowed = []
    with Occupied(timeout=0.002, warn_after=0.0) as stage:
        tried = 0
        while True:
            interrupter = Interrupter(tried, Alarm)
            try:
                with interrupter.armed():
                    stage.guard.send(1)
            except Alarm:
                pass
            except genlock.GuardTimeoutError:
                if not interrupter.where:
                    break
                if not unraisable and not lets_go(interrupter.where):
                    swallowed.append(interrupter.where)
            unraisable.clear()
            tried += 7  # there are hundreds
    assert tried > 70
    assert swallowed == []
