"""Writes down what the threads of a run do, for the report of a failure."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from genlock._errors import GenlockError
from genlock._explaining._explain import explain_in_thread
from genlock._explaining._sighting import Known
from genlock._explaining._sighting_wording import how_to_share
from genlock._interpreter import _frames, _stacks
from genlock._namesakes import relabelled
from genlock._wording import in_words, message
from genlock.testing import _subjects
from genlock.testing._addresses import without_addresses
from genlock.testing._records import Inside, Story, Stretch
from genlock.testing._scheduler import Witness
from genlock.testing._schedules import thread_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType, TracebackType

    from genlock._explaining._explain import Explanation
    from genlock._gate import Gate
    from genlock._records import Site
    from genlock.testing._scheduler import Failure, Label, Run, Task

_LINES_OF_TRACEBACK = 5
_INLINED = ("<listcomp>", "<setcomp>", "<dictcomp>")
"""They are part of the function that they are in: on Python 3.11 they have frames of their own."""
_LONGEST_WAY_TO_REST = 0.1  # seconds; who waits in the queue of a gate does not come there


class Writer(Witness):
    """Writes the story of one run."""

    def __init__(self, workers: Iterable[object]) -> None:
        self.workers = tuple(map(_name_of, workers))
        self.stretches: list[Stretch] = []
        self.inside: tuple[Inside, ...] = ()
        self.is_over = False
        self.generators: list[_subjects.Found] | None = None
        self.entered: dict[int, str] = {}
        """What the bodies that threads came to are called, by the identity of their code."""

    def arrived(
        self, run: Run, task: Task, label: Label, frame: FrameType | None, *, waits: bool
    ) -> None:
        name, site = "", None
        kind = str(label[0])
        if frame is not None and kind in ("inside", "line"):
            self.entered[id(frame.f_code)] = str(label[1])
            name = self.name_of(run, frame)
            site = _frames.full_line(frame)
        elif frame is not None:
            caller = _frames.user_frame(frame)
            site = None if caller is None else _frames.full_line(caller)
            name = self.name_of_guard(run, frame.f_locals["self"])
        self.write(run, task.number, kind, name, site, waits=waits)

    def left(self, run: Run, task: Task) -> None:
        self.write(run, task.number, "end")

    def failed(self, run: Run, failure: Failure) -> None:
        if failure.thread is not None and failure.error is not None:
            self.write(run, failure.thread, "error", _in_short(failure.error))
        self.inside = tuple(self.who_is_inside(run, failure))
        self.is_over = True

    def write(  # noqa: PLR0913  # the fields of a Stretch
        self,
        run: Run,
        thread: int,
        came_to: str,
        name: str = "",
        site: Site | None = None,
        *,
        waits: bool = False,
    ) -> None:
        if self.is_over:
            return
        number = len(run.trace) - 1
        decision = run.trace[number]
        is_chosen = decision.chosen != decision.default
        self.stretches.append(Stretch(number, thread, came_to, name, site, waits, is_chosen))

    def who_is_inside(self, run: Run, failure: Failure) -> Iterator[Inside]:
        """The generators that the other threads are in the middle of, outermost first."""
        have_come = {stretch.thread for stretch in self.stretches} - {failure.thread}
        others = [task for task in run.unfinished if task.number in have_come]
        _await_rest(others)
        innermost = _stacks.current_frames()
        for task in others:
            for frame in reversed([*_frames.stack(innermost.get(task.ident))]):
                name = self.name_of(run, frame)
                if name:
                    yield Inside(task.name, name, _frames.full_line(frame))

    def name_of(self, run: Run, frame: FrameType) -> str:
        """What the generator that this frame belongs to is called; empty for any other."""
        for found in self.found_in(run):
            if found.generator.gi_frame is frame:
                return found.name
        return self.entered.get(id(frame.f_code), "")

    def name_of_guard(self, run: Run, gate: Gate) -> str:
        """What a guard is called; as the generator behind it, so that no two have one name."""
        return self.label(run, gate.name, id(gate.guarded))

    def label(self, run: Run, name: str, identity: int) -> str:
        """What the generator with this identity is called, or `name` if it is none of these."""
        for found in self.found_in(run):
            if id(found.generator) == identity:
                return found.name
        return name

    def found_in(self, run: Run) -> list[_subjects.Found]:
        """The generators of the run's subject, as they were when a thread first came to one."""
        if self.generators is None:
            self.generators = _subjects.holdings(run.subject).generators
        return self.generators

    def story(self, run: Run) -> Story:
        """What happened."""
        failure = run.failure
        if failure is None:
            return Story(self.workers, tuple(self.stretches))
        error = failure.error
        return Story(
            self.workers,
            tuple(self.stretches),
            self.inside,
            failure.links,
            "" if failure.thread is None else thread_name(failure.thread),
            "" if error is None else _in_short(error),
            () if error is None else tuple(_lines(error.__traceback__)),
            "" if error is None else without_addresses(self.diagnosis(run, error, failure.thread)),
            () if error is None else tuple(_notes(error)),
            *self.race(error, failure.thread),
        )

    def diagnosis(self, run: Run, error: BaseException, thread: int | None) -> str:
        """What is known of the cause of an error, in words."""
        if isinstance(error, GenlockError):
            return message(relabelled(error.diagnosis, partial(self.label, run)))
        explanation = self.explanation(error, thread)
        # Of who was inside of a bare generator, this run knows more than can be seen afterwards.
        return "" if explanation.not_known or not explanation else str(explanation)

    def race(self, error: BaseException | None, thread: int | None) -> tuple[str, str]:
        """The code of an error that this run knows more of, and what to write against it."""
        if error is None or isinstance(error, GenlockError) or not self.inside:
            return "", ""
        explanation = self.explanation(error, thread)
        is_race = explanation.code == "GL011" and explanation.not_known
        if not is_race or explanation.sighting is None:
            return "", ""
        return explanation.code, how_to_share(explanation.sighting)

    @staticmethod
    def explanation(error: BaseException, thread: int | None) -> Explanation:
        """What can be seen of an error afterwards."""
        return explain_in_thread(error, Known("" if thread is None else thread_name(thread)))


def _await_rest(tasks: Iterable[Task]) -> None:
    """Wait until threads stand still: who had another one go on may not be parked yet."""
    deadline = time.monotonic() + _LONGEST_WAY_TO_REST
    while _stacks.RUN_AT_ONCE and time.monotonic() < deadline:
        if all(task.is_at_rest for task in tasks):
            return
        time.sleep(0)


def _in_short(error: BaseException) -> str:
    if isinstance(error, GenlockError):
        return f"{type(error).__name__} [{error.code}]"
    return without_addresses(in_words(error))


def _notes(error: BaseException) -> list[str]:
    """What is noted on an error: by a guard, what had ended its generator."""
    return [
        without_addresses(note) for note in getattr(error, "__notes__", ()) if isinstance(note, str)
    ]


def _lines(traceback: TracebackType | None) -> list[Site]:
    """The innermost lines of a traceback that are not genlock's own."""
    sites: list[Site] = []
    while traceback is not None:
        if traceback.tb_frame.f_code.co_name in _INLINED and sites:
            sites.pop()
        if not _frames.is_internal(traceback.tb_frame):
            sites.append(_frames.full_line(traceback.tb_frame, traceback.tb_lineno))
        traceback = traceback.tb_next
    return sites[-_LINES_OF_TRACEBACK:]


def _name_of(worker: object) -> str:
    while isinstance(worker, partial):
        worker = worker.func
    name = str(getattr(worker, "__name__", type(worker).__name__))
    qualified = str(getattr(worker, "__qualname__", name)).rpartition("<locals>.")[2]
    return qualified if qualified.endswith(name) else name
