"""The lines that the flag gate stands on cannot be split, on the interpreter that runs this."""

import dis
import inspect
import re
from collections.abc import Callable
from types import CodeType
from typing import Any

import pytest

from genlock._flag_gate import FlagGate
from genlock._tracing import _twin

STRAIGHT = (
    "BINARY_OP",
    "COPY",
    "IS_OP",
    "LOAD_ATTR",
    "LOAD_CONST",
    "LOAD_FAST",
    "NOP",
    "POP_TOP",
    "STORE_ATTR",
    "STORE_FAST",
    "SWAP",
    "TO_BOOL",
    "UNARY_NOT",
)
"""Beginnings of the names of instructions at which CPython neither switches threads nor delivers
signals or asynchronous exceptions: it does that at calls, backward jumps and entries."""

FORWARD = ("POP_JUMP_FORWARD_IF", "POP_JUMP_IF")


def copies(code: CodeType, line: int) -> list[list[dis.Instruction]]:
    """What one line was compiled to; a `finally` is compiled once for every way into it."""
    found: list[list[dis.Instruction]] = []
    previous = None
    for instruction in dis.get_instructions(code):
        here = instruction.positions.lineno if instruction.positions else None
        if here == line:
            if previous != line:
                found.append([])
            found[-1].append(instruction)
        previous = here
    return found


def marked_lines(function: Callable[..., Any]) -> list[int]:
    source, first = inspect.getsourcelines(function)
    return [first + index for index, line in enumerate(source) if "# swap" in line]


def unpacks_constant(before: dis.Instruction | None, instruction: dis.Instruction) -> bool:
    """`a, b = False, True` unpacks a tuple that the compiler made: no iterator is involved."""
    return (
        instruction.opname.startswith("UNPACK_SEQUENCE")
        and before is not None
        and isinstance(before.argval, tuple)
    )


def splits(function: Callable[..., Any], code: CodeType | None = None) -> list[str]:
    """The instructions at which another thread could get in, between first load and last store.

    Those of `code` in the marked lines of `function`, by default of its own code.
    """
    found = []
    for line in marked_lines(function):
        for copy in copies(code or function.__code__, line):
            names = [
                "LOAD_CONST and unpack it"
                if unpacks_constant(before, instruction)
                else instruction.opname
                for before, instruction in zip([None, *copy], copy, strict=False)
            ]
            first = next(n for n, name in enumerate(names) if name.startswith("LOAD"))
            last = max(n for n, name in enumerate(names) if name.startswith("STORE"))
            found += [name for name in names[first:last] if not name.startswith(STRAIGHT)]
    return found


SWAPS = {
    "send": 2,
    "enter": 2,
    "wait_and_run": 1,
    "run_if_free": 2,
    "keep_if_free": 1,
    "wait_and_keep": 2,
    "give_back": 2,
    "try_for": 1,
    "hand_over": 3,
    "reclaim": 2,
    "is_lost": 1,
}


@pytest.mark.parametrize("method", SWAPS)
def test_no_marked_line_can_be_split(method: str) -> None:
    function = getattr(FlagGate, method)
    assert len(marked_lines(function)) == SWAPS[method]
    assert splits(function) == []


def test_no_marked_line_of_the_recording_twin_can_be_split() -> None:
    twin = _twin.recording(FlagGate.send.__code__)
    assert twin is not None
    assert all(len(copies(twin, line)) > 0 for line in marked_lines(FlagGate.send))
    assert splits(FlagGate.send, twin) == []
    assert twin.co_qualname == "FlagGate.send"


def test_every_line_that_changes_the_flag_is_marked() -> None:
    unmarked = [
        line.strip()
        for line in inspect.getsource(FlagGate).splitlines()
        if re.search(r"self\.busy\b.* = ", line.partition("#")[0]) and "# swap" not in line
    ]
    assert unmarked == []


@pytest.mark.parametrize("method", ["send", "enter"])
def test_nothing_comes_between_taking_the_flag_and_the_try(method: str) -> None:
    function = getattr(FlagGate, method)
    taken = marked_lines(function)[0]
    test, _wait, attempt = taken + 1, taken + 2, taken + 3
    source, first = inspect.getsourcelines(function)
    assert [source[line - first].strip() for line in (test, attempt)] == ["if was:", "try:"]
    between = [
        instruction.opname
        for line in (test, attempt)
        for copy in copies(function.__code__, line)
        for instruction in copy
    ]
    assert all(name.startswith((*STRAIGHT, *FORWARD)) for name in between), between


def test_nothing_comes_between_taking_the_flag_back_and_granting_it() -> None:
    """The flag is set then, and nobody shows as its owner."""
    function = FlagGate.hand_over
    taken, granted, _ = marked_lines(function)
    between = [
        instruction.opname
        for line in range(taken, granted)
        for copy in copies(function.__code__, line)
        for instruction in copy
    ]
    allowed = (*STRAIGHT, *FORWARD, "RETURN", "LOAD_CONST")
    assert all(name.startswith(allowed) for name in between), between


@pytest.mark.parametrize("method", ["send", "enter"])
def test_nothing_comes_between_the_finally_and_giving_the_flag_back(method: str) -> None:
    function = getattr(FlagGate, method)
    source, first = inspect.getsourcelines(function)
    given_back = marked_lines(function)[-1] - first
    assert "self.busy" in source[given_back]
    assert source[given_back - 1].strip() == "finally:"


def called(self: Any) -> None:
    was, self.busy = self.busy, bool(self)  # swap
    print(was)


def branched(self: Any) -> None:
    self.busy = self.busy or True  # swap


def subscripted(self: Any) -> None:
    was, self["busy"] = self["busy"], True  # swap
    print(was)


@pytest.mark.parametrize("function", [called, branched, subscripted])
def test_a_line_that_can_be_split_would_be_found(function: Callable[..., Any]) -> None:
    assert splits(function)
