"""Lets threads run one at a time, and decides at each point which of them goes on.

Each thread is parked on a lock of its own. The one that runs picks its successor, so that going on
itself costs no switch.
"""

from __future__ import annotations

import _thread
import math
from contextvars import Context
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from genlock import _waits
from genlock._interpreter import _stacks
from genlock._interpreter._threads import own
from genlock.testing import _obstacles
from genlock.testing._records import Link
from genlock.testing._schedules import thread_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType
    from typing import Any

    from genlock._gate import Gate
    from genlock._waits import Ticket
    from genlock.testing._obstacles import BusyGate, Obstacle
    from genlock.testing._schedules import Schedule

    Choose = Callable[[int, "Task", Sequence["Task"]], "Task"]
    """From the number of a decision, who goes on by default, and who can: who goes on."""

Label = tuple[object, ...]
"""What a thread is about to do, the same in every run."""

START: Label = ("start",)
END: Label = ("end",)

MOST_DECISIONS = 50_000
"""A run that takes more does not come to its end."""


class AbandonedError(BaseException):
    """Ends a thread at its next point, because its run is given up; no body is to catch it."""


class Decision(NamedTuple):
    """Who came to a point, about to do what; who could go on; and who did. Threads by number.

    `guard` is the name of the one that is about to be called, which may differ from run to run.
    """

    arrived: int
    label: Label
    enabled: tuple[int, ...]
    chosen: int
    guard: str = ""

    @property
    def preempts(self) -> bool:
        """Whether the thread that came was stopped, although it could go on."""
        return self.arrived in self.enabled and self.chosen != self.arrived

    @property
    def default(self) -> int:
        """Who goes on where the schedule does not say."""
        return self.arrived if self.arrived in self.enabled else self.enabled[0]


class Failure(NamedTuple):
    """What went wrong first, in which thread (None: in the check), during which decision."""

    outcome: Literal["failed", "deadlock"]
    thread: int | None
    error: BaseException | None
    links: tuple[Link, ...] = ()


class Task:
    """A worker, and what its thread is up to."""

    __slots__ = (
        "arrived_at",
        "ident",
        "is_at_rest",
        "is_out_of_time",
        "job",
        "lock",
        "name",
        "number",
        "obstacle",
        "run",
    )

    def __init__(self, number: int, job: Callable[[Any], object]) -> None:
        self.number = number
        self.name = thread_name(number)
        self.job = job
        self.ident = 0
        self.lock = _thread.allocate_lock()
        self.lock.acquire()
        self.run: Run | None = None
        self.obstacle: Obstacle | None = None
        self.is_out_of_time = False
        self.is_at_rest = False
        """Whether its thread is parked: it does not move until it is its turn."""
        self.arrived_at = 0

    def perform(self) -> None:
        """Do the job once, in the thread of this task."""
        run = self.run
        if run is None:
            return
        try:
            if not run.is_free:
                Context().run(self.job, run.subject)
        except BaseException as error:
            run.fail(self.number, error)
        own.renew()  # what it still has to itself is left behind, as when a thread ends
        run.leave(self)

    def can_go_on(self) -> bool:
        return self.obstacle is None or not self.obstacle.is_there()

    def has_timeout(self) -> bool:
        return self.obstacle is not None and self.obstacle.timeout < math.inf


class Witness(Protocol):
    """Is told what the threads do."""

    def arrived(
        self, run: Run, task: Task, label: Label, frame: FrameType | None, *, waits: bool
    ) -> None:
        """A thread came to a point; `frame` is what it is about to execute."""

    def left(self, run: Run, task: Task) -> None:
        """A thread has done its job."""

    def failed(self, run: Run, failure: Failure) -> None:
        """Something went wrong for the first time."""

    def name_of_guard(self, run: Run, gate: Gate) -> str:
        """What a guard is called."""


class Run:
    """One execution of all the workers.

    Only the thread whose turn it is touches this, and the one that waits for the end of the run.
    """

    def __init__(
        self, tasks: Sequence[Task], subject: object, choose: Choose, witness: Witness | None
    ) -> None:
        self.subject = subject
        self.choose = choose
        self.witness = witness
        self.unfinished = list(tasks)
        self.trace: list[Decision] = []
        self.current: Task | None = None
        self.failure: Failure | None = None
        self.stranger: str | None = None
        """A thread that used what is watched, and is none of ours."""
        self.finished = _thread.allocate_lock()
        self.finished.acquire()
        self.is_free = False
        self.is_too_long = False
        self.pretended: list[Ticket] = []
        for task in tasks:
            task.run, task.obstacle, task.is_out_of_time = self, None, False

    @property
    def schedule(self) -> Schedule:
        """What was chosen other than by default."""
        return tuple(
            (number, decision.chosen)
            for number, decision in enumerate(self.trace)
            if decision.chosen != decision.default
        )

    def preemptions(self) -> int:
        """How often a thread was stopped that could have gone on."""
        return sum(decision.preempts for decision in self.trace)

    def begin(self) -> None:
        """Let the first thread go on."""
        self.pass_to(self.decide(-1, START))

    def arrive(self, task: Task, label: Label, frame: FrameType, guard: str = "") -> None:
        """The thread of `task` is about to do something: return when it is its turn.

        Raises AbandonedError when there will be no more turns.
        """
        if self.is_free:
            raise AbandonedError
        task.arrived_at = len(self.trace)
        if task.arrived_at >= MOST_DECISIONS:
            self.stop_for_good(task)
        if self.witness is not None:
            self.witness.arrived(self, task, label, frame, waits=not task.can_go_on())
        chosen = self.decide(task.number, label, guard)
        if chosen is not task:
            self.pass_to(chosen)
            self.park(task)
        task.obstacle = None

    def park(self, task: Task) -> None:
        """Wait for the turn of the thread of `task`."""
        task.is_at_rest = True
        task.lock.acquire()
        task.is_at_rest = False
        _stacks.stay_for_readers()
        if self.is_free:
            raise AbandonedError

    def stop_for_good(self, task: Task) -> None:
        """Have the run given up by the one who waits for its end, who may look where we are."""
        self.is_too_long = True
        _release(self.finished)
        self.park(task)

    def leave(self, task: Task) -> None:
        """The thread of `task` has done its job."""
        if self.witness is not None and not self.is_free:
            self.witness.left(self, task)
        self.unfinished.remove(task)
        if not self.unfinished:
            self.current = None
            _release(self.finished)
        elif not self.is_free:
            self.pass_to(self.decide(task.number, END))

    def fail(self, thread: int | None, error: BaseException) -> None:
        """Remember an error that came out of a worker, if nothing went wrong before."""
        if self.failure is None:
            self.failure = Failure("failed", thread, error)
            if self.witness is not None:
                self.witness.failed(self, self.failure)
        elif self.failure.error is None:
            self.failure = self.failure._replace(thread=thread, error=error)

    def pass_to(self, task: Task) -> None:
        self.current = task
        _release(task.lock)

    def decide(self, arrived: int, label: Label, guard: str = "") -> Task:
        """Who goes on after the thread with this number came to a point."""
        if self.pretended:
            self.end_pretence()
        enabled = [task for task in self.unfinished if task.can_go_on()]
        is_stuck = not enabled
        if is_stuck:
            enabled = self.unstuck()
        default = enabled[0]
        for task in enabled:
            if task.number == arrived:
                default = task
        chosen = self.choose(len(self.trace), default, enabled)
        numbers = tuple([task.number for task in enabled])
        self.trace.append(Decision(arrived, label, numbers, chosen.number, guard))
        chosen.is_out_of_time = is_stuck and chosen.has_timeout()
        return chosen

    # No thread can go on as it is.

    def unstuck(self) -> list[Task]:
        """The threads that come free although all the others stay where they are."""
        cycle = _obstacles.cycle(task.obstacle for task in self.unfinished)
        if cycle:
            return [self.break_cycle(cycle)]
        timed = [task for task in self.unfinished if task.has_timeout()]
        # Else somebody unknown is inside. Whether he comes out, the gate itself has to find.
        return timed or self.unfinished[:1]

    def break_cycle(self, cycle: list[tuple[BusyGate, Ticket]]) -> Task:
        """Returns who has to give way: the last of the cycle to come to its wait.

        The others are entered as waiting, so that its gate finds the cycle at once.
        """
        tasks = {task.ident: task for task in self.unfinished}
        last, _ = max(cycle, key=lambda wait: tasks[wait[0].ident].arrived_at)
        if self.failure is None and not last.can_be_deferred():
            self.note_deadlock([(tasks[busy.ident], busy.gate) for busy, _ in cycle])
        for busy, ticket in cycle:
            if busy is not last:
                _waits.begin_wait(ticket)
                self.pretended.append(ticket)
        return tasks[last.ident]

    def note_deadlock(self, waits: list[tuple[Task, Gate]]) -> None:
        """These threads wait for these gates, each for the one that the next one holds."""
        names = [self.called(gate) for _, gate in waits]
        links = [
            Link(task.number, held, wanted)
            for (task, _), held, wanted in zip(waits, [names[-1], *names], names, strict=False)
        ]
        self.failure = Failure("deadlock", None, None, tuple(links))
        if self.witness is not None:
            self.witness.failed(self, self.failure)

    def called(self, gate: Gate) -> str:
        """What a guard is called in what is told of this run."""
        return gate.name if self.witness is None else self.witness.name_of_guard(self, gate)

    def end_pretence(self) -> None:
        for ticket in self.pretended:
            ticket.frame = None
            _waits.end_wait(ticket)
        self.pretended.clear()

    # The run does not go on, or nobody waits for its end.

    def let_go(self) -> None:
        """Let all threads run on, to their next points, where they end."""
        self.is_free = True
        self.end_pretence()
        for task in list(self.unfinished):
            _release(task.lock)


def _release(lock: _thread.LockType) -> None:
    try:
        lock.release()
    except RuntimeError:
        pass  # it has been let go already
