"""The gate for builds without the GIL, and for interpreters that nobody has looked into."""

import ast
import gc
import inspect
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

import genlock
from crew import PATIENCE, Occupied, Worker, until
from genlock import _gates, _lock_gate, _waits
from genlock._evidence import Keep
from genlock._interpreter import _stacks
from genlock._lock_gate import LockGate, only_gate
from genlock._waits import Patience, Ticket
from subprocesses import run_program
from test_abandoned import in_a_forked_child

PROGRAMS = Path(__file__).parent / "programs"
CROWD = PROGRAMS / "crowd.py"


def test_threads_that_run_at_once_share_a_guard() -> None:
    ran = run_program(CROWD, "guarded", timeout=60)
    assert (ran.stdout, ran.stderr, ran.returncode) == ("each number once\n", "", 0)


@pytest.mark.skipif(not _stacks.RUN_AT_ONCE, reason="threads of this build take turns")
def test_threads_that_run_at_once_crash_with_a_bare_generator() -> None:
    # Crashed, spoilt or hanging: on a busy machine one run may get through, but not all of them.
    assert any(not gets_through() for _ in range(20))


def gets_through() -> bool:
    try:
        return run_program(CROWD, "bare", timeout=10).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def test_it_is_used_where_the_flag_is_not_known_to_hold() -> None:
    is_free_threaded = "free-threading" in sys.version
    assert _gates.uses_lock == (is_free_threaded or os.environ.get("GENLOCK") == "lock")
    assert isinstance(genlock.guard(iter(()))._self_gate, LockGate) == _gates.uses_lock


@pytest.mark.parametrize("word", ["lock", "LOCK"])
def test_it_can_be_chosen(word: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GENLOCK", word)
    program = tmp_path / "program.py"
    program.write_text(
        "import genlock\n"
        "print(type(genlock.guard(iter(()))._self_gate).__name__)\n"
        "print(genlock.guard(n for n in [7]).send(None))"
    )
    assert run_program(program).stdout == "LockGate\n7\n"


# The lock is held for straight lines only: no code of anybody's can run meanwhile, and no
# exception be delivered.


def blocks_under_a_lock() -> Iterator[ast.With]:
    for node in ast.walk(ast.parse(inspect.getsource(_lock_gate))):
        if isinstance(node, ast.With):
            yield node


def test_nothing_is_called_while_a_lock_is_held() -> None:
    blocks = list(blocks_under_a_lock())
    assert len(blocks) > 8
    splitting = (ast.Call, ast.For, ast.While, ast.Await, ast.Yield, ast.YieldFrom, ast.Import)
    for block in blocks:
        (lock,) = block.items
        assert ast.unparse(lock.context_expr) in ("self.mutex", "_listing")
        for statement in block.body:
            for node in ast.walk(statement):
                assert not isinstance(node, splitting), ast.unparse(block)


def test_every_change_is_made_under_the_lock_but_the_owners_own() -> None:
    source = textwrap.dedent(inspect.getsource(LockGate))
    locked = {
        node for block in blocks_under_a_lock() for node in ast.walk(ast.Module(block.body, []))
    }
    locked_lines = {ast.unparse(node) for node in locked if isinstance(node, ast.Assign)}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and "self.busy" in ast.unparse(node.targets[0]):
            line = ast.unparse(node)
            assert line in locked_lines or line.endswith(", False)"), line


# The protocol between the one who leaves and those who wait, state by state.


def counter() -> Generator[int, Any, None]:
    taken = 0
    while True:
        yield taken
        taken += 1


def lock_gate(**options: Any) -> LockGate:
    generator = counter()
    return LockGate(generator, generator.send, genlock.Policy(**options), None)


def test_the_owner_is_the_thread_and_nobody_is_false() -> None:
    gate = lock_gate()
    ticket = Ticket(gate, ())
    gate.try_for(ticket)
    owner: Any = gate.busy
    assert ticket.granted
    assert owner().ident == threading.get_ident()
    other = Ticket(gate, ())
    gate.try_for(other)
    assert not other.granted


def test_a_head_that_has_gone_is_not_given_the_gate() -> None:
    gate, head = lock_gate(), Ticket(object(), ())
    head.gone = True
    assert gate.hand_over(head) is False
    assert (head.granted, gate.busy) == (False, False)


def test_a_head_that_is_given_the_gate_is_woken() -> None:
    gate, head = lock_gate(), Ticket(object(), ())
    assert gate.hand_over(head) is True
    assert head.granted
    assert head.awake
    assert gate.busy is head.thread


def test_a_gate_whose_owner_has_ended_is_reclaimed() -> None:
    gate = lock_gate()
    Worker(lambda: gate.try_for(Ticket(gate, ()))).result()
    until(lambda: gate.busy() is None)  # type: ignore[operator]
    assert gate.send(None) == 0
    assert gate.busy is False


def test_a_gate_whose_owner_runs_is_not_reclaimed() -> None:
    gate = lock_gate(timeout=0)
    leave = threading.Event()

    def own() -> None:
        gate.try_for(Ticket(gate, ()))
        assert leave.wait(PATIENCE)

    owner = Worker(own)
    until(lambda: gate.busy)
    with pytest.raises(genlock.GuardTimeoutError):
        gate.send(None)
    leave.set()
    owner.result()


def test_a_gate_that_its_own_thread_does_not_know_of_is_reclaimed() -> None:
    gate = lock_gate()
    gate.try_for(Ticket(gate, ()))
    assert gate.send(None) == 0
    assert gate.busy is False


def test_what_an_exception_kept_from_being_given_back_is_given_back() -> None:
    gate, leave = lock_gate(), threading.Event()

    def leave_badly() -> None:
        ticket = Ticket(gate, ())
        gate.join_queue(ticket)
        gate.try_for(ticket)
        ticket.gone = True
        assert leave.wait(PATIENCE)

    waiter = Worker(leave_badly)
    until(lambda: gate.queue and gate.queue[0].gone)
    assert gate.send(None) == 0
    leave.set()
    waiter.result()


# One gate for one generator.


@pytest.fixture
def lock_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_gates, "uses_lock", True)
    monkeypatch.setattr(_gates, "PlainGate", LockGate)
    monkeypatch.setattr(_gates, "only_gate", only_gate, raising=False)


@pytest.mark.usefixtures("lock_gates")
@pytest.mark.parametrize("make", [counter, lambda: map(abs, [1, 2]), lambda: iter([1, 2])])
def test_guards_of_one_generator_share_its_gate(make: Any) -> None:
    shared = make()
    first, second = genlock.guard(shared), genlock.guard(shared)
    assert first._self_gate is second._self_gate
    assert genlock.guard(make())._self_gate is not first._self_gate


@pytest.mark.usefixtures("lock_gates")
def test_guards_of_one_generator_have_one_policy() -> None:
    shared = counter()
    first = genlock.guard(shared)
    with pytest.raises(ValueError, match="'counter' is guarded already, with other options"):
        genlock.guard(shared, timeout=1)
    with pytest.raises(ValueError, match="'counter' is guarded already, with other options"):
        genlock.guard(shared, name="another")
    del first
    gc.collect()
    assert next(genlock.guard(shared, timeout=1)) == 0


@pytest.mark.usefixtures("lock_gates")
def test_gates_are_not_kept_alive() -> None:
    genlock.guard(counter())  # takes out what has been left
    before = len(_lock_gate._gates)
    guards = [genlock.guard(counter()) for _ in range(100)]
    assert len(_lock_gate._gates) >= before + 99
    del guards
    gc.collect()
    survivor = genlock.guard(counter())
    assert len(_lock_gate._gates) <= before + 1
    assert next(survivor) == 0


@pytest.mark.usefixtures("lock_gates")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_locks_that_were_held_at_the_fork_are_free_in_the_child() -> None:
    guard: Any = genlock.guard(counter())
    held, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with guard._self_gate.mutex, _lock_gate._listing:
            held.set()
            assert leave.wait(PATIENCE)

    holder = Worker(hold)
    assert held.wait(PATIENCE)

    def use() -> str:
        return f"{next(guard)} {next(genlock.guard(counter()))}"

    assert in_a_forked_child(use) == "0 0"
    leave.set()
    holder.result()


# Reading another thread's frames.


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_stacks, "RUN_AT_ONCE", True)


@pytest.mark.usefixtures("at_once")
def test_a_call_whose_frames_are_read_does_not_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_stacks, "_LONGEST_READING", PATIENCE)
    gate = lock_gate()
    inside, leave = threading.Event(), threading.Event()

    def resume(_: object) -> None:
        inside.set()
        assert leave.wait(PATIENCE)

    def still_inside() -> Any:
        frame = gate.frame
        leave.set()
        until(lambda: gate.busy is False)  # it has given the gate back already
        assert caller.is_alive()
        return frame

    gate.resume = resume
    caller = Worker(lambda: gate.send(None))
    assert inside.wait(PATIENCE)
    frames = _stacks.read(still_inside)
    assert frames[0].f_code is LockGate.send.__code__
    caller.result()


def test_a_call_does_not_stay_for_ever_for_whoever_reads_its_frames(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_stacks, "_LONGEST_READING", 0.01)
    gate, held, leave = lock_gate(), threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        assert leave.wait(PATIENCE)

    reader = Worker(lambda: _stacks.read(hold))
    assert held.wait(PATIENCE)
    assert _stacks.reader == reader.ident
    assert gate.send(None) == 0
    assert _stacks.read(sys._getframe) == (), "another one reads"
    leave.set()
    reader.result()
    assert _stacks.reader == 0


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("wait", "method"),
    [
        (lambda gate: gate.send(None), LockGate.wait_and_run),
        (
            lambda gate: gate.keep(Keep(gate, sys._getframe()).me, Patience(None, None)),
            LockGate.wait_and_keep,
        ),
    ],
)
def test_a_wait_whose_frames_are_read_does_not_leave(
    wait: Callable[[LockGate], object], method: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_stacks, "_LONGEST_READING", PATIENCE)
    gate = lock_gate()
    keep = Keep(gate, sys._getframe())
    assert gate.keep_if_free(keep.me)
    waiter = Worker(lambda: wait(gate))
    until(lambda: gate.queue and gate.queue[0].frame)
    ticket = gate.queue[0]  # type: ignore[index]

    def still_waiting() -> Any:
        frame = ticket.frame
        gate.give_back(keep.me)
        until(lambda: ticket.gone and not ticket.granted)
        assert waiter.is_alive()
        assert ticket.frame is None
        return frame

    stack = _stacks.read(still_waiting)
    assert stack[0].f_code is method.__code__
    assert stack[-1].f_back is None
    waiter.result()
    assert ticket.stack() == ()


@pytest.mark.usefixtures("at_once")
def test_the_stack_of_a_wait_begins_at_the_method_that_waits() -> None:
    with Occupied() as stage:
        waiter = Worker(lambda: stage.guard.send("waits"))
        until(stage.waiters)
        (stack,) = _waits.stacks({waiter.ident or 0, stage.holder.ident or 0}).values()
        assert stack[0].f_code.co_name == "wait_and_run"
        assert any(frame.f_code is Worker.run.__code__ for frame in stack)
    waiter.result()


@pytest.mark.usefixtures("at_once")
def test_the_holder_is_named_with_the_line_of_its_body_and_its_callers() -> None:
    gate = lock_gate()
    generator: Any = gate.guarded
    inside, leave = threading.Event(), threading.Event()

    def resume(value: object) -> Any:
        inside.set()
        assert leave.wait(PATIENCE)
        return generator.send(value)

    gate.resume = resume
    caller = Worker(lambda: gate.send(None))
    assert inside.wait(PATIENCE)
    holder = gate.holder()
    assert holder is not None
    assert holder.ident == caller.ident
    body, send, *callers = holder.frames
    assert (body.f_code, send.f_code) == (counter.__code__, LockGate.send.__code__)
    assert any(frame.f_code is Worker.run.__code__ for frame in callers)
    leave.set()
    caller.result()
    assert gate.frame is None
    assert gate.holder() is None


@pytest.mark.stress
@pytest.mark.timeout(120)
def test_refused_calls_by_the_thousand_crash_nothing() -> None:
    """Each looks at the stack of the one that is inside, which goes on meanwhile."""
    ran = run_program(PROGRAMS / "refusals.py", "3", timeout=60)
    assert (ran.stderr, ran.returncode) == ("", 0)
    assert int(ran.stdout) > 1000


def test_generators_of_cython_are_guarded() -> None:
    utils = pytest.importorskip("Cython.Utils")
    generator = utils.set_dedup(value for value in [1, 1, 2, 3])
    if inspect.isgenerator(generator):
        pytest.skip("this Cython is not compiled")
    guard = genlock.guard(generator)
    assert [next(guard), guard.send(None), *guard] == [1, 2, 3]


def test_the_holder_is_named_with_its_line() -> None:
    with Occupied(on_busy="raise") as stage:
        with pytest.raises(genlock.ContendedCallError) as caught:
            stage.guard.send("second")
        (_, holder) = caught.value.diagnosis.strands
    assert holder.thread == "holder"
    assert [step.actor for step in holder.steps][:2] == ["Occupied.hold", "occupied"]
