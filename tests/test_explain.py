"""What `explain` finds out about an exception, at its raise and afterwards, and what it leaves."""

import ast
import json
import logging
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import StringIO
from types import FrameType
from typing import Any, ClassVar, NoReturn, Self, cast

import pytest

import genlock
from crew import PATIENCE, Worker, needs_gil
from genlock._explaining import _sighting, _sighting_wording
from genlock._explaining._expressions import named
from genlock._explaining._sighting import sight
from genlock._explaining._syntax import parsed
from genlock._interpreter._chains import hanging_together


class Shared:
    """A bare generator that the thread "holder" is inside of, until the block ends."""

    def __init__(self) -> None:
        self.inside, self.leave = threading.Event(), threading.Event()
        self.body = self.take()
        next(self.body)

    def take(self) -> Generator[None, object, None]:
        while True:
            yield
            self.inside.set()
            assert self.leave.wait(PATIENCE)

    def __enter__(self) -> Self:
        self.holder = Worker(lambda: self.body.send("held"), name="holder")
        assert self.inside.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self.leave.set()
        self.holder.result()


def nothing() -> NoReturn:
    raise AssertionError("there is nothing")


def raised_by(call: Callable[[], object]) -> Exception:
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError("it did not fail")


def seen_at_raise(call: Callable[[], object]) -> genlock.Sighting:
    """What is seen while the first error of the generator protocol is being raised."""
    seen: list[genlock.Sighting] = []

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        sighting = sight(argument[1], frame) if event == "exception" and not seen else None
        if sighting is not None:  # and not the end of something that is just being collected
            seen.append(sighting)
        return trace

    def traced() -> None:
        call()

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        raised_by(traced)
    finally:
        sys.settrace(before)
    return seen[0]


# At the raise ---------------------------------------------------------------------------------


@needs_gil
def test_the_holder_is_seen_at_the_raise() -> None:
    with Shared() as shared:
        sighting = seen_at_raise(lambda: shared.body.send("second"))
    (candidate,) = sighting.candidates
    assert (candidate.name, candidate.state) == ("Shared.take", "held")
    assert candidate.inside is not None
    assert candidate.inside.thread == "holder"
    assert [step.actor for step in candidate.inside.steps] == ["<lambda>", "Shared.take"]
    assert candidate.pattern == "test_explain:Shared.take"
    assert (sighting.operation, sighting.expression) == ("send", "shared.body")
    assert not sighting.is_late


@needs_gil
def test_an_explanation_with_a_sighting_leaves_nothing_open() -> None:
    with Shared() as shared:
        error = raised_by(lambda: shared.body.send("second"))
        sighting = seen_at_raise(lambda: shared.body.send("second"))
    explanation = genlock.explain(error, sighting=sighting)
    assert explanation.not_known == ()
    assert "'Shared.take' was sent a value while holder was inside." in str(explanation)
    assert explanation.diagnosis is not None
    assert [strand.thread for strand in explanation.diagnosis.strands] == ["MainThread", "holder"]


@needs_gil
@pytest.mark.parametrize("is_at_the_raise", [True, False])
def test_the_name_of_a_thread_reaches_no_terminal_as_it_is(*, is_at_the_raise: bool) -> None:
    with Shared() as shared:
        shared.holder.name = "A\x1b[2J\nB"
        error = raised_by(lambda: shared.body.send("second"))
        sighting = seen_at_raise(lambda: shared.body.send("second")) if is_at_the_raise else None
        told = str(genlock.explain(error, sighting=sighting))
    assert told.replace("\n", "").isprintable()
    assert r"A\x1b[2J\nB" in told


@needs_gil
def test_the_holder_is_seen_even_if_it_leaves_while_the_source_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared = Shared()

    def read_slowly(*where: Any) -> Any:
        shared.leave.set()
        shared.holder.result()
        return named(*where)

    monkeypatch.setattr(_sighting, "named", read_slowly)
    with shared:
        error = raised_by(lambda: shared.body.send("second"))
        sighting = genlock.explain(error).sighting or nothing()
    (candidate,) = sighting.candidates
    assert (candidate.state, candidate.inside and candidate.inside.thread) == ("held", "holder")


def test_a_call_that_came_back_is_seen_at_the_raise() -> None:
    def body() -> Iterator[object]:
        yield next(own)

    own = body()
    sighting = seen_at_raise(lambda: next(own))
    (candidate,) = sighting.candidates
    assert (candidate.name, candidate.state) == ("body", "re-entered")


# Afterwards -----------------------------------------------------------------------------------


@needs_gil
def test_afterwards_the_holder_may_have_left_and_that_is_said() -> None:
    with Shared() as shared:
        error = raised_by(lambda: shared.body.send("second"))
    explanation = genlock.explain(error)
    assert explanation.sighting is not None
    assert explanation.sighting.is_late
    assert explanation.sighting.candidates[0].state == "suspended"
    assert any("who was inside when it was raised" in gap for gap in explanation.not_known)
    assert "another thread was inside" in explanation.text


def test_an_error_that_came_out_of_another_thread_keeps_its_path() -> None:
    def body() -> Iterator[object]:
        yield next(own)

    own = body()
    with ThreadPoolExecutor(1) as pool:
        error = pool.submit(lambda: next(own)).exception(PATIENCE)
    assert error is not None
    (candidate,) = (genlock.explain(error).sighting or nothing()).candidates
    assert candidate.state == "re-entered"
    assert candidate.inside is not None
    assert [step.site.function for step in candidate.inside.steps] == ["<lambda>", "body"]


def test_a_traceback_that_leads_through_two_threads_is_told_apart() -> None:
    def body() -> Iterator[object]:
        yield next(own)

    def fail() -> object:
        return next(own)

    own = body()
    with ThreadPoolExecutor(1) as pool:
        error = raised_by(lambda: pool.submit(fail).result(PATIENCE))
    sighting = genlock.explain(error).sighting or nothing()
    assert sighting.thread == ""
    (candidate,) = sighting.candidates
    assert candidate.inside is not None
    assert [step.actor for step in candidate.inside.steps] == ["fail", "body"]


def test_an_error_that_the_body_caught_is_told_with_the_way_to_it() -> None:
    def body() -> Iterator[genlock.Explanation]:
        try:
            next(own)
        except ValueError as error:
            yield genlock.explain(error)

    own = body()
    sighting = next(own).sighting or nothing()
    assert sighting.thread == threading.current_thread().name
    (candidate,) = sighting.candidates
    assert candidate.state == "re-entered"
    assert candidate.inside is not None
    assert [step.site.code for step in candidate.inside.steps] == ["next(own)", "next(own)"]
    assert candidate.inside.steps[0].actor.startswith("test_an_error_that_the_body_caught")


def test_an_error_that_was_raised_again_elsewhere_is_told_from_where_it_began() -> None:
    def body() -> Iterator[object]:
        yield next(own)

    def raise_again(error: Exception) -> NoReturn:
        raise error

    own = body()
    first = raised_by(lambda: next(own))
    again = raised_by(lambda: raise_again(first))
    assert again is first
    call = (genlock.explain(again).sighting or nothing()).call
    assert call is not None
    assert call.site.code == "next(own)"
    assert call.site.function == "body"


# What the failing expression names ------------------------------------------------------------


class Slotted:
    __slots__ = ("own",)

    own: Iterator[object]


class Keeper:
    kept: ClassVar[dict[str, Any]] = {}
    of_class: ClassVar[Iterator[object]]
    own: Iterator[object]


def busy(way: Callable[[Any], object]) -> genlock.Candidate:
    """What a body that goes this way back to itself is taken for."""

    def body() -> Iterator[object]:
        yield way(keeper)

    keeper = Keeper()
    keeper.own = body()
    Keeper.of_class = keeper.own
    keeper.kept["nothing"] = None
    keeper.kept["own"] = keeper.own
    keeper.kept["list"] = [None, keeper.own]
    keeper.kept["slotted"] = Slotted()
    keeper.kept["slotted"].own = keeper.own
    error = raised_by(lambda: next(keeper.own))
    sighting = genlock.explain(error).sighting
    assert sighting is not None
    assert sighting.is_named, sighting
    return sighting.candidates[0]


def through_several_lines(keeper: Any) -> Any:
    return keeper.own.send(  # the source is cut out of its lines
        None,
    )


def through_a_loop(keeper: Any) -> None:
    for _ in keeper.own:
        pass


def through_a_tuple(keeper: Any) -> None:
    one, two = keeper.own, keeper
    print(*one)
    del two


def through_an_iterator(keeper: Any) -> list[Any]:
    source = zip(range(3), map(str, keeper.own), strict=False)
    return [each for each in source]  # noqa: C416


def through_the_body_of_a_generator_expression(keeper: Any) -> int:
    def numbers() -> Iterator[int]:
        yield 1

    return sum(keeper.own.send(number) for number in numbers())


def through_the_second_loop_of_a_generator_expression(keeper: Any) -> int:
    def numbers() -> Iterator[int]:
        yield 1

    return sum(number for number in numbers() for _ in keeper.own)


def through_the_loop_of_a_generator_expression(keeper: Any) -> int:
    return sum(number for number in keeper.own)


def through_delegation(keeper: Any) -> Any:
    def outer() -> Iterator[object]:
        yield from keeper.own

    return next(outer())


class _Private:
    """Keeps it under a name that the name of the class is put into."""

    def __init__(self, own: Any) -> None:
        self.__own = own

    def send(self) -> None:
        self.__own.send(None)

    def send_from_inside(self) -> None:
        def send() -> list[object]:
            return [self.__own.send(number) for number in range(2)]

        send()

    def send_by_a_variable(self) -> None:
        __own = self.__own
        __own.send(None)


# fmt: off
def through_a_line_that_begins_with_the_method(keeper: Any) -> Any:
    return (keeper.own
            .send("é"))


def through_a_line_that_ends_with_the_point(keeper: Any) -> Any:
    return (keeper.kept[
        "own"
    ].
        throw(
            KeyError()))
# fmt: on


def through_unpacking(keeper: Any) -> object:
    one, two = keeper.own
    return one, two


def through_unpacking_a_part(keeper: Any) -> object:
    both = (one, *two) = keeper.own
    return one, two, both


def through_a_loop_over_its_iterator(keeper: Any) -> None:
    for _ in iter(keeper.own):
        pass


def through_a_loop_over_a_choice(keeper: Any) -> None:
    for _ in keeper.kept["nothing"] or (keeper.kept and keeper.own):
        pass


@pytest.mark.parametrize(
    "way",
    [
        lambda keeper: keeper.own.send(None),
        lambda keeper: next(keeper.own),
        lambda keeper: next(keeper.own, "default"),
        lambda keeper: keeper.kept["own"].throw(KeyError()),
        lambda keeper: keeper.kept["list"][1].__next__(),
        lambda keeper: keeper.kept["slotted"].own.send(1),
        lambda keeper: list(keeper.own),
        lambda keeper: [*keeper.own],
        lambda keeper: dict(zip("abc", keeper.own, strict=False)),
        lambda keeper: threading.Timer(0, next, (keeper.own,)).run(),
        through_several_lines,
        through_a_loop,
        through_a_tuple,
        through_an_iterator,
        through_the_loop_of_a_generator_expression,
        through_the_body_of_a_generator_expression,
        through_the_second_loop_of_a_generator_expression,
        through_delegation,
        lambda keeper: _Private(keeper.own).send(),
        lambda keeper: _Private(keeper.own).send_from_inside(),
        lambda keeper: _Private(keeper.own).send_by_a_variable(),
        lambda keeper: next(iter(keeper.own)),
        lambda keeper: keeper.kept["list"][-1].send(None),
        lambda keeper: type(keeper).of_class.send(None),
        lambda keeper: keeper.__class__.of_class.send(None),
        lambda keeper: (keeper.kept["nothing"] or keeper.own).send(None),
        lambda keeper: (keeper and keeper.own).send(None),
        lambda keeper: (again := keeper.own).send(again),
        through_a_line_that_begins_with_the_method,
        through_a_line_that_ends_with_the_point,
        through_unpacking,
        through_unpacking_a_part,
        through_a_loop_over_its_iterator,
        through_a_loop_over_a_choice,
    ],
)
def test_the_generator_is_found_by_the_failing_expression(way: Callable[[Any], object]) -> None:
    candidate = busy(way)
    assert (candidate.name, candidate.state) == ("body", "re-entered")


def unpacking_what_comes(source: Iterator[Iterator[object]]) -> object:
    one, two = next(source)
    return one, two


def looping_over_what_comes(source: Iterator[Iterator[object]]) -> None:
    for _ in next(source):
        pass


@pytest.mark.parametrize("draw", [unpacking_what_comes, looping_over_what_comes])
def test_what_gives_the_generator_is_not_taken_for_it(draw: Callable[[Any], object]) -> None:
    def body() -> Iterator[object]:
        yield draw(sources())

    def sources() -> Iterator[Iterator[object]]:
        yield own

    own = body()
    sighting = genlock.explain(raised_by(lambda: next(own))).sighting
    assert sighting is not None
    assert [candidate.name for candidate in sighting.candidates] == ["body"]


def test_the_generator_is_found_without_its_source() -> None:
    names: dict[str, Any] = {}
    exec("def body():\n    yield own.send(None)\nown = body()", names)
    explanation = genlock.explain(raised_by(lambda: next(names["own"])))
    assert explanation.diagnosis is not None
    assert explanation.diagnosis.guard == "body"


class BrokenLoader:
    def get_source(self, _: str) -> str:
        raise KeyError("the loader's own")


@pytest.mark.parametrize("look", [seen_at_raise, lambda call: genlock.explain(raised_by(call))])
def test_a_loader_that_fails_costs_the_source_alone(look: Callable[..., Any]) -> None:
    names: dict[str, Any] = {"__name__": "virtual", "__loader__": BrokenLoader()}
    source = "def echo():\n    yield\ndef send_early():\n    cor = echo()\n    cor.send(1)\n"
    exec(compile(source, f"/nowhere/{id(names)}.py", "exec"), names)
    assert look(names["send_early"]).code == "GL012"


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        (r"own.send('\d')", r"own.send('\\d')"),
        (r"own.send('\\', '\'\n')", r"""own.send('\\', "'\n")"""),
        ("own.send(1, \\\n 2)", "own.send(1, 2)"),
    ],
)
def test_reading_an_expression_warns_of_nothing_in_it(
    source: str, meant: str, recwarn: pytest.WarningsRecorder
) -> None:
    node = parsed(source)
    assert node is not None
    assert ast.unparse(node) == meant
    assert recwarn.list == []


class Touchy:
    """Objects whose every look-up would run code, and every question."""

    def __init__(self, own: object) -> None:
        self.__dict__["own"] = own

    def __getattribute__(self, name: str) -> Any:
        if _sighting_is_under_way():
            raise AssertionError("code of the user's was run")
        return object.__getattribute__(self, name)

    @property
    def computed(self) -> Any:
        return self.own

    def __getitem__(self, _: object) -> Any:
        return self.own

    def __iter__(self) -> Any:
        return self.own

    def __bool__(self) -> bool:
        return bool(self.own)

    def __neg__(self) -> Any:
        return self.own


def _sighting_is_under_way() -> bool:
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code is _sighting._sight.__code__:
            return True
        frame = frame.f_back
    return False


@pytest.mark.parametrize(
    "way",
    [
        lambda touchy: next(touchy.own),
        lambda touchy: next(touchy.computed),
        lambda touchy: next(touchy[0]),
        lambda touchy: next(iter(touchy)),
        lambda touchy: next(-touchy),
        lambda touchy: next((touchy or touchy).own),
        lambda touchy: next((touchy and touchy).own),
        lambda touchy: next(type(touchy).__iter__(touchy)),
    ],
)
def test_looking_up_runs_no_code_of_the_user(way: Callable[[Any], object]) -> None:
    def body() -> Iterator[object]:
        yield way(touchy)

    touchy: Any = Touchy(None)
    touchy.__dict__["own"] = body()
    explanation = genlock.explain(raised_by(lambda: next(touchy.__dict__["own"])))
    assert explanation.code == "GL011"


def test_what_takes_a_call_to_find_out_stays_unknown() -> None:
    def body() -> Iterator[object]:
        yield next(Touchy(own).computed)

    own = body()
    explanation = genlock.explain(raised_by(lambda: next(own)))
    assert explanation.diagnosis is None
    assert any(gap.startswith("which generator it was") for gap in explanation.not_known)
    assert "names none that can be looked up" in explanation.text
    assert "'body', made by the function at" in explanation.text


def by_another_name(cor: Generator[object, object, None]) -> None:
    send = cor.send
    send(1)


@pytest.mark.parametrize(
    "way",
    [
        lambda cor: threading.Thread(target=cor.send, args=(1,)).run(),
        lambda cor: threading.Thread(target=partial(cor.send, 1)).run(),
        lambda cor: list(map(cor.send, (number for number in [1]))),
        by_another_name,
    ],
)
def test_a_method_that_was_handed_on_tells_the_generator_and_the_operation(
    way: Callable[[Any], object],
) -> None:
    cor = echo()
    sighting = seen_at_raise(lambda: way(cor))
    assert sighting.is_named
    assert (sighting.candidates[0].name, sighting.operation) == ("echo", "send")


def test_what_a_thread_was_to_call_is_not_known_afterwards_and_that_is_said() -> None:
    late = genlock.explain(raised_by(threading.Thread(target=echo().send, args=(1,)).run))
    (gap,) = late.not_known
    assert gap.startswith("which generator it was")
    assert gap.endswith("To see it as it happens:  genlock run SCRIPT")


# What it is ----------------------------------------------------------------------------------


def echo() -> Generator[object, object, None]:
    value: object = None
    while True:
        value = yield value


class Maker:
    def make(self) -> Generator[object, object, None]:
        return echo()


@pytest.mark.parametrize(
    ("send_early", "made"),
    [
        (lambda: echo().send(1), "echo()"),
        (lambda: Maker().make().send(2), "Maker().make()"),
    ],
)
def test_what_an_expression_makes_anew_is_to_be_started_under_a_name(
    send_early: Callable[[], object], made: str
) -> None:
    told = str(genlock.explain(raised_by(send_early)))
    assert f"  Give it a name, and start it first:  cor = {made}; next(cor)\n" in told
    assert "\n  or make it by  @genlock.coroutine\n" in told


def test_errors_of_genlock_keep_their_diagnosis() -> None:
    @genlock.guarded
    def echo() -> Generator[None, str, None]:
        yield

    error = raised_by(lambda: echo().send("early"))
    assert isinstance(error, genlock.NotPrimedError)
    explanation = genlock.explain(error)
    assert explanation.diagnosis == error.diagnosis
    assert explanation.text.startswith(str(error))
    assert explanation.sighting is None


def test_an_error_of_genlock_whose_text_cannot_be_had_is_explained_without() -> None:
    class Silent(genlock.ReentrantCallError):
        def __str__(self) -> str:
            raise KeyError

    explanation = genlock.explain(Silent.__new__(Silent))
    assert explanation.text.startswith("Silent\n")


def test_what_is_not_about_generators_is_false_and_says_so() -> None:
    explanation = genlock.explain(KeyError("x"))
    assert not explanation
    assert explanation.code == ""
    assert "no error about a generator" in explanation.text


@pytest.mark.parametrize("given", [None, 5, ValueError, "ValueError: generator already executing"])
def test_what_is_no_exception_is_refused_with_what_to_give(given: Any) -> None:
    with pytest.raises(TypeError, match=r"explain\(\) takes an exception, .*, not .*"):
        genlock.explain(given)


def test_an_exception_is_not_asked_for_its_class() -> None:
    class Odd(ValueError):
        @property
        def __class__(self) -> type:
            raise OSError("nobody is to ask")

        @__class__.setter
        def __class__(self, _: type) -> None: ...

    assert not genlock.explain(Odd("generator already executing"))


def test_errors_that_hang_together_in_a_circle_end() -> None:
    one, two = KeyError("one"), KeyError("two")
    one.__cause__, two.__context__ = two, one
    assert not genlock.explain(one)


def test_a_chain_without_end_is_followed_for_a_while() -> None:
    first: Exception = KeyError("first")
    error = first
    for number in range(20_000):
        error.__context__ = KeyError(number)
        error = error.__context__
    error.__context__ = TypeError("can't send non-None value to a just-started generator")
    assert not genlock.explain(first)
    assert len([*hanging_together(first)]) == 1000


def test_what_a_traceback_does_not_show_may_be_left_out() -> None:
    shown, hidden = KeyError("shown"), KeyError("hidden")
    error = ValueError()
    error.__context__, error.__cause__ = hidden, shown
    assert [*hanging_together(error)] == [error, shown, hidden]
    assert [*hanging_together(error, as_printed=True)] == [error, shown]
    group = ExceptionGroup("", [error, hidden])
    assert [*hanging_together(group, not_beyond=(ValueError,))] == [group, error, hidden]


def test_explanations_are_plain_data() -> None:
    explanation = genlock.explain(ValueError("generator already executing"))
    told = json.loads(explanation.to_json())
    assert told["code"] == "GL011"
    assert told["sighting"]["error"] == "ValueError: generator already executing"


def test_a_failure_of_the_look_leaves_what_is_known_of_the_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_sighting, "_calls_then", None)
    explanation = genlock.explain(ValueError("generator already executing"))
    assert explanation.code == "GL011"
    assert explanation.text.startswith("ValueError: generator already executing\n")
    monkeypatch.undo()
    monkeypatch.setattr(_sighting_wording, "told", None)
    explanation = genlock.explain(ValueError("generator already executing"))
    assert explanation.text.startswith("ValueError: generator already executing\n")


# Hooks ----------------------------------------------------------------------------------------


def cycle() -> None:
    def body() -> Iterator[object]:
        yield next(own)

    own = body()
    next(own)


def ours(statement: str) -> Callable[..., NoReturn]:
    """A function that does this, and counts as one of genlock's."""
    names: dict[str, Any] = {}
    source = f"import signal\ndef function(*_, **__): {statement}"
    exec(compile(source, _sighting.__file__, "exec"), names)
    return cast("Callable[..., NoReturn]", names["function"])


class Alarm(Exception):
    """What a signal handler raises."""


@pytest.fixture
def alarmed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A signal comes amid each explanation, whose handler raises."""

    def ring(*_: object) -> NoReturn:
        raise Alarm

    before = signal.signal(signal.SIGINT, ring)
    sight = ours("signal.raise_signal(signal.SIGINT)")
    monkeypatch.setattr("genlock._explaining._explain.sight", sight)
    yield
    signal.signal(signal.SIGINT, before)


def test_what_a_signal_handler_raises_amid_an_explanation_comes_out(
    alarmed: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = raised_by(cycle)
    record = logging.makeLogRecord({"exc_info": (type(error), error, None)})
    with pytest.raises(Alarm):
        genlock.ExplainFilter().filter(record)
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    with genlock.install_excepthook(), pytest.raises(Alarm):
        sys.excepthook(type(error), error, error.__traceback__)
    assert "generator already executing" in capsys.readouterr().err


def test_hooks_that_are_uninstalled_in_the_order_of_their_making_leave_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    before = sys.excepthook, threading.excepthook, sys.unraisablehook
    handles = [genlock.install_excepthook() for _ in range(3)]
    for handle in handles:
        handle.uninstall()
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == before


def test_the_hook_explains_below_the_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    before = sys.excepthook, threading.excepthook, sys.unraisablehook
    error = raised_by(cycle)
    with genlock.install_excepthook():
        sys.excepthook(type(error), error, error.__traceback__)
    told = capsys.readouterr().err
    traceback, _, explanation = told.partition("\ngenlock: ")
    assert traceback.rstrip().endswith("ValueError: generator already executing")
    assert explanation.startswith("[GL011] 'body' was asked for a value")
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == before


def test_the_hook_says_nothing_of_other_errors(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    error = KeyError("x")
    with genlock.install_excepthook():
        sys.excepthook(KeyError, error, None)
    assert capsys.readouterr().err == "KeyError: 'x'\n"


def test_the_hook_of_threads_names_the_thread(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    with genlock.install_excepthook():
        thread = threading.Thread(target=cycle, name="worker-7")
        thread.start()
        thread.join(PATIENCE)
    told = capsys.readouterr().err
    assert "Exception in thread worker-7" in told
    assert "    worker-7  " in told.partition("genlock: ")[2]


def test_the_hook_explains_what_a_finaliser_could_not_raise(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stubborn() -> Iterator[int]:
        try:
            yield 1
        except GeneratorExit:
            yield 2

    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    with genlock.install_excepthook():
        generator = stubborn()
        next(generator)
        del generator
    told = capsys.readouterr().err
    assert "Exception ignored in: <generator object" in told
    assert "genlock: [GL014] 'stubborn' was to be closed, and yielded instead" in told


class Sender:
    """What sends to a generator when it is collected."""

    def __init__(self, body: Generator[None, object, None]) -> None:
        self.body = body

    def __del__(self) -> None:
        self.body.send(1)


def sender(body: Generator[None, object, None]) -> Iterator[None]:
    """The same as a generator."""
    try:
        yield
    finally:
        body.send(1)


def sending(body: Generator[None, object, None]) -> Iterator[None]:
    made = sender(body)
    next(made)
    return made


@pytest.mark.parametrize("finaliser", [Sender, sending])
def test_the_hook_explains_what_a_finaliser_has_sent(
    finaliser: Callable[[Generator[None, object, None]], object],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def collect() -> Generator[None, object, None]:
        yield
        kept.clear()
        yield

    body = collect()
    next(body)
    kept = [finaliser(body)]
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    with genlock.install_excepthook():
        next(body)
    told = capsys.readouterr().err.partition("genlock: ")[2]
    assert told.startswith("[GL011] 'collect' was sent a value while it was still running.")
    assert "← this call" in told
    assert "Not known" not in told


def test_hooks_in_a_chain_explain_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    error = raised_by(cycle)
    with genlock.install_excepthook(), genlock.install_excepthook():
        sys.excepthook(type(error), error, error.__traceback__)
    assert capsys.readouterr().err.count("genlock: [GL011]") == 1


def test_a_hook_that_another_chains_to_falls_silent_when_it_is_uninstalled(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    error = raised_by(cycle)
    handle = genlock.install_excepthook()
    ours = sys.excepthook

    def later(*what: Any) -> None:
        ours(*what)

    sys.excepthook = later
    handle.uninstall()
    handle.uninstall()
    assert sys.excepthook is later
    sys.excepthook(type(error), error, error.__traceback__)
    told = capsys.readouterr().err
    assert "generator already executing" in told
    assert "genlock: " not in told


# Logging --------------------------------------------------------------------------------------


@pytest.fixture
def logged() -> tuple[logging.Logger, StringIO]:
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(genlock.ExplainFilter())
    logger = logging.Logger("app")  # noqa: LOG001  # of no use to anybody else
    logger.addHandler(handler)
    return logger, stream


def test_the_filter_explains_what_is_logged(logged: tuple[logging.Logger, StringIO]) -> None:
    logger, stream = logged
    try:
        cycle()
    except ValueError:
        logger.exception("it failed")
    told = stream.getvalue()
    message, _, explanation = told.partition("\ngenlock: ")
    assert message.startswith("it failed\nTraceback")
    assert explanation.startswith("[GL011] 'body' was asked for a value")


def test_the_filter_leaves_other_records_as_they_are(
    logged: tuple[logging.Logger, StringIO],
) -> None:
    logger, stream = logged
    logger.error("plain")
    logger.error("no error at hand", exc_info=True)  # noqa: LOG014
    logger.error("another", exc_info=KeyError("x"))
    assert "genlock" not in stream.getvalue()


def test_records_get_attributes_and_keep_their_own() -> None:
    error = raised_by(cycle)
    record = logging.LogRecord(
        "app", logging.ERROR, "app.py", 1, "it failed", (), (type(error), error, None)
    )
    record.stack_info = "Stack (most recent call last):"
    explain = genlock.ExplainFilter()
    assert explain.filter(record)
    assert explain.filter(record)
    assert vars(record)["genlock_code"] == "GL011"
    assert vars(record)["genlock_explanation"].startswith("[GL011] 'body'")
    assert record.stack_info.count("genlock: [GL011]") == 1
    assert record.stack_info.startswith("Stack (most recent call last):\n")


def test_the_filter_lets_through_what_logging_lets_through() -> None:
    record = logging.makeLogRecord({"name": "other"})
    assert not genlock.ExplainFilter("app").filter(record)
    assert genlock.ExplainFilter("other").filter(record)


def test_a_failure_of_the_filter_costs_no_record(
    logged: tuple[logging.Logger, StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    fail = ours("raise RuntimeError('ours')")
    monkeypatch.setattr("genlock._explaining._explain_filter.explain_in_thread", fail)
    logger, stream = logged
    try:
        cycle()
    except ValueError:
        logger.exception("it failed")
    assert stream.getvalue().startswith("it failed\nTraceback")
