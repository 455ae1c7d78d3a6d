"""Four threads drain a generator whose lines are measured: `covered.py CORE bare|guarded`."""

import os
import sys
import threading
from collections.abc import Iterator

CORE, WHAT = sys.argv[1:]
STOP = 50_000
os.environ["COVERAGE_CORE"] = CORE

import coverage  # noqa: E402  # reads the environment


def numbers() -> Iterator[int]:
    number = 0
    while number < STOP:
        yield number
        number += 1


measured = coverage.Coverage(data_file=None, config_file=False, include=[__file__])
measured.start()
shared = numbers()
if WHAT == "guarded":
    import genlock

    shared = genlock.guard(shared)
got: list[int] = []


def drain() -> None:
    own = []
    while True:
        try:
            own.append(next(shared))
        except StopIteration:
            break
        except ValueError:  # the bare generator, where it does not crash
            continue
    got.extend(own)


sys.setswitchinterval(1e-6)
threads = [threading.Thread(target=drain) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
measured.stop()
lines = measured.get_data().lines(__file__) or []
assert numbers.__code__.co_firstlineno + 3 in lines, "the yield was not measured"
assert sorted(got) == list(range(STOP)), len(got)
print("each number once")
