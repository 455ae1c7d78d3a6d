"""Programs in a process of their own, which finds the modules that the tests find."""

from __future__ import annotations

import os
import subprocess
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def run_program(
    program: Path, *arguments: str, timeout: float = 30, search: Sequence[Path] = ()
) -> subprocess.CompletedProcess[str]:
    """Run it where it lies, by its bare name, so that what it says of itself is the same anywhere.

    It looks for modules in the directories of `search` first. Fails if it does not end within
    `timeout` seconds; how it ended is for the test to judge.
    """
    words = (program.name, *arguments)
    return run_python(*words, directory=program.parent, timeout=timeout, search=search)


def run_python(
    *words: str,
    directory: Path,
    timeout: float = 30,
    search: Sequence[Path] = (),
    given: str = "",
    environment: Mapping[str, str] = MappingProxyType({}),
) -> subprocess.CompletedProcess[str]:
    """Run the interpreter with these arguments in a directory, and `given` as standard input."""
    path = os.pathsep.join(filter(None, [*map(str, search), *sys.path]))
    kept = {"PYTHONIOENCODING": "utf-8", "PYTHONPATH": path}
    return subprocess.run(
        [sys.executable, *words],
        cwd=directory,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, **kept, **environment},
        timeout=timeout,
        input=given,
        check=False,
    )
