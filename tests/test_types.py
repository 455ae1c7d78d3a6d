"""What mypy makes of the public types, strictly."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is not installed")
@pytest.mark.timeout(300)  # mypy without a cache reads all of its library stubs
@pytest.mark.parametrize("file", ["positive.py", "negative.py"])
def test_mypy_agrees_with_every_line(file: str, tmp_path: Path) -> None:
    """Each assertion holds, and each line marked as wrong is wrong in just that way."""
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "mypy"),
            *("--config-file", str(ROOT / "pyproject.toml")),
            *("--cache-dir", str(tmp_path)),
            *("--strict", "--warn-unused-ignores"),
            str(ROOT / "tests" / "types" / file),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
