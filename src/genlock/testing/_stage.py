"""The threads of an exploration, and what they stop at, for as long as it lasts."""

from __future__ import annotations

import gc
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from threading import get_ident
from typing import TYPE_CHECKING, Any

from genlock import _waits
from genlock._gate import Gate
from genlock._gates import PlainGate  # type: ignore[attr-defined]  # one of two
from genlock._interpreter import _frames, _stacks
from genlock.testing import _making, _obstacles, _stuck, _subjects
from genlock.testing._points import Points, installed
from genlock.testing._scheduler import Run, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType, FrameType
    from typing import Self

    from genlock._records import Operation, Site
    from genlock.testing._points import Visit
    from genlock.testing._scheduler import Choose, Label, Witness

# Seconds.
LOOK_EVERY = 0.1
BLOCKED_AFTER = 2.0
"""A thread that neither comes to a point nor computes for so long is blocked by something."""
ENDLESS_AFTER = 30.0
"""A thread that computes for so long between two points does not come to the next one."""

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


class BlockedError(Exception):
    """A run does not come to its end: a thread gets no further, for no reason that can be seen."""

    def __init__(self, run: Run, thread: str, site: Site | None, verdict: str) -> None:
        super().__init__()
        self.run, self.thread, self.site, self.verdict = run, thread, site, verdict


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
            if gc.isenabled():
                gc.disable()
                blocks.callback(gc.enable)
            self.open_blocks = blocks.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.open_blocks.close()

    def start_thread(self, task: Task) -> None:
        thread = threading.Thread(target=self.serve, args=(task,), name=task.name, daemon=True)
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
                thread.join(BLOCKED_AFTER)

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
        clock = Progress(run)
        while not run.finished.acquire(timeout=LOOK_EVERY):
            verdict = clock.verdict()
            if verdict:
                self.give_up(run, verdict)

    def give_up(self, run: Run, verdict: str) -> None:
        task = run.current
        if task is None:
            return  # it has just ended
        if _waits.innermost_wait(task.ident) is not None:
            verdict = "held"
        innermost = _stuck.innermost_frames({task.ident}).get(task.ident)
        site = _users_line(innermost)
        self.abandon(run)
        run.finished.acquire(timeout=BLOCKED_AFTER if run.is_free else 0)
        raise BlockedError(run, task.name, site, verdict)

    def abandon(self, run: Run) -> None:
        """Let the threads run on, to their end, unless that could crash the interpreter.

        Where threads run at once, two in one bare generator can. There the threads that are
        parked stay so, until the process ends.
        """
        if not _stacks.RUN_AT_ONCE:
            run.let_go()

    # What the threads come to.

    def watched_codes(self) -> list[CodeType]:
        """The code of the generators in the subject, behind guards made by setup, and in watch."""
        made: list[object] = []
        with _making.telling(lambda guard: made.append(guard.guarded)):
            subject = self.program.setup()
        found = [generator for generator, _ in _subjects.generators([subject, *made])]
        codes = [*(generator.gi_code for generator in found), *_subjects.codes(self.program.watch)]
        return list({id(code): code for code in codes}.values())

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
            task.run.arrive(task, _LABELS[operation], frame)

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
            task.obstacle = _obstacles.before_poll(variables["self"], operation, frame)
            task.run.arrive(task, _LABELS[operation], frame)

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
        if run is not None and run.unfinished and get_ident() != self.ident:
            run.stranger = _frames.thread_name(get_ident())


def _users_line(innermost: FrameType | None) -> Site | None:
    """Where a thread is: the innermost line that is not in the standard library, if there is one.

    A lock is waited for in many places there, but for one reason only.
    """
    frames = [frame for frame in _frames.stack(innermost) if not _frames.is_internal(frame)]
    users = [frame for frame in frames if not _frames.is_library(frame.f_code.co_filename)]
    return _frames.full_line((users or frames)[0]) if frames else None


class Progress:
    """Whether the thread whose turn it is still gets anywhere."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.point, self.point_since = -1, 0.0
        self.computed, self.computing_since = 0.0, 0.0

    def verdict(self) -> str:
        """What is wrong, if it has gone on for too long; call this every `LOOK_EVERY` seconds."""
        now = time.monotonic()
        if self.point != len(self.run.trace):
            self.point = len(self.run.trace)
            self.point_since = self.computing_since = now
        computed = self.time_computed()
        if computed - self.computed > LOOK_EVERY / 10:  # less is for one who polls
            self.computed, self.computing_since = computed, now
        if now - self.computing_since > BLOCKED_AFTER:
            return "blocked"
        return "endless" if now - self.point_since > ENDLESS_AFTER else ""

    def time_computed(self) -> float:
        """Seconds of the processor that the thread has had; of all, where more is not known."""
        task = self.run.current
        if task is None or not hasattr(time, "pthread_getcpuclockid"):
            return time.process_time()
        return time.clock_gettime(time.pthread_getcpuclockid(task.ident))
