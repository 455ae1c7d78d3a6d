"""What people read: every message, word for word, as small programs print them."""

import re
from pathlib import Path

import pytest

from crew import needs_gil
from subprocesses import run_program

GOLDEN = Path(__file__).parent / "golden"
PROGRAMS = sorted(path.stem for path in GOLDEN.glob("*.py"))


SHARE_BARE_GENERATORS = {"explained_inner", "explained_threads"}


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(each, marks=needs_gil) if each in SHARE_BARE_GENERATORS else each
        for each in PROGRAMS
    ],
)
def test_message_is_the_kept_one(program: str) -> None:
    ran = run_program(GOLDEN / f"{program}.py")
    assert ran.stderr == ""
    assert ran.returncode == 0
    assert steady(ran.stdout) == (GOLDEN / f"{program}.txt").read_text(encoding="utf-8")


def steady(text: str) -> str:
    """The text without what differs from run to run: addresses, and how long a wait was."""
    text = re.sub(r"0x[0-9a-f]+", "0x…", text)
    return re.sub(r"(has waited|within) [\d.]+ s", r"\1 … s", text)
