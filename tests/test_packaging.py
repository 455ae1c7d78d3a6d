"""What users get: the names, their documentation, and nothing they did not ask for."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import genlock

ROOT = Path(__file__).parent.parent

ADDITIONAL_MODULES = {"__future__", "copy", "dataclasses", "gc"}
"""Light parts of the standard library that genlock may import besides."""


def modules_after(statement: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after the statement."""
    done = subprocess.run(
        [sys.executable, "-c", f"{statement}; import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_importing_genlock_imports_little_more_than_wrapt_and_logging() -> None:
    more = modules_after("import genlock") - modules_after("import logging, wrapt")
    packages = {name.partition(".")[0] for name in more}
    assert packages - {"genlock"} <= ADDITIONAL_MODULES


def test_importing_genlock_leaves_out_what_few_need() -> None:
    loaded = modules_after("import genlock")
    assert "genlock._guard" in loaded
    assert loaded.isdisjoint({"genlock._rewrite", "genlock._hook", "genlock._events"})


def test_no_other_name_is_public() -> None:
    modules = {name for name, it in vars(genlock).items() if isinstance(it, ModuleType)}
    names = {*vars(genlock), *genlock._LATER} - {"TYPE_CHECKING"} - modules
    exported = {name for name in names if not name.startswith("_")}
    assert exported == set(genlock.__all__)


@pytest.mark.parametrize("name", genlock.__all__)
def test_public_name_has_a_docstring_of_its_own(name: str) -> None:
    public = getattr(genlock, name)
    inherited = {base.__doc__ for base in getattr(public, "__mro__", ())[1:]}
    assert public.__doc__
    assert public.__doc__ not in inherited


@pytest.mark.parametrize("name", genlock.__all__)
def test_public_name_is_defined_in_genlock(name: str) -> None:
    assert getattr(genlock, name).__module__.partition(".")[0] == "genlock"


def test_every_public_name_is_shown_in_use() -> None:
    texts = [
        *ROOT.glob("*.md"),
        *(ROOT / "examples").rglob("*.py"),
        *(ROOT / "tests").rglob("*.py"),
    ]
    texts.remove(Path(__file__))
    words = {word for text in texts for word in re.findall(r"\w+", text.read_text("utf-8"))}
    assert set(genlock.__all__) - words == set()


def test_version_is_the_one_of_the_project_file() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert genlock.__version__ == project["version"]


def test_version_is_the_one_of_the_installed_distribution() -> None:
    try:
        installed = importlib.metadata.version("genlock")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("genlock is imported from its sources, not installed")
    assert genlock.__version__ == installed


def test_wrapt_is_the_only_requirement() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert [re.split(r"\W", requirement)[0] for requirement in project["dependencies"]] == ["wrapt"]


def test_type_checkers_find_the_types() -> None:
    assert (Path(genlock.__file__).parent / "py.typed").is_file()
