"""Files that are written whole: what was there stays until there is something better."""

from __future__ import annotations

import os
import stat
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from genlock._traces._whole_files import check_writable, written_whole

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and pipes are those of POSIX")


def test_a_file_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    target.write_text("old", "utf-8")
    with written_whole(target) as file:
        file.write("nœw")
        assert target.read_text("utf-8") == "old"
    assert target.read_text("utf-8") == "nœw"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("before", ["old", None])
def test_a_failure_leaves_all_as_it_was(before: str | None, tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    if before is not None:
        target.write_text(before, "utf-8")

    def fail() -> None:
        with written_whole(target, "wb") as file:
            file.write(b"half of the ne")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        fail()
    assert [it.read_text("utf-8") for it in tmp_path.iterdir()] == ([before] if before else [])


@posix
def test_its_permissions_stay_and_so_does_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "page.html", tmp_path / "link.html"
    target.touch(0o640)
    target.chmod(0o640)
    link.symlink_to(target)
    with written_whole(link) as file:
        file.write("new")
    assert link.is_symlink()
    assert target.read_text("utf-8") == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


@posix
def test_a_pipe_is_written_to_as_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text("utf-8")), daemon=True)
    reader.start()
    with written_whole(pipe) as file:
        file.write("new")
    reader.join(10)
    assert got == ["new"]


def test_a_check_leaves_nothing_behind(tmp_path: Path) -> None:
    check_writable(tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []
    for place in (tmp_path, tmp_path / "nowhere" / "page.html"):
        with pytest.raises(OSError, match="directory"):
            check_writable(place)


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "page.html"
    for write in (check_writable, lambda path: written_whole(path).__enter__()):
        with pytest.raises(FileNotFoundError) as caught:
            write(path)
        assert str(caught.value).endswith(f": {os.path.realpath(path)!r}")
