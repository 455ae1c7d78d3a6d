"""What is recommended for `--guard`: the name of a function whose generators come out guarded."""

from __future__ import annotations

import linecache
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from genlock._guardable import pattern_for

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = """
import functools
def passed_on(function):
    @functools.wraps(function)
    def call(*args):
        return function(*args)
    return call
@passed_on
def nested():
    def inner():
        yield 1
    return inner()
class Source:
    def draw(self):
        yield 1
    @staticmethod
    def of_expression():
        return (number
                for number in range(3))
    @property
    def drawn(self):
        yield 1
    def kept(self):
        def inner():
            yield 1
        self.values = inner()
        return self
"""
FILE = "shared_feed.py"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    module = ModuleType("shared_feed")
    monkeypatch.setitem(sys.modules, "shared_feed", module)
    exec(compile(SOURCE, FILE, "exec"), vars(module))
    yield module
    linecache.cache.pop(FILE, None)


def with_source(source: str) -> None:
    linecache.cache[FILE] = len(source), None, source.splitlines(keepends=True), FILE


MADE = {
    "nested()": "shared_feed:nested",
    "Source().draw()": "shared_feed:Source.draw",
    "Source.of_expression()": "shared_feed:Source.of_expression",
    "Source().drawn": "",
    "Source().kept().values": "",
}


@pytest.mark.parametrize(("made", "pattern"), MADE.items())
def test_it_is_a_name_by_which_the_generator_comes_out(
    made: str, pattern: str, module: Any
) -> None:
    with_source(SOURCE)
    generator = eval(made, vars(module))  # noqa: S307  # the test's own words
    assert pattern_for(generator.gi_code, generator.gi_frame) == pattern


@pytest.mark.parametrize("source", ["", "def other(:\n  '''\n" * 9, "  '''\n" * 30])
@pytest.mark.parametrize("made", ["nested()", "Source.of_expression()"])
def test_without_the_source_none_is_recommended_that_may_not_do(
    made: str, source: str, module: Any
) -> None:
    with_source(source)
    generator = eval(made, vars(module))  # noqa: S307
    assert pattern_for(generator.gi_code, generator.gi_frame) == ""
