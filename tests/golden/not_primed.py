"""A value sent before the first yield."""

from collections.abc import Generator

import genlock


@genlock.guarded
def echo() -> Generator[None, str, None]:
    while True:
        print("Echo:", (yield))


echo_ = echo()
try:
    echo_.send("First")
except TypeError as error:
    print(f"{type(error).__name__}: {error}")
next(echo_)
echo_.send("Second")
