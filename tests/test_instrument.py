"""Functions of other people's modules, guarded on import, and put back."""

from __future__ import annotations

import contextlib
import copy
import functools
import importlib
import inspect
import logging
import operator
import os
import pickle
import sys
from textwrap import dedent
from types import GeneratorType
from typing import TYPE_CHECKING, Any

import pytest

import genlock
from crew import together
from genlock._programs._patterns import Pattern, PatternError
from subprocesses import run_python

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LIBRARY = """
import functools

def numbers():
    yield from range(3)

def primed(function):
    @functools.wraps(function)
    def prime(*args):
        cor = function(*args)
        next(cor)
        return cor
    return prime

@primed
def sink():
    '''Takes all.'''
    while True:
        yield

class Source:
    def __init__(self):
        self.drawn = 0
    def draw(self):
        yield self
    @staticmethod
    def static():
        yield 1
    @classmethod
    def of_class(cls):
        yield cls
    @property
    def values(self):
        yield 2
    def __iter__(self):
        yield 3
    class Inner:
        def draw(self):
            yield 4

class Lazy(Source):
    pass

def plain():
    return 5

async def asynchronous():
    return 6

def shared():
    return SHARED

def nested():
    def inner():
        yield 7
    return inner()

def of_expression():
    return (number for number in range(3))

@functools.lru_cache
def cached():
    yield 8

again = numbers
SHARED = numbers()
"""


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Any]]:
    """Imports a module afresh that has never heard of genlock."""
    (tmp_path / "some_library.py").write_text(LIBRARY, encoding="utf-8")
    (tmp_path / "some_user.py").write_text(
        "from some_library import numbers, numbers as others\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield lambda: importlib.import_module("some_library")
    for name in ("some_library", "some_user"):
        sys.modules.pop(name, None)


def is_guarded(made: object) -> bool:
    return type(made) is genlock.GuardedGenerator


# What is guarded ----------------------------------------------------------------------------------


def test_a_function_is_guarded_as_its_module_is_imported(library: Callable[[], Any]) -> None:
    with genlock.instrument("some_library:numbers", timeout=2.0):
        assert "some_library" not in sys.modules
        numbers = library().numbers()
        assert is_guarded(numbers)
        assert [*numbers] == [0, 1, 2]
        assert numbers._self_gate.policy.timeout == 2.0


def test_what_wraps_says_is_said_as_by_the_bare_function(library: Callable[[], Any]) -> None:
    module = library()
    wrapped, numbers = module.sink.__wrapped__, module.numbers
    with genlock.instrument("some_library:*"):
        assert module.sink.__wrapped__ is inspect.unwrap(module.sink) is wrapped
        assert module.numbers.__wrapped__ is inspect.unwrap(module.numbers) is numbers
        assert is_guarded(module.sink())
        renamed = functools.wraps(module.plain)(module.numbers)
        assert [*renamed()] == [0, 1, 2]
        assert renamed.__wrapped__ is module.plain
        with pytest.raises(AttributeError):
            module.Source.of_class.__wrapped__ = module.plain
        module.Source.static.__wrapped__ = module.plain
        assert module.Source.static.__wrapped__ is module.plain
        assert [*module.Source.of_class(), *module.Source.static()] == [module.Source, 1]


def test_a_module_that_is_imported_already_is_changed_in_place(library: Callable[[], Any]) -> None:
    module = library()
    with genlock.instrument("some_library:numbers"):
        assert is_guarded(module.numbers())


@pytest.mark.parametrize(
    ("function", "call"),
    [
        ("sink", "sink()"),
        ("Source.draw", "Source().draw()"),
        ("Source.static", "Source().static()"),
        ("Source.static", "Source.static()"),
        ("Source.of_class", "Source().of_class()"),
        ("Source.of_class", "Source.of_class()"),
        ("Source.of_class", "Lazy.of_class()"),
        ("Source.__iter__", "iter(Source())"),
        ("Source.Inner.draw", "Source.Inner().draw()"),
        ("shared", "shared()"),
    ],
)
def test_whatever_can_be_called_is_guarded(
    function: str, call: str, library: Callable[[], Any]
) -> None:
    names = vars(library())
    bare = eval(call, names)  # noqa: S307  # the test's own words
    with genlock.instrument(f"some_library:{function}") as handle:
        assert handle.matched == (function,)
        guarded = eval(call, names)  # noqa: S307
        assert is_guarded(guarded)
        assert str(next(guarded)).partition(" at ")[0] == str(next(bare)).partition(" at ")[0] or (
            function == "shared"
        )


def test_a_wildcard_means_the_functions_that_make_generators(library: Callable[[], Any]) -> None:
    module = library()
    with genlock.instrument("some_library:*") as handle:
        assert set(handle.matched) == {
            *("numbers", "again", "sink", "nested", "of_expression", "cached"),
            *("Source.draw", "Source.static", "Source.of_class", "Source.__iter__"),
            "Source.Inner.draw",
        }
        assert is_guarded(module.nested())
        assert is_guarded(module.of_expression())
        assert is_guarded(module.cached())
        source = module.Source()
        assert source.drawn == 0
        assert type(source.values) is GeneratorType
        assert module.plain() == 5
    with genlock.instrument("some_library:Source.*") as handle:
        assert len(handle.matched) == 5


def test_what_a_guarded_function_says_of_itself_is_what_it_said(
    library: Callable[[], Any],
) -> None:
    module = library()
    with genlock.instrument("some_library:*"):
        assert module.sink.__doc__ == "Takes all."
        assert module.sink.__name__ == "sink"
        assert pickle.loads(pickle.dumps(module.numbers)) is module.numbers
        assert copy.copy(module.numbers) is module.numbers


def test_a_wildcard_that_means_nothing_says_what_it_would_mean(
    library: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    library()
    genlock.instrument("some_library:pla*").uninstall()
    (record,) = caplog.records
    assert record.getMessage() == (
        "'some_library:pla*' guarded nothing: no such function of 'some_library' makes generators;"
        " name the one that returns them."
    )


@pytest.mark.parametrize("name", ["Source.draw", "Source.static", "Source.of_class", "plain"])
@pytest.mark.parametrize("handles", [1, 2])
def test_what_is_guarded_is_copied_and_pickled_as_functions_are(
    name: str, handles: int, library: Callable[[], Any]
) -> None:
    module = library()
    find = operator.attrgetter(name)
    with contextlib.ExitStack() as stack:
        for _ in range(handles):
            stack.enter_context(genlock.instrument(f"some_library:{name}"))
        function = find(module)
        for other in (
            pickle.loads(pickle.dumps(function)),
            copy.copy(function),
            copy.deepcopy({"kept": function})["kept"],
        ):
            assert other == function
            assert other.__qualname__ == name
        if name in ("Source.draw", "plain"):
            assert find(module) is function


@pytest.mark.parametrize("name", ["draw", "of_class", "static"])
def test_methods_of_an_object_are_copied_and_pickled_with_it(
    name: str, library: Callable[[], Any]
) -> None:
    module = library()
    with genlock.instrument(f"some_library:Source.{name}"):
        source = module.Source()
        source.drawn = 7
        method = getattr(source, name)
        assert copy.copy(method) == method
        for other in (copy.deepcopy(method), pickle.loads(pickle.dumps(method))):
            assert is_guarded(other())
            if name == "draw":
                assert other.__self__ is not source
                assert other.__self__.drawn == 7


def test_what_is_guarded_already_stays_as_it_is(library: Callable[[], Any]) -> None:
    module = library()
    with (
        genlock.instrument("some_library:numbers", timeout=1.0),
        genlock.instrument("some_library:numbers", timeout=2.0),
    ):
        assert module.numbers()._self_gate.policy.timeout == 1.0


def test_what_a_proxy_stands_for_is_not_asked(library: Callable[[], Any]) -> None:
    class Lazy:
        @property
        def __class__(self) -> type:
            raise RuntimeError("outside of a request")

        @__class__.setter
        def __class__(self, _: type) -> None: ...

    module = library()
    module.SHARED = Lazy()
    with genlock.instrument("some_library:shared"):
        assert type(module.shared()) is Lazy


def test_many_threads_may_share_what_comes_out(library: Callable[[], Any]) -> None:
    module = library()
    with genlock.instrument("some_library:Source.draw", name="drawn", prime=True):
        drawn = module.Source().draw()
        assert sum(map(len, together(*[lambda: [*drawn]] * 4))) == 0
        assert drawn._self_gate.name == "drawn"


# What is put back ---------------------------------------------------------------------------------


def test_uninstalling_puts_back_exactly_what_was_there(library: Callable[[], Any]) -> None:
    module = library()
    before, of_class = dict(vars(module)), dict(vars(module.Source))
    genlock.instrument("some_library:*").uninstall()
    assert vars(module) == before
    assert dict(vars(module.Source)) == of_class
    assert all(vars(module)[name] is value for name, value in before.items())


@pytest.mark.parametrize("first", [0, 1])
def test_handles_may_be_uninstalled_in_any_order(first: int, library: Callable[[], Any]) -> None:
    module = library()
    before = module.numbers
    handles = [genlock.instrument("some_library:numbers") for _ in range(2)]
    handles[first].uninstall()
    assert is_guarded(module.numbers())
    handles[1 - first].uninstall()
    assert module.numbers is before
    handles[0].uninstall()  # once more: nothing


def test_what_somebody_else_has_put_there_stays(library: Callable[[], Any]) -> None:
    module = library()
    handle = genlock.instrument("some_library:numbers")
    inner = module.numbers
    module.numbers = functools.partial(inner)
    theirs = module.numbers
    handle.uninstall()
    assert module.numbers is theirs
    assert type(module.numbers()) is GeneratorType


def test_nothing_is_guarded_that_is_imported_after_uninstalling(
    library: Callable[[], Any],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logging.getLogger("genlock"), "disabled", True)
        genlock.instrument("some_library:numbers").uninstall()
    assert type(library().numbers) is type(lambda: None)


def test_threads_may_uninstall_while_others_import(library: Callable[[], Any]) -> None:
    handles = [genlock.instrument("some_library:*") for _ in range(3)]
    together(library, library, *[handle.uninstall for handle in handles])
    module = sys.modules["some_library"]
    assert not any(handle.matched or handle.is_active for handle in handles)
    assert all(type(made) is GeneratorType for made in (module.numbers(), module.Source().draw()))


# What is told -------------------------------------------------------------------------------------


def test_copies_that_were_made_before_are_named(
    library: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    library()
    importlib.import_module("some_user")
    with genlock.instrument("some_library:numbers") as handle:
        assert set(handle.escaped) == {
            "some_library:again",
            "some_user:numbers",
            "some_user:others",
        }
    (record,) = caplog.records
    assert record.getMessage().startswith(
        "'some_library:numbers' came too late for some_library:again, some_user:numbers,"
    )


@pytest.mark.parametrize(
    ("pattern", "nearest"),
    [
        ("some_library:number", "some_library:numbers"),
        ("some_library:draw", "some_library:Source.Inner.draw or some_library:Source.draw"),
        ("some_library:Source.drew", "some_library:Source.draw"),
        ("some_libary:numbers", "some_library:numbers"),
    ],
)
def test_the_nearest_names_are_told_where_nothing_matched(
    pattern: str,
    nearest: str,
    library: Callable[[], Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    library()
    genlock.instrument(pattern).uninstall()
    (record,) = caplog.records
    assert record.getMessage().startswith(f"{pattern!r} guarded nothing: ")
    assert f"Nearest: {nearest}" in record.getMessage()


def test_a_class_that_cannot_be_changed_is_told_of_and_the_others_are_guarded(
    library: Callable[[], Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "some_library.py").write_text(
        dedent(
            """
            class First:
                def draw(self):
                    yield 1

            class Closed(type):
                def __setattr__(cls, name, value):
                    raise ZeroDivisionError(name)

            class Source(metaclass=Closed):
                def draw(self):
                    yield 1

            class Last(First):
                def draw(self):
                    yield 1
            """
        )
    )
    with genlock.instrument("some_library:*.draw") as handle:
        module = library()
        assert set(handle.matched) == {"First.draw", "Last.draw"}
        assert type(module.Source().draw()) is GeneratorType
    (record,) = caplog.records
    assert record.getMessage() == (
        "'some_library:*.draw' left out Source.draw, unguarded still: the class cannot be changed"
        " (ZeroDivisionError: draw)."
    )


def test_a_module_that_is_still_being_imported_is_told_of_at_once(
    library: Callable[[], Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "some_library.py").write_text("import some_user\n" + LIBRARY)
    (tmp_path / "some_user.py").write_text(
        "import genlock\nhandle = genlock.instrument('some_library:numbers')\n"
    )
    module = library()
    (record,) = caplog.records
    assert record.getMessage().startswith("'some_library:numbers' came too early: ")
    assert type(module.numbers()) is GeneratorType
    sys.modules["some_user"].handle.uninstall()
    assert len(caplog.records) == 1


def test_a_program_that_names_its_own_function_too_early_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import genlock\n"
        "genlock.instrument('__main__:early')\n"
        "def early():\n    yield 1\n"
        "genlock.instrument('__main__:early')\n"
        "print(type(early()).__name__)\n"
    )
    ran = run_python("program.py", directory=tmp_path)
    assert (ran.stdout, ran.returncode) == ("GuardedGenerator\n", 0)
    assert ran.stderr.count("\n") == 1
    assert ran.stderr.startswith("'__main__:early' came too early: ")


def test_what_a_reload_has_undone_is_told(
    library: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    module = library()
    handle = genlock.instrument("some_library:Source.draw")
    assert handle.matched == ("Source.draw",)
    importlib.reload(module)
    assert not handle.matched
    handle.uninstall()
    (record,) = caplog.records
    assert "guarded nothing: its functions were replaced after that" in record.getMessage()


def test_what_somebody_has_wrapped_since_counts_as_matched(library: Callable[[], Any]) -> None:
    module = library()
    with genlock.instrument("some_library:numbers") as handle:
        module.numbers = functools.wraps(module.numbers)(functools.partial(module.numbers))
        assert handle.matched == ("numbers",)
        with genlock.instrument("some_library:numbers"):
            assert handle.matched == ("numbers",)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_does_not_repeat_what_is_told_of_patterns(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import genlock, os, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "genlock.instrument('no_such_module:f')\n"
        "child = os.fork()\n"
        "if child: os.waitpid(child, 0)\n"
    )
    ran = run_python("program.py", directory=tmp_path)
    assert ran.stderr.count("guarded nothing") == 1


# Patterns -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "matching", "other"),
    [
        ("a.b:f", "f", "g"),
        ("a:C.f", "C.f", "f"),
        ("a:C.*", "C.D.f", "D.f"),
        ("a:*", "f.<locals>.g", None),
        ("a:?et", "get", "gets"),
        (" a:f.<locals>.g ", "f.<locals>.g", "g"),
        ("a:f.<locals>.<genexpr>", "f.<locals>.<genexpr>", "f.<locals>.g"),
    ],
)
def test_a_pattern_matches_qualified_names(text: str, matching: str, other: str | None) -> None:
    pattern = Pattern.parse(text)
    assert str(pattern) == text.strip()
    assert pattern.matches(matching)
    assert other is None or not pattern.matches(other)


@pytest.mark.parametrize(
    "text", ["", "f", "a.f", "a:", ":f", "a b:f", "a:f g", "a.:f", "a:.f", "1:f"]
)
def test_what_is_no_pattern_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(PatternError, match="write module:function, module:Class"):
        Pattern.parse(text)
    with pytest.raises(ValueError, match="is no pattern of functions"):
        genlock.instrument(text)


@pytest.mark.parametrize("given", [5, None, len])
def test_what_is_no_text_is_refused_with_what_to_write(given: Any) -> None:
    with pytest.raises(TypeError, match=r"takes a pattern such as 'pkg.mod:function', not "):
        genlock.instrument(given)


def test_options_are_those_of_a_guard() -> None:
    with pytest.raises(TypeError, match="unknown option 'patience'"):
        genlock.instrument("a:f", patience=1)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="timeout must be 0 or more seconds"):
        genlock.instrument("a:f", timeout=-1)
