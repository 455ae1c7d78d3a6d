"""The flag gate's protocol, cut where the interpreter can cut it.

CPython switches threads, and delivers asynchronous exceptions, after a call of a function in C,
at the entry of a function in Python, and at backward jumps. What lies between two such places is
one step here; what touches nothing shared is left out. A step is written as the gate is written,
its docstring quotes the lines that it stands for, and it returns the name of the next step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

State: TypeAlias = "tuple[Any, ...]"
Step = TypeVar("Step", bound="Callable[..., str]")


class Ticket:
    """As in the gate; `roused` is the lock that the waiter sleeps on, released."""

    __slots__ = ("awake", "gone", "granted", "roused")

    def __init__(self, fields: tuple[bool, ...] = (False, False, False, False)) -> None:
        self.awake, self.granted, self.gone, self.roused = fields


class Thread:
    """What a thread does next, and the local variables of the gate's methods."""

    __slots__ = ("calls_left", "head", "number", "step", "ticket", "to_look_at")

    def __init__(self, number: int, fields: tuple[Any, ...]) -> None:
        self.number = number
        self.step, self.calls_left, self.ticket, self.head, self.to_look_at = fields


class World:
    """A state, taken out of its tuple in order to be changed."""

    def __init__(self, state: State) -> None:
        self.busy: bool | str  # or the name of a ticket: the mark of reclaim
        self.busy, queue, self.overdue, tickets, threads, self.past = state
        self.queue: list[str] = list(queue)
        self.tickets = {name: Ticket(fields) for name, fields in tickets}
        self.threads = [Thread(number, fields) for number, fields in enumerate(threads)]

    def state(self) -> State:
        """Forgets the tickets that nobody can come upon any more."""
        threads = tuple(
            (thread.step, thread.calls_left, thread.ticket, thread.head, thread.to_look_at)
            for thread in self.threads
        )
        known = set(self.queue)
        for _, _, ticket, head, to_look_at in threads:
            known.update((ticket, head), to_look_at)
        tickets = tuple(
            (name, (ticket.awake, ticket.granted, ticket.gone, ticket.roused))
            for name, ticket in sorted(self.tickets.items())
            if name in known
        )
        return (self.busy, tuple(self.queue), self.overdue, tickets, threads, self.past)

    def leave_queue(self, ticket: str) -> None:
        if ticket in self.queue:
            if self.queue[0] == ticket:
                self.overdue = False
            self.queue.remove(ticket)


def interrupted(then: str) -> Callable[[Step], Step]:
    """Name the step that handles an exception that comes instead of the decorated step."""

    def mark(step: Step) -> Step:
        cast("Any", step).then = then
        return step

    return mark


class FlagGateProtocol:
    """What each thread does. `send` is the short way in, `wait_and_run` the long one."""

    INSIDE = ("in_send", "in_wait_and_run")
    OWNING = (*INSIDE, "leave_queue_to_run")
    """The steps during which the frame of a way in has its `was` set to False."""

    def __init__(self, refusing: Sequence[int], with_timeout: Sequence[int]) -> None:
        self.refusing = refusing
        self.with_timeout = with_timeout

    # The way in of a call that finds the gate free: `send`.

    def begin(self, gate: World, me: Thread) -> str:
        """`was, self.busy = self.busy, True`, `if was:`."""
        me.calls_left -= 1
        was, gate.busy = gate.busy, True
        if not was:
            return "in_send"
        me.ticket = f"{me.number}.{me.calls_left}"
        gate.tickets[me.ticket] = Ticket()
        return "join_queue"

    def in_send(self, gate: World, me: Thread) -> str:
        """The body yields; `was, self.busy = True, False`, `if self.queue:`.

        An exception from the body, or after it, comes to the same.
        """
        gate.busy = False
        return "pass_on" if gate.queue else self.end(gate, me)

    # The way in of a call that does not: `wait_and_run`.

    @interrupted("clean_up")
    def join_queue(self, gate: World, me: Thread) -> str:
        """`(self.queue or self.open_queue()).append(ticket)`."""
        gate.queue.append(me.ticket)
        return "mark" if me.number in self.refusing else "try_flag"

    @interrupted("clean_up")
    def try_flag(self, gate: World, me: Thread) -> str:
        """`ticket.awake = False`, and the flag is tried.

        `ticket.granted, self.busy = ticket.granted | (not self.busy), True`
        """
        ticket = gate.tickets[me.ticket]
        if not ticket.granted:
            ticket.awake = False
            ticket.granted, gate.busy = ticket.granted | (not gate.busy), True
        return "take_up" if ticket.granted else "sleep"

    @interrupted("clean_up")
    def sleep(self, gate: World, me: Thread) -> str:
        """`self._sleep(True, patience.pause(longest))`, where it was woken."""
        gate.tickets[me.ticket].roused = False
        return "try_flag"

    @interrupted("clean_up")
    def take_up(self, gate: World, me: Thread) -> str:
        """`was = False`: from now on the frame tells of the owner, and no longer the ticket."""
        return "leave_queue_to_run"

    @interrupted("clean_up")
    def leave_queue_to_run(self, gate: World, me: Thread) -> str:
        """`self.leave_queue(ticket)`."""
        gate.leave_queue(me.ticket)
        return "in_wait_and_run"

    @interrupted("clean_up")
    def in_wait_and_run(self, gate: World, me: Thread) -> str:
        """The body yields, or raises; the way out begins."""
        return self.clean_up(gate, me)

    def clean_up(self, gate: World, me: Thread) -> str:
        """`ticket.gone = True`, `if ticket.granted:`.

        `was, ticket.granted, self.busy = True, False, False`
        """
        ticket = gate.tickets[me.ticket]
        ticket.gone = True
        if ticket.granted:
            ticket.granted, gate.busy = False, False
        return "leave_queue"

    @interrupted("end")
    def leave_queue(self, gate: World, me: Thread) -> str:
        """`self.leave_queue(ticket)`, `self.after_release()`."""
        gate.leave_queue(me.ticket)
        return "pass_on"

    # After a wait as long as the backstop, or as the timeout: `look_up` and `reclaim`.

    @interrupted("clean_up")
    def mark(self, gate: World, me: Thread) -> str:
        """`ticket.granted, self.busy = ticket.granted | (not self.busy), ticket`."""
        ticket = gate.tickets[me.ticket]
        ticket.granted, gate.busy = ticket.granted | (not gate.busy), me.ticket
        if ticket.granted:
            return "take_up"
        me.to_look_at = tuple(range(len(gate.queue)))
        return "read_queue" if me.to_look_at else self.begin_with_threads(gate, me)

    @interrupted("clean_up")
    def read_queue(self, gate: World, me: Thread) -> str:
        """`for place in reversed(range(len(self))):`, `found.append(self[place])`.

        What is yet to be read comes before what was found.
        """
        places = [place for place in me.to_look_at if isinstance(place, int)]
        found = me.to_look_at[len(places) :]
        place = self.next_place(places)
        if place < len(gate.queue):
            found = (*found, gate.queue[place])
        me.to_look_at = (*places, *found)
        if places:
            return "read_queue"
        return "look_at_tickets" if found else self.begin_with_threads(gate, me)

    def next_place(self, places: list[int]) -> int:
        return places.pop()

    @interrupted("clean_up")
    def look_at_tickets(self, gate: World, me: Thread) -> str:
        """`ticket.granted and not ticket.gone for ticket in waiting`."""
        other, *rest = me.to_look_at
        me.to_look_at = tuple(rest)
        if gate.tickets[other].granted and not gate.tickets[other].gone:
            return self.not_helped(me)
        return "look_at_tickets" if rest else self.begin_with_threads(gate, me)

    def begin_with_threads(self, gate: World, me: Thread) -> str:
        numbers = range(len(gate.threads))
        me.to_look_at = tuple(number for number in numbers if number != me.number)
        return "look_at_threads" if me.to_look_at else "take_over"

    @interrupted("clean_up")
    def look_at_threads(self, gate: World, me: Thread) -> str:
        """`if not _evidence.is_abandoned(self) or self.busy is not ticket:`."""
        other, *rest = me.to_look_at
        me.to_look_at = tuple(rest)
        if gate.threads[other].step in self.OWNING:
            return self.not_helped(me)
        return "look_at_threads" if rest else "take_over"

    @interrupted("clean_up")
    def take_over(self, gate: World, me: Thread) -> str:
        """`ticket.granted |= (self.busy is ticket) & (self.keeper is None)`."""
        ticket = gate.tickets[me.ticket]
        ticket.granted |= gate.busy == me.ticket
        return "take_up" if ticket.granted else self.not_helped(me)

    def not_helped(self, me: Thread) -> str:
        """Sleep on; or raise ContendedCallError or GuardTimeoutError."""
        me.to_look_at = ()
        gives_up = me.number in (*self.refusing, *self.with_timeout)
        return "give_up" if gives_up else "sleep"

    @interrupted("clean_up")
    def give_up(self, gate: World, me: Thread) -> str:
        """`raise _diagnoses.timed_out(self, operation, sys._getframe(), waited) from None`."""
        return self.clean_up(gate, me)

    # The way out, if somebody waits: `pass_on`.

    @interrupted("end")
    def pass_on(self, gate: World, me: Thread) -> str:
        """`while queue:`, `head = queue[0]`, `if head.gone:`."""
        if not gate.queue:
            return self.end(gate, me)
        me.head = gate.queue[0]
        return "remove_dead_head" if gate.tickets[me.head].gone else "judge_head"

    @interrupted("end")
    def remove_dead_head(self, gate: World, me: Thread) -> str:
        """`queue.leave(head)`."""
        gate.leave_queue(me.head)
        return "pass_on"

    @interrupted("end")
    def judge_head(self, gate: World, me: Thread) -> str:
        """`if monotonic() - head.head_since <= queue.quantum:`, `if not head.awake:`."""
        if not gate.overdue:
            return self.end(gate, me) if gate.tickets[me.head].awake else "wake"
        return self.take_back(gate, me)

    def take_back(self, gate: World, me: Thread) -> str:
        """`was, self.busy = self.busy, True`, `if was:`, straight on to the grant."""
        was, gate.busy = gate.busy, True
        if was:
            return self.end(gate, me)
        return self.grant(gate, me)

    def grant(self, gate: World, me: Thread) -> str:
        """`was = given = head.granted = not head.gone`; else `was, self.busy = True, False`."""
        head = gate.tickets[me.head]
        given = head.granted = not head.gone
        if given:
            gate.overdue = False
            return "wake"
        gate.busy = False
        return "pass_on"

    @interrupted("end")
    def wake(self, gate: World, me: Thread) -> str:
        """`if not self.awake:`, `self.awake = True`, `self._wake()`."""
        head = gate.tickets[me.head]
        was, head.awake = head.awake, True
        if not was:
            head.roused = True
        return self.end(gate, me)

    def end(self, _gate: World, me: Thread) -> str:
        """The call returns or raises."""
        me.ticket = me.head = ""
        return "begin" if me.calls_left else "done"
