"""`genlock run`: a program, unchanged, with its errors about generators explained."""

from __future__ import annotations

import argparse
import atexit
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, TextIO

from genlock._explaining._returned import made_generators
from genlock._gates import is_off
from genlock._interpreter._stacks import RUN_AT_ONCE
from genlock._observing._on_signal import listen_by_default
from genlock._programs import _run_wording
from genlock._programs._instrument import Instrument
from genlock._programs._launch import NoProgramError, Program, die_of_interrupt
from genlock._programs._loading import see_loaded
from genlock._programs._patterns import Pattern, PatternError, Use
from genlock._programs._reporter import Reporter
from genlock._programs._rewrite import guard_generators
from genlock.cli import RefusedError
from genlock.cli._last_words import before_it_is_ended
from genlock.cli._output import Output

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Iterator, Sequence

    from genlock.cli._traced_run import TracedRun

    _Write = Callable[[str, dict[str, object]], None]

_MAIN = "__main__"
_TAKE_A_VALUE = ("--guard", "--output", "-o", "--trace", "--trace-size", "--report")


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the arguments; all that follow the program are the program's own."""
    parser.usage = "genlock run [OPTION ...] (SCRIPT | -m MODULE) [ARGUMENT ...]"
    parser.add_argument(
        "--caught", action="store_true", help="explain errors that the program catches, too"
    )
    parser.add_argument(
        "--guard",
        action="append",
        default=[],
        metavar="PATTERN",
        help="guard what these functions return: pkg.mod:function, pkg.mod:Class.method, pkg.mod:*,"
        " __main__:function; can be given several times",
    )
    parser.add_argument(
        "--json", action="store_true", help="report in JSON, one object a line, in place of text"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="append the report to a file, not to standard error"
    )
    parser.add_argument(
        "--trace",
        metavar="FILE",
        help="record the calls to guards in a .json or .jsonl file, for genlock report",
    )
    parser.add_argument(
        "--report",
        metavar="FILE.html",
        help="record the calls to guards, and write a page that shows them, for a browser",
    )
    parser.add_argument(
        "--trace-size",
        type=int,
        metavar="N",
        help="how many calls --trace and --report keep, the last ones (default: 100000)",
    )
    parser.add_argument(
        "-m", dest="is_module", action="store_true", help="run a module, as python -m does"
    )
    parser.add_argument("program", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)


def spelled_out(words: list[str]) -> list[str]:
    """A `-mMODULE` as two words, and no `--` before a script: `python` takes both."""
    place = 0
    while place < len(words) and words[place].startswith("-"):
        word = words[place]
        if word == "--":
            return words[:place] + words[place + 1 :]
        if word.startswith("-m"):
            module = [word.removeprefix("-m")] if word != "-m" else []
            return [*words[:place], "-m", *module, *words[place + 1 :]]
        place += 2 if word in _TAKE_A_VALUE else 1
    return words


def perform(options: argparse.Namespace) -> int:
    """Run the program; ends as the program does."""
    if not options.program:
        raise RefusedError(_run_wording.NOTHING_TO_RUN)
    name, *arguments = options.program
    patterns = _patterns(options.guard)
    # Under its own name nobody has imported a module that is run.
    own_names = {_MAIN, name} if options.is_module else {_MAIN}
    own = [pattern for pattern in patterns if pattern.module in own_names]
    traced_run = _traced_run(name, options)
    reporter = _reporter(options, traced_run)
    # Without arguments, a module has no script to run.
    main = _MainGuard(own, name if options.is_module and arguments else "")
    handles = [Instrument(each, tell=reporter.say) for each in patterns if each not in own]
    atexit.register(die_of_interrupt)  # what was registered first is called last
    atexit.register(_finish, reporter, handles, main, traced_run)
    _say_what_will_not_be(reporter, patterns)
    if handles:
        see_loaded({each.module for each in patterns})
    for handle in handles:
        handle.install()
    program = Program(name, arguments, options.is_module, main.rewrite if own else None)
    reporter.start()
    listen_by_default()
    if traced_run is not None:
        traced_run.start()
        before_it_is_ended(partial(_save, traced_run, reporter))
    return _run(program, reporter)


def _reporter(options: argparse.Namespace, traced_run: TracedRun | None) -> Reporter:
    output = Output(as_json=options.json, file=_opened(options.output))
    return Reporter(
        _noted(output.write, traced_run),
        tells_caught=options.caught,
        note_end=None if traced_run is None else traced_run.note_end,
    )


def _say_what_will_not_be(reporter: Reporter, patterns: Sequence[Pattern]) -> None:
    if RUN_AT_ONCE and not patterns:
        reporter.say(_run_wording.RUNS_AT_ONCE)
    if is_off and patterns:
        reporter.say(_run_wording.IS_OFF)


def _run(program: Program, reporter: Reporter) -> int:
    try:
        program.run(lambda error: reporter.tell(error, "program"))
    except NoProgramError as error:
        atexit.unregister(_finish)
        print(f"{sys.executable}: {error}", file=sys.stderr)
        return error.status
    return 0


class _MainGuard:
    """Guards functions of the program itself, before it is compiled."""

    def __init__(self, patterns: Sequence[Pattern], launched: str) -> None:
        self._patterns, self._launched = patterns, launched
        self._makers: list[str] = []
        self._others: list[str] = []
        self._is_compiled = False
        self._before = sys.modules.get(_MAIN)
        self._process = os.getpid()

    def rewrite(self, tree: ast.Module) -> ast.Module:
        self._is_compiled = True
        return guard_generators(tree, self._matches, self._names_it)

    def _matches(self, qualname: str) -> bool:
        self._makers.append(qualname)
        return any(_means(pattern, qualname) for pattern in self._patterns)

    def _names_it(self, qualname: str) -> bool:
        self._others.append(qualname)
        return any(_means(pattern, qualname, by_name=True) for pattern in self._patterns)

    def unused(self) -> Iterator[Use]:
        """The patterns that guarded nothing, unless the program could not be compiled at all."""
        if not self._is_compiled and sys.modules.get(_MAIN) is self._before:
            return
        if os.getpid() != self._process:  # the parent tells
            return
        for pattern in self._patterns:
            if any(_means(pattern, name) for name in self._makers):
                continue
            named = [name for name in self._others if _means(pattern, name, by_name=True)]
            if made_generators.isdisjoint(named):
                near = pattern.nearest([*self._makers, *self._others])
                yield Use(pattern, self._is_compiled, tuple(named), near, launched=self._launched)


def _means(pattern: Pattern, qualname: str, *, by_name: bool = False) -> bool:
    if by_name and pattern.has_wildcards:
        return False
    # A wildcard means functions: what is made by an expression has no name that one would know.
    return pattern.matches(qualname) and ("<" in pattern.function or not qualname.endswith(">"))


def _patterns(texts: Sequence[str]) -> list[Pattern]:
    try:
        return [Pattern.parse(text) for text in texts]
    except PatternError as error:
        raise RefusedError(f"--guard: {error}") from None


def _opened(name: str | None) -> TextIO | None:
    if name is None:
        return None
    try:
        # It stays open as long as the program runs.
        return open(name, "a", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise RefusedError(_run_wording.no_file("--output", name, error.strerror)) from None


def _traced_run(program: str, options: argparse.Namespace) -> TracedRun | None:
    size, trace, page = options.trace_size, options.trace, options.report
    if size is not None and size < 1:
        raise RefusedError(f"--trace-size has to be 1 or more, not {size}")
    if trace is None and page is None:
        if size is not None:
            raise RefusedError("--trace-size goes with --trace or --report")
        return None
    from genlock.cli._traced_run import TracedRun

    return TracedRun(program, size, trace=trace, page=page)


def _noted(write: _Write, traced_run: TracedRun | None) -> _Write:
    """What is told of errors, told to the recording, too."""
    if traced_run is None:
        return write

    def write_and_note(text: str, facts: dict[str, object]) -> None:
        write(text, facts)
        traced_run.note(text, facts)

    return write_and_note


def _save(traced_run: TracedRun, reporter: Reporter) -> None:
    traced_run.stop()
    traced_run.save(reporter.say)


def _finish(
    reporter: Reporter,
    handles: Sequence[Instrument],
    main: _MainGuard,
    traced_run: TracedRun | None,
) -> None:
    if traced_run is not None:
        traced_run.stop()
    reporter.finish()
    if traced_run is not None:
        traced_run.save(reporter.say)
    for handle in handles:
        handle.tell_what_is_missing(is_use_expected=True)
    for use in main.unused():
        nothing = _run_wording.guarded_nothing if use.matched else _run_wording.matched_nothing
        reporter.say(nothing(use))
