"""The threads of an exploration, and what they stop at, for as long as it lasts."""

from __future__ import annotations

import gc
import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from threading import get_ident
from typing import TYPE_CHECKING, Any

from genlock._gate import Gate
from genlock._gates import PlainGate  # type: ignore[attr-defined]  # one of two
from genlock._interpreter import _frames, _stacks
from genlock.testing import _making, _obstacles, _progress, _subjects
from genlock.testing._points import Points
from genlock.testing._scheduler import AbandonedError, Run, Task
from genlock.testing._shared_setting import SharedSetting

if sys.version_info >= (3, 12):
    from genlock.testing._monitor import installed
else:
    from genlock.testing._tracer import installed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType, FrameType
    from typing import Self

    from genlock._records import Operation
    from genlock.testing._points import Visit
    from genlock.testing._scheduler import Choose, Label, Witness

_RUNS_PER_COLLECTION = 64
_LABELS: dict[str, Label] = {
    operation: (operation,) for operation in ("send", "next", "throw", "close", "exclusive")
}


@dataclass(frozen=True, slots=True)
class Program:
    """What is explored; see `explore`."""

    setup: Callable[[], Any]
    workers: Sequence[Callable[[Any], object]]
    check: Callable[[Any], object] | None
    watch: Sequence[object]
    at_lines: bool


class WorkersThread(threading.Thread):
    """The thread of a worker. Outlives its stage only where a run had to be given up."""

    def __init__(self, stage: Stage, task: Task) -> None:
        super().__init__(target=stage.serve, args=(task,), name=task.name, daemon=True)
        self.stage = stage


class Stage:
    """Performs runs of a program: `with Stage(program) as stage: run = stage.perform(…)`.

    The workers' threads are the same in every run, for a new one would cost more than a run. The
    collector is off during a run, since what it calls could come in at any place.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.tasks = [Task(number, job) for number, job in enumerate(program.workers)]
        self.threads: list[threading.Thread] = []
        self.by_ident: dict[int, Task] = {}
        self.run: Run | None = None
        self.is_closed = False
        self.performed = 0
        self.open_blocks = ExitStack()
        self.names: dict[int, Label] = {}
        self.watched: list[str] = []
        """What workers could use: the names of guards and of bare generators, each once."""
        self.is_all_found = True
        """Whether the subject was looked through to its end for generators."""
        self.ident = get_ident()

    def __enter__(self) -> Self:
        codes = self.watched_codes()
        self.names = {id(code): ("inside", _frames.short_name(code)) for code in codes}
        lines = [(code, self.at_line) for code in codes] if self.program.at_lines else []
        self.points = Points([*self.entries(), *((code, self.inside) for code in codes)], lines)
        with ExitStack() as blocks:
            blocks.enter_context(installed(self.points))
            blocks.callback(self.close)
            for task in self.tasks:
                self.start_thread(task)
            blocks.enter_context(_no_collections)
            self.open_blocks = blocks.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.open_blocks.close()

    def start_thread(self, task: Task) -> None:
        thread = WorkersThread(self, task)
        thread.start()
        self.threads.append(thread)
        task.ident = thread.ident or 0
        self.by_ident[task.ident] = task

    def serve(self, task: Task) -> None:
        """What the thread of a worker does."""
        while True:
            task.lock.acquire()
            if self.is_closed:
                return
            task.perform()
            if task.run is not None and task.run.is_free:
                return

    def close(self) -> None:
        self.is_closed = True
        if self.run is not None and self.run.unfinished:
            self.abandon(self.run)
        stay_parked = self.run.unfinished if self.run is not None else []
        for task in self.tasks:
            if task.lock.locked() and task not in stay_parked:
                task.lock.release()
        if not stay_parked:
            for thread in self.threads:
                thread.join(_progress.BLOCKED_AFTER)

    # One run.

    def perform(self, choose: Choose, witness: Witness | None = None) -> Run:
        """Run the program, with `choose` to decide who goes on; the check included.

        Raises what `setup` raises, and BlockedError where a thread is blocked by something else
        than a guard. A stage on which that happened, or from which anything else was raised, can
        perform no more.
        """
        self.performed += 1
        if self.performed % _RUNS_PER_COLLECTION == 0:
            gc.collect(0)
        run = self.run = Run(self.tasks, self.program.setup(), choose, witness)
        run.begin()
        self.await_end(run)
        if run.failure is None and self.program.check is not None:
            self.check(run, self.program.check)
        return run

    def check(self, run: Run, check: Callable[[Any], object]) -> None:
        try:
            if check(run.subject) is False:
                run.fail(None, AssertionError("check(subject) returned False"))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # what test runners fail with may be no Exception
            run.fail(None, error)

    def await_end(self, run: Run) -> None:
        clock = _progress.Progress(run)
        while not run.finished.acquire(timeout=_progress.LOOK_EVERY) or run.is_too_long:
            verdict = clock.verdict()
            if verdict:
                self.give_up(run, verdict)

    def give_up(self, run: Run, verdict: str) -> None:
        task = run.current
        if task is None:
            return  # it has just ended
        blocked = _progress.diagnosed(run, task, verdict)
        self.abandon(run)
        run.finished.acquire(timeout=_progress.BLOCKED_AFTER if run.is_free else 0)
        raise blocked

    def abandon(self, run: Run) -> None:
        """Have the threads end at their next points, unless that could crash the interpreter.

        Where threads run at once, two in one bare generator can. There the threads that are
        parked stay so, until the process ends.
        """
        if not _stacks.RUN_AT_ONCE:
            run.let_go()

    # What the threads come to.

    def watched_codes(self) -> list[CodeType]:
        """The code of the generators in the subject, behind guards made by setup, and in watch."""
        made: list[_making.Made] = []
        with _making.telling(made.append):
            subject = self.program.setup()
        held = _subjects.holdings([subject, *(guard.guarded for guard in made)])
        self.is_all_found = held.are_complete
        named = list(_subjects.codes(self.program.watch))
        codes = [*(found.generator.gi_code for found in held.generators), *named]
        guards = {id(guard.guarded): guard.name for guard in made}
        others = [found for found in held.generators if id(found.generator) not in guards]
        names = [*guards.values(), *(found.name for found in others)]
        self.watched = list(dict.fromkeys([*names, *map(_frames.short_name, named)]))
        return list({id(code): code for code in codes}.values())

    def unwatched(self, subject: object) -> list[str]:
        """The names of bare generators that a worker has put into the subject."""
        return [
            found.name
            for found in _subjects.holdings(subject).generators
            if not found.is_guarded
            and found.generator.gi_frame is not None
            and id(found.generator.gi_code) not in self.names
        ]

    def entries(self) -> list[tuple[CodeType, Visit]]:
        return [
            (PlainGate.send.__code__, self.before_send),
            (PlainGate.enter.__code__, self.before_enter),
            (Gate.keep.__code__, self.before_keep),
            (Gate.await_turn.__code__, self.before_wait),
            (Gate.poll.__code__, self.before_poll),
        ]

    def before_send(self, frame: FrameType) -> None:
        task = self.by_ident.get(get_ident())
        if task is not None:
            variables = frame.f_locals
            operation: Operation = "next" if variables["value"] is None else "send"
            self.before_call(task, variables["self"], operation, frame)

    def before_enter(self, frame: FrameType) -> None:
        task = self.by_ident.get(get_ident())
        if task is not None:
            variables = frame.f_locals
            self.before_call(task, variables["self"], variables["operation"], frame)

    def before_keep(self, frame: FrameType) -> None:
        task = self.by_ident.get(get_ident())
        if task is not None:
            self.before_call(task, frame.f_locals["self"], "exclusive", frame)

    def before_call(self, task: Task, gate: Gate, operation: Operation, frame: FrameType) -> None:
        if task.run is not None:
            task.obstacle = _obstacles.before_call(gate, operation, task.ident, frame)
            task.run.arrive(task, _LABELS[operation], frame, gate.name)

    def before_wait(self, frame: FrameType) -> None:
        """A call goes to its gate's queue, because nobody else can go on."""
        task = self.by_ident.get(get_ident())
        if task is not None and task.is_out_of_time:
            task.is_out_of_time = False
            patience = frame.f_locals["patience"]
            allowed = patience.deadline - patience.started
            patience.started -= allowed
            patience.deadline -= allowed

    def before_poll(self, frame: FrameType) -> None:
        """A call found the bare generator in use: from then on it only looks again."""
        task = self.by_ident.get(get_ident())
        variables = frame.f_locals
        if task is not None and task.run is not None and "patience" not in variables:
            operation: Operation = variables["operation"]
            gate: Gate = variables["self"]
            task.obstacle = _obstacles.before_poll(gate, operation, frame)
            task.run.arrive(task, _LABELS[operation], frame, gate.name)

    def inside(self, frame: FrameType) -> None:
        task = self.by_ident.get(get_ident())
        if task is None:
            self.note_stranger()
        elif task.run is not None:
            task.run.arrive(task, self.names[id(frame.f_code)], frame)

    def at_line(self, frame: FrameType) -> None:
        task = self.by_ident.get(get_ident())
        if task is not None and task.run is not None:
            label = ("line", *self.names[id(frame.f_code)][1:], frame.f_lineno)
            task.run.arrive(task, label, frame)

    def note_stranger(self) -> None:
        run = self.run
        if run is None or not run.unfinished or get_ident() == self.ident:
            return
        thread = next((each for each in threading.enumerate() if each.ident == get_ident()), None)
        if not isinstance(thread, WorkersThread):
            run.stranger = _frames.thread_name(get_ident())
        elif thread.stage.is_closed:
            raise AbandonedError
        else:
            run.stranger = f"{thread.name} of another exploration"


def _stop_collecting() -> Callable[[], object]:
    if not gc.isenabled():
        return int  # nothing to undo
    gc.disable()
    return gc.enable


_no_collections = SharedSetting(_stop_collecting)
