"""What a guard is doing, and what all of them are, told while it goes on."""

import functools
import gc
import itertools
import json
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import genlock
from crew import PATIENCE, Occupied, Worker, needs_flag_gate, strike_down, together, until
from genlock import _gates, _waits
from genlock._gate import Gate
from genlock._interpreter import _stacks
from genlock._observing import _live, _prospects
from subprocesses import run_program
from test_abandoned import in_a_forked_child


def count_up() -> Generator[int, Any, None]:
    yield from range(100)


def state_of_inside(stage: Occupied) -> genlock.GuardState:
    """The state of an occupied guard, when its holder can be read on any build."""
    until(lambda: (holder := genlock.state(stage.guard).holder) and holder.steps)
    return genlock.state(stage.guard)


def line_below(function: Callable[..., object], lines: int) -> int:
    return function.__code__.co_firstlineno + lines


# One guard.


def test_a_generator_that_was_not_started() -> None:
    state = genlock.state(genlock.guard(count_up(), name="fresh"))
    assert (state.name, state.status, state.holder, state.waiters) == ("fresh", "created", None, ())
    assert state.site
    assert (state.site.file, state.site.line) == (__file__, line_below(count_up, 0))


def test_a_suspended_generator() -> None:
    guard = genlock.guard(count_up(), prime=True)
    state = genlock.state(guard)
    assert state.status == "suspended"
    assert state.site
    assert state.site.line == line_below(count_up, 1)
    assert (state.exclusive, state.ended, state.contended) == (False, None, 0)
    assert next(guard) == 1


def test_a_generator_that_has_ended_tells_how() -> None:
    guard = genlock.guard(iter([1]))
    assert genlock.state(guard).status == "idle"
    closed = genlock.guard(count_up())
    closed.close()
    assert genlock.state(closed).status == "closed"
    assert genlock.state(closed).ended
    failing: genlock.GuardedIterator[float] = genlock.guard(1 / n for n in [0])
    with pytest.raises(ZeroDivisionError):
        next(failing)
    ended = genlock.state(failing).ended
    assert ended
    assert (ended.how, ended.error) == ("raised", "ZeroDivisionError: division by zero")


def test_a_running_generator_tells_who_is_inside_and_who_waits() -> None:
    with Occupied() as stage:
        waiter = Worker(lambda: stage.guard.send("late"), name="late")
        until(stage.waiters)
        state = state_of_inside(stage)
        stage.leave.set()
        waiter.result()
    assert state.status == "running"
    assert state.during == "send"
    assert state.holder
    assert state.holder.thread == "holder"
    assert state.holder_ident == stage.holder.ident
    assert [step.actor for step in state.holder.steps[:2]] == [
        "Occupied.__enter__",
        "occupied",
    ] or [step.site.code for step in state.holder.steps[:2]] == [
        'self.guard.send("held")',
        "self.leave.wait(PATIENCE)",
    ]
    assert state.site
    assert state.site.code == "self.leave.wait(PATIENCE)"
    (wait,) = state.waiters
    assert (wait.thread, wait.ident, wait.operation) == ("late", waiter.ident, "send")
    assert wait.call
    assert wait.call.code == 'stage.guard.send("late")'
    assert 0 <= wait.waited < PATIENCE


def test_a_guard_told_from_inside_of_itself() -> None:
    def body() -> Generator[genlock.GuardState, None, None]:
        yield genlock.state(guard)

    guard = genlock.guard(body(), name="self")
    state = next(guard)
    assert state.status == "running"
    assert state.holder_ident == threading.get_ident()
    assert state.holder
    assert state.holder.steps[-1].site.code == "genlock.state(guard)"


def test_exclusive_use_is_told() -> None:
    guard = genlock.guard(count_up(), prime=True)
    with genlock.exclusive(guard):
        state = genlock.state(guard)
    assert state.exclusive
    assert state.status == "suspended"
    assert state.holder_ident == threading.get_ident()
    assert not genlock.state(guard).exclusive
    assert genlock.state(guard).holder is None


def test_an_iterator_that_is_no_generator_counts_as_running_while_a_call_is_inside() -> None:
    class Slow:
        def __next__(self) -> genlock.GuardState:
            return genlock.state(guard)

    guard: genlock.GuardedIterator[genlock.GuardState] = genlock.guard(Slow())  # type: ignore[call-overload]
    assert next(guard).status == "running"
    assert genlock.state(guard).status == "idle"


@pytest.mark.parametrize("given", [None, count_up(), [], "guard"])
def test_what_is_no_guard_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match=r"state\(\) takes a guard, not .*\n  Make one"):
        genlock.state(given)


def test_switched_off_a_bare_generator_has_a_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_live, "is_off", True)
    bare: Any = count_up()
    next(bare)
    assert genlock.state(bare).status == "suspended"


@pytest.mark.usefixtures("restless_threads")
@pytest.mark.parametrize("options", [{"on_busy": "raise"}, {"timeout": 0}])
def test_the_only_user_of_a_guard_is_never_refused_because_somebody_looks(
    options: dict[str, Any],
) -> None:
    guard: genlock.GuardedIterator[int] = genlock.guard((n for n in itertools.count()), **options)
    used = threading.Event()

    def use() -> None:
        try:
            for _ in range(200_000 if _stacks.RUN_AT_ONCE else 2000):
                next(guard)
        finally:
            used.set()

    user = Worker(use)
    while not used.wait(1e-5):  # for calls that stay for those who read their stack
        genlock.state(guard)
    user.result()
    assert genlock.state(guard).contended == 0


# The counters.


def test_a_guard_that_nobody_waits_for_counts_nothing() -> None:
    guard = genlock.guard(count_up())
    assert sum(guard) == sum(range(100))
    state = genlock.state(guard)
    assert (state.contended, state.waited_ns, state.longest_wait_ns) == (0, 0, 0)


def test_waits_are_counted_and_timed() -> None:
    with Occupied() as stage:
        begun = time.monotonic_ns()
        waiters = [Worker(lambda: stage.guard.send("late")) for _ in range(3)]
        until(lambda: stage.waiters() == 3)
        during = genlock.state(stage.guard)
        stage.leave.set()
        for waiter in waiters:
            waiter.result()
        most = time.monotonic_ns() - begun
    state = genlock.state(stage.guard)
    assert during.contended == state.contended == 3
    assert 0 < during.longest_wait_ns < state.longest_wait_ns <= most
    assert state.longest_wait_ns < state.waited_ns <= 3 * most


def test_waits_that_end_in_a_timeout_are_counted() -> None:
    with Occupied() as stage:
        with pytest.raises(genlock.GuardTimeoutError):
            genlock.exclusive(stage.guard, timeout=0.01).__enter__()
        state = genlock.state(stage.guard)
    assert state.contended == 1
    assert state.waited_ns == state.longest_wait_ns > 0


def test_refusals_are_counted_as_no_wait() -> None:
    with Occupied(on_busy="raise") as stage:
        for _ in range(2):
            with pytest.raises(genlock.ContendedCallError):
                stage.guard.send("refused")
        state = genlock.state(stage.guard)
    assert (state.contended, state.longest_wait_ns) == (2, 0)


def test_no_count_is_lost_where_threads_meet() -> None:
    with Occupied(on_busy="raise") as stage:

        def be_refused() -> None:
            for _ in range(20):
                with pytest.raises(genlock.ContendedCallError):
                    stage.guard.send("refused")

        together(*[be_refused] * 4)
        assert genlock.state(stage.guard).contended == 80


# All of them.


def named(snapshot: genlock.Snapshot, name: str) -> list[genlock.GuardState]:
    return [guard for guard in snapshot.guards if guard.name == name]


def test_guards_of_all_kinds_are_found_and_each_once() -> None:
    kept = [
        genlock.guard(count_up(), name="all kinds"),
        genlock.guard(count_up(), name="all kinds", on_reentry="defer"),
        genlock.guard(iter([]), name="all kinds"),
    ]
    found = named(genlock.snapshot(), "all kinds")
    assert len(found) == len(kept)
    assert len({guard.identity for guard in found}) == len(kept)


def test_a_snapshot_keeps_nothing_alive() -> None:
    guard = genlock.guard(count_up(), name="short-lived")
    gone = weakref.ref(guard.__wrapped__)
    snapshot = genlock.snapshot()
    del guard
    gc.collect()
    assert gone() is None
    assert len(named(snapshot, "short-lived")) == 1
    assert named(genlock.snapshot(), "short-lived") == []


@pytest.mark.parametrize("ask", ["state", "snapshot", "dump", "a watch", "a recording"])
def test_to_ask_keeps_nothing_of_the_asker_alive(
    ask: str, capsys: pytest.CaptureFixture[str]
) -> None:
    class Thing:
        pass

    def with_a_local_variable() -> weakref.ref[Thing]:
        thing = Thing()
        if ask == "state":
            genlock.state(guard)
        elif ask == "a watch":
            watch._look()
        elif ask == "a recording":
            with genlock.trace():
                pass
        else:
            getattr(genlock, ask)()
        return weakref.ref(thing)

    guard = genlock.guard(count_up())
    left = genlock.exclusive(genlock.guard(count_up(), name="broken"))
    Worker(left.__enter__).result()
    with genlock.watch(interval=1000.0) as watch:
        gc.disable()
        try:
            assert with_a_local_variable()() is None
        finally:
            gc.enable()


def test_an_iterator_that_fails_when_asked_for_what_it_has_not_is_told() -> None:
    class Sly:
        def __getattr__(self, name: str) -> Any:
            raise ZeroDivisionError(name)

        def __iter__(self) -> Iterator[genlock.Snapshot]:
            return self

        def __next__(self) -> genlock.Snapshot:
            assert genlock.state(guard).holder_ident == threading.get_ident()
            return genlock.snapshot()

    guard: genlock.GuardedIterator[genlock.Snapshot] = genlock.guard(Sly(), name="sly")
    (state,) = named(next(guard), "sly")
    assert state.status == "running"
    assert genlock.state(guard).status == "idle"


def test_guards_in_use_are_found_although_the_collector_was_frozen() -> None:
    with Occupied() as stage:
        waiter = Worker(lambda: stage.guard.send("late"))
        until(stage.waiters)
        idle = genlock.guard(count_up(), name="frozen")
        gc.freeze()
        try:
            snapshot = genlock.snapshot()
        finally:
            gc.unfreeze()
        identity = genlock.state(stage.guard).identity
        stage.leave.set()
        waiter.result()
    assert [guard.identity for guard in snapshot.guards].count(identity) == 1
    assert len(named(snapshot, "frozen")) == int(_gates.uses_lock)
    assert snapshot.frozen != _gates.uses_lock
    assert ("\ngc.freeze() was called: of older" in snapshot.to_text()) != _gates.uses_lock
    assert not genlock.snapshot().frozen
    assert genlock.state(idle).status == "created"


def test_the_waits_of_all_guards_come_longest_first() -> None:
    with Occupied() as one, Occupied() as other:
        workers = []
        for stage in (one, other, one):
            before = len(genlock.snapshot().waits)
            workers.append(Worker(functools.partial(stage.guard.send, 1), name=f"w{before}"))
            while len(genlock.snapshot().waits) == before:
                pass
        waits = genlock.snapshot().waits
        for stage in (one, other):
            stage.leave.set()
        for worker in workers:
            worker.result()
    assert [wait.thread for wait in waits] == ["w0", "w1", "w2"]
    assert genlock.snapshot().waits == ()


def test_a_thread_that_ended_in_exclusive_use_has_broken_the_guard() -> None:
    guard = genlock.guard(count_up(), name="left behind")
    block = genlock.exclusive(guard)
    Worker(block.__enter__).result()
    (state,) = named(genlock.snapshot(), "left behind")
    assert state == genlock.state(guard)
    assert (state.exclusive, state.abandoned, state.holder_ident) == (True, True, None)
    assert state.holder
    assert [step.remark for step in state.holder.steps] == ["in exclusive use"]
    assert "left behind: created, broken for good" in genlock.snapshot().to_mermaid()
    block.__exit__(None, None, None)
    assert not genlock.state(guard).abandoned


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_what_a_fork_left_running_is_broken_in_the_child_alone() -> None:
    with Occupied() as stage:
        told = in_a_forked_child(
            lambda: f"{genlock.state(stage.guard).abandoned} {genlock.snapshot().to_text()}"
        )
        assert not genlock.state(stage.guard).abandoned
    assert told.startswith("True ")
    told = told.partition("; 1 broken for good; no thread waits for one.\n\nBroken for good")[2]
    assert "  'occupied':\n    nobody that is left  " in told
    assert "self.leave.wait(PATIENCE)  running" in told
    assert "'occupied' running" not in told


def test_a_guard_whose_holder_leaves_amid_the_look_is_not_broken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def look_and_let_it_leave(gate: Any) -> bool:
        found = is_left_inside(gate)
        stage.leave.set()
        stage.holder.result()
        return found

    is_left_inside = Gate.is_left_inside
    with Occupied() as stage:
        monkeypatch.setattr(Gate, "is_left_inside", look_and_let_it_leave)
        assert not stage.guard._self_gate.is_lost()


def test_who_comes_into_a_free_guard_that_was_looked_at_is_seen_inside() -> None:
    entered = []

    class Again:
        def __iter__(self) -> Iterator[Any]:
            return self

        def __next__(self) -> Any:
            entered.append(self)
            return next(guard)

    guard: Any = genlock.guard(Again())
    assert not guard._self_gate.is_lost()
    with pytest.raises(genlock.ReentrantCallError):
        next(guard)
    assert len(entered) == 1


def test_who_waits_for_somebody_who_is_gone_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    guard = genlock.guard(count_up(), name="left behind", timeout=PATIENCE)
    block = genlock.exclusive(guard)
    Worker(block.__enter__, name="careless").result()
    gate: Any = guard._self_gate
    # Else the wait would end in an error within a quarter of a second.
    monkeypatch.setattr(type(gate), "reclaim", lambda *_: None)
    waiter = Worker(lambda: next(guard), name="waiter")
    until(lambda: gate.queue)
    snapshot = genlock.snapshot()
    monkeypatch.undo()
    waiter.join(PATIENCE)
    assert isinstance(waiter.raised, genlock.AbandonedGeneratorError)
    (wait,) = snapshot.waits
    assert wait.prospect == "gone"
    broken = snapshot.to_text().partition("Broken for good")[2]
    assert "  'left behind':\n    careless, which is gone  " in broken
    assert "    waiter  " in broken.partition("  Waiting:\n")[2]


def test_a_cycle_of_which_one_has_its_turn_is_no_deadlock() -> None:
    one, other = object(), object()
    tickets = [_waits.Ticket(one, (other,)), _waits.Ticket(other, (one,))]
    for number, ticket in enumerate(tickets):
        ticket.ident = -1 - number
        _waits.begin_wait(ticket)
    try:
        assert _prospects.deadlocks(tickets) == [tickets]
        tickets[0].granted = True
        assert _prospects.deadlocks(tickets) == []
    finally:
        for ticket in tickets:
            _waits.end_wait(ticket)


def test_an_object_that_hides_its_type_is_left_alone() -> None:
    touched = []

    class Meta(type):
        def __eq__(cls, other: object) -> bool:
            touched.append("==")
            return True

        def __hash__(cls) -> int:
            touched.append("hash")
            return 1

    class Sly(metaclass=Meta):
        @property  # type: ignore[misc]
        def __class__(self) -> Any:
            touched.append("class")
            return type(genlock.guard(iter(()))._self_gate)

    sly = [Sly(), Sly()]
    touched.clear()
    genlock.snapshot()
    assert not touched
    assert len(sly) == 2


def test_other_threads_fill_tuples_undisturbed() -> None:
    deadline = time.monotonic() + 0.5

    def fill() -> None:
        while time.monotonic() < deadline:
            assert len(tuple(n for n in range(1000))) == 1000

    def look() -> None:
        while time.monotonic() < deadline:
            genlock.snapshot()

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        together(fill, fill, look)
    finally:
        sys.setswitchinterval(before)


def test_snapshots_of_guards_that_are_at_work(rounds: int) -> None:
    """Threads send, close, make guards, time out and use them exclusively meanwhile."""
    stop = threading.Event()
    guards = [genlock.guard(itertools.count(), timeout=0.005, warn_after=None) for _ in range(3)]

    def work(turn: int) -> int:
        done = 0
        while not stop.is_set():
            guard = guards[(turn + done) % 3]
            try:
                with genlock.exclusive(guard):
                    next(guard)
                next(genlock.guard(count_up()))
            except genlock.GuardTimeoutError:
                pass
            done += 1
        return done

    workers = [Worker(functools.partial(work, turn)) for turn in range(4)]
    try:
        for _ in range(rounds):
            snapshot = genlock.snapshot()
            assert snapshot.deadlocks == ()
            assert {wait.prospect for wait in snapshot.waits} <= {""}
            assert snapshot.to_text()
            genlock.state(guards[0])
    finally:
        stop.set()
    assert all(worker.result() for worker in workers)


def test_a_thread_struck_down_in_its_wait_waits_no_more() -> None:
    with Occupied() as stage:
        waiter = Worker(lambda: stage.guard.send("late"))
        until(stage.waiters)
        assert len(genlock.snapshot().waits) == 1
        strike_down(waiter)
        assert genlock.snapshot().waits == ()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_has_no_waits_of_others() -> None:
    with Occupied() as stage:
        waiter = Worker(lambda: stage.guard.send("late"))
        until(stage.waiters)
        told = in_a_forked_child(lambda: str(len(genlock.snapshot().waits)))
        stage.leave.set()
        waiter.result()
    assert told == "0"


# What becomes of it.


@pytest.fixture
def crowded() -> Iterator[genlock.Snapshot]:
    with Occupied() as stage, genlock.exclusive(genlock.guard(count_up(), name="kept")):
        waiter = Worker(lambda: stage.guard.send("late"), name='a "waiter" <1>')
        until(stage.waiters)
        failing: genlock.GuardedIterator[float] = genlock.guard(1 / n for n in [0])
        with pytest.raises(ZeroDivisionError):
            next(failing)
        yield genlock.snapshot()
        stage.leave.set()
        waiter.result()


def test_json_holds_all_of_it(crowded: genlock.Snapshot) -> None:
    assert genlock.Snapshot.from_json(crowded.to_json()) == crowded
    assert json.loads(crowded.to_json())["pid"] == os.getpid()


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"genlock_snapshot": 2}', '{"genlock_snapshot": 1}', "null"]
)
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"snapshot|Expecting"):
        genlock.Snapshot.from_json(text)


def test_a_flowchart_names_each_thread_and_guard_once(crowded: genlock.Snapshot) -> None:
    lines = crowded.to_mermaid().splitlines()
    (ident,) = [wait.ident for wait in crowded.waits]
    assert lines[0] == "flowchart LR"
    assert lines.count(f'  t{ident}["a #34;waiter#34; #60;1#62;"]') == 1
    assert len([line for line in lines if "occupied: running" in line]) == 1


def test_what_stands_for_a_character_in_a_flowchart_is_shown_as_it_is() -> None:
    guard = genlock.guard(count_up(), name='#35; & "#quot;"')
    with genlock.exclusive(guard):
        chart = genlock.snapshot().to_mermaid()
    assert "#35;35; #38; #34;#35;quot;#34;: created" in chart


def test_a_thread_whose_name_cannot_be_had_has_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: threading.Thread) -> str:
        raise ZeroDivisionError

    with Occupied() as stage:
        state_of_inside(stage)
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "name", property(fail))
            text = genlock.snapshot().to_text()
    assert f"\nthread {stage.holder.ident} is inside 'occupied':" in text


class Label:
    """A descriptor that asks the object, and so fails where the class is asked."""

    def __get__(self, thread: Any, _: object) -> str:
        raise LookupError(thread.label)

    def __set__(self, thread: Any, value: str) -> None:
        thread.label = value


class Labelled(Worker):
    name = Label()


class Unwilling(Worker):
    def __getattribute__(self, name: str) -> Any:
        if name == "name":
            raise LookupError(name)
        return super().__getattribute__(name)


class Numbered(Worker):
    _name: Any

    def run(self) -> None:
        self._name = 7
        super().run()


@pytest.mark.parametrize("kind", [Labelled, Unwilling, Numbered])
def test_threads_of_odd_classes_are_told(kind: type[Worker]) -> None:
    with Occupied(on_busy="raise") as stage, genlock.trace() as recording:
        with genlock.exclusive(other := genlock.guard(count_up(), on_busy="raise")):
            asking = kind(lambda: next(other))
            asking.join(PATIENCE)
        assert type(asking.raised) is genlock.ContendedCallError
        assert stage.waiters() == 0
        inside = kind(lambda: genlock.snapshot().to_text())
        inside.join(PATIENCE)
        assert "is inside 'occupied'" in inside.returned
    names = {event.thread.name for event in recording.events if event.thread.ident == asking.ident}
    assert names == {"7" if kind is Numbered else f"thread {asking.ident}"}


def test_a_statement_that_waits_for_a_lock_is_told_whole() -> None:
    def body() -> Generator[None, None, None]:
        yield
        with lock:
            yield

    lock = threading.Lock()
    lock.acquire()
    guard = genlock.guard(body(), prime=True)
    worker = Worker(lambda: next(guard))
    try:
        until(lambda: (site := genlock.state(guard).site) and site.code == "with lock:")
    finally:
        lock.release()
    worker.result()


def test_many_rows_are_cut_short() -> None:
    with Occupied() as stage:
        waiters = [Worker(lambda: stage.guard.send(1)) for _ in range(15)]
        until(lambda: stage.waiters() == 15)
        text = genlock.snapshot().to_text()
        stage.leave.set()
        for waiter in waiters:
            waiter.result()
    assert text.count("stage.guard.send(1)") == 12
    assert "    … 3 more\n" in text


def test_names_control_no_terminal_and_break_no_line() -> None:
    with Occupied() as stage:
        name = "n\u00e4me\n\x1b[31m" + "x" * 5000
        waiter = Worker(lambda: stage.guard.send(1), name=name)
        until(stage.waiters)
        snapshot = genlock.snapshot()
        stage.leave.set()
        waiter.result()
    assert [wait.thread for wait in snapshot.waits] == [name]
    for text in (snapshot.to_text(), snapshot.to_mermaid()):
        assert text.replace("\n", "").isprintable()
    (row,) = [line for line in snapshot.to_text().splitlines() if "n\u00e4me" in line]
    assert row.startswith("    n\u00e4me\\n\\x1b[31mxxx")
    assert len(row) < 150


def test_many_guards_of_one_thread_make_no_long_line() -> None:
    def stage(below: int) -> Generator[str, None, None]:
        guard = genlock.guard(stage(below - 1), name="same") if below else None
        while True:
            yield genlock.snapshot().to_text() if guard is None else next(guard)

    outer = genlock.guard(stage(50), name="outermost")
    text = next(outer)
    heading = "MainThread is inside 'outermost' and 50 guards named 'same':\n"
    assert heading in text
    section = text.partition(heading)[2].partition("\n\n")[0]
    assert section.count("\n") > 5
    assert max(map(len, section.splitlines())) < 150
    outer.close()


def test_guards_of_many_names_make_no_long_line() -> None:
    def stage(below: int) -> Generator[str, None, None]:
        guard = genlock.guard(stage(below - 1), name=f"g{below}") if below else None
        yield genlock.snapshot().to_text() if guard is None else next(guard)

    text = next(genlock.guard(stage(20), name="g21"))
    assert "is inside 'g21', 'g20', 'g19', 'g18', 'g17', 'g16' and 15 more:\n" in text


def test_guards_at_rest_are_counted_by_kind() -> None:
    many = [genlock.guard(count_up(), name="one of many") for _ in range(1000)]
    text = genlock.snapshot().to_text()
    assert "  1,000 times 'one of many' not started, " in text
    assert len(many) == 1000


def test_a_deep_recursion_of_guards_is_told(tmp_path: Any) -> None:
    program = tmp_path / "deep.py"
    program.write_text(
        "import genlock\n"
        "@genlock.guarded(name='deep')\n"
        "def deep(n):\n"
        "    if n: yield from deep(n - 1)\n"
        "    else: yield genlock.snapshot().to_text()\n"
        "print(next(deep(100)))\n"
    )
    ran = run_program(program)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "101 guards: 101 running; no thread waits for one." in ran.stdout
    assert ran.stdout.count("is inside") == 1


# Written out.


def test_a_dump_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    guard = genlock.guard(count_up(), name="dumped")
    with genlock.exclusive(guard):  # in use: of those at rest, a few kinds are told
        genlock.dump()
    assert "MainThread has exclusive use of 'dumped':" in capsys.readouterr().err
    assert next(guard) == 0


def test_a_dump_goes_to_the_end_of_a_file(tmp_path: Any) -> None:
    path = tmp_path / "dump.txt"
    path.write_text("before\n")
    genlock.dump(path)
    genlock.dump(str(path))
    with path.open("a", encoding="ascii") as file:
        file.write("between\n")
        genlock.dump(file)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("before\ngenlock: process ")
    assert text.count("genlock: process") == 3
    assert text.index("between") < text.rindex("genlock: process")


def test_a_dump_to_what_has_only_write() -> None:
    parts: list[str] = []
    genlock.dump(SimpleNamespace(write=parts.append))
    assert parts[0].startswith("genlock: process ")


def test_a_dump_without_stderr_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    genlock.dump()


@needs_flag_gate
def test_a_snapshot_costs_idle_guards_nothing_of_their_own() -> None:
    guard = genlock.guard(count_up())
    genlock.snapshot()
    assert guard._self_gate.queue is None
