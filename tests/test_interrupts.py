"""An exception delivered at any place in a gate where the interpreter can deliver one.

A tracer of instructions stands in for the interpreter: it raises before the instruction that
follows a call or a backward jump, or that begins a function, in any frame of genlock's; at the
first such place, then at the second, until there are no more. After each the guard must serve,
with nobody left waiting. Inside the straight lines there is no such place, so there is none here.
"""

import contextlib
import dis
import functools
import inspect
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

import genlock
from crew import Occupied, Worker, until
from genlock._interpreter import _stacks, _threads
from genlock._interpreter._threads import own

# What arrives while a generator of the package is thrown away is reported, and reaches nobody.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

PACKAGE = str(Path(genlock.__file__).parent)


class Interrupt(BaseException):
    """What is delivered, such as a KeyboardInterrupt."""


class Alarm(Exception):
    """The same, by a handler that raises what a diagnosis might raise itself."""


def places(code: CodeType) -> frozenset[int]:
    """The offsets of `code` before which the interpreter can deliver an exception.

    What it delivers after a call counts as raised by the call. A tracer can only raise it one
    instruction later, and so not where other handlers are in force there.
    """
    found = set()
    # Generators begin when they are first resumed.
    after = None if code.co_flags & inspect.CO_GENERATOR else 0
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("CACHE", "PRECALL", "COPY_FREE_VARS"):
            continue
        here = instruction.offset
        if after is not None and instruction.opname != "RESUME":
            found |= {here} if handler(code, after) == handler(code, here) else set()
        delivers = instruction.opname.startswith(("CALL", "RESUME", "JUMP_BACKWARD"))
        after = instruction.offset if delivers else None
    return frozenset(found)


def handler(code: CodeType, offset: int) -> int | None:
    """Where what is raised at `offset` is handled."""
    entries: Any = dis.Bytecode(code).exception_entries  # type: ignore[attr-defined]
    targets = [entry.target for entry in entries if entry.start <= offset < entry.end]
    return targets[-1] if targets else None


_places: dict[CodeType, frozenset[int]] = {}


class Interrupter:
    """Raises at the `nth` place that the traced thread comes to in genlock."""

    def __init__(self, nth: int, kind: type[BaseException] = Interrupt) -> None:
        self.left = nth
        self.kind = kind
        self.where = ""

    def trace(self, frame: FrameType, event: str, _argument: object) -> Any:
        code = frame.f_code
        if not code.co_filename.startswith(PACKAGE):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            if code not in _places:
                _places[code] = places(code)
            if frame.f_lasti in _places[code]:
                self.left -= 1
                if self.left < 0:
                    self.where = f"{code.co_qualname}:{frame.f_lineno}"
                    sys.settrace(None)
                    raise self.kind
        return self.trace

    @contextmanager
    def armed(self) -> Iterator[None]:
        before = sys.gettrace()
        # Has the interpreter get ready for events of instructions before the first frame comes.
        sys._getframe().f_trace_opcodes = True
        sys.settrace(self.trace)
        try:
            yield
        finally:
            sys.settrace(before)


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
                if not unraisable:
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


TO_THE_LOG = {"_warn", "for_handlers", "_ways", "_encoding", "encodable"}
"""Where the handlers of a logger are asked, and what they raise is let go."""


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
                if not unraisable and interrupter.where.partition(":")[0] not in TO_THE_LOG:
                    swallowed.append(interrupter.where)
            unraisable.clear()
            tried += 7  # there are hundreds
    assert tried > 70
    assert swallowed == []
