"""Programs in a process of their own, which finds the modules that the tests find."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def run_program(
    program: Path, *arguments: str, timeout: float = 30, search: Sequence[Path] = ()
) -> subprocess.CompletedProcess[str]:
    """Run it where it lies, by its bare name, so that what it says of itself is the same anywhere.

    It looks for modules in the directories of `search` first. Fails if it does not end within
    `timeout` seconds; how it ended is for the test to judge.
    """
    path = os.pathsep.join(filter(None, [*map(str, search), *sys.path]))
    return subprocess.run(
        [sys.executable, program.name, *arguments],
        cwd=program.parent,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": path},
        timeout=timeout,
        check=False,
    )
