"""What users get: the names, their documentation, and nothing they did not ask for."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import genlock
import genlock.testing
from subprocesses import run_python

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
    packages = ("_explaining", "_observing", "_page", "_programs", "_traces", "_tracing")
    few_need = {f"genlock.{package}" for package in (*packages, "cli", "sinks", "testing")}
    assert loaded.isdisjoint(few_need)


def test_the_sink_for_opentelemetry_says_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "opentelemetry.py").write_text("raise ModuleNotFoundError(name=__name__)", "utf-8")
    ran = run_python("-c", "import genlock.sinks.otel", directory=tmp_path, search=[tmp_path])
    assert ran.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: genlock.sinks.otel needs the API of OpenTelemetry:"
        ' pip install "genlock[otel]"'
    )


def test_no_other_name_is_public() -> None:
    names = {name for name, value in vars(genlock).items() if not isinstance(value, ModuleType)}
    exported = {name for name in names | {*genlock._LATER} if not name.startswith("_")}
    assert exported - {"TYPE_CHECKING"} == set(genlock.__all__)


def test_no_other_name_of_the_testing_kit_is_public() -> None:
    # pytest rewrites what an installed plugin comes with, and marks its own names with an @.
    exported = {name for name in vars(genlock.testing) if name[0] not in "_@"}
    assert exported == set(genlock.testing.__all__)


@pytest.mark.parametrize("name", genlock.testing.__all__)
def test_public_name_of_the_testing_kit_has_a_docstring(name: str) -> None:
    assert getattr(genlock.testing, name).__doc__


@pytest.mark.parametrize("name", genlock.__all__)
def test_public_name_has_a_docstring_of_its_own(name: str) -> None:
    public = getattr(genlock, name)
    inherited = {base.__doc__ for base in getattr(public, "__mro__", ())[1:]}
    assert public.__doc__
    assert public.__doc__ not in inherited


@pytest.mark.parametrize("name", genlock.__all__)
def test_public_name_is_defined_in_genlock(name: str) -> None:
    assert getattr(genlock, name).__module__.partition(".")[0] == "genlock"


def names_in(source: str) -> set[str]:
    """The names that the code of a program uses, its comments and texts left out."""
    nodes = list(ast.walk(ast.parse(source)))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return names | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def test_every_public_name_is_in_an_example_that_runs() -> None:
    programs = [path.read_text("utf-8") for path in (ROOT / "examples").rglob("*.py")]
    readme = (ROOT / "README.md").read_text("utf-8")
    programs += re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    used = {name for program in programs for name in names_in(program)}
    public = {*genlock.__all__, *genlock.testing.__all__}
    assert not public - used


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
