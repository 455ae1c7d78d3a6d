"""The exceptions of genlock: each carries a record of what happened and words it."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any, ClassVar

from genlock import _wording
from genlock._text import encodable

if TYPE_CHECKING:
    from genlock._records import Diagnosis


def _for_a_log(message: str) -> str:
    """The message, as far as a log file can take it that is opened without a word on its encoding.

    The record would be lost there otherwise, whatever else is in it.
    """
    return encodable(message, _encoding_of_files())


@functools.cache
def _encoding_of_files() -> str:
    if sys.flags.utf8_mode:
        return "utf-8"
    from locale import getencoding  # which few programs need before there is an error

    return getencoding()


class GenlockError(Exception):
    """Base of every error that genlock raises about a call to a guard.

    Its `diagnosis` is plain data: it keeps no frame and no generator alive (the traceback does, as
    that of any error), and can be pickled. The text is that of `str()`; `args` are those of the
    interpreter's own error, where there is one.
    """

    __module__ = "genlock"
    code: ClassVar[str] = ""
    diagnosis: Diagnosis

    _interpreters_own: ClassVar[str] = ""
    """What the interpreter says about the same; `args` hold it, for code that looks there."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        self._message = _for_a_log(_wording.message(diagnosis))
        super().__init__(self._interpreters_own or self._message)
        self.diagnosis = diagnosis

    def __str__(self) -> str:
        return self._message

    def __repr__(self) -> str:
        # The first line: logs that show the repr are to say what failed, too.
        return f"{type(self).__name__}({self._message.partition(chr(10))[0]!r})"

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.diagnosis,), self.__dict__


class GeneratorBusyError(GenlockError, ValueError):
    """The generator is executing already (GL000): base of the errors that say so.

    A ValueError, as the interpreter's own "generator already executing" is, so that an existing
    `except ValueError` keeps working; its `args` are those of that one.
    """

    __module__ = "genlock"
    code = "GL000"
    _interpreters_own = "generator already executing"


class ReentrantCallError(GeneratorBusyError):
    """The call came back to its own generator within one thread (GL001). Never waited for."""

    __module__ = "genlock"
    code = "GL001"


class ContendedCallError(GeneratorBusyError):
    """Another thread is inside, and the policy says "raise" (GL002)."""

    __module__ = "genlock"
    code = "GL002"


class DeadlockError(GeneratorBusyError):
    """Waiting would never end: this wait closed a cycle of waits (GL003).

    Raised in one thread of the cycle only, so that the others can go on.
    """

    __module__ = "genlock"
    code = "GL003"


class GuardTimeoutError(GeneratorBusyError, TimeoutError):
    """Another thread stayed inside for as long as `timeout` allows to wait (GL004)."""

    __module__ = "genlock"
    code = "GL004"


class AbandonedGeneratorError(GeneratorBusyError):
    """Whoever is inside can never come back (GL005), so nobody will ever get in.

    A greenlet that is switched out in this thread, a thread that was lost in a fork, or one that
    has ended without leaving exclusive use.
    """

    __module__ = "genlock"
    code = "GL005"


class NotPrimedError(GenlockError, TypeError):
    """A value was sent to a coroutine that has not started (GL006).

    A TypeError, as the interpreter's own "can't send non-None value to a just-started
    generator" is, with its `args`.
    """

    __module__ = "genlock"
    code = "GL006"
    _interpreters_own = "can't send non-None value to a just-started generator"


class UndeliveredValuesError(GenlockError):
    """A generator ended with deferred values still to be delivered (GL007).

    `values` holds them, first come first: what was sent, and the exceptions that were thrown. It
    can be pickled if they can.
    """

    __module__ = "genlock"
    code = "GL007"
    values: tuple[Any, ...]

    def __init__(self, diagnosis: Diagnosis, values: tuple[Any, ...] = ()) -> None:
        super().__init__(diagnosis)
        self.values = values
