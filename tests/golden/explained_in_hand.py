"""Errors that hang together with one about a generator, and one that does not."""

from collections.abc import Generator

import genlock


@genlock.guarded
def echo() -> Generator[None, str, None]:
    while True:
        print("Echo:", (yield))


def bare() -> Generator[None, str, None]:
    yield


def fail_early() -> None:
    echo_ = echo()
    echo_.send("First")


def fail_bare() -> None:
    bare_ = bare()
    bare_.send("First")


try:
    try:
        fail_early()
    except TypeError as error:
        raise KeyError("job 7") from error
except KeyError as error:
    print(genlock.explain(error))
try:
    try:
        fail_bare()
    finally:
        print(1 / 0)
except ZeroDivisionError as error:
    print(genlock.explain(error))

errors = []
for fail in fail_bare, fail_early:
    try:
        fail()
    except TypeError as error:
        errors.append(error)
print(genlock.explain(ExceptionGroup("both", errors)))
print(genlock.explain(KeyError("job 8")))
