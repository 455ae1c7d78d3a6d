"""An exception in words: what happened, by what can be seen of it and what it carries."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, cast, get_args

from genlock import _wording
from genlock._errors import GenlockError
from genlock._explaining import _findings_wording, _sighting_wording
from genlock._explaining._protocol import recognise
from genlock._explaining._remote import remote_finding
from genlock._explaining._sighting import Known, sight
from genlock._interpreter import _frames
from genlock._interpreter._chains import hanging_together
from genlock._records import Diagnosis, Operation, Strand

if TYPE_CHECKING:
    from genlock._explaining._findings import Finding
    from genlock._records import Candidate, Sighting

_NOTHING = Known()


@dataclass(frozen=True, slots=True)
class Explanation:
    """What `explain` found out about an exception; `str()` gives it in words.

    It holds text and plain data only, and is true where there was something to explain. `code` is
    GL001 to GL019, or "" for an error that is not about a generator; `error` is the last line of
    its traceback, `found_in` of the exception it was found within. `sighting` is what could be
    seen, of errors of the interpreter's only; `not_known` says what that leaves open.
    """

    code: str
    error: str
    text: str
    found_in: str = ""
    diagnosis: Diagnosis | None = None
    sighting: Sighting | None = None
    not_known: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text

    def __bool__(self) -> bool:
        return bool(self.code)

    def to_json(self) -> str:
        """The explanation as a JSON object with the names of its fields."""
        import json

        return json.dumps(asdict(self))


def explain(exception: BaseException, *, sighting: Sighting | None = None) -> Explanation:
    """Say in words what an error about a generator means, and what to do.

    Explains the interpreter's own errors (GL011 to GL019 in the README) and genlock's. Where the
    exception is neither, the first such error is taken that is its cause, its context, or part of
    it as an exception group. What is read afterwards is not all: who was inside when the error was
    raised is known only of genlock's own errors, of calls that came back to themselves, and with a
    sighting of that moment; the explanation says what it could not know.

    Args:
        exception: any exception, raised or not.
        sighting: what was seen while the error was being raised, where there is one.

    Returns:
        The explanation. For an exception that has nothing to do with generators it is false and
        says so.

    Raises:
        TypeError: it is no exception. Nothing else: what cannot be found out is left out.

    Runs none of the user's code but the
    `__str__` of exceptions, and the `get_source` of a module's own `__loader__` where its source is
    in no file. Safe in any thread; takes about a millisecond. Before Python 3.13 the variables of
    the frames that are looked at are copied: what they hold lives as long as those frames do, even
    where they delete the variable.
    """
    if not issubclass(type(exception), BaseException):
        raise TypeError(_wording.not_explainable(exception))
    return explain_in_thread(exception, sighting=sighting)


def explain_in_thread(
    exception: BaseException,
    known: Known = _NOTHING,
    *,
    sighting: Sighting | None = None,
    under_run: bool = False,
) -> Explanation:
    """`explain` where something is known of the error from elsewhere.

    `under_run` tells that it is `genlock run` which explains, to a user who need not be told of it.
    """
    errors = [
        each
        for each in hanging_together(exception, not_beyond=(GenlockError,))
        if issubclass(type(each), GenlockError) or recognise(each) is not None
    ]
    if not errors:
        words = _wording.in_words(exception)
        return Explanation("", words, _wording.not_of_the_protocol(words))
    error, *more = errors
    found_in = "" if error is exception else _wording.in_words(exception)
    if isinstance(error, GenlockError):
        return _of_own(error, found_in, len(more))
    if known.within is None:
        known = known._replace(within=exception)
    about_it = _wording.about_explanation(_code(error), found_in, len(more))
    try:
        finding = remote_finding(error)
        if finding is not None:
            return _of_another_process(finding, found_in, about_it)
        sighting = sighting or sight(error, known=known)
        if sighting is not None:
            return _of_interpreters(error, sighting, found_in, about_it, under_run=under_run)
    except Exception as failure:  # a failure of ours must leave what is known of the error
        if _frames.is_interruption(failure):
            raise
    words = _wording.in_words(error)
    return Explanation(_code(error), words, "\n".join([words, *about_it]), found_in)


def _code(error: BaseException) -> str:
    fault = recognise(error)
    return "" if fault is None else fault.code


def _of_another_process(finding: Finding, found_in: str, about_it: list[str]) -> Explanation:
    """Of an error that has brought its traceback along as text."""
    headline, *lines = _findings_wording.told_of_another_process(finding)
    not_known = _findings_wording.not_known_of_another_process(finding)
    gaps = [f"  Not known: {gap}" for gap in not_known]
    text = [f"[{finding.code}] {headline}", *lines, *gaps, *about_it]
    return Explanation(finding.code, finding.error, "\n".join(text), found_in, not_known=not_known)


def _of_own(error: GenlockError, found_in: str, more: int) -> Explanation:
    try:
        text = str(error)
    except Exception:  # a subclass of the user's may say what it likes
        text = _wording.in_words(error)
    lines = [text, *_wording.about_explanation(error.code, found_in, more)]
    diagnosis = getattr(error, "diagnosis", None)
    return Explanation(error.code, _wording.in_words(error), "\n".join(lines), found_in, diagnosis)


def _of_interpreters(
    error: BaseException,
    sighting: Sighting,
    found_in: str,
    about_it: list[str],
    *,
    under_run: bool,
) -> Explanation:
    not_known = _sighting_wording.not_known(sighting, under_run=under_run)
    lines = [
        *_sighting_wording.told(sighting, under_run=under_run),
        *(f"  Not known: {gap}" for gap in not_known),
        *_notes(error),
        *about_it,
    ]
    return Explanation(
        sighting.code,
        sighting.error,
        f"[{sighting.code}] " + "\n".join(lines),
        found_in,
        _diagnosis(sighting),
        sighting,
        tuple(not_known),
    )


def _diagnosis(sighting: Sighting) -> Diagnosis | None:
    """The sighting in the terms of genlock's own errors, where it tells of one generator."""
    if not sighting.is_named or not sighting.candidates:
        return None
    only = sighting.candidates[0]
    name = sighting.operation.removeprefix("a")  # asend, athrow, aclose
    operation = cast("Operation", name) if name in get_args(Operation) else "next"
    strands = tuple(_strands(sighting, only))
    return Diagnosis(sighting.code, only.name, operation, None, strands, yields=only.yields)


def _strands(sighting: Sighting, only: Candidate) -> list[Strand]:
    inside = [] if only.inside is None else [only.inside]
    if only.state == "re-entered" or sighting.call is None:
        return inside
    origin = [] if sighting.origin is None else [sighting.origin]
    return [Strand(sighting.thread, (sighting.call,)), *inside, *origin]


def _notes(error: BaseException) -> list[str]:
    """What a guard noted on the error that this one is about, of what had ended its generator."""
    notes = getattr(error.__cause__, "__notes__", ())
    return [f"  {note}" for note in notes if isinstance(note, str) and note.startswith("genlock: ")]
