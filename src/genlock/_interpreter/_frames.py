"""Reads one frame, or the calling thread's: where it stands, what a thread is called."""

from __future__ import annotations

import linecache
import opcode
import os
import threading
from contextlib import contextmanager, suppress
from inspect import CO_VARARGS, getattr_static
from itertools import islice, pairwise
from types import FrameType, GeneratorType
from typing import TYPE_CHECKING, Any

from genlock._records import Site
from genlock._text import cut

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, TracebackType

_CODE_WIDTH = 60
_MOST_DECORATORS = 100  # lines of them
_DEFINES = ("def ", "async def ")
_STATEMENTS = {opcode.opmap.get(name) for name in ("FOR_ITER", "BEFORE_WITH")}
_CACHE = opcode.opmap["CACHE"]
_DELIVERS = {opcode.opmap[name] for name in ("RESUME", "JUMP_BACKWARD")}
"""Instructions that raise nothing themselves, but what is set into the thread from outside."""
_INTERNAL = ("genlock", "wrapt")
_PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep
_INSTALLED = "-packages"
_PLAIN_THREAD = {
    name: getattr_static(threading.Thread, name) for name in ("name", "ident", "__getattribute__")
}
_LIBRARY = os.path.dirname(os.__file__) + os.sep


def stack(frame: FrameType | None) -> Iterator[FrameType]:
    """`frame` and its callers, innermost first."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def is_internal(frame: FrameType) -> bool:
    """Whether a frame belongs to genlock or to the proxies it is built on."""
    module = frame.f_globals.get("__name__", "")
    return isinstance(module, str) and module.partition(".")[0] in _INTERNAL


def body_of(guarded: object) -> FrameType | None:
    """The frame of what is guarded, if that is a generator or passes for one."""
    found: FrameType | None = _attribute(guarded, "gi_frame")
    return found


def code_of(guarded: object) -> CodeType | None:
    """The code of a generator, or of what passes for one, even if it has ended."""
    found: CodeType | None = _attribute(guarded, "gi_code")
    return found


def is_running(guarded: object) -> bool | None:
    """Whether a generator counts as running; None of other things."""
    found: bool | None = _attribute(guarded, "gi_running")
    return found


def _attribute(guarded: object, name: str) -> Any:
    if type(guarded) is GeneratorType:  # where nothing can go wrong, nothing is caught
        return getattr(guarded, name)
    try:
        return getattr(guarded, name, None)
    except Exception:  # a __getattr__ of somebody's own may raise anything
        return None


def user_frame(frame: FrameType) -> FrameType | None:
    """`frame` or the nearest of its callers that is not genlock's own."""
    return next((caller for caller in stack(frame) if not is_internal(caller)), None)


def site(frame: FrameType) -> Site:
    """Where a frame stands now, with the expression it is executing."""
    return site_at(frame, *_standing(frame))


_told_at: dict[int, int] = {}
"""Frames that are told to be somewhere else than they are, by identity; the offsets there."""


@contextmanager
def told_at(frame: FrameType, offset: int) -> Iterator[None]:
    """While the block lasts, `frame` is told to be at the instruction with this offset."""
    _told_at[id(frame)] = offset
    try:
        yield
    finally:
        del _told_at[id(frame)]


def _standing(frame: FrameType) -> tuple[int, int]:
    """The instruction that a frame is told to be at, and its line."""
    offset = _told_at.get(id(frame))
    if offset is None:
        return frame.f_lasti, frame.f_lineno or 0
    return offset, instruction_of(frame.f_code, offset).line


def site_at(frame: FrameType, lasti: int, line: int) -> Site:
    """Where a frame stood, with the expression that it was executing."""
    code = frame.f_code
    return Site(code.co_filename, line, short_name(code), _code_at(frame, lasti, line))


def line_of(code: CodeType, line: int | None) -> Site:
    """A line of `code`, without the source: cheap enough for every ending."""
    return Site(code.co_filename, line or 0, short_name(code))


def instruction_of(code: CodeType, offset: int) -> Site:
    """The line of an instruction of `code`, by its offset in bytes."""
    position = next(islice(code.co_positions(), offset // 2, None), None)
    return line_of(code, position[0] if position is not None else code.co_firstlineno)


def statement(code: CodeType, line: int) -> Site:
    """A line of `code`, with the source."""
    text = _line(code.co_filename, line, {})
    return Site(code.co_filename, line, short_name(code), cut(text.strip(), _CODE_WIDTH))


def source_line(frame: FrameType, number: int) -> str:
    """A line of the file that a frame's code comes from; "" where it cannot be had.

    Asks the `__loader__` of the frame's module where there is no such file.
    """
    return _line(frame.f_code.co_filename, number, frame.f_globals)


def source(frame: FrameType) -> str:
    """All of the file that a frame's code comes from, as `source_line` has its lines."""
    try:
        return "".join(linecache.getlines(frame.f_code.co_filename, frame.f_globals))
    except Exception:  # a loader may be the user's, and raise anything
        return ""


def definition_line(code: CodeType, frame: FrameType | None) -> int:
    """The line of a function's `def`: `code` begins with its first decorator."""
    first = code.co_firstlineno
    names = {} if frame is None else frame.f_globals
    if _line(code.co_filename, first, names).lstrip().startswith("@"):
        for number in range(first, first + _MOST_DECORATORS):
            if _line(code.co_filename, number, names).lstrip().startswith(_DEFINES):
                return number
    return first


def _line(file: str, number: int, names: dict[str, Any]) -> str:
    try:
        return linecache.getline(file, number, names)
    except Exception:  # a loader may be the user's, and raise anything
        return ""


def instruction_at(code: CodeType, lasti: int) -> int:
    """The offset of the instruction that `lasti` is in: a call may leave it at a cache entry."""
    while lasti > 0 and code.co_code[lasti] == _CACHE:
        lasti -= 2
    return lasti


def full_line(frame: FrameType, line: int | None = None) -> Site:
    """Where a frame stands, now or then, with its whole line: the same on every Python."""
    code, line = frame.f_code, line or _standing(frame)[1]
    return Site(code.co_filename, line, short_name(code), source_line(frame, line).strip())


def raised_at(traceback: TracebackType | None) -> Site | None:
    """The innermost line of a traceback that is not genlock's own."""
    found = None
    while traceback is not None:
        if not is_internal(traceback.tb_frame):
            found = line_of(traceback.tb_frame.f_code, traceback.tb_lineno)
        traceback = traceback.tb_next
    return found


def short_name(code: CodeType) -> str:
    """A function's qualified name, without the functions that it was defined in."""
    return code.co_qualname.rpartition("<locals>.")[2]


def yields(code: CodeType) -> tuple[Site, ...]:
    """The places at which a generator of this code can be suspended, in the order of lines."""
    from dis import get_instructions

    lines = set()
    line = code.co_firstlineno
    for instruction in get_instructions(code):
        if instruction.positions and instruction.positions.lineno:
            line = instruction.positions.lineno
        if instruction.opname.endswith("YIELD_VALUE"):
            lines.add(line)
    return tuple(line_of(code, line) for line in sorted(lines))


class ThreadNames(dict[int, str]):
    """The names of threads by identifier; of one that has none, its number."""

    def __missing__(self, ident: int) -> str:
        return f"thread {ident}"


def thread_name(ident: int) -> str:
    """The name of the thread, or its number if the threading module does not know it."""
    return thread_names()[ident]


def thread_names() -> ThreadNames:
    """The names of the threads that the threading module knows."""
    found = {}
    plain: dict[int, bool] = {}  # of most threads the class is the same one
    for thread in threading.enumerate():
        kind = type(thread)
        if id(kind) not in plain:
            plain[id(kind)] = _is_plain(kind)
        # Where nothing can go wrong, nothing is caught.
        if plain[id(kind)] and type(thread.name) is str:
            found[thread.ident or 0] = thread.name
            continue
        with suppress(Exception):  # a class of somebody's own may do as it likes
            found[thread.ident or 0] = str(thread.name)
    return ThreadNames({ident: name for ident, name in found.items() if name})


def _is_plain(kind: type[threading.Thread]) -> bool:
    """Whether asking such a thread for name and identifier runs no code but the library's."""
    return all(getattr_static(kind, name) is asked for name, asked in _PLAIN_THREAD.items())


def is_library(file: str) -> bool:
    """Whether a file of source is the standard library's."""
    return file.startswith((_LIBRARY, "<frozen ")) and _INSTALLED not in file


def is_foreign(file: str) -> bool:
    """Whether a file of source is the standard library's, or has been installed beside it."""
    return _INSTALLED in file or is_library(file)


def is_interruption(error: BaseException) -> bool:
    """Whether `error` came into a diagnosis from outside: out of a signal handler, say.

    That calls nothing but itself and the standard library, where what is the user's is not asked;
    Python's own handler of Ctrl-C leaves no frame.
    """
    if not issubclass(type(error), Exception):
        return True
    traceback = error.__traceback__
    while traceback is not None:
        if not _is_ours(traceback.tb_frame):
            return True
        traceback = traceback.tb_next
    return False


def is_delivered(error: BaseException) -> bool:
    """Whether what a call of the user's code ended with is none of that code's doing.

    So of Ctrl-C, of what a signal handler raised, and of what was set into the thread from outside
    while none of that code was running. While it was, that shows only between two calls.
    """
    traceback = error.__traceback__
    if issubclass(type(error), KeyboardInterrupt) or traceback is None:
        return True
    if traceback.tb_next is None and not issubclass(type(error), Exception):
        return True
    while not _is_handler(traceback.tb_frame):
        if traceback.tb_next is None:
            return traceback.tb_frame.f_code.co_code[traceback.tb_lasti] in _DELIVERS
        traceback = traceback.tb_next
    return True


def _is_handler(frame: FrameType) -> bool:
    """Whether a function was called as signal handlers are: with a number and its own caller."""
    code, values = frame.f_code, frame.f_locals
    given = [values.get(name) for name in code.co_varnames[: code.co_argcount]]
    if code.co_flags & CO_VARARGS:
        rest = code.co_varnames[code.co_argcount + code.co_kwonlyargcount]
        given += values.get(rest, ())
    return any(
        type(caller) is FrameType and caller is frame.f_back and isinstance(number, int)
        for number, caller in pairwise(given)
    )


def _is_ours(frame: FrameType) -> bool:
    """Whether it is genlock's, the library's, or what one of them has made of a text."""
    file = frame.f_code.co_filename
    if is_library(file) or file.startswith(_PACKAGE):
        return True
    name = frame.f_globals.get("__name__")
    return isinstance(name, str) and name.startswith(("genlock.", "namedtuple_"))


def _code_at(frame: FrameType, lasti: int, number: int) -> str:
    """The source of what a frame is executing; its whole line where positions are missing."""
    code = frame.f_code
    positions = next(islice(code.co_positions(), lasti // 2, None), None)
    line = source_line(frame, number)
    # A loop says more than what it runs over, a `with` more than the lock: all that is executed.
    if positions is not None and code.co_code[instruction_at(code, lasti)] not in _STATEMENTS:
        first, last, start, end = positions
        if first == number and start is not None and end is not None:
            encoded = line.encode()
            line = encoded[start : end if first == last else None].decode(errors="replace")
    return cut(line.strip(), _CODE_WIDTH)
