"""What people read: every message, word for word, as small programs print them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"
PROGRAMS = sorted(path.stem for path in GOLDEN.glob("*.py"))


@pytest.mark.parametrize("program", PROGRAMS)
def test_message_is_the_kept_one(program: str) -> None:
    ran = subprocess.run(
        [sys.executable, f"{program}.py"],
        cwd=GOLDEN,
        capture_output=True,
        encoding="utf-8",
        env={"PYTHONIOENCODING": "utf-8", "PYTHONPATH": ":".join(filter(None, sys.path))},
        timeout=30,
        check=False,
    )
    assert ran.stderr == ""
    assert ran.returncode == 0
    assert steady(ran.stdout) == (GOLDEN / f"{program}.txt").read_text(encoding="utf-8")


def steady(text: str) -> str:
    """The text without what differs from run to run: addresses, and how long a wait was."""
    text = re.sub(r"0x[0-9a-f]+", "0x…", text)
    return re.sub(r"(has waited|within) [\d.]+ s", r"\1 … s", text)
