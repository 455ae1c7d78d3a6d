"""What can happen to threads that follow the gate's protocol, and what must not come of it.

Time is abstract: the head of the queue may become overdue at any moment, and a wait that has a
timeout may reach it at any moment. The backstop is a last resort here: everybody who sleeps looks
up once nothing else can happen. That may be so once for an exception, and never without one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from model.protocol import FlagGateProtocol, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.protocol import State

DOUBLE_ENTRY = "two threads are in the generator"
LOST_WAKE_UP = "the gate is free, and nobody wakes those who wait for it"
ORPHANED = "the gate is taken, by nobody, and nobody gets it back"
LEFT_BEHIND = "all calls have returned, and the gate is not as it was"
PASSED_OVER = "a newcomer was let in twice before a head that was overdue"


class Setting(NamedTuple):
    """What threads there are, and what can happen to them."""

    calls: tuple[int, ...]
    """How many calls each thread makes, one after the other."""
    with_timeout: tuple[int, ...] = ()
    """The threads whose waits have a timeout."""
    refusing: tuple[int, ...] = ()
    """The threads that do not wait: on_busy="raise"."""
    blow: Literal["exception", "fork"] | None = None
    """What happens once, to any thread, at any place: an asynchronous exception, or a fork that
    this thread alone survives."""
    struck_at: tuple[str, ...] = ()
    """The steps that an exception can hit; all where none is named."""
    early_looks: int = 0
    """How many waits last so long that they look up although nothing is wrong."""
    begun: bool = False
    """All wait already, in their order; who was inside has left, and has woken nobody."""
    backstop: bool = True


class Past(NamedTuple):
    """What has happened already."""

    blows: int = 0
    rescues: int = 0
    early_looks: int = 0
    passed_over: int = 0
    """How often a newcomer was let in since the head is overdue."""


class Runs:
    """All the runs of a protocol in one setting; see `checker.System`."""

    def __init__(self, protocol: type[FlagGateProtocol], setting: Setting) -> None:
        self.setting = setting
        self.protocol = protocol(setting.refusing, setting.with_timeout)

    def initial(self) -> State:
        if self.setting.begun:
            return self.initial_queue()
        threads = tuple(("begin", calls, "", "", ()) for calls in self.setting.calls)
        return (False, (), False, (), threads, Past())

    def initial_queue(self) -> State:
        names = tuple(f"{number}.{left - 1}" for number, left in enumerate(self.setting.calls))
        tickets = tuple((name, (False, False, False, False)) for name in names)
        threads = tuple(
            ("sleep", left - 1, name, "", ())
            for left, name in zip(self.setting.calls, names, strict=True)
        )
        return (False, names, False, tickets, threads, Past())

    def moves(self, state: State) -> list[tuple[str, State]]:
        before = World(state)
        moves = [*self.steps(state, before), *self.timeouts(state, before)]
        moves += self.blows(state, before)
        return [*(moves or self.rescue(state)), *self.clock(state)]

    def steps(self, state: State, before: World) -> Iterator[tuple[str, State]]:
        for thread in before.threads:
            is_asleep = thread.step == "sleep" and not before.tickets[thread.ticket].roused
            if thread.step != "done" and not is_asleep:
                world = World(state)
                self.go_on(world, thread.number, thread.step)
                yield f"{thread.number}: {thread.step}", world.state()

    def go_on(self, world: World, number: int, step: str) -> None:
        thread = world.threads[number]
        was_inside = thread.step in self.protocol.INSIDE
        thread.step = getattr(self.protocol, step)(world, thread)
        if len(self.setting.calls) != 2:
            return
        past: Past = world.past
        if not world.overdue or not world.queue or world.tickets[world.queue[0]].gone:
            world.past = past._replace(passed_over=0)
        elif thread.step in self.protocol.INSIDE and not was_inside:
            world.past = past._replace(passed_over=past.passed_over + 1)

    def timeouts(self, state: State, before: World) -> Iterator[tuple[str, State]]:
        for thread in before.threads:
            if thread.step != "sleep":
                continue
            world = World(state)
            world.threads[thread.number].step = "mark"
            past: Past = world.past
            if thread.number in self.setting.with_timeout:
                yield f"{thread.number}: times out", world.state()
            elif past.early_looks < self.setting.early_looks:
                world.past = past._replace(early_looks=past.early_looks + 1)
                yield f"{thread.number}: looks up", world.state()

    def clock(self, state: State) -> Iterator[tuple[str, State]]:
        world = World(state)
        if world.queue and not world.overdue:
            world.overdue = True
            yield "the head is overdue", world.state()

    def blows(self, state: State, before: World) -> Iterator[tuple[str, State]]:
        past: Past = before.past
        if past.blows or self.setting.blow is None:
            return
        for thread in before.threads:
            world = World(state)
            world.past = past._replace(blows=1)
            if self.setting.blow == "fork":
                if thread.step != "done":
                    fork(world, thread.number)
                    yield f"{thread.number}: forks", world.state()
            elif not self.setting.struck_at or thread.step in self.setting.struck_at:
                handler = getattr(getattr(self.protocol, thread.step, None), "then", None)
                if handler:
                    world.threads[thread.number].to_look_at = ()
                    self.go_on(world, thread.number, handler)
                    yield f"{thread.number}: exception at {thread.step}", world.state()

    def rescue(self, state: State) -> Iterator[tuple[str, State]]:
        world = World(state)
        past: Past = world.past
        sleepers = [thread for thread in world.threads if thread.step == "sleep"]
        if sleepers and self.setting.backstop and past.rescues < past.blows:
            for thread in sleepers:
                thread.step = "mark"
            world.past = past._replace(rescues=past.rescues + 1)
            yield "backstop", world.state()

    def fault(self, state: State, *, is_last: bool) -> str | None:
        world = World(state)
        past: Past = world.past
        if sum(thread.step in self.protocol.INSIDE for thread in world.threads) > 1:
            return DOUBLE_ENTRY
        if past.passed_over > 1:
            return PASSED_OVER
        if not is_last:
            return None
        if any(thread.step != "done" for thread in world.threads):
            return ORPHANED if world.busy else LOST_WAKE_UP
        return LEFT_BEHIND if not past.blows and (world.busy or world.queue) else None


def fork(world: World, survivor: int) -> None:
    """As the child sees it: the other threads are nowhere, their waits over."""
    for thread in world.threads:
        if thread.number == survivor:
            continue
        if thread.ticket:
            ticket = world.tickets[thread.ticket]
            ticket.gone, ticket.granted = True, False
        thread.step, thread.calls_left = "done", 0
        thread.ticket, thread.head, thread.to_look_at = "", "", ()
