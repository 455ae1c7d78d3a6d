"""A source pushes values through a filter into a printer; then four sources share them.

All four send to the same filter, so it is the filter that needs a guard. The printer has one
too: a stage that may be shared one day costs little to guard today.
"""

from collections.abc import Generator
from threading import Thread

import genlock


def source(start: int, target: Generator[None, int, None]) -> None:
    """Send ``start``, its double, and so on while below 100."""
    value = start
    while value < 100:
        target.send(value)
        value *= 2


def below(limit: int, target: Generator[None, int, None]) -> Generator[None, int, None]:
    """Pass on the values below ``limit``; end the target when it ends."""
    try:
        while True:
            value = yield
            if value < limit:
                target.send(value)
    finally:
        target.close()


def printer() -> Generator[None, int, None]:
    """Print each value."""
    try:
        while True:
            value = yield
            print(value)
    finally:
        print("No more values")


def one_source() -> None:
    """The values arrive in the order they were sent."""
    small = genlock.coroutine(below)(50, genlock.coroutine(printer)())
    source(1, small)
    small.close()


def four_sources() -> None:
    """The values of the four arrive mixed, and each arrives once."""
    small = genlock.coroutine(below)(50, genlock.coroutine(printer)())
    # No doubled odd number equals another one, so a value that came twice would show.
    threads = [Thread(target=source, args=(start, small)) for start in (1, 3, 5, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    small.close()


def main() -> None:
    """Show both."""
    print("One source:")
    one_source()
    print("Four sources at once:")
    four_sources()


if __name__ == "__main__":
    main()
