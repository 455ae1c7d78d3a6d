"""First steps: coroutines that print what they are sent, and how they start and stop.

Every body is a plain generator function. A guard goes around the generator it makes
(``genlock.guard``), or around every generator it will make (``@genlock.coroutine``).
"""

from collections.abc import Generator

import genlock


def echo() -> Generator[None, str, None]:
    """Print each value."""
    while True:
        value = yield
        print(f"Echo: {value}")


def grep(pattern: str) -> Generator[None, str, None]:
    """Print the lines that hold ``pattern``; say so when it is over."""
    print(f"Looking for {pattern}")
    try:
        while True:
            line = yield
            if pattern in line:
                print(line)
    except GeneratorExit:
        print(f"No longer looking for {pattern}")


def bare_bones() -> Generator[None, object, None]:
    """Print each value; ``finally`` is where a coroutine cleans up, however it ends."""
    try:
        while True:
            value = yield
            print(value)
    finally:
        print("Farewell")


def lines_with(needle: str) -> Generator[None, str, None]:
    """Print the lines that hold ``needle``: a filter made by its argument."""
    while True:
        line = yield
        if needle in line:
            print(line)


@genlock.coroutine
def shout() -> Generator[None, str, None]:
    """Print each value in capitals; calling ``shout()`` also runs it to its first ``yield``."""
    while True:
        value = yield
        print(value.upper())


def prime_before_sending() -> None:
    """A coroutine takes values only at a ``yield``, so it has to be run to the first one."""
    speaker = genlock.guard(echo())
    try:
        speaker.send("Too early")
    except TypeError as error:
        print(f"{type(error).__name__}: {error}")
    next(speaker)
    speaker.send("First")
    speaker.send("Second")


def notice_the_end() -> None:
    """``close`` raises GeneratorExit at the ``yield`` where the coroutine is suspended."""
    search = genlock.guard(grep("coroutine"))
    next(search)
    search.send("a function returns once")
    search.send("a coroutine is sent its values")
    search.send("a class keeps its state in attributes")
    search.close()


def clean_up() -> None:
    """``finally`` runs once, and a second ``close`` changes nothing."""
    listener = genlock.guard(bare_bones())
    next(listener)
    listener.send("one value")
    listener.send("another value")
    listener.close()
    listener.close()


def filter_by_argument() -> None:
    """The argument of the generator function is the coroutine's own for as long as it lives."""
    search = genlock.guard(lines_with("33"))
    next(search)
    for line in ("chapter 12", "chapter 33", "chapter 41"):
        search.send(line)


def send_after_close() -> None:
    """Nobody is left to take the value: StopIteration, as from a bare generator."""
    speaker = genlock.guard(echo())
    next(speaker)
    speaker.close()
    try:
        speaker.send("Anybody there?")
    except StopIteration:
        print("StopIteration: the coroutine has ended")


def start_primed() -> None:
    """``@genlock.coroutine`` replaces the decorator that tutorials write to save the ``next``."""
    speaker = shout()
    speaker.send("ready at once")
    speaker.close()


def main() -> None:
    """Show each in turn."""
    prime_before_sending()
    notice_the_end()
    clean_up()
    filter_by_argument()
    send_after_close()
    start_primed()


if __name__ == "__main__":
    main()
