"""The guards that are alive: found when somebody asks, and read without stopping anybody.

Where the flag is the lock, there is no registry: guards that are not in use are found among the
objects that the collector knows. After `gc.freeze()` it does not name the older ones any more.
"""

from __future__ import annotations

import os
import platform
import sys
import threading
import time
from itertools import chain
from types import GeneratorType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from genlock import _evidence, _frames, _snapshot_wording, _stacks, _waits
from genlock._destination import write
from genlock._diagnoses import path_into
from genlock._evidence import Presence
from genlock._gates import is_off, live_gates, unlisted_gate
from genlock._guard import GuardedIterator, gate_of
from genlock._policy import Policy
from genlock._records import Ending, GuardState, Strand, Wait
from genlock._snapshots import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType, FrameType

    from genlock._destination import Destination
    from genlock._gate import Gate
    from genlock._records import Operation, Site
    from genlock._waits import Ticket

    _Status = Literal["created", "suspended", "running", "closed", "idle"]
    _Prospect = Literal["", "deadlock", "behind a deadlock", "gone"]

_NANO = 1e9


def state(guard: GuardedIterator[Any], /) -> GuardState:
    """What a guard is doing at this moment: its status and line, who is inside, who waits.

    Reading it disturbs nobody. It is true of one moment: by the time it is returned, the guard may
    be doing something else.

    Args:
        guard: a guard. (With GENLOCK=off, what `guard` returns then.)

    Raises:
        TypeError: not a guard.

    Safe in any thread, in a signal handler, and inside of the guard itself.
    """
    if issubclass(type(guard), GuardedIterator):
        gate = gate_of(guard)
    elif is_off:
        gate = unlisted_gate(guard, Policy())
    else:
        raise TypeError(_snapshot_wording.not_a_guard(guard))
    with _stacks.reading():
        look = Look([gate])
        return look.state(gate, look.prospects())


def snapshot() -> Snapshot:
    """All guards that are alive, and the threads that wait for them.

    Finds them among the objects that the garbage collector knows, so that guards cost nothing for
    it: 100,000 guards take less than a second. Guards that were made before a `gc.freeze()` are
    found only while a thread is inside of them or waits for them. (Guards with the lock gate are
    listed, and always found.) Keeps nothing alive.

    Safe in any thread, in a signal handler, and while other threads run. These go on meanwhile:
    each guard is told as it was at one moment, and another one as it was a moment later.
    """
    found = live_gates()
    with _stacks.reading():  # which is short: few guards are in use
        look = Look(found)
        prospects = look.prospects()
        busy = (gate for gate in found if _is_busy(gate))
        gates = {id(gate): gate for gate in chain(look.gates_in_use(), busy)}
        guards = [look.state(gate, prospects) for gate in gates.values()]
        look.end_reading()
    for gate in found:
        if id(gate) not in gates:
            try:
                guards.append(look.state(gate, prospects))
            except AttributeError:  # it is being made at this moment
                continue
    return Snapshot(
        os.getpid(),
        os.path.basename(sys.argv[0] if sys.argv else ""),
        platform.python_version(),
        time.time(),
        tuple(guards),
        tuple(tuple(ticket.ident for ticket in cycle) for cycle in look.deadlocks),
    )


def dump(file: Destination = None) -> None:
    """Write `snapshot().to_text()`: who is inside of which guard, where, and who waits for them.

    Args:
        file: a path, to whose end it is written, or an open text file; None is `sys.stderr`.

    Raises:
        OSError: the file cannot be written.

    Safe in any thread, and in a signal handler.
    """
    write(snapshot().to_text(), file)


class Owner(NamedTuple):
    """The thread that is inside of a gate, and the frame of the gate's method that let it in."""

    ident: int
    gate: Gate
    frame: FrameType


class Look:
    """One look at the threads: what is read once, for all guards that are asked for.

    Where threads run at once, a stack is known as far as `gates` let one read it: from the call
    that waits on, or else from the innermost of their bodies on. And it can be looked at within the
    `_stacks.reading` of the look alone.
    """

    def __init__(self, gates: Iterable[Gate]) -> None:
        self.now = time.monotonic()
        self.tickets = _waits.standing()
        self.deadlocks = _waits.deadlocks(self.tickets)
        self.names = {thread.ident: thread.name for thread in threading.enumerate()}
        self.waiting = {ticket.ident: ticket for ticket in self.tickets}
        self.stacks = _readable_stacks(gates)
        self.sites: dict[tuple[int, int | None], tuple[CodeType, Site]] = {}
        self.only_yields: dict[int, tuple[CodeType, Site | None]] = {}
        self.waiters: dict[int, list[Ticket]] = {}
        for ticket in self.tickets:
            self.waiters.setdefault(id(ticket.wanted), []).append(ticket)
        self.owners: dict[int, Owner] = {}
        self.bodies: dict[FrameType, int] = {}
        for ident, frames in self.stacks.items():
            self._read_stack(ident, frames)

    def _read_stack(self, ident: int, frames: tuple[FrameType, ...]) -> None:
        for frame in frames:
            self.bodies[frame] = ident
            gate = _evidence.owned_by(frame)
            if gate is not None:
                self.owners[id(gate)] = Owner(ident, cast("Gate", gate), frame)

    def end_reading(self) -> None:
        """What comes now is outside of the reading, and may know no stacks."""
        if _stacks.RUN_AT_ONCE:
            self.owners.clear()
            self.stacks.clear()

    def gates_in_use(self) -> Iterable[Gate]:
        """The gates that are known to be held or waited for, without a look at the collector."""
        yield from (owner.gate for owner in self.owners.values())
        for ticket in self.tickets:
            yield cast("Gate", ticket.wanted)
            yield from cast("tuple[Gate, ...]", ticket.held)

    def prospects(self) -> dict[int, _Prospect]:
        """By thread: why its wait will not end. Those that will end are left out."""
        found: dict[int, _Prospect] = {}
        for gate_id, tickets in self.waiters.items():
            gate = cast("Gate", tickets[0].wanted)
            if gate_id not in self.owners and gate.is_lost():
                found.update((ticket.ident, "gone") for ticket in tickets)
        found.update((ticket.ident, "deadlock") for cycle in self.deadlocks for ticket in cycle)
        held_by = {id(held): ticket.ident for ticket in self.tickets for held in ticket.held}
        if self.deadlocks:
            for ticket in self.tickets:
                behind = self._waits_for_stuck(ticket, held_by, found)
                found.update((ident, "behind a deadlock") for ident in behind)
        return found

    def _waits_for_stuck(
        self, ticket: Ticket, held_by: dict[int, int], stuck: dict[int, _Prospect]
    ) -> list[int]:
        """The threads from the one of `ticket` on that lead to a deadlock, if they do."""
        path: list[int] = []
        ident: int | None = ticket.ident
        while ident is not None and ident in self.waiting and ident not in path:
            if stuck.get(ident) in ("deadlock", "behind a deadlock"):
                return path
            path.append(ident)
            ident = held_by.get(id(self.waiting[ident].wanted))
        return []

    def state(self, gate: Gate, prospects: dict[int, _Prospect]) -> GuardState:
        """What is known of one guard."""
        status, site, is_kept = self.at_rest(gate)
        if (
            id(gate) not in self.waiters
            and not gate.busy
            and gate.queue is None
            and status != "running"
        ):
            # So are most guards, where there are many.
            return GuardState(gate.name, id(gate), status, site, ended=_ending(gate))
        holder, during, ident = self.inside(gate, status)
        tickets = self.waiters.get(id(gate), ())
        waiters = tuple(self.wait(ticket, prospects) for ticket in tickets)
        if gate.busy and status == "idle" and not is_kept:
            status = "running"
        if status == "running" and holder is not None:
            site = _body_site(gate, holder) or site
        contended, waited, longest = _tallied(gate, waiters)
        return GuardState(
            name=gate.name,
            identity=id(gate),
            status=status,
            site=site,
            holder=holder,
            holder_ident=ident,
            during=during,
            exclusive=is_kept,
            waiters=waiters,
            ended=_ending(gate),
            contended=contended,
            waited_ns=waited,
            longest_wait_ns=longest,
        )

    def at_rest(self, gate: Gate) -> tuple[_Status, Site | None, bool]:
        """Status and line of a generator, and whether it is in exclusive use."""
        keep = _evidence.keep_of(gate)
        if not _stacks.RUN_AT_ONCE:
            return *self.status(gate), keep is not None
        # A generator that starts to run or ends meanwhile crashes an interpreter whose threads
        # run at once: it is read by its owner.
        found: list[tuple[_Status, Site | None]] = []
        if not gate.busy and gate.run_if_free(lambda: found.append(self.status(gate))):
            gate.after_release()
        return *(found[0] if found else (_status_from_outside(gate), None)), keep is not None

    def status(self, gate: Gate) -> tuple[_Status, Site | None]:
        """The same, of a generator that nobody runs or that can be read all the same."""
        guarded = gate.guarded
        if type(guarded) is not GeneratorType:
            return _status_of_other(guarded), None
        code = guarded.gi_code
        if guarded.gi_suspended:
            # To ask for its frame makes one, of some 400 bytes, which lives as long as it does.
            site = self.only_yield(code)
            return "suspended", site or self.site(code, guarded.gi_frame)
        frame = guarded.gi_frame
        if frame is None:
            return "closed", None
        if guarded.gi_running:
            return "running", _frames.site(frame)
        return "created", self.site(code, frame)

    def only_yield(self, code: CodeType) -> Site | None:
        """Where a suspended generator is that can be at one place only."""
        # By identity, as code is hashed by its value; and kept, so that it keeps its identity.
        known = self.only_yields.get(id(code))
        if known is None:
            yields = _frames.yields(code)
            known = self.only_yields[id(code)] = code, yields[0] if len(yields) == 1 else None
        return known[1]

    def site(self, code: CodeType, frame: FrameType | None) -> Site | None:
        """The line of a frame, one record for all that are there; None if it has ended."""
        if frame is None:
            return None
        line = frame.f_lineno
        known = self.sites.get((id(code), line))
        if known is None:
            known = self.sites[id(code), line] = code, _frames.line_of(code, line)
        return known[1]

    def inside(
        self, gate: Gate, status: _Status
    ) -> tuple[Strand | None, Operation | None, int | None]:
        """The thread that has `gate`: its calls from the one that entered on, and what for."""
        holder = self.holder_of(gate) if gate.busy or status == "running" else None
        if holder is None:
            return None, None, None
        steps, during = path_into(gate, holder.frames, "")
        ticket = self.waiting.get(holder.ident)
        wants = cast("Gate", ticket.wanted).name if ticket is not None else ""
        name = self.thread_name(holder.ident)
        return Strand(name, steps, holds=gate.name, wants=wants), during, holder.ident

    def holder_of(self, gate: Gate) -> Presence | None:
        """The thread that is inside or has exclusive use, as far as its stack is known."""
        keep = _evidence.keep_of(gate)
        keeper = keep.thread() if keep is not None else None
        if keeper is not None:
            return Presence(keeper.ident, self.stacks.get(keeper.ident, ()))
        if id(gate) in self.owners:
            ident = self.owners[id(gate)].ident
            return Presence(ident, self.stacks[ident])
        if _stacks.RUN_AT_ONCE:
            return _latecomer(gate)
        body = getattr(gate.guarded, "gi_frame", None)
        found = self.bodies.get(body) if body is not None else None
        return None if found is None else Presence(found, self.stacks[found])

    def wait(self, ticket: Ticket, prospects: dict[int, _Prospect]) -> Wait:
        """What is known of one wait."""
        caller = next((each for each in ticket.stack() if not _frames.is_internal(each)), None)
        call = None if caller is None else _frames.site(caller)
        return Wait(
            self.thread_name(ticket.ident),
            ticket.ident,
            ticket.operation,
            max(0.0, self.now - ticket.began),
            call,
            tuple(cast("Gate", held).name for held in ticket.held),
            prospects.get(ticket.ident, ""),
        )

    def thread_name(self, ident: int) -> str:
        """The name of a thread."""
        return self.names.get(ident) or f"thread {ident}"


def _readable_stacks(gates: Iterable[Gate]) -> dict[int, tuple[FrameType, ...]]:
    """The stacks of all threads; where threads run at once, of those that are inside of `gates`."""
    if not _stacks.RUN_AT_ONCE:
        return {ident: _stacks.walk(frame) for ident, frame in _stacks.current_frames().items()}
    found = {threading.get_ident(): _stacks.walk(sys._getframe())}
    for gate in gates:
        holder = gate.holder() if _is_busy(gate) else None
        # Of a thread that is inside of several, the innermost leads through the others.
        if holder is not None and len(holder.frames) > len(found.get(holder.ident, ())):
            found[holder.ident] = holder.frames
    return found


def _is_busy(gate: Gate) -> bool:
    return bool(getattr(gate, "busy", False))  # which a gate that is being made does not have


def _latecomer(gate: Gate) -> Presence | None:
    """The thread that has a gate which knows that itself, and has had it for a moment only."""
    owner: Any = gate.busy
    thread = owner() if owner else None
    return None if thread is None else Presence(thread.ident, ())


def _status_of_other(guarded: Any) -> _Status:
    """The status of what is no generator of the interpreter's own, as far as it tells."""
    try:
        is_running, frame = guarded.gi_running, guarded.gi_frame
    except Exception:  # it has no such thing, or a __getattr__ of its own that fails
        return "idle"
    return "running" if is_running else "closed" if frame is None else "idle"


def _status_from_outside(gate: Gate) -> _Status:
    """The status, as far as it is told without the frame of the generator."""
    is_running = getattr(gate.guarded, "gi_running", None)
    if is_running is None:
        return "idle"
    if is_running:
        return "running"
    if gate.guarded.gi_suspended:
        return "suspended"
    return "created" if gate.ending is None else "closed"


def _body_site(gate: Gate, holder: Strand) -> Site | None:
    """The line of the body, with its code, out of the calls that lead through it."""
    sites = [step.site for step in holder.steps if step.actor == gate.name and step.remark]
    return sites[-1] if sites else None


def _tallied(gate: Gate, waiters: tuple[Wait, ...]) -> tuple[int, int, int]:
    """The counters of a gate, with the calls that still wait."""
    waited = [round(wait.waited * _NANO) for wait in waiters]
    queue = gate.queue
    if queue is None:
        return len(waited), sum(waited), max(waited, default=0)
    return (
        queue.contended + len(waited),
        queue.waited + sum(waited),
        max([queue.longest, *waited]),
    )


def _ending(gate: Gate) -> Ending | None:
    ending = gate.ending
    if isinstance(ending, type):  # there was no room on the stack to say more
        return Ending("raised", error=ending.__name__)
    return ending
