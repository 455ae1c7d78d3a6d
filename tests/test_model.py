"""The gate's protocol holds in every order of its steps, and each of its rules is needed."""

import inspect
import re
from typing import NamedTuple

import pytest

from crew import needs_flag_gate
from genlock import _body, _evidence, _flag_gate, _gate, _waits
from model import mutants
from model.checker import ENDLESS, check
from model.protocol import FlagGateProtocol
from model.runs import (
    DOUBLE_ENTRY,
    LEFT_BEHIND,
    LOST_WAKE_UP,
    ORPHANED,
    PASSED_OVER,
    Runs,
    Setting,
)

# It takes its time, and is no business of the other gate's.
pytestmark = [needs_flag_gate, pytest.mark.model]

SETTINGS = {
    "two threads, two calls each": Setting((2, 2)),
    "one comes again and again": Setting((3, 1)),
    "three threads": Setting((2, 1, 1)),
    "a timeout": Setting((2, 2), with_timeout=(1,)),
    "a look-up, three threads": Setting((1, 1, 1), early_looks=1),
    "two that refuse to wait": Setting((1, 1, 1), refusing=(1, 2)),
    "a refusal and a timeout": Setting((1, 1, 1), refusing=(1,), with_timeout=(2,)),
    "an exception": Setting((1, 1, 1), blow="exception"),
    "an exception and a look-up": Setting((2, 2), blow="exception", early_looks=1),
    "an exception and a timeout": Setting((1, 1, 1), blow="exception", with_timeout=(1,)),
    "an exception and a refusal": Setting((1, 1, 1), blow="exception", refusing=(1,)),
    "an exception, a timeout and a look-up": Setting(
        (2, 2), blow="exception", with_timeout=(1,), early_looks=1
    ),
    "a queue that is read while some leave": Setting(
        (1, 1, 1), with_timeout=(0,), early_looks=2, begun=True
    ),
    "a fork": Setting((1, 1, 1), blow="fork"),
    "a fork, two calls each": Setting((2, 2), blow="fork", early_looks=1),
}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_no_order_of_steps_does_harm(setting: Setting) -> None:
    verdict = check(Runs(FlagGateProtocol, setting))
    assert verdict.fault is None, "\n".join([verdict.fault, *verdict.trace])
    assert verdict.states > 1000


class Needed(NamedTuple):
    without: type[FlagGateProtocol]
    setting: Setting
    fault: str
    culprit: str
    """The move without which there would be no fault."""


RULES = [
    Needed(mutants.AwakeBeforeOverdue, Setting((3, 1)), PASSED_OVER, "the head is overdue"),
    Needed(mutants.ClearsAwakeBeforeSleeping, Setting((2, 1)), LOST_WAKE_UP, "1: clear_awake"),
    Needed(mutants.GrantsUnseen, Setting((2, 1), with_timeout=(1,)), LEFT_BEHIND, "1: give_up"),
    Needed(mutants.GrantsLater, Setting((1, 1, 1), early_looks=1), DOUBLE_ENTRY, "0: grant_later"),
    Needed(
        mutants.LeavesQueueFirst,
        Setting((2, 1), blow="exception", with_timeout=(1,)),
        ORPHANED,
        "1: exception at leave_queue_first",
    ),
    Needed(
        mutants.StopsAtDeadHeads,
        Setting((2, 1, 1), blow="exception", struck_at=("leave_queue",), refusing=(1,)),
        LOST_WAKE_UP,
        "1: exception at leave_queue",
    ),
    Needed(mutants.TriesBeforeJoining, Setting((1, 1)), LOST_WAKE_UP, "1: join_queue"),
    Needed(mutants.TakesOverUnmarked, Setting((2, 1), early_looks=1), DOUBLE_ENTRY, "1: take_over"),
    Needed(mutants.NeverTakesOver, Setting((1, 1), blow="fork"), ORPHANED, "1: forks"),
    Needed(mutants.DoesNotPassOn, Setting((1, 1)), LOST_WAKE_UP, "0: in_send"),
    Needed(
        mutants.ReadsTheQueueFromItsFront,
        Setting((1, 1, 1), with_timeout=(0,), early_looks=2, begun=True),
        DOUBLE_ENTRY,
        "2: read_queue",
    ),
    Needed(
        mutants.ReclaimsOutsideTheQueue,
        Setting((1, 1, 1), refusing=(1, 2)),
        DOUBLE_ENTRY,
        "2: take_over",
    ),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.without.__name__)
def test_every_rule_is_needed(rule: Needed) -> None:
    verdict = check(Runs(rule.without, rule.setting))
    assert verdict.fault == rule.fault
    assert rule.culprit in verdict.trace


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.without.__name__)
def test_what_a_rule_is_needed_for_does_not_happen_with_it(rule: Needed) -> None:
    verdict = check(Runs(FlagGateProtocol, rule.setting))
    assert verdict.fault is None, "\n".join([verdict.fault, *verdict.trace])


def test_an_exception_on_the_way_to_wake_somebody_needs_the_backstop() -> None:
    setting = Setting((1, 1), blow="exception", struck_at=("wake",))
    verdict = check(Runs(FlagGateProtocol, setting._replace(backstop=False)))
    assert verdict.fault == LOST_WAKE_UP
    assert "0: exception at wake" in verdict.trace
    assert check(Runs(FlagGateProtocol, setting)).fault is None


def test_a_grant_that_comes_later_needs_the_take_over_after_an_exception() -> None:
    class NeverTakesOver(mutants.NeverTakesOver, mutants.GrantsLater):
        pass

    setting = Setting((1, 1), blow="exception")
    verdict = check(Runs(NeverTakesOver, setting))
    assert verdict.fault == ORPHANED
    assert "0: exception at grant_later" in verdict.trace
    assert check(Runs(mutants.GrantsLater, setting)).fault is None


class Walk:
    """A system whose states are numbers; one that is not named leads nowhere."""

    def __init__(self, ways: dict[int, list[int]], wrong: int | None = None) -> None:
        self.ways, self.wrong = ways, wrong

    def initial(self) -> int:
        return 0

    def moves(self, state: int) -> list[tuple[str, int]]:
        return [(f"to {after}", after) for after in self.ways.get(state, [])]

    def fault(self, state: int, *, is_last: bool) -> str | None:
        return "wrong" if state == self.wrong and is_last else None


def test_the_checker_tells_a_shortest_way_to_a_fault() -> None:
    assert check(Walk({0: [1, 2], 1: [2], 2: [3]}, wrong=3))[:2] == ("wrong", ("to 2", "to 3"))
    assert check(Walk({0: [1], 1: [2], 2: [3]}, wrong=1)) == (None, (), 4)


def test_the_checker_tells_that_a_run_may_be_endless() -> None:
    assert check(Walk({0: [1], 1: [2], 2: [1, 3]}))[0] == ENDLESS
    assert check(Walk({0: [0]}))[0] == ENDLESS


# The model says what the source says.

SOURCES = "".join(map(inspect.getsource, (_flag_gate, _gate, _body, _waits, _evidence)))
NOT_MODELLED = ("keep_if_free", "wait_and_keep", "give_back", "run_if_free", "is_lost")
"""Exclusive use: the flag kept. It is taken, waited for and given back as in the other calls.

And the mark of somebody who only looks: it takes the place of what is set already, as that of
another ticket does.
"""


def quoted() -> set[str]:
    """The lines of the gate for which the steps of the protocol say they stand."""
    steps = [step for step in vars(FlagGateProtocol).values() if inspect.isfunction(step)]
    texts = [re.sub(r"\s+", " ", step.__doc__ or "") for step in steps]
    return {quote for text in texts for quote in re.findall("`([^`]+)`", text)}


@pytest.mark.parametrize("quote", sorted(quoted()))
def test_every_line_that_the_model_quotes_is_in_the_source(quote: str) -> None:
    assert quote in SOURCES


def test_every_swap_of_the_gate_is_in_the_model() -> None:
    swaps = set()
    for name, method in vars(_flag_gate.FlagGate).items():
        if inspect.isfunction(method) and name not in NOT_MODELLED:
            for line in inspect.getsource(method).splitlines():
                code, mark, _ = line.partition("# swap")
                if mark:
                    swaps.add(code.partition("#")[0].strip())
    assert len(swaps) > 5
    assert swaps <= quoted()


def test_what_the_model_takes_for_an_owner_is_one_in_the_source() -> None:
    ways_in = {
        name
        for name, method in inspect.getmembers(_flag_gate.FlagGate, inspect.isfunction)
        if id(method.__code__) in _evidence._ways_in
    }
    for_straight_lines = {"keep_if_free", "give_back", "hand_over"}  # each one step
    modelled = {"send", "enter", "wait_and_run", "run_as_owner", "run_if_free"}
    assert ways_in == modelled | for_straight_lines
