"""Every coroutine of the examples, three ways: bare, guarded, and guarded between threads.

The threads do not hope for a collision, they make one: the first thread inside stays there until
each of the others has called and been refused (bare) or is waiting (guarded). A guard says that a
call waits by a log record; `warn_after=0` makes it say so at once.

What the threads received is judged by the bare generator: sent the same values in the order in
which they came, it must give the same answers and print the same lines.
"""

import inspect
import logging
import re
import sys
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count, islice
from typing import Any, Self

import pytest

import genlock
import two_warnings
from basics import bare_bones, echo, grep, lines_with, shout
from crew import needs_flag_gate, needs_gil
from object_or_coroutine import LockedRunningMean, RunningMean, measure
from object_or_coroutine import running_mean as bare_running_mean
from pipeline import below, printer, source
from producers import fibonacci, up_to
from running_values import running_mean, running_minimum, sliding_window, token_counter
from two_warnings import Player, add_up, ping, pong

THREADS = 4
VALUES = 25
CRUSH = 2500
PATIENCE = 10.0
"""Seconds after which a test fails. Nothing that passes waits for them to go by."""
AT_ONCE = genlock.Policy(warn_after=0)

Exchanges = list[tuple[object, object]]
AnyGenerator = Generator[Any, Any, Any]
Way = Callable[[Callable[[], AnyGenerator]], AnyGenerator]


class Crowd(logging.Handler):
    """Threads that call one generator; the first inside is held until the others have met it."""

    def __init__(self) -> None:
        super().__init__()
        self.members: list[int] = []
        self.met: set[int] = set()
        self.when_met: Callable[[], None] = lambda: None
        self.is_held = False
        self.changed = threading.Condition()

    def emit(self, record: logging.LogRecord) -> None:
        """A guard's warning: the calling thread waits for its turn."""
        assert "wait" in record.getMessage()
        self.meet()

    def meet(self) -> None:
        with self.changed:
            self.met.add(threading.get_ident())
            self.changed.notify_all()
        self.when_met()

    def hold(self) -> None:
        """Called inside the generator: the first member to come stays until all others met it."""
        with self.changed:
            me = threading.get_ident()
            if self.is_held or me not in self.members:
                return
            self.is_held = True
            others = len(self.members) - 1
            assert self.changed.wait_for(lambda: len(self.met - {me}) == others, PATIENCE)

    def run(self, *works: Callable[[], object]) -> list[Exception | None]:
        """Do each work in a thread of its own; return what each of them raised."""
        errors: list[Exception | None] = [None] * len(works)
        assembled = threading.Barrier(len(works))

        def do(number: int) -> None:
            self.members.append(threading.get_ident())
            assembled.wait(PATIENCE)
            try:
                works[number]()
            except Exception as error:  # the test says which are right
                errors[number] = error
            finally:
                self.meet()

        threads = [
            threading.Thread(target=do, args=(number,), daemon=True) for number in range(len(works))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in threads)
        return errors


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    crowd = Crowd()
    logger = logging.getLogger("genlock")
    logger.addHandler(crowd)
    yield crowd
    logger.removeHandler(crowd)


@dataclass
class Witness:
    """Stands inside a generator: sees each resumption, and that nobody else is there."""

    hold: Callable[[], None] = lambda: None
    resumptions: int = 0
    is_inside: bool = False
    exchanges: list[tuple[int, object, object]] = field(default_factory=list)

    def __enter__(self) -> Self:
        assert not self.is_inside
        self.is_inside = True
        self.resumptions += 1
        self.hold()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.is_inside
        self.is_inside = False

    def seen_in(self, thread: int) -> Exchanges:
        return [(sent, answer) for ident, sent, answer in self.exchanges if ident == thread]


def watched(body: AnyGenerator, witness: Witness) -> AnyGenerator:
    """Behave as `body` does, with `witness` at every resumption."""
    sent = None
    resume: Callable[[], object] = partial(next, body)
    while True:
        with witness:
            try:
                answer = resume()
            except StopIteration as end:
                return end.value
            witness.exchanges.append((threading.get_ident(), sent, answer))
        try:
            sent = yield answer
            resume = partial(body.send, sent)
        except GeneratorExit:
            with witness:
                body.close()
            raise


def primed(generator: AnyGenerator) -> AnyGenerator:
    next(generator)
    return generator


def assert_all_but_one_refused(errors: list[Exception | None]) -> None:
    refused = [error for error in errors if error is not None]
    assert [type(error) for error in refused] == [ValueError] * (len(errors) - 1)
    assert {str(error) for error in refused} == {"generator already executing"}


def guarded_by_hand(body: Callable[[], AnyGenerator]) -> AnyGenerator:
    return primed(genlock.guard(body()))


def guarded_by_decorator(body: Callable[[], AnyGenerator]) -> AnyGenerator:
    return primed(genlock.guarded(body)())


def guarded_coroutine(body: Callable[[], AnyGenerator]) -> AnyGenerator:
    return genlock.coroutine(body)()


def bare(body: Callable[[], AnyGenerator]) -> AnyGenerator:
    return primed(body())


GUARDED_WAYS = [guarded_by_hand, guarded_by_decorator, guarded_coroutine]


@dataclass(frozen=True)
class Scenario:
    """A coroutine, what it is sent, what it answers and prints, from priming to closing."""

    body: Callable[[], AnyGenerator]
    sent: list[Any]
    answers: list[Any]
    printed: str
    load: Callable[[int], Any]
    """Makes the values that the threads send, from 0 up."""

    def share_of(self, thread: int, values: int) -> list[Any]:
        return [self.load(number) for number in range(thread, THREADS * values, THREADS)]


SCENARIOS = {
    "echo": Scenario(
        echo,
        ["First", "Second"],
        [None, None],
        "Echo: First\nEcho: Second\n",
        "value {}".format,
    ),
    "running minimum": Scenario(
        running_minimum,
        [10, 4, 22, -1],
        [10, 4, 4, -1],
        "",
        # Falls now and then, and rises between.
        lambda number: number * 37 % 101 - number,
    ),
    "grep": Scenario(
        partial(grep, "coroutine"),
        ["a function", "a coroutine", "a class"],
        [None] * 3,
        "Looking for coroutine\na coroutine\nNo longer looking for coroutine\n",
        lambda number: f"{number}: {'coroutine' if number % 3 else 'function'}",
    ),
    "running mean": Scenario(running_mean, [10, 20], [10.0, 15.0], "", float),
    "token counter": Scenario(
        token_counter,
        ["a", "b", "a", "c", "a", "b"],
        [
            {"a": 1},
            {"a": 1, "b": 1},
            {"a": 2, "b": 1},
            {"a": 2, "b": 1, "c": 1},
            {"a": 3, "b": 1, "c": 1},
            {"a": 3, "b": 2, "c": 1},
        ],
        "",
        lambda number: "abcdefg"[number % 7],
    ),
    "sliding window": Scenario(
        sliding_window,
        [1, 2, 3, 4, 5, 6],
        [[1], [1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [4, 5, 6]],
        "",
        int,
    ),
    "bare bones": Scenario(
        bare_bones, ["one", "two"], [None, None], "one\ntwo\nFarewell\n", "value {}".format
    ),
    "filter": Scenario(
        partial(lines_with, "33"),
        ["chapter 12", "chapter 33", "chapter 41"],
        [None] * 3,
        "chapter 33\n",
        lambda number: f"{number}: chapter {33 if number % 3 else 12}",
    ),
    "decorator": Scenario(
        inspect.unwrap(shout), ["ready", "at once"], [None, None], "READY\nAT ONCE\n", "v{}".format
    ),
    "running mean beside an object": Scenario(
        bare_running_mean, [10.0, 20.0], [10.0, 15.0], "", float
    ),
}


@pytest.fixture(params=SCENARIOS.values(), ids=list(SCENARIOS))
def scenario(request: pytest.FixtureRequest) -> Scenario:
    chosen: Scenario = request.param
    return chosen


@pytest.mark.parametrize("way", [bare, *GUARDED_WAYS])
def test_one_thread(
    scenario: Scenario,
    way: Way,
    capsys: pytest.CaptureFixture[str],
) -> None:
    witness = Witness()
    generator = way(lambda: watched(scenario.body(), witness))
    assert (type(generator) is genlock.GuardedGenerator) == (way is not bare)

    assert [generator.send(value) for value in scenario.sent] == scenario.answers

    generator.close()
    generator.close()
    assert capsys.readouterr().out == scenario.printed
    assert witness.resumptions == len(["priming", *scenario.sent, "closing"])


@needs_gil
def test_bare_threads_lose_values(scenario: Scenario, crowd: Crowd) -> None:
    witness = Witness(crowd.hold)
    shared = primed(watched(scenario.body(), witness))

    def send_share(thread: int) -> None:
        for value in scenario.share_of(thread, VALUES):
            shared.send(value)

    errors = crowd.run(*(partial(send_share, thread) for thread in range(THREADS)))

    assert_all_but_one_refused(errors)
    assert witness.resumptions == 1 + VALUES
    # By hand: the collector would come in the midst of a later test, and print a farewell there.
    shared.close()


def test_guarded_threads_lose_nothing(
    scenario: Scenario, crowd: Crowd, capsys: pytest.CaptureFixture[str]
) -> None:
    witness = Witness(crowd.hold)
    shared = primed(genlock.guard(watched(scenario.body(), witness), policy=AT_ONCE))

    received, errors = send_from_threads(crowd, scenario, VALUES, shared)

    assert errors == [None] * THREADS
    assert witness.resumptions == 1 + THREADS * VALUES + 1
    assert_served(scenario, VALUES, witness, received)
    assert_prints_the_same(scenario, witness, capsys)


@pytest.mark.usefixtures("restless_threads")
def test_guarded_threads_lose_nothing_in_a_crush(
    scenario: Scenario, crowd: Crowd, capsys: pytest.CaptureFixture[str]
) -> None:
    witness = Witness()
    shared = primed(genlock.guard(watched(scenario.body(), witness)))

    received, errors = send_from_threads(crowd, scenario, CRUSH, shared)

    assert errors == [None] * THREADS
    assert witness.resumptions == 1 + THREADS * CRUSH + 1
    assert_served(scenario, CRUSH, witness, received)
    assert_prints_the_same(scenario, witness, capsys)


def send_from_threads(
    crowd: Crowd, scenario: Scenario, values: int, shared: AnyGenerator
) -> tuple[dict[int, Exchanges], list[Exception | None]]:
    """Send so many values from each thread, then close; return what each of them received."""
    received: dict[int, Exchanges] = {}

    def send_share(thread: int) -> None:
        mine = received[threading.get_ident()] = []
        mine.extend((value, shared.send(value)) for value in scenario.share_of(thread, values))

    errors = crowd.run(*(partial(send_share, thread) for thread in range(THREADS)))
    shared.close()
    return received, errors


def assert_served(
    scenario: Scenario, values: int, witness: Witness, received: dict[int, Exchanges]
) -> None:
    """Every value came in once, and every thread was given the answers to its own."""
    sent = Counter(sent for _, sent, _ in witness.exchanges[1:])
    assert sent == Counter(scenario.load(number) for number in range(THREADS * values))
    for ident, mine in received.items():
        assert witness.seen_in(ident) == mine


def assert_prints_the_same(
    scenario: Scenario, witness: Witness, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bare generator, given the values in the same order, answers and prints the same."""
    printed = capsys.readouterr().out
    judge = primed(scenario.body())
    for _, sent, answer in witness.exchanges[1:]:
        assert judge.send(sent) == answer
    judge.close()
    assert capsys.readouterr().out == printed


# Prime before sending


def test_a_value_too_early_bare() -> None:
    with pytest.raises(TypeError, match="just-started generator"):
        echo().send("Too early")


@pytest.mark.parametrize("make", [lambda: genlock.guard(echo()), genlock.guarded(echo)])
def test_a_value_too_early_guarded(
    make: Callable[[], Generator[None, str, None]], capsys: pytest.CaptureFixture[str]
) -> None:
    speaker = make()
    with pytest.raises(genlock.NotPrimedError, match="'echo'") as caught:
        speaker.send("Too early")
    assert isinstance(caught.value, TypeError)
    assert "next(" in str(caught.value)
    assert "@genlock.coroutine" in str(caught.value)

    next(speaker)
    speaker.send("First")
    assert capsys.readouterr().out == "Echo: First\n"


def test_values_too_early_from_threads(crowd: Crowd, capsys: pytest.CaptureFixture[str]) -> None:
    speaker = genlock.guard(echo())

    errors = crowd.run(*[partial(speaker.send, "Too early")] * THREADS)

    assert [type(error) for error in errors] == [genlock.NotPrimedError] * THREADS
    next(speaker)
    speaker.send("First")
    assert capsys.readouterr().out == "Echo: First\n"


# A producer, and four loops over it


@pytest.mark.parametrize("make", [fibonacci, genlock.guarded(fibonacci)], ids=["bare", "guarded"])
def test_a_loop_in_one_thread(make: Callable[[], Generator[int, None, None]]) -> None:
    numbers = make()
    assert up_to(21, numbers) == [0, 1, 1, 2, 3, 5, 8, 13, 21]
    assert next(numbers) == 55, "the loop took 34 to see that it is above 21"


def take_by_for(numbers: Iterator[int]) -> list[int]:
    taken: list[int] = []
    for number in numbers:
        taken.append(number)
        if len(taken) == VALUES:
            break
    return taken


def take_by_next(numbers: Iterator[int]) -> list[int]:
    return [next(numbers) for _ in range(VALUES)]


def take_by_islice(numbers: Iterator[int]) -> list[int]:
    return list(islice(numbers, VALUES))


def take_by_zip(numbers: Iterator[int]) -> list[int]:
    return [number for _, number in zip(range(VALUES), numbers, strict=False)]


TAKES = [take_by_for, take_by_next, take_by_islice, take_by_zip]


@needs_gil
@pytest.mark.parametrize("take", TAKES)
def test_bare_loops_collide(take: Callable[[Iterator[int]], list[int]], crowd: Crowd) -> None:
    numbers = watched(fibonacci(), Witness(crowd.hold))

    errors = crowd.run(*[partial(take, numbers)] * THREADS)

    assert_all_but_one_refused(errors)


@pytest.mark.parametrize("take", TAKES)
def test_guarded_loops_take_each_number_once(
    take: Callable[[Iterator[int]], list[int]], crowd: Crowd
) -> None:
    witness = Witness(crowd.hold)
    numbers = genlock.guard(watched(fibonacci(), witness), policy=AT_ONCE)
    taken: list[list[int]] = []

    errors = crowd.run(*[lambda: taken.append(take(numbers))] * THREADS)

    assert errors == [None] * THREADS
    assert witness.resumptions == THREADS * VALUES
    assert all(mine == sorted(mine) for mine in taken)
    together = sorted(number for mine in taken for number in mine)
    assert together == list(islice(fibonacci(), THREADS * VALUES))


# Cleaning up


def test_threads_that_close_at_once_clean_up_once(
    crowd: Crowd, capsys: pytest.CaptureFixture[str]
) -> None:
    witness = Witness(crowd.hold)
    listener = primed(genlock.guard(watched(bare_bones(), witness), policy=AT_ONCE))

    errors = crowd.run(*[listener.close] * THREADS)

    assert errors == [None] * THREADS
    assert capsys.readouterr().out == "Farewell\n"
    assert witness.resumptions == len(["priming", "closing"])


# A value after the end


@pytest.mark.parametrize("way", [bare, *GUARDED_WAYS])
def test_a_value_after_close(way: Way) -> None:
    speaker = way(echo)
    speaker.close()
    with pytest.raises(StopIteration):
        speaker.send("Anybody there?")
    with pytest.raises(StopIteration):
        next(speaker)


def test_values_after_close_from_threads(crowd: Crowd) -> None:
    speaker = genlock.coroutine(echo)()
    speaker.close()

    errors = crowd.run(*[partial(speaker.send, "Anybody there?")] * THREADS)

    assert [type(error) for error in errors] == [StopIteration] * THREADS


def test_a_close_among_values_from_threads(
    crowd: Crowd, capsys: pytest.CaptureFixture[str]
) -> None:
    witness = Witness(crowd.hold)
    listener = primed(genlock.guard(watched(bare_bones(), witness), policy=AT_ONCE))
    served: list[str] = []

    def send_until_closed(thread: int) -> None:
        for number in count():
            value = f"{thread}: {number}"
            try:
                listener.send(value)
            except StopIteration:
                return
            served.append(value)

    errors = crowd.run(
        listener.close, *(partial(send_until_closed, thread) for thread in range(THREADS - 1))
    )

    assert errors == [None] * THREADS
    *printed, last = capsys.readouterr().out.splitlines()
    assert Counter(printed) == Counter(served)
    assert last == "Farewell"
    assert witness.resumptions == len(["priming", *served, "closing"])


# The priming decorator


def test_threads_each_make_a_coroutine_of_their_own(crowd: Crowd) -> None:
    made: list[genlock.GuardedGenerator[None, str, None]] = []

    errors = crowd.run(*[lambda: made.append(shout())] * THREADS)

    assert errors == [None] * THREADS
    assert len({id(speaker.gi_frame) for speaker in made}) == THREADS
    assert {inspect.getgeneratorstate(speaker) for speaker in made} == {inspect.GEN_SUSPENDED}


# The pipeline

STARTS = (1, 3, 5, 7)


def doubled(start: int) -> list[int]:
    return [start << power for power in range(7) if start << power < 50]


@pytest.mark.parametrize("way", [bare, *GUARDED_WAYS])
def test_one_source(way: Way, capsys: pytest.CaptureFixture[str]) -> None:
    last = way(printer)
    small = way(lambda: below(50, last))

    source(1, small)
    small.close()

    assert capsys.readouterr().out == "1\n2\n4\n8\n16\n32\nNo more values\n"


@needs_gil
def test_four_sources_of_a_bare_pipeline(crowd: Crowd) -> None:
    small = primed(watched(below(50, primed(printer())), Witness(crowd.hold)))

    errors = crowd.run(*(partial(source, start, small) for start in STARTS))

    assert_all_but_one_refused(errors)
    small.close()


def test_four_sources_share_a_filter(crowd: Crowd, capsys: pytest.CaptureFixture[str]) -> None:
    witness = Witness(crowd.hold)
    body = watched(below(50, genlock.coroutine(printer)()), witness)
    small = primed(genlock.guard(body, policy=AT_ONCE))

    errors = crowd.run(*(partial(source, start, small) for start in STARTS))
    small.close()

    assert errors == [None] * len(STARTS)
    assert_each_arrived_once(capsys.readouterr().out)
    assert witness.resumptions == len(["priming", *range(7 + 6 + 5 + 4), "closing"])


def test_four_filters_share_a_printer(crowd: Crowd, capsys: pytest.CaptureFixture[str]) -> None:
    witness = Witness(crowd.hold)
    shared = primed(genlock.guard(watched(printer(), witness), policy=AT_ONCE))
    filters = [genlock.coroutine(below)(50, shared) for _ in STARTS]

    errors = crowd.run(*map(partial, [source] * len(STARTS), STARTS, filters))
    for small in filters:
        small.close()

    assert errors == [None] * len(STARTS)
    assert_each_arrived_once(capsys.readouterr().out)


def assert_each_arrived_once(printed: str) -> None:
    *lines, last = printed.splitlines()
    values = [int(line) for line in lines]
    assert last == "No more values"
    for start in STARTS:
        mine = doubled(start)
        assert [value for value in values if value in mine] == mine
    assert len(values) == sum(len(doubled(start)) for start in STARTS)


# The first warning, two threads


def test_two_threads_bare() -> None:
    begun, finish = threading.Event(), threading.Event()
    adder = add_up(begun, finish)
    next(adder)
    first = threading.Thread(target=adder.send, args=(1,), daemon=True)
    first.start()
    assert begun.wait(PATIENCE)

    with pytest.raises(ValueError, match=r"^generator already executing$"):
        adder.send(5)

    finish.set()
    first.join(PATIENCE)
    assert adder.send(0) == 1, "the 5 is lost"


def test_two_threads_guarded(crowd: Crowd) -> None:
    begun, finish = threading.Event(), threading.Event()
    adder = genlock.guard(add_up(begun, finish), policy=AT_ONCE)
    next(adder)
    first = threading.Thread(target=adder.send, args=(1,), daemon=True)
    first.start()
    assert begun.wait(PATIENCE)

    # Called when this thread begins to wait for its turn.
    crowd.when_met = finish.set
    assert adder.send(5) == 6

    first.join(PATIENCE)
    assert adder.send(0) == 6


def test_the_sum_of_many_threads(crowd: Crowd) -> None:
    finish = threading.Event()
    finish.set()
    witness = Witness(crowd.hold)
    body = watched(add_up(threading.Event(), finish), witness)
    adder = primed(genlock.guard(body, policy=AT_ONCE))

    def add_share(thread: int) -> None:
        for value in range(thread, THREADS * VALUES, THREADS):
            adder.send(value)

    errors = crowd.run(*(partial(add_share, thread) for thread in range(THREADS)))

    assert errors == [None] * THREADS
    assert adder.send(0) == sum(range(THREADS * VALUES))


# The second warning, a loop


def pair(guard: Callable[[Player], Player]) -> dict[str, Player]:
    players: dict[str, Player] = {}
    players["ping"] = primed(guard(ping(players)))
    players["pong"] = primed(guard(pong(players)))
    return players


def assert_ended(players: dict[str, Player]) -> None:
    for player in players.values():
        with pytest.raises(StopIteration):
            player.send(0)


def test_a_loop_bare(capsys: pytest.CaptureFixture[str]) -> None:
    players = pair(lambda player: player)
    with pytest.raises(ValueError, match=r"^generator already executing$"):
        players["ping"].send(20)
    assert capsys.readouterr().out == "ping 20\npong 19\n"
    assert_ended(players)


def test_a_loop_guarded(capsys: pytest.CaptureFixture[str]) -> None:
    players = pair(genlock.guard)
    with pytest.raises(genlock.ReentrantCallError) as caught:
        players["ping"].send(20)
    assert isinstance(caught.value, ValueError)
    assert_tells_the_loop(caught.value)
    assert capsys.readouterr().out == "ping 20\npong 19\n"
    assert_ended(players)


def test_a_loop_of_their_own_in_each_thread(crowd: Crowd) -> None:
    pairs = [pair(genlock.guard) for _ in range(THREADS)]

    errors = crowd.run(*(partial(players["ping"].send, 20) for players in pairs))

    for error in errors:
        assert isinstance(error, genlock.ReentrantCallError)
        assert_tells_the_loop(error)
    for players in pairs:
        assert_ended(players)


def test_a_loop_entered_from_both_ends(crowd: Crowd) -> None:
    both_inside = threading.Barrier(2)

    def first_meet(player: Player) -> Player:
        while True:
            value = yield
            both_inside.wait(PATIENCE)
            player.send(value)

    players = pair(genlock.guard)
    ping_guard, pong_guard = players["ping"], players["pong"]
    # Each thread is inside its player before either of them calls the other one.
    players["ping"], players["pong"] = map(primed, map(first_meet, (ping_guard, pong_guard)))

    errors = crowd.run(partial(ping_guard.send, 20), partial(pong_guard.send, 20))

    gave_way, went_on = sorted(errors, key=lambda error: isinstance(error, RuntimeError))
    assert isinstance(gave_way, genlock.DeadlockError)
    assert {"ping", "pong"} <= set(re.findall(r"\w+", str(gave_way)))
    # The error ended the coroutine it was raised in, so the other thread's value found it ended.
    assert isinstance(went_on, RuntimeError)
    assert isinstance(went_on.__cause__, StopIteration)
    assert "DeadlockError" in "".join(went_on.__cause__.__notes__)


def assert_tells_the_loop(error: genlock.ReentrantCallError) -> None:
    message = str(error)
    assert error.code == "GL001"
    way = ['players["pong"].send(count - 1)', 'players["ping"].send(count - 1)']
    assert [line for line in way if line in message] == way
    assert message.index("ping") < message.index(way[0]) < message.index(way[1])
    lines, _ = inspect.getsourcelines(two_warnings)
    for statement in way:
        [number] = [at for at, line in enumerate(lines, 1) if line.strip() == statement]
        assert f"two_warnings.py:{number}" in message


# The claim, object or coroutine


def test_the_object_answers_as_the_coroutine() -> None:
    coroutine = primed(bare_running_mean())
    by_method, by_lock = RunningMean(), LockedRunningMean()
    for value in (10.0, 20.0, 60.0):
        assert coroutine.send(value) == by_method.send(value) == by_lock.send(value)


def test_threads_share_the_object_with_a_lock(crowd: Crowd) -> None:
    mean = LockedRunningMean()

    def send_share(thread: int) -> None:
        for number in range(thread, THREADS * VALUES, THREADS):
            mean.send(float(number))

    assert (
        crowd.run(*(partial(send_share, thread) for thread in range(THREADS))) == [None] * THREADS
    )
    assert mean.count == THREADS * VALUES
    assert mean.total == sum(range(THREADS * VALUES))


@needs_flag_gate
def test_the_guarded_coroutine_is_ahead_of_the_object_with_a_lock() -> None:
    if sys.gettrace() is not None:
        pytest.skip("a tracer weighs the lines, not the work")
    figures = measure(rounds=25, values=2000)
    assert min(figures["guarded coroutine"]) < min(figures["object with a lock"])
