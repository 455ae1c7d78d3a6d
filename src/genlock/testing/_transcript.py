"""Transcripts: what went into a generator and what came out, as a text to compare or to keep."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, TypeVar

from genlock.testing import _arguments
from genlock.testing._addresses import without_addresses

_Y = TypeVar("_Y")
_S = TypeVar("_S")


class Transcript(Iterator[Any]):
    """A generator that is written down; made by `transcript`. `str()` of it is the text.

    Takes next, send, throw and close, passes them on, and returns or raises what comes of them.
    As thread-safe as what it passes them on to; calls are written down in the order they end.
    """

    def __init__(self, gen: Any) -> None:
        self._gen = gen
        self.lines: list[str] = []

    def __str__(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)

    def __next__(self) -> Any:
        """Implement next(self)."""
        return self._passed_on("next()", self._gen.__next__)

    def send(self, value: Any, /) -> Any:
        """Resume the generator with `value`."""
        return self._passed_on(f"send({_shown(value)})", self._gen.send, value)

    def throw(self, *exception: Any) -> Any:
        """Raise an exception inside the generator."""
        shown = ", ".join(map(_shown, exception))
        return self._passed_on(f"throw({shown})", self._gen.throw, *exception)

    def close(self) -> Any:
        """Close the generator."""
        return self._passed_on("close()", self._gen.close, word="returned")

    def _passed_on(
        self, said: str, call: Callable[..., Any], *args: Any, word: str = "yielded"
    ) -> Any:
        try:
            result = call(*args)
        except StopIteration as stop:
            self.lines.append(f"{said}: returned {_shown(stop.value)}")
            raise
        except BaseException as error:
            self.lines.append(f"{said}: raised {_shown(error)}")
            raise
        self.lines.append(f"{said}: {word} {_shown(result)}")
        return result


def transcript(gen: Iterator[Any]) -> Transcript:
    """Write down what is sent to a generator, or thrown into it, and what it yields and returns.

    Use what is returned in the place of `gen`, which may be a generator, a guard, or any iterator.
    Its text has a line for each call, such as `send(3): yielded 7`, and is the same in each run as
    far as the `repr` of the values is; addresses in it are left out.

    Args:
        gen: what to write down: it, not the function that makes it.

    Returns:
        What takes its calls, and is as thread-safe as it is.

    Raises:
        TypeError: `gen` is no iterator.
    """
    _arguments.check_method("gen", gen, "__next__", "a generator, a guard or another iterator")
    return Transcript(gen)


def drive(gen: Generator[_Y, _S, Any], values: Iterable[_S]) -> list[_Y]:
    """Send values to a coroutine, and return what it yields for each.

    Starts it first if it has not been started; what it yields then is left out.

    Args:
        gen: a generator, or a guard of one.
        values: what to send, one after the other.

    Returns:
        What it yielded for each value; for fewer of them, if it returned before the last one.

    Raises:
        TypeError: nothing can be sent to `gen`, or `values` is nothing to loop over.

    And what the generator raises. As thread-safe as `gen` is; other threads' calls may come in
    between.
    """
    _arguments.check_method("gen", gen, "send", "a generator or a guard of one")
    _arguments.check_iterable("values", values)
    yields: list[_Y] = []
    try:
        if getattr(gen, "gi_frame", None) and inspect.getgeneratorstate(gen) == "GEN_CREATED":
            next(gen)
        for value in values:
            yields.append(gen.send(value))  # noqa: PERF401  # those before the end count
    except StopIteration:
        pass
    return yields


def _shown(value: object) -> str:
    return without_addresses(repr(value))
