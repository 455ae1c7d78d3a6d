"""A project that is built of coroutines, whole: ijson, a parser that values are pushed into."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from subprocesses import run_program

pytestmark = [pytest.mark.network, pytest.mark.timeout(180)]

VERSION = "3.6.0"
HERE = Path(__file__).parent
GUARDED = HERE / "ijson_guarded"


@pytest.fixture(scope="module")
def ijson(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked source distribution, from the package index or from an earlier run."""
    downloads = pytestconfig.cache.mkdir("ijson")
    archive = downloads / f"ijson-{VERSION}.tar.gz"
    if not archive.exists():
        download(downloads)
    directory = tmp_path_factory.mktemp("ijson")
    with tarfile.open(archive) as packed:
        packed.extractall(directory, filter="data")
    return directory / f"ijson-{VERSION}"


def download(directory: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(directory)]
    done = subprocess.run(
        [*pip, "--no-deps", "--no-binary", ":all:", f"ijson=={VERSION}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"ijson {VERSION} cannot be had: {done.stderr.strip().splitlines()[-1:]}")


def run_json(program: str, *arguments: str, search: list[Path]) -> dict[str, Any]:
    done = run_program(HERE / program, *arguments, search=search, timeout=120)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def test_its_own_tests_pass_guarded(ijson: Path) -> None:
    report = run_json("ijson_suite.py", str(ijson), search=[GUARDED, ijson / "src"])
    assert report["failures"] == []
    assert report["passed"] >= 573
    assert report["served"] > 100_000


def test_two_threads_cannot_push_into_one_bare_parser(ijson: Path) -> None:
    report = run_json("ijson_shared.py", search=[ijson / "src"])
    assert report["during a push"] == {
        "raised": "ValueError('generator already executing')",
        "parsed": [{"pushed": "first"}],
    }


def test_two_threads_push_into_one_guarded_parser(ijson: Path) -> None:
    report = run_json("ijson_shared.py", search=[GUARDED, ijson / "src"])
    assert report["during a push"] == {
        "raised": "None",
        "parsed": [{"pushed": "first"}, {"pushed": "second"}],
    }
    assert report["whole documents"] == 200
