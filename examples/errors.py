"""Every error of genlock, brought about on purpose, caught, and read.

The message is for people. Programs read the diagnosis: strands of calls, one for each thread, made
of steps, each at a site.
"""

from collections.abc import Callable, Generator
from threading import Event, Thread

import genlock
from genlock import Diagnosis, GuardedGenerator, GuardedIterator, Policy, Site, Step, Strand

IMPATIENT = Policy(timeout=0.05)
REFUSING = Policy(on_busy="raise")


def patient_body(begun: Event, finish: Event) -> Generator[None, object, None]:
    """Take a value, and work on it until ``finish``."""
    while True:
        yield
        begun.set()
        finish.wait()


def while_another_thread_is_inside(policy: Policy) -> None:
    """Send to a coroutine that is at work on the value of another thread."""
    begun, finish = Event(), Event()
    cor: GuardedGenerator[None, object, None]
    cor = genlock.guard(patient_body(begun, finish), policy=policy, prime=True, name="patient")

    def feed() -> None:
        cor.send("first")

    other = Thread(target=feed, name="other")
    other.start()
    begun.wait()
    try:
        cor.send("second")
    finally:
        finish.set()
        other.join()


def contended() -> None:
    while_another_thread_is_inside(REFUSING)


def late() -> None:
    while_another_thread_is_inside(IMPATIENT)


def reentrant() -> None:
    @genlock.coroutine
    def parrot() -> Generator[None, str, None]:
        while True:
            word = yield
            itself.send(word)

    itself = parrot()
    itself.send("pretty")


def not_primed() -> None:
    @genlock.guarded
    def echo() -> Generator[None, str, None]:
        print((yield))

    echo().send("too early")


def undelivered() -> None:
    @genlock.coroutine(on_reentry="defer")
    def short_lived() -> Generator[None, str, None]:
        word = yield
        itself.send(f"{word} again")

    itself = short_lived()
    itself.send("once")


def deadlocked() -> None:
    """Two coroutines, each driven by its own thread, each of which needs the other."""
    both_inside = [Event(), Event()]
    seen: list[genlock.DeadlockError] = []

    @genlock.coroutine
    def needs_the_other(number: int) -> Generator[None, str, None]:
        while True:
            if (yield) == "please":
                continue
            both_inside[number].set()
            both_inside[1 - number].wait()
            try:
                guards[1 - number].send("please")
            except genlock.DeadlockError as error:
                seen.append(error)

    def start(number: int) -> None:
        guards[number].send("go")

    guards = [needs_the_other(number) for number in range(2)]
    threads = [Thread(target=start, args=(number,), name=f"{number}") for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    raise seen[0]  # in one of the two, whichever came second; the other one goes on


def abandoned() -> None:
    """A thread ends amid exclusive use: no other one can end that for it."""
    cor = genlock.guard(iter(range(10)), name="numbers")
    kept = genlock.exclusive(cor)

    def begin_and_leave_it_at_that() -> None:
        kept.__enter__()

    other = Thread(target=begin_and_leave_it_at_that, name="other")
    other.start()
    other.join()
    next(cor)


def told(diagnosis: Diagnosis) -> str:
    """The call of each thread that led there, as a program would read it."""

    def begins(strand: Strand) -> str:
        first: Step = strand.steps[0]
        site: Site = first.site
        return f"{strand.thread}: {site.code}"

    return "; ".join(sorted(map(begins, diagnosis.strands)))


PROVOCATIONS: list[tuple[type[genlock.GenlockError], Callable[[], None]]] = [
    (genlock.ReentrantCallError, reentrant),
    (genlock.ContendedCallError, contended),
    (genlock.DeadlockError, deadlocked),
    (genlock.GuardTimeoutError, late),
    (genlock.AbandonedGeneratorError, abandoned),
    (genlock.NotPrimedError, not_primed),
    (genlock.UndeliveredValuesError, undelivered),
]


def main() -> None:
    """Provoke them all; the first five are GeneratorBusyErrors, and so ValueErrors."""
    each: GuardedIterator[tuple[type[genlock.GenlockError], Callable[[], None]]]
    each = genlock.guard(iter(PROVOCATIONS))
    for kind, provoke in each:
        try:
            provoke()
        except genlock.UndeliveredValuesError as error:
            print(error.code, kind.__name__, "| still to be delivered:", error.values)
        except kind as error:
            is_busy = isinstance(error, genlock.GeneratorBusyError)
            base = "a ValueError" if is_busy else "another error"
            print(error.code, kind.__name__, f"({base})", "|", told(error.diagnosis))


if __name__ == "__main__":
    main()
