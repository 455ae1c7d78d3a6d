"""Runs a program as `python` does: as `__main__`, with its arguments, to its own exit status."""

from __future__ import annotations

import ast
import builtins
import os
import runpy
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader, SourcelessFileLoader
from pkgutil import get_importer
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from genlock._programs._undecodable import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import TracebackType

    Rewrite = Callable[[ast.Module], ast.Module]
    Report = Callable[[BaseException], None]

_FAILED = 1
_NO_FILE = 2
_LAUNCHERS = (__name__, "runpy", "importlib._bootstrap", "importlib._bootstrap_external")


class NoProgramError(Exception):
    """There is nothing to run: what `python` says of that, and the status it exits with."""

    def __init__(self, reason: object, status: int = _FAILED) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Program:
    """A program, and how it is to be called.

    Args:
        name: the path of a script, of a directory or a zip file with a `__main__.py`; or the name
            of a module.
        arguments: what the program finds in `sys.argv[1:]`.
        is_module: whether `name` is that of a module, as after `python -m`.
        rewrite: what to do with the syntax tree of the program before it is compiled.
    """

    name: str
    arguments: Sequence[str] = ()
    is_module: bool = False
    rewrite: Rewrite | None = None

    def run(self, report: Report) -> None:
        """Run the program in this thread, in the place of the one that runs now.

        Args:
            report: called with an exception that ended the program, when `sys.excepthook` has
                printed it.

        Raises:
            NoProgramError: there is no such program.
            SystemExit: the program's, or the status 1 after an exception that was printed.
            KeyboardInterrupt: the program's, already printed.
        """
        error = self._failure()
        if error is None:
            return
        try:  # with no exception being handled, as the interpreter does
            _print(error)
        finally:
            report(error)
        if isinstance(error, KeyboardInterrupt):
            sys.excepthook = _say_nothing  # the interpreter shall only die of the signal
            raise error
        raise SystemExit(_FAILED)

    def _failure(self) -> BaseException | None:
        """Run the program; returns the exception that ended it, if that is to be printed."""
        try:
            self._run()
        except (SystemExit, NoProgramError):
            raise
        except BaseException as error:
            return error.with_traceback(_below_the_launch(error.__traceback__))
        return None

    def _run(self) -> None:
        if self.is_module:
            _set_first_entry(os.getcwd())
            sys.argv = ["-m", *self.arguments]
            _, spec, code = _module_details(self.name, NoProgramError)
            sys.argv[0] = spec.origin
            self._run_found(spec, code)
            return
        sys.argv = [self.name, *self.arguments]
        if get_importer(self.name) is not None:
            _set_first_entry(_absolute(self.name), even_if_safe=True)
            _, spec, code = _main_details(NoProgramError)
            self._run_found(spec, code)
        else:
            self._run_script(_absolute(self.name))

    def _run_script(self, path: str) -> None:
        source = _read(path)
        _set_first_entry(os.path.dirname(os.path.realpath(path)))
        loader = (SourcelessFileLoader if path.endswith(".pyc") else SourceFileLoader)(
            "__main__", path
        )
        if isinstance(loader, SourcelessFileLoader):
            code = loader.get_code("__main__")
        else:
            code = self._compiled_script(source, path)
        _execute(code, __file__=path, __loader__=loader, __cached__=None)

    def _run_found(self, spec: ModuleSpec, code: CodeType) -> None:
        loader: Any = spec.loader
        source = loader.get_source(spec.name) if self.rewrite else None
        if source is not None:
            code = self._compiled(source, code.co_filename)
        _execute(
            code,
            __file__=spec.origin,
            __loader__=loader,
            __package__=spec.parent,
            __spec__=spec,
            __cached__=spec.cached,
        )

    def _compiled_script(self, source: bytes, path: str) -> CodeType:
        said: Exception | None = None
        try:
            code = self._compiled(source, path)
        except (SyntaxError, ValueError) as error:
            said = error
        refused = refusal(source, path, said)
        if refused is not None:
            raise refused
        return code

    def _compiled(self, source: bytes | str, path: str) -> CodeType:
        tree: Any = source
        if self.rewrite is not None:
            # What ast.parse does, without its frame in the traceback of a SyntaxError.
            flags = ast.PyCF_ONLY_AST
            tree = self.rewrite(compile(source, path, "exec", flags, dont_inherit=True))
        code: CodeType = compile(tree, path, "exec", dont_inherit=True)
        return code


# What `python -m` itself uses, so that its words for what cannot be run are those of `python`.
_module_details: Any = runpy._get_module_details  # type: ignore[attr-defined]  # noqa: SLF001
_main_details: Any = runpy._get_main_module_details  # type: ignore[attr-defined]  # noqa: SLF001


def _absolute(path: str) -> str:
    """What `python` makes of the path of a program: on POSIX, it stays as it is written."""
    if os.name == "nt":
        return os.path.abspath(path)
    return os.path.join(os.getcwd(), path)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        reason = f"can't open file {path!r}: [Errno {error.errno}] {error.strerror}"
        raise NoProgramError(reason, _NO_FILE) from None


def _set_first_entry(directory: str, *, even_if_safe: bool = False) -> None:
    """Let modules be found beside the program first, not beside this one.

    A folder or zip file is the program itself: its modules are found even where `python -P` has
    left out the entry that would have to be replaced.
    """
    if not sys.flags.safe_path:
        sys.path[0] = directory
    elif even_if_safe:
        sys.path.insert(0, directory)


def _execute(code: CodeType | None, **attributes: object) -> None:
    main = ModuleType("__main__")
    main.__dict__.update({"__annotations__": {}, "__builtins__": builtins}, **attributes)
    sys.modules["__main__"] = main
    if code is not None:
        exec(code, main.__dict__)  # noqa: S102  # the program that is to be run


def _below_the_launch(found: TracebackType | None) -> TracebackType | None:
    """The part of a traceback that `python` would show."""
    while found is not None and found.tb_frame.f_globals.get("__name__") in _LAUNCHERS:
        found = found.tb_next
    return found


def _print(error: BaseException) -> None:
    """Have `sys.excepthook` print an exception that ends the program, as the interpreter does."""
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    hook = getattr(sys, "excepthook", None)
    if hook is None:
        _complain("sys.excepthook is missing")
        hook = sys.__excepthook__
    try:
        hook(type(error), error, error.__traceback__)
    except SystemExit:
        raise
    except BaseException as failure:
        _complain("Error in sys.excepthook:")
        traceback.print_exception(failure.with_traceback(_below_the_launch(failure.__traceback__)))
        _complain("\nOriginal exception was:")
        sys.__excepthook__(type(error), error, error.__traceback__)


def _complain(line: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"{line}\n")


def _say_nothing(*_: object) -> None: ...


def die_of_interrupt() -> None:
    """Have the interpreter end by SIGINT, as it would, if Ctrl-C has ended the program.

    To be called when all else is done: the interpreter takes that from whatever text it was the
    last to execute, and there is such a text in namedtuple(), and so in many an import.
    """
    if getattr(sys, "excepthook", None) is _say_nothing:
        with suppress(KeyboardInterrupt):
            exec("raise KeyboardInterrupt")  # noqa: S102  # for what it leaves behind
