"""The protocol with one rule broken; each class breaks the one that its docstring states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.protocol import FlagGateProtocol, interrupted

if TYPE_CHECKING:
    from model.protocol import Thread, World


class AwakeBeforeOverdue(FlagGateProtocol):
    """Whether the head is overdue is looked at before whether it is awake."""

    @interrupted("end")
    def judge_head(self, gate: World, me: Thread) -> str:
        if gate.tickets[me.head].awake:
            return self.end(gate, me)
        return super().judge_head(gate, me)


class ReadsTheQueueFromItsFront(FlagGateProtocol):
    """The queue is read from its end, so that nobody is overlooked who moves up meanwhile."""

    def next_place(self, places: list[int]) -> int:
        return places.pop(0)


class ClearsAwakeBeforeSleeping(FlagGateProtocol):
    """A waiter clears `awake` before it tries the flag, with nothing in between."""

    @interrupted("clean_up")
    def try_flag(self, gate: World, me: Thread) -> str:
        ticket = gate.tickets[me.ticket]
        ticket.granted, gate.busy = ticket.granted | (not gate.busy), True
        return "take_up" if ticket.granted else "clear_awake"

    @interrupted("clean_up")
    def clear_awake(self, gate: World, me: Thread) -> str:
        gate.tickets[me.ticket].awake = False
        return "sleep"


class GrantsUnseen(FlagGateProtocol):
    """Between taking the flag back and the grant it is looked at whether the head has gone."""

    def grant(self, gate: World, me: Thread) -> str:
        gate.tickets[me.head].granted = True
        gate.overdue = False
        return "wake"


class GrantsLater(FlagGateProtocol):
    """Nothing can come between taking the flag back and the grant."""

    def take_back(self, gate: World, me: Thread) -> str:
        was, gate.busy = gate.busy, True
        return self.end(gate, me) if was else "grant_later"

    @interrupted("end")
    def grant_later(self, gate: World, me: Thread) -> str:
        return self.grant(gate, me)


class LeavesQueueFirst(FlagGateProtocol):
    """The way out begins with `gone = True` and giving back, before any call."""

    def clean_up(self, gate: World, me: Thread) -> str:
        return "leave_queue_first"

    @interrupted("end")
    def leave_queue_first(self, gate: World, me: Thread) -> str:
        gate.leave_queue(me.ticket)
        super().clean_up(gate, me)
        return "pass_on"


class StopsAtDeadHeads(FlagGateProtocol):
    """A dead head is removed by whoever meets it."""

    @interrupted("end")
    def remove_dead_head(self, gate: World, me: Thread) -> str:
        return self.end(gate, me)


class TriesBeforeJoining(FlagGateProtocol):
    """A waiter joins the queue before it tries the flag."""

    def begin(self, gate: World, me: Thread) -> str:
        step = super().begin(gate, me)
        return "try_flag" if step == "join_queue" else step

    @interrupted("clean_up")
    def try_flag(self, gate: World, me: Thread) -> str:
        step = super().try_flag(gate, me)
        return "join_queue" if step == "sleep" and me.ticket not in gate.queue else step

    @interrupted("clean_up")
    def join_queue(self, gate: World, me: Thread) -> str:
        super().join_queue(gate, me)
        return "sleep"


class TakesOverUnmarked(FlagGateProtocol):
    """The gate is taken over only where the mark survived the look."""

    @interrupted("clean_up")
    def take_over(self, gate: World, me: Thread) -> str:
        gate.tickets[me.ticket].granted = True
        gate.busy = me.ticket
        return "take_up"


class NeverTakesOver(FlagGateProtocol):
    """A look-up takes over a gate that is taken by nobody."""

    @interrupted("clean_up")
    def take_over(self, gate: World, me: Thread) -> str:
        return self.not_helped(me)


class DoesNotPassOn(FlagGateProtocol):
    """A call that did not wait passes the turn on, too."""

    def in_send(self, gate: World, me: Thread) -> str:
        gate.busy = False
        return self.end(gate, me)


class ReclaimsOutsideTheQueue(FlagGateProtocol):
    """Who may take the gate over stands in the queue, where others see what it was granted."""

    def begin(self, gate: World, me: Thread) -> str:
        step = super().begin(gate, me)
        return "mark" if step == "join_queue" and me.number in self.refusing else step

    @interrupted("end")
    def mark(self, gate: World, me: Thread) -> str:
        return self.join_if_granted(gate, me, super().mark(gate, me))

    @interrupted("end")
    def take_over(self, gate: World, me: Thread) -> str:
        return self.join_if_granted(gate, me, super().take_over(gate, me))

    def join_if_granted(self, gate: World, me: Thread, step: str) -> str:
        is_outside = me.ticket not in gate.queue
        return "join_granted" if step == "take_up" and is_outside else step

    @interrupted("end")
    def join_granted(self, gate: World, me: Thread) -> str:
        gate.queue.append(me.ticket)
        return "try_flag"
