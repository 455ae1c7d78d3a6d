"""Which of the waits for guards cannot end by themselves, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from genlock._waits import is_in_force

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from genlock._waits import Ticket

    Prospect = Literal["deadlock", "behind a deadlock", "gone"]


def deadlocks(tickets: Sequence[Ticket]) -> list[list[Ticket]]:
    """The cycles among `tickets`, each the innermost wait of another thread.

    No lock is needed, for the reason that `_waits.closed_cycle` gives: what is told was all there
    at one moment. Every thread waits for one thing, so that no two cycles share a thread.
    """
    waiter_that_has = _by_what_they_hold(tickets)
    cycles: list[list[Ticket]] = []
    visited: set[int] = set()
    for start in tickets:
        path: dict[int, Ticket] = {}
        ticket: Ticket | None = start
        while ticket is not None and ticket.ident not in visited:
            visited.add(ticket.ident)
            path[ticket.ident] = ticket
            ticket = waiter_that_has.get(id(ticket.wanted))
        if ticket is not None and ticket.ident in path:
            waits = list(path.values())
            cycles.append(waits[waits.index(ticket) :])
    return [cycle for cycle in cycles if all(map(is_in_force, cycle))]


def prospects(
    tickets: Sequence[Ticket], cycles: Iterable[Iterable[Ticket]], lost: Iterable[Ticket]
) -> dict[int, Prospect]:
    """By thread: why its wait cannot end by itself. Those that can are left out.

    Args:
        tickets: all waits, of each thread the innermost one.
        cycles: the deadlocks among them.
        lost: those for what nobody will ever give back.
    """
    found: dict[int, Prospect] = {ticket.ident: "gone" for ticket in lost}
    found.update((ticket.ident, "deadlock") for cycle in cycles for ticket in cycle)
    if "deadlock" not in found.values():
        return found
    waiter_that_has = _by_what_they_hold(tickets)
    for start in tickets:
        path: dict[int, Ticket] = {}
        ticket: Ticket | None = start
        while ticket is not None and ticket.ident not in path:
            if found.get(ticket.ident) in ("deadlock", "behind a deadlock"):
                found.update(dict.fromkeys(path, "behind a deadlock"))
                break
            path[ticket.ident] = ticket
            ticket = waiter_that_has.get(id(ticket.wanted))
    return found


def _by_what_they_hold(tickets: Iterable[Ticket]) -> dict[int, Ticket]:
    return {id(held): ticket for ticket in tickets for held in ticket.held}
