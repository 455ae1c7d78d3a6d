"""What cannot be guarded, and what cannot be asked for."""

# mypy: ignore-errors

import genlock


def numbers():
    yield 1


async def ticks():
    yield 1


async def tick():
    return 1


def refused(make):
    try:
        make()
    except (TypeError, ValueError, RuntimeError) as error:
        print(f"{type(error).__name__}: {error}")


coroutine = tick()
coroutine.close()

refused(lambda: genlock.guard(numbers))
refused(lambda: genlock.guard([1, 2, 3]))
refused(lambda: genlock.guard(42))
refused(lambda: genlock.guarded(42))
refused(lambda: genlock.guarded(ticks))
refused(lambda: genlock.guarded(tick))
refused(lambda: genlock.guard(numbers(), timeout=-1))
refused(lambda: genlock.guard(numbers(), timeout=float("nan")))
refused(lambda: genlock.guard(numbers(), timeout="2"))
refused(lambda: genlock.guard(numbers(), warn_after=True))
refused(lambda: genlock.guard(numbers(), on_busy="block"))
refused(lambda: genlock.guard(numbers(), timout=2))
refused(lambda: genlock.guard(numbers(), policy="wait"))
refused(lambda: genlock.guard(genlock.guard(numbers()), timeout=2))
refused(lambda: genlock.coroutine(lambda: iter(()))())
refused(lambda: genlock.guard(iter(()), prime=True))
refused(lambda: genlock.GuardedGenerator())
refused(lambda: genlock.guarded(lambda: 42)())
