"""Guards of one name in one text, told apart by the addresses that `repr()` shows of them.

Records are named anew before they are worded, so that what words them need not know.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from genlock._text import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from genlock._records import Diagnosis, GuardState, Step, Strand, Wait

    Named = tuple[str, int]
    """A guard: its name and its identity, which is 0 where there is no guard."""

    Label = Callable[[str, int], str]
    """What a guard is called in a text."""

_ROOM = 40
"""Characters of a name that an address is to follow within the width of a table's cell."""


def diagnosis_told_apart(diagnosis: Diagnosis) -> Diagnosis:
    """The diagnosis with its namesakes renamed; itself if there are none."""
    shared = _shared(_in_diagnosis(diagnosis))
    return relabelled(diagnosis, _with_address(shared)) if shared else diagnosis


def relabelled(diagnosis: Diagnosis, label: Label) -> Diagnosis:
    """The diagnosis with other names of its guards."""
    return replace(
        diagnosis,
        guard=label(diagnosis.guard, diagnosis.identity),
        strands=tuple(_strand(strand, label) for strand in diagnosis.strands),
    )


def guard_told_apart(guard: GuardState) -> GuardState:
    """A guard's state with its namesakes renamed, itself included; as it is if there are none."""
    shared = _shared(_in_state(guard))
    return _state(guard, _with_address(shared)) if shared else guard


def guards_told_apart(guards: Sequence[GuardState]) -> Sequence[GuardState]:
    """Those of a snapshot, with the namesakes renamed that are in use, if there are waits for any.

    Else nobody asks which is which: no two threads are inside of one guard.
    """
    in_use = [guard for guard in guards if _is_in_use(guard)]
    waited_for = {guard.name for guard in in_use if guard.waiters}
    shared = waited_for & _shared(named for guard in in_use for named in _in_state(guard))
    if not shared:
        return guards
    label = _with_address(shared)
    return [_state(guard, label) if _is_in_use(guard) else guard for guard in guards]


def name_beside(text: str, name: str, identity: int) -> str:
    """What to call a guard beside a text in which namesakes have been told apart."""
    is_told_apart = f"{cut(name, _ROOM)} at 0x" in text
    return _with_address({name} if is_told_apart else set())(name, identity)


def _is_in_use(guard: GuardState) -> bool:
    return guard.holder is not None or bool(guard.waiters)


def _shared(guards: Iterable[Named]) -> set[str]:
    """The names that more than one guard has."""
    identities: dict[str, int] = {}
    return {
        name
        for name, identity in guards
        if identity and identities.setdefault(name, identity) != identity
    }


def _with_address(shared: set[str]) -> Label:
    return lambda name, identity: (
        f"{cut(name, _ROOM)} at {identity:#x}" if identity and name in shared else name
    )


def _in_diagnosis(diagnosis: Diagnosis) -> Iterator[Named]:
    yield diagnosis.guard, diagnosis.identity
    for strand in diagnosis.strands:
        yield from _in_strand(strand)


def _in_state(guard: GuardState) -> Iterator[Named]:
    yield guard.name, guard.identity
    if guard.holder is not None:
        yield from _in_strand(guard.holder)
    for wait in guard.waiters:
        yield from zip(wait.holds, wait.holds_identities, strict=False)


def _in_strand(strand: Strand) -> Iterator[Named]:
    yield strand.holds, strand.holds_identity
    yield strand.wants, strand.wants_identity
    for step in strand.steps[1:]:  # in the place of the first one, the thread is named
        yield step.actor, step.identity


def _state(guard: GuardState, label: Label) -> GuardState:
    return replace(
        guard,
        name=label(guard.name, guard.identity),
        holder=guard.holder and _strand(guard.holder, label),
        waiters=tuple(_wait(wait, label) for wait in guard.waiters),
    )


def _strand(strand: Strand, label: Label) -> Strand:
    return replace(
        strand,
        holds=label(strand.holds, strand.holds_identity),
        wants=label(strand.wants, strand.wants_identity),
        steps=tuple(_step(step, label) for step in strand.steps),
    )


def _step(step: Step, label: Label) -> Step:
    return replace(step, actor=label(step.actor, step.identity))


def _wait(wait: Wait, label: Label) -> Wait:
    return replace(wait, holds=tuple(map(label, wait.holds, wait.holds_identities)))
