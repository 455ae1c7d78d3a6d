"""Lets the tests import the examples by name, as they import each other; `--rounds`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

_told = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rounds",
        type=int,
        default=int(os.environ.get("GENLOCK_ROUNDS", "50")),
        help="how many rounds of every fault to run; 100 times as many operations in a soak test."
        " Default: GENLOCK_ROUNDS in the environment, or 50",
    )


@pytest.fixture
def restless_threads() -> Iterator[None]:
    """Threads that take turns all the time, also in the midst of a body."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    number: int = request.config.getoption("--rounds")
    return number


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[object], None]:
    """Prints what a test counted, at the end of the run."""
    told = request.config.stash.setdefault(_told, [])
    return lambda found: told.append(f"{request.node.name}: {found}")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    lines = config.stash.get(_told, [])
    if lines:
        terminalreporter.section("counts")
    for line in lines:
        terminalreporter.write_line(line)
