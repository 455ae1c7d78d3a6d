"""What a send to an ended coroutine says, by what ended it."""

from collections.abc import Generator

import genlock


@genlock.coroutine
def mean() -> Generator[float | None, float, None]:
    count, total, average = 0, 0.0, None
    while True:
        total += yield average
        count += 1
        average = total / (count - 3)


def share(value: float) -> None:
    try:
        mean_.send(value)
    except ZeroDivisionError:
        print("the third value was too much")
    except StopIteration as error:
        print(*error.__notes__)


mean_ = mean()
for value in (10, 20, 30, 40):
    share(value)

mean_ = mean()
mean_.close()
share(10)


@genlock.coroutine
def one() -> Generator[None, float, str]:
    yield
    return "the end"


mean_ = one()  # type: ignore[assignment]
try:
    mean_.send(1)
except StopIteration as error:
    print(error.value, getattr(error, "__notes__", "and nothing to add"))
share(2)
print(next(mean_, "next() gets no note"))
