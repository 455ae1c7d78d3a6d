"""The rewriter guards what makes generators, and nothing else changes."""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import re
import traceback
from pathlib import Path
from types import CodeType, GeneratorType
from typing import Any

import pytest

import genlock
from genlock._programs._rewrite import guard_generators


def run_guarded(source: str) -> dict[str, Any]:
    tree = guard_generators(ast.parse(source))
    namespace: dict[str, Any] = {"__name__": "guarded_module"}
    exec(compile(tree, "guarded.py", "exec", dont_inherit=True), namespace)
    return namespace


def guarded_names(source: str) -> list[str]:
    names: list[str] = []

    def take(name: str) -> bool:
        names.append(name)
        return True

    guard_generators(ast.parse(source), take)
    return sorted(names)


GENERATORS = {
    "def f(): yield": ["f"],
    "def f(): yield from ()": ["f"],
    "def f():\n  if x:\n    while y: z = yield": ["f"],
    "class C:\n  def f(self): yield": ["C.f"],
    "class C:\n  class D:\n    def f(self): yield": ["C.D.f"],
    "def f():\n  def g(): yield": ["f.<locals>.g"],
    "def f():\n  def g(): yield\n  yield": ["f", "f.<locals>.g"],
    "async def f():\n  def g(): yield": ["f.<locals>.g"],
    "def f():\n  class C:\n    def g(self): yield": ["f.<locals>.C.g"],
    "f = lambda: (yield)": ["<lambda>"],
    "f = lambda: lambda: (yield)": ["<lambda>.<locals>.<lambda>"],
    "f = (x for x in y)": ["<genexpr>"],
    "class C:\n  f = (x for x in y)": ["C.<genexpr>"],
    "f = ((x for x in y) for y in z)": ["<genexpr>", "<genexpr>.<locals>.<genexpr>"],
    "f = (x for x in (y for y in z))": ["<genexpr>", "<genexpr>"],
    "f = [(x for x in y) for y in z]": ["<genexpr>"],
    # What runs outside of an inner function belongs to the outer one.
    "def f():\n  def g(x=(yield)): pass": ["f"],
    "def f():\n  @(yield)\n  def g(): pass": ["f"],
    "def f(): return lambda x=(yield): x": ["f"],
    "def f():\n  class C((yield)): pass": ["f"],
    "def f(): return [x for x in (yield)]": ["f"],
    "def f(): return (x for x in (yield))": ["f", "f.<locals>.<genexpr>"],
    "async def f(): return (x for x in await y)": ["f.<locals>.<genexpr>"],
    # Async, or no generators
    "def f(): return 1": [],
    "f = [x for x in y]": [],
    "async def f(): yield": [],
    "async def f(): return (x async for x in y)": [],
    "async def f(): return (await x for x in y)": [],
    "async def f(): return (x for x in y if [await z for z in x])": [],
}


@pytest.mark.parametrize(("source", "names"), GENERATORS.items())
def test_generators_are_found_by_their_qualified_names(source: str, names: list[str]) -> None:
    compile(source, "source.py", "exec")
    assert guarded_names(source) == names


LIBRARY = Path(os.__file__).parent
STANDARD_MODULES = "ast asyncio/tasks difflib enum inspect os pkgutil statistics tokenize typing"


@pytest.mark.parametrize("name", STANDARD_MODULES.split())
def test_what_is_found_is_what_the_compiler_makes_generators(name: str) -> None:
    source = (LIBRARY / f"{name}.py").read_text("utf-8")
    pending = [compile(source, name, "exec", dont_inherit=True)]
    compiled = []
    while pending:
        code = pending.pop()
        pending += [const for const in code.co_consts if isinstance(const, CodeType)]
        if code.co_flags & inspect.CO_GENERATOR:
            # Up to 3.11 comprehensions are functions.
            compiled.append(re.sub(r"<\w+comp>\.<locals>\.", "", code.co_qualname))
    assert compiled
    assert guarded_names(source) == sorted(compiled)


def test_only_what_matches_is_guarded() -> None:
    source = "def f(): yield\nclass C:\n  def f(self): yield"
    tree = guard_generators(ast.parse(source), "C.f".__eq__)
    assert [ast.unparse(node) for node in tree.body] == [
        "from genlock import guard as __genlock_guard__, guarded as __genlock_guarded__",
        "def f():\n    yield",
        "class C:\n\n    @__genlock_guarded__\n    def f(self):\n        yield",
    ]


def test_without_generators_nothing_is_added() -> None:
    source = "async def f():\n    yield"
    assert ast.unparse(guard_generators(ast.parse(source))) == source
    assert guard_generators(ast.parse("")).body == []


@pytest.mark.parametrize(
    "making",
    ["f()", "C().f()", "C.g()", "C.h()", "C()._C__f()", "outer()", "l()", "e", "D.e"],
)
def test_every_kind_makes_guards(making: str) -> None:
    module = run_guarded(
        """
def f(): yield 1
class C:
    def f(self): yield 1
    def __f(self): yield 1
    @staticmethod
    def g(): yield 1
    @classmethod
    def h(cls): yield cls and 1
def outer():
    global inner
    def inner(): yield 1
    return inner()
l = lambda: (yield 1)
e = (x for x in [1])
class D: e = (x for x in [1])
"""
    )
    exec(f"made = {making}", module)
    made = module["made"]
    assert type(made) is genlock.GuardedGenerator
    assert list(made) == [1]


def test_other_decorators_are_given_the_guarded_function() -> None:
    module = run_guarded(
        """
import contextlib, functools, types
seen = []
def see(function):
    seen.append(type(function()).__name__)
    return function
@see
def f(): yield
@contextlib.contextmanager
@see
def managed(): yield "managed"
@types.coroutine
def asked(): return (yield "asked")
async def ask(): return await asked()
"""
    )
    assert module["seen"] == ["GuardedGenerator", "GuardedGenerator"]
    with module["managed"]() as value:
        assert value == "managed"
    running = module["ask"]()
    assert running.send(None) == "asked"
    with pytest.raises(StopIteration, match="answer"):
        running.send("answer")
    assert isinstance(module["asked"](), genlock.GuardedGenerator)


def test_awaitable_generators_stay_awaitable_in_an_event_loop() -> None:
    module = run_guarded(
        "import types\n@types.coroutine\ndef step():\n  yield\n  return 'done'\n"
        "class Wait:\n  def __await__(self): return (yield from step())\n"
        "async def main(): return await step() + await Wait()"
    )
    assert asyncio.run(module["main"]()) == "donedone"


def test_docstring_and_future_imports_stay_first() -> None:
    source = (
        '"""The docstring."""\nfrom __future__ import annotations\n'
        "from __future__ import generators\n\ndef f() -> Unknown:\n    '''Of f.'''\n    yield\n"
    )
    module = run_guarded(source)
    assert module["__doc__"] == "The docstring."
    assert module["f"].__annotations__ == {"return": "Unknown"}
    assert module["f"].__doc__ == "Of f."
    assert module["f"].__code__.co_firstlineno == 5
    only_a_docstring_before = run_guarded('"""The docstring."""\nf = (x for x in ())')
    assert only_a_docstring_before["__doc__"] == "The docstring."


def test_every_node_keeps_its_position() -> None:
    source = Path(ast.__file__).read_text("utf-8")
    tree = ast.parse(source)

    def positions() -> dict[int, tuple[object, ...]]:
        names = ("lineno", "col_offset", "end_lineno", "end_col_offset")
        return {id(n): tuple(getattr(n, name, None) for name in names) for n in ast.walk(tree)}

    before = positions()
    guard_generators(tree)
    after = positions()
    assert len(after) > len(before)
    assert before.items() <= after.items()


FAILING = """
def decorate(f): return f
@decorate

@decorate
def g(values):
    yield sum(1 / x
              for x in values)
def f(): yield from g([0])
"""


def test_tracebacks_name_the_same_places() -> None:
    def places(namespace: dict[str, Any]) -> list[tuple[object, ...]]:
        with pytest.raises(ZeroDivisionError) as raised:
            next(namespace["f"]())
        frames = traceback.extract_tb(raised.value.__traceback__)
        return [
            (frame.name, frame.lineno, frame.colno, frame.end_lineno, frame.end_colno)
            for frame in frames
            if frame.filename == "guarded.py"
        ]

    bare: dict[str, Any] = {}
    exec(compile(FAILING, "guarded.py", "exec"), bare)
    guarded = run_guarded(FAILING)
    assert places(guarded) == places(bare)
    assert guarded["g"].__code__.co_firstlineno == bare["g"].__code__.co_firstlineno == 3


def test_trees_deeper_than_the_recursion_limit_are_rewritten() -> None:
    source = " + ".join(["(lambda: (yield))"] * 1500)
    assert guarded_names(source) == ["<lambda>"] * 1500


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("f = lambda: (yield)", "f"),
        ("f: object = lambda: (yield)", "f"),
        ("g = f = lambda: (yield)", "f"),
        ("(f := lambda: (yield))", "f"),
        ("class C:\n  f = lambda self: (yield)", "C.f"),
        ("def f():\n  g = lambda: (yield)", "f.<locals>.g"),
        ("f = lambda: (x for x in y)", "f"),
        ("def f(): return (x for x in y)", "f"),
    ],
)
def test_generators_of_expressions_are_found_by_the_names_one_knows(source: str, name: str) -> None:
    assert "__genlock_guard" in ast.unparse(guard_generators(ast.parse(source), name.__eq__))


@pytest.mark.parametrize(
    "source",
    [
        "f = [lambda: (yield)]",
        "f = lambda x=(x for x in y): x",
        "def f(): return sum(x for x in y)",
        "async def f(): return (x for x in y)",
        "f = (x for x in y)",
    ],
)
def test_generators_that_no_such_name_gives_are_not_found_by_it(source: str) -> None:
    assert "__genlock" not in ast.unparse(guard_generators(ast.parse(source), "f".__eq__))


# What other functions return ------------------------------------------------------------------


def test_what_is_named_is_guarded_also_where_it_only_returns_a_generator() -> None:
    source = "def f(): return g()\ndef g(): yield\nasync def h(): return g()\nl = lambda: g()"
    tree = guard_generators(ast.parse(source), "none".__eq__, lambda _: True)
    assert [ast.unparse(node) for node in tree.body] == [
        "from genlock._explaining._returned import guarding_returns as __genlock_returns__",
        "@__genlock_returns__\ndef f():\n    return g()",
        "def g():\n    yield",
        "async def h():\n    return g()",
        "l = __genlock_returns__(lambda: g(), 'l')",
    ]
    names: dict[str, Any] = {}
    exec(compile(tree, "source.py", "exec"), names)
    assert type(names["f"]()) is genlock.GuardedGenerator
    assert type(names["l"]()) is genlock.GuardedGenerator
    assert type(names["g"]()) is GeneratorType
