"""Every code with its page: what it means, how it comes about, what to do, in a few lines of code.

GL000 to GL007 are errors of genlock, GL011 to GL019 the interpreter's own, of which each code
stands for one mistake: some have several texts, for generators, coroutines and async generators.
"""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass

_WIDTH = 88


@dataclass(frozen=True, slots=True)
class Page:
    """What there is to say about one code.

    `errors` are the last lines of its tracebacks, `wrong` is code that gets the error, `right` the
    same without.
    """

    code: str
    errors: tuple[str, ...]
    means: str
    happens: tuple[str, ...]
    todo: tuple[str, ...]
    wrong: str = ""
    right: str = ""

    def as_dict(self) -> dict[str, object]:
        """The page as plain data."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [
            f"{self.code}  {error}" if error is self.errors[0] else f"       {error}"
            for error in self.errors
        ]
        lines += ["", *textwrap.wrap(" ".join(self.means.split()), _WIDTH)]
        lines += ["", "How it happens", *_items(self.happens)]
        lines += ["", "What to do", *_items(self.todo)]
        for title, code in (("It fails:", self.wrong), ("It works:", self.right)):
            if code:
                lines += ["", title, "", textwrap.indent(code.strip("\n"), "    ")]
        return "\n".join(lines)


def _items(items: tuple[str, ...]) -> list[str]:
    return [
        line
        for item in items
        for line in textwrap.wrap(
            " ".join(item.split()), _WIDTH, initial_indent="  - ", subsequent_indent="    "
        )
    ]


_PAGES = (
    Page(
        "GL000",
        ("genlock.GeneratorBusyError",),
        """A generator is executing already, so that it cannot take this call. It is a ValueError,
        as the interpreter's own "generator already executing" is, and the base of GL001 to GL005,
        one of which is what is raised.""",
        ("It is never raised itself.",),
        (
            "Catch it where any of the five will do; an `except ValueError` catches it as well.",
            "Read on about the one that you got: genlock explain GL001",
        ),
        right="""
import genlock

@genlock.coroutine(on_busy="raise", timeout=0.5)
def sink():
    while True:
        print((yield))

try:
    sink().send("value")
except genlock.GeneratorBusyError as error:
    print(error.code, "is what it was")
""",
    ),
    Page(
        "GL001",
        ("genlock.ReentrantCallError",),
        """A call came back, in its own thread, to the generator that is running it. Waiting would
        never end: the generator could only take the call once the call had returned.""",
        (
            "Two coroutines send to each other, so that the second sends to the first while that"
            " still waits for it.",
            "A signal handler, a finaliser or a callback uses the generator that it interrupted.",
            "A generator draws from itself, through some other function.",
        ),
        (
            'Break the cycle at the line that the message marks with "this call".',
            'Or let what comes back wait for the next yield: on_reentry="defer"; send() then'
            " returns genlock.DEFERRED at once.",
            'For close(): on_close="defer".',
        ),
        wrong="""
import genlock

@genlock.coroutine
def countdown():
    while True:
        count = yield
        if count:
            cor.send(count - 1)        # it is still running

cor = countdown()
cor.send(3)
""",
        right="""
import genlock

@genlock.coroutine(on_reentry="defer")
def countdown():
    while True:
        count = yield
        if count:
            cor.send(count - 1)        # delivered at the next yield

cor = countdown()
cor.send(3)
""",
    ),
    Page(
        "GL002",
        ("genlock.ContendedCallError",),
        """Another thread is inside of the generator, and the policy of the guard says not to wait
        for it.""",
        ('The guard has on_busy="raise", or for close() on_close="raise".',),
        (
            "Catch it and come again later, if that is what the policy is for.",
            'Otherwise wait: on_busy="wait" is the default, timeout= says how long.',
        ),
        wrong="""
import threading
import genlock

inside, leave = threading.Event(), threading.Event()

@genlock.coroutine(on_busy="raise")
def sink():
    while True:
        yield
        inside.set()
        leave.wait()

cor = sink()
threading.Thread(target=cor.send, args=["first"]).start()
inside.wait()
try:
    cor.send("second")                 # the other thread is inside
finally:
    leave.set()
""",
        right="""
import threading
import genlock

@genlock.coroutine(timeout=2.0)        # waits for its turn
def sink():
    while True:
        yield

cor = sink()
threading.Thread(target=cor.send, args=["first"]).start()
cor.send("second")
""",
    ),
    Page(
        "GL003",
        ("genlock.DeadlockError",),
        """Threads wait for each other in a circle: each is inside of one guard and wants another
        one's. Only the call that closed the circle fails, so that the others can go on.""",
        (
            "One thread sends to A, which sends to B; another sends to B, which sends to A.",
            "Blocks of genlock.exclusive() are nested in different orders.",
        ),
        (
            "Go through the guards in the same order everywhere.",
            "Or drive all of them from one thread, and hand it the values by a queue.",
            "A coroutine that does not catch the error is ended by it; catch it where the call can"
            " be made again.",
        ),
        wrong="""
import threading
import genlock

both = threading.Barrier(2)

@genlock.coroutine
def debit():
    while True:
        if (yield):
            both.wait()
            credit_.send(0)            # debit, then credit

@genlock.coroutine
def credit():
    while True:
        if (yield):
            both.wait()
            debit_.send(0)             # credit, then debit

debit_, credit_ = debit(), credit()
thread = threading.Thread(target=debit_.send, args=[1])
thread.start()
try:
    credit_.send(1)
finally:
    thread.join()
""",
        right="""
import threading
import genlock

@genlock.coroutine
def debit():
    while True:
        if (yield):
            credit_.send(0)            # debit, then credit, in either thread

@genlock.coroutine
def credit():
    while True:
        yield

debit_, credit_ = debit(), credit()
thread = threading.Thread(target=debit_.send, args=[1])
thread.start()
debit_.send(1)
thread.join()
""",
    ),
    Page(
        "GL004",
        ("genlock.GuardTimeoutError",),
        """Another thread was inside for as long as the guard's timeout allows to wait. It is a
        TimeoutError as well.""",
        (
            "The body takes longer than the timeout: it blocks on a lock, a socket, a queue.",
            "timeout=0 was given, which tries once.",
        ),
        (
            "Look at where the message says that the holder stands.",
            "Raise timeout=, or leave it out, if the holder may take that long.",
        ),
        wrong="""
import threading
import genlock

inside, leave = threading.Event(), threading.Event()

@genlock.coroutine(timeout=0.05)
def sink():
    while True:
        yield
        inside.set()
        leave.wait()                   # for longer than 0.05 s

cor = sink()
threading.Thread(target=cor.send, args=["first"]).start()
inside.wait()
try:
    cor.send("second")
finally:
    leave.set()
""",
        right="""
import queue
import threading
import genlock

work = queue.SimpleQueue()

@genlock.coroutine(timeout=0.5)
def sink():
    while True:
        work.put((yield))              # what takes long is done elsewhere

cor = sink()
threading.Thread(target=cor.send, args=["first"]).start()
cor.send("second")
""",
    ),
    Page(
        "GL005",
        ("genlock.AbandonedGeneratorError",),
        """The generator is being run, but by nobody who could ever come back: it will stay busy
        for ever.""",
        (
            "The process was forked while another thread was inside; that thread does not exist in"
            " the child.",
            "A greenlet was switched out inside, and nothing switches it in again.",
            "A thread ended inside of genlock.exclusive().",
        ),
        (
            "Make the generator after the fork, in the process that uses it.",
            "Make one for each greenlet, or patch the threading module by gevent.monkey before"
            " genlock is imported.",
            "Use exclusive() in a with statement.",
        ),
        right="""
import os
import genlock

@genlock.coroutine
def sink():
    while True:
        yield

cor = sink()

def make_anew():
    global cor
    cor = sink()

os.register_at_fork(after_in_child=make_anew)
""",
    ),
    Page(
        "GL006",
        ("genlock.NotPrimedError",),
        """A value was sent to a coroutine that has not started. It takes values at a yield, and
        has not reached one. The interpreter's own error about it is GL012.""",
        (
            "next() was not called on it, or @genlock.guarded stands where"
            " @genlock.coroutine should.",
        ),
        (
            "Decorate its function by @genlock.coroutine, which runs it to the first yield.",
            "Or call next() on it once, where it is made.",
        ),
        wrong="""
import genlock

@genlock.guarded
def echo():
    while True:
        print("Echo:", (yield))

echo().send("first")
""",
        right="""
import genlock

@genlock.coroutine
def echo():
    while True:
        print("Echo:", (yield))

echo().send("first")
""",
    ),
    Page(
        "GL007",
        ("genlock.UndeliveredValuesError",),
        """A generator ended while values that had been deferred (on_reentry="defer") were still
        to be delivered to it.""",
        ("Its body returned, or broke out of its loop, before it had taken all of them.",),
        (
            "The values are in the error's `values`, first come first: deal with them, or make a"
            " new coroutine and send them to that.",
            "Do not return from a body that has been sent values meanwhile.",
        ),
        wrong="""
import genlock

@genlock.coroutine(on_reentry="defer")
def once():
    yield
    cor.send("for later")
    return                             # nobody is left to take it

cor = once()
cor.send("now")
""",
        right="""
import genlock

@genlock.coroutine(on_reentry="defer")
def twice():
    yield
    cor.send("for later")
    yield
    while True:
        yield

cor = twice()
cor.send("now")
""",
    ),
    Page(
        "GL011",
        ("ValueError: generator already executing",),
        """A generator was called while it was running. It has one frame, which can be run once at
        a time.""",
        (
            "Two threads share it, and the second came while the first was inside.",
            "It was called, through others, by its own body: two coroutines send to each other, a"
            " signal handler or a finaliser uses what it interrupted.",
            "It is the inner one of a `yield from`: every thread has a generator of its own, but"
            " these share another one.",
            "close() was called while another thread was inside.",
        ),
        (
            "Guard it where it is made: @genlock.guarded or @genlock.coroutine above its function,"
            " genlock.guard(…) around what other code makes. Threads then take turns.",
            'For calls that come back: on_reentry="defer", or break the cycle.',
            "To see who is inside: genlock run SCRIPT",
        ),
        wrong="""
def countdown():
    while True:
        count = yield
        if count:
            cor.send(count - 1)

cor = countdown()
next(cor)
cor.send(3)
""",
        right="""
import genlock

@genlock.coroutine(on_reentry="defer")
def countdown():
    while True:
        count = yield
        if count:
            cor.send(count - 1)

cor = countdown()
cor.send(3)
""",
    ),
    Page(
        "GL012",
        (
            "TypeError: can't send non-None value to a just-started generator",
            "TypeError: can't send non-None value to a just-started coroutine",
            "TypeError: can't send non-None value to a just-started async generator",
        ),
        """A value was sent before the first yield was reached. There is nothing yet that could
        take it.""",
        ("A coroutine was made, and next() was not called on it before send().",),
        (
            "@genlock.coroutine above its function runs each to its first yield.",
            "Or call next(cor), for an async generator await anext(agen), once, where it is made.",
            "A coroutine of an `async def` is not sent values: await it.",
        ),
        wrong="""
def echo():
    while True:
        print("Echo:", (yield))

echo().send("first")
""",
        right="""
def echo():
    while True:
        print("Echo:", (yield))

cor = echo()
next(cor)
cor.send("first")
""",
    ),
    Page(
        "GL013",
        (
            "RuntimeError: generator raised StopIteration",
            "RuntimeError: coroutine raised StopIteration",
            "RuntimeError: async generator raised StopIteration",
            "RuntimeError: async generator raised StopAsyncIteration",
        ),
        """A StopIteration came out of a body that did not return. It would end the caller's loop
        without a word, so the interpreter makes an error of it (PEP 479).""",
        (
            "The body says `raise StopIteration` where it means `return`.",
            "It calls next() on something that is exhausted.",
            "It sends to a coroutine that has ended, often because an error ended it earlier: a"
            " guard notes on the StopIteration what that was.",
        ),
        (
            "Write `return`.",
            "Give next() a default, or catch the StopIteration and return.",
            "See the direct cause in the traceback: it has the line where it comes from.",
        ),
        wrong="""
def firsts(iterators):
    for iterator in iterators:
        yield next(iterator)

print(list(firsts([iter("ab"), iter("")])))
""",
        right="""
def firsts(iterators):
    for iterator in iterators:
        try:
            yield next(iterator)
        except StopIteration:
            return

print(list(firsts([iter("ab"), iter("")])))
""",
    ),
    Page(
        "GL014",
        (
            "RuntimeError: generator ignored GeneratorExit",
            "RuntimeError: coroutine ignored GeneratorExit",
            "RuntimeError: async generator ignored GeneratorExit",
        ),
        """A generator was closed, by close() or because nobody used it any more, and yielded once
        more instead of ending.""",
        (
            "An `except:` or `except BaseException:` around the yield catches GeneratorExit, and"
            " the loop goes on.",
            "There is a yield in a `finally` block.",
        ),
        (
            "Catch `Exception`, which GeneratorExit is not.",
            "Where GeneratorExit is caught, clean up and `return` or `raise`.",
        ),
        wrong="""
def sink():
    while True:
        try:
            yield
        except BaseException:
            pass

cor = sink()
next(cor)
cor.close()
""",
        right="""
def sink():
    while True:
        try:
            yield
        except Exception:
            pass

cor = sink()
next(cor)
cor.close()
""",
    ),
    Page(
        "GL015",
        (
            "RuntimeError: coroutine is being awaited already",
            "ValueError: coroutine already executing",
        ),
        """The coroutine of an `async def` was awaited, or sent to, while somebody else was
        awaiting it. It runs once, for one.""",
        (
            "Two tasks await one coroutine object.",
            "A coroutine awaits itself, through others.",
        ),
        (
            "Make a task of it, which any number can await: task = asyncio.create_task(work())",
            "Or call the function once for each.",
        ),
        wrong="""
import asyncio

async def work():
    await asyncio.sleep(0)
    return 42

async def main():
    shared = work()

    async def wait_for_it():
        return await shared

    print(await asyncio.gather(wait_for_it(), wait_for_it()))

asyncio.run(main())
""",
        right="""
import asyncio

async def work():
    await asyncio.sleep(0)
    return 42

async def main():
    shared = asyncio.create_task(work())

    async def wait_for_it():
        return await shared

    print(await asyncio.gather(wait_for_it(), wait_for_it()))

asyncio.run(main())
""",
    ),
    Page(
        "GL016",
        ("RuntimeError: cannot reuse already awaited coroutine",),
        """A coroutine of an `async def` was awaited again after it had ended. It runs once.""",
        ("A coroutine object is kept and awaited twice, in a retry, say.",),
        (
            "Keep the function and its arguments, and call it for each run.",
            "Or make a task of it, to await one run often: asyncio.create_task(work())",
        ),
        wrong="""
import asyncio

async def work():
    return 42

async def main():
    result = work()
    print(await result, await result)

asyncio.run(main())
""",
        right="""
import asyncio

async def work():
    return 42

async def main():
    print(await work(), await work())

asyncio.run(main())
""",
    ),
    Page(
        "GL017",
        (
            "RuntimeError: anext(): asynchronous generator is already running",
            "RuntimeError: asend(): asynchronous generator is already running",
            "RuntimeError: athrow(): asynchronous generator is already running",
            "ValueError: async generator already executing",
        ),
        """An async generator was asked for a value while another task was waiting for its next
        one.""",
        (
            "Two tasks run `async for` over one async generator.",
            "anext() is cancelled by a timeout and called again, while the first call is still at"
            " work.",
        ),
        (
            "Give each task an async generator of its own.",
            "Or let them take turns by an asyncio.Lock, or have one task put the values in an"
            " asyncio.Queue.",
        ),
        wrong="""
import asyncio

async def ticks():
    for number in range(4):
        await asyncio.sleep(0)
        yield number

async def main():
    shared = ticks()

    async def take():
        async for _ in shared:
            pass

    await asyncio.gather(take(), take())

asyncio.run(main())
""",
        right="""
import asyncio

async def ticks():
    for number in range(4):
        await asyncio.sleep(0)
        yield number

async def main():
    shared, lock = ticks(), asyncio.Lock()

    async def take():
        while True:
            async with lock:
                if await anext(shared, None) is None:
                    return

    await asyncio.gather(take(), take())

asyncio.run(main())
""",
    ),
    Page(
        "GL018",
        ("RuntimeError: aclose(): asynchronous generator is already running",),
        """An async generator was to be closed while a task was waiting for its next value.""",
        (
            "A task that shuts something down calls aclose() on what another task runs over.",
            "An event loop closes its async generators while tasks are still using them.",
        ),
        (
            "Close it in the task that runs over it: async with contextlib.aclosing(agen):",
            "From elsewhere cancel that task, and wait until it has ended.",
        ),
        wrong="""
import asyncio

async def ticks():
    while True:
        await asyncio.sleep(0)
        yield

async def main():
    shared = ticks()
    task = asyncio.ensure_future(anext(shared))
    await asyncio.sleep(0)
    try:
        await shared.aclose()
    finally:
        await task

asyncio.run(main())
""",
        right="""
import asyncio
from contextlib import aclosing

async def ticks():
    while True:
        await asyncio.sleep(0)
        yield

async def take():
    async with aclosing(ticks()) as own:
        async for _ in own:
            pass

async def main():
    task = asyncio.create_task(take())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

asyncio.run(main())
""",
    ),
    Page(
        "GL019",
        (
            "RuntimeError: cannot reuse already awaited __anext__()/asend()",
            "RuntimeError: cannot reuse already awaited aclose()/athrow()",
        ),
        """What a method of an async generator returned was awaited twice. It stands for one step
        of the generator.""",
        ("The result of anext(), asend(), athrow() or aclose() is kept and awaited again.",),
        ("Call the method again for each step.",),
        wrong="""
import asyncio

async def ticks():
    yield 1
    yield 2

async def main():
    step = ticks().__anext__()
    print(await step, await step)

asyncio.run(main())
""",
        right="""
import asyncio

async def ticks():
    yield 1
    yield 2

async def main():
    own = ticks()
    print(await anext(own), await anext(own))

asyncio.run(main())
""",
    ),
)

PAGES: dict[str, Page] = {page.code: page for page in _PAGES}
"""The pages by their codes."""
