"""The pytest plugin of genlock: fixtures over `genlock.testing`, and diagnoses in reports.

It imports nothing of genlock before a test makes use of it, or there is something to diagnose: who
has genlock installed pays nothing for that, and their coverage figures are those of before. There
is no assertion in it (PYTEST_DONT_REWRITE).
"""

from __future__ import annotations

import contextlib
import random
import signal
import sys
import threading
import traceback
import warnings
import weakref
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from genlock import Recording
    from genlock.testing import Exploration, Transcript

_LEAKS = ("off", "warn", "error")
_AT_THE_TIME = "the guards when the time was up"
_MARKER = (
    'genlock(leaks="error"|"warn"|"off", schedules=N, seed=N): fail, or warn, where the test leaves'
    " guards suspended; how many schedules genlock_explore runs at most, and what it draws the"
    " random ones with"
)

# Whole numbers have a type of their own since pytest 8.4.
_WHOLE: Any = "int" if pytest.version_tuple >= (8, 4) else "string"


class Options(NamedTuple):
    """What holds for a test. `schedules` is None where `explore` is to say."""

    leaks: str
    schedules: int | None
    seed: int


_options = pytest.StashKey[Options]()
_deaths = pytest.StashKey["Deaths"]()
_leaks = pytest.StashKey[contextlib.ExitStack]()
_died = pytest.StashKey[list["Death"]]()
_snapshot = pytest.StashKey[str]()
_sections = pytest.StashKey[list[tuple[str, str]]]()
_hides_own_lines = pytest.StashKey[bool]()


# Options: of the ini file, of the marker.


def pytest_addoption(parser: pytest.Parser) -> None:
    """What an ini file can say."""
    parser.addini(
        "genlock_leaks",
        'tests that leave guards suspended: "error", "warn" or "off" (the default)',
        default="off",
    )
    parser.addini(
        "genlock_schedules", "how many schedules genlock_explore runs at most", _WHOLE, None
    )
    parser.addini(
        "genlock_seed",
        "what genlock_explore draws random schedules with; by default another one in each run,"
        " which the header shows",
        _WHOLE,
        None,
    )


def pytest_plugin_registered(plugin: object, manager: pytest.PytestPluginManager) -> None:
    """Loaded by `-p pytest_genlock`, it is not to be loaded again as the installed plugin."""
    if plugin is sys.modules[__name__] and manager.get_name(plugin) != "genlock":
        manager.set_blocked("genlock")


@pytest.hookimpl(trylast=True)  # so that pytest's own hook for threads is set before
def pytest_configure(config: pytest.Config) -> None:
    """Read the options, and listen for threads that die."""
    config.addinivalue_line("markers", _MARKER)
    given = {name: _ini(config, name) for name in Options._fields}
    # That of the run, where this is a worker of pytest-xdist.
    given |= getattr(config, "workerinput", {}).get("genlock", {})
    if given["seed"] is None:
        given["seed"] = random.SystemRandom().randrange(10**6)  # another one than tests draw from
    wrong = _what_is_wrong(given)
    if wrong:
        raise pytest.UsageError(f"genlock_{wrong} (in the ini file, or with -o)")
    config.stash[_options] = Options(**given)
    deaths = config.stash[_deaths] = Deaths()
    config.add_cleanup(deaths.stop)


def _ini(config: pytest.Config, name: str) -> Any:
    """The value in the ini file; where it is of the wrong type, as it is written there."""
    try:
        value = config.getini(f"genlock_{name}")
    except (TypeError, ValueError, pytest.UsageError) as error:
        raise pytest.UsageError(f"genlock_{name}: {error} (in the ini file, or with -o)") from None
    if value in ("", []):  # what earlier versions of pytest give for None
        return None
    is_number = name != "leaks" and isinstance(value, str) and value.removeprefix("-").isdecimal()
    return int(value) if is_number else value


def _what_is_wrong(given: dict[str, Any]) -> str:
    """In words, beginning with the name of the option; empty if nothing is."""
    for name, value in given.items():
        if name not in Options._fields:
            return f"{name}: there is no such option; there are {', '.join(Options._fields)}"
        if name == "leaks" and value not in _LEAKS:
            return f"leaks must be one of {', '.join(_LEAKS)}, not {value!r}"
        if name == "seed" and type(value) is not int:
            return f"seed must be a whole number, not {value!r}"
        if name == "schedules" and value is not None and (type(value) is not int or value < 1):
            return f"schedules must be a whole number from 1 on, not {value!r}"
    return ""


def _options_of(item: pytest.Item) -> Options:
    """Those of the run, with what the markers say: the nearest counts."""
    given: dict[str, Any] = {}
    for marker in item.iter_markers("genlock"):
        given = {**marker.kwargs, **given}
        if marker.args:
            pytest.fail(f"genlock{marker.args!r}: this marker takes names only", pytrace=False)
    wrong = _what_is_wrong(given)
    if wrong:
        pytest.fail(f"marker genlock: {wrong}", pytrace=False)
    return item.config.stash[_options]._replace(**given)


def pytest_report_header(config: pytest.Config) -> str:
    """The seed, with which a run can be had again: `-o genlock_seed=…`."""
    return f"genlock: seed {config.stash[_options].seed}"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """A worker of pytest-xdist gets the seed."""
    node.workerinput["genlock"] = {"seed": node.config.stash[_options].seed}


# Fixtures.


@pytest.fixture
def genlock_explore(request: pytest.FixtureRequest) -> Callable[..., Exploration]:
    """`genlock.testing.explore`, with the budget and the seed of the marker or the ini file."""
    from genlock.testing import explore

    options = _options_of(request.node)
    if options.schedules is None:
        return partial(explore, seed=options.seed)
    return partial(explore, seed=options.seed, budget=options.schedules)


@pytest.fixture
def genlock_hammer() -> Callable[..., None]:
    """`genlock.testing.hammer`: call a function in many threads at a time."""
    from genlock.testing import hammer

    return hammer


@pytest.fixture
def genlock_transcript() -> Callable[[Iterator[Any]], Transcript]:
    """`genlock.testing.transcript`: what goes into a generator and comes out, as a text."""
    from genlock.testing import transcript

    return transcript


@pytest.fixture
def genlock_trace() -> Iterator[Recording]:
    """A recording of all calls to guards while the test runs; see `genlock.trace`."""
    from genlock import trace

    with trace() as recording:
        yield recording


# Guards that a test leaves suspended.


def _watch_leaks(item: pytest.Item) -> None:
    """Note the guards that are made from now on, if somebody wants to know which are left."""
    if _options_of(item).leaks != "off":
        from genlock.testing import leaks

        watching = item.stash[_leaks] = contextlib.ExitStack()
        watching.enter_context(leaks())


def _judge_leaks(item: pytest.Item) -> None:
    """Fail or warn for those that are left: now fixtures have closed what is theirs to close."""
    watching = item.stash.get(_leaks, None)
    if watching is None:
        return
    told = ""
    try:
        watching.close()
    except AssertionError as found:
        told = str(found)
    if told and _options_of(item).leaks == "error":
        pytest.fail(told, pytrace=False)
    elif told:
        item.warn(pytest.PytestWarning(told))


def _forget_leaks(item: pytest.Item) -> None:
    """After an error, which keeps alive what its frames hold."""
    watching = item.stash.get(_leaks, None)
    if watching is not None:
        watching.__exit__(*sys.exc_info())


# Threads that an error about a generator ends.


class Death(NamedTuple):
    """A thread that ended with an error about a generator, which nobody caught."""

    thread: str
    error: BaseException
    traceback: str
    diagnosis: str
    is_older: bool
    """Whether the thread was there before the test that was running."""
    warning: Warning
    """What pytest would issue."""

    @property
    def heading(self) -> str:
        """In one line."""
        error = traceback.format_exception_only(self.error)[0].partition("\n")[0]
        older = " (there before this test)" * self.is_older
        return f"uncaught in the thread {self.thread!r}{older}: {error}"


class Deaths:
    """Hears of the threads that end with an error, and keeps those that a test has to fail for.

    All others are passed on to the hooks that were there, which are pytest's: they warn. Of threads
    that the threading module did not start, the interpreter tells as of errors in finalisers.
    """

    def __init__(self) -> None:
        self.found: deque[tuple[Death, Callable[[], object]]] = deque()
        self.before = threading.excepthook, sys.unraisablehook
        self.older: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
        self.hooks = self.hear, self.hear_unraisable
        threading.excepthook, sys.unraisablehook = self.hooks

    def hear(self, args: threading.ExceptHookArgs, /) -> None:
        """What `threading.excepthook` calls."""
        name = "" if args.thread is None else args.thread.name
        kind = pytest.PytestUnhandledThreadExceptionWarning
        is_older = args.thread in self.older
        pass_on = partial(self.before[0], args)
        self.judge(name, args.exc_value, pass_on, kind, f"Exception in thread {name}", is_older)

    def hear_unraisable(self, args: sys.UnraisableHookArgs, /) -> None:
        """What `sys.unraisablehook` calls."""
        pass_on = partial(self.before[1], args)
        text = args.err_msg or ""
        if not text.startswith("Exception ignored in thread"):
            pass_on()
            return
        name = f"thread {threading.get_ident()}"
        self.judge(name, args.exc_value, pass_on, pytest.PytestUnraisableExceptionWarning, text)

    def judge(  # noqa: PLR0913, PLR0917  # what is known of a thread that ended
        self,
        thread: str,
        error: BaseException | None,
        pass_on: Callable[[], object],
        kind: type[Warning],
        heading: str,
        is_older: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        """Keep it, or pass it on."""
        death = None
        try:
            death = _death(thread, error, kind, heading, is_older=is_older)
        except Exception:  # a failure of ours must not hide the user's error
            pass
        if death is None:
            pass_on()
        else:
            self.found.append((death, pass_on))

    def take(self) -> list[Death]:
        """Those that were heard of since the last time."""
        return [self.found.popleft()[0] for _ in range(len(self.found))]

    def begin_test(self) -> None:
        """Those that run by now are older than the test."""
        self.older = weakref.WeakSet(threading.enumerate())

    def stop(self) -> None:
        """Put back the hooks, and give them those that died after the last test."""
        if threading.excepthook is self.hooks[0]:
            threading.excepthook = self.before[0]
        if sys.unraisablehook is self.hooks[1]:
            sys.unraisablehook = self.before[1]
        while self.found:
            self.found.popleft()[1]()


_Failed: Any = pytest.fail.Exception


class DeadThreadsError(_Failed):  # type: ignore[misc]  # a class that is known when it runs
    """The failure of a test of which threads died."""

    __module__ = "builtins"  # as those of pytest do: the summary shows the name alone

    def __init__(self, died: list[Death]) -> None:
        super().__init__(_in_words(died), pytrace=False)
        self.died = died


def _death(
    thread: str, error: BaseException | None, kind: type[Warning], heading: str, *, is_older: bool
) -> Death | None:
    """What there is to tell, if it is about a generator."""
    diagnosis = _diagnosis(error, thread)
    if error is None or not diagnosis:
        return None
    frames = error.__traceback__
    while frames and frames.tb_next and frames.tb_frame.f_code.co_filename == threading.__file__:
        frames = frames.tb_next
    lines = "".join(traceback.format_exception(type(error), error, frames))
    return Death(thread, error, lines, diagnosis, is_older, kind(f"{heading}\n\n{lines}"))


def _diagnosis(error: BaseException | None, thread: str) -> str:
    """What is to be said of an error that ended a thread; empty if it is about no generator."""
    if type(error) is StopIteration:
        from genlock._explaining._ended import told_of_end

        return told_of_end(error, thread)
    if error is None or isinstance(error, SystemExit) or not _may_be_explained(error):
        return ""
    from genlock._explaining._explain import explain_in_thread
    from genlock._explaining._sighting import Known

    explanation = explain_in_thread(error, Known(thread))
    return str(explanation) if explanation else ""


def _failing_for_deaths(item: pytest.Item) -> Generator[None, object, object]:
    """Around a phase of a test: fail for the threads that died since the one before."""
    deaths = item.config.stash[_deaths]
    skipped = None
    try:
        result = yield
    except pytest.skip.Exception as outcome:
        skipped = outcome
    except BaseException:
        item.stash[_died] = _those_that_count(deaths)
        raise
    died = _those_that_count(deaths)
    if died:
        item.stash[_died] = died  # for unittest, which reports an error of its own
        raise DeadThreadsError(died)
    if skipped is not None:
        raise skipped
    return result


def _those_that_count(deaths: Deaths) -> list[Death]:
    return [death for death in deaths.take() if not _is_ignored(death)]


def _is_ignored(death: Death) -> bool:
    """Whether the user has told pytest to ignore the warning that it would issue."""
    with warnings.catch_warnings(record=True) as shown:
        try:
            warnings.warn(death.warning, stacklevel=1)
        except type(death.warning):
            return False
    return not shown


def _in_words(died: list[Death]) -> str:
    """All of them; the first one, which the others may come of, with its traceback."""
    first, *more = died
    lines = [first.heading, "", first.traceback.rstrip(), *(each.heading for each in more)]
    return "\n".join(lines)


# The phases of a test.


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """Fixtures are made."""
    item.config.stash[_deaths].begin_test()
    result = yield from _failing_for_deaths(item)
    _options_of(item)  # refuses a marker that is wrong; not before others have set up theirs
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """The function of the test runs."""
    _watch_leaks(item)
    try:
        return (yield from _failing_for_deaths(item))
    except BaseException:
        _forget_leaks(item)
        raise


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Fixtures clean up."""
    try:
        result = yield from _failing_for_deaths(item)
    except BaseException:
        _forget_leaks(item)
        raise
    _judge_leaks(item)
    return result


# Sections of reports.


@pytest.hookimpl(specname="pytest_runtest_makereport")
def pytest_genlock_diagnose(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Make the sections, before there is a report.

    The hook below, which has one, is a generator: while that runs, so does a generator that has
    nothing to do with the error, and would be taken for one that has. Called after those who come
    first: pytest has them look up the errors of unittest.
    """
    sections = item.stash[_sections] = []
    item.stash[_hides_own_lines] = False
    died, snapshot = item.stash.get(_died, []), item.stash.get(_snapshot, "")
    item.stash[_died], item.stash[_snapshot] = [], ""
    if call.excinfo is not None:
        try:
            sections += _told(call.excinfo, died)
            if sections or _has_said_it(call.excinfo):
                item.stash[_hides_own_lines] = True
                _hide_own_lines(is_hidden=True)
        except Exception:  # a failure of ours must not hide the user's error
            pass
    if snapshot:
        sections.append((f"genlock: {_AT_THE_TIME}", snapshot))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the sections to the report of a failure."""
    try:
        report = yield
    finally:
        if item.stash.get(_hides_own_lines, False):
            _hide_own_lines(is_hidden=False)
    if not report.passed:
        # What belongs to the error itself is shown with any --show-capture, and in other formats.
        add = getattr(report.longrepr, "addsection", None)
        for title, text in item.stash.get(_sections, []):
            if add is not None:
                add(title, text)
            else:
                report.sections.append((title, text))
    return report


def _told(excinfo: pytest.ExceptionInfo[BaseException], died: list[Death]) -> list[tuple[str, str]]:
    """Titles and texts of what is known of the cause."""
    if isinstance(excinfo.value, DeadThreadsError):
        return [("genlock", excinfo.value.died[0].diagnosis)]
    sections = []
    if not _has_said_it(excinfo) and _may_be_explained(excinfo.value):
        from genlock import explain

        explanation = explain(excinfo.value)
        if explanation:
            sections.append(("genlock", str(explanation)))
    if died:
        text = f"{_in_words(died)}\n\n{died[0].diagnosis}"
        sections.append(("genlock: uncaught in a thread", text))
    return sections


def _has_said_it(excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
    """Whether it is a report of `genlock.testing`, with a diagnosis of its own."""
    module = excinfo.traceback[-1].frame.f_globals.get("__name__", "")
    return excinfo.type is AssertionError and str(module).startswith("genlock.testing.")


def _hide_own_lines(*, is_hidden: bool) -> None:
    """Whether pytest is to leave out the lines of genlock in tracebacks: so it is told by a name.

    Not in those of errors that nothing is known about, which may be errors of genlock.
    """
    for name, module in sys.modules.copy().items():
        if name.partition(".")[0] == "genlock":
            vars(module)["__tracebackhide__"] = is_hidden


_MOST = 1000
_TYPES = (ValueError, TypeError, RuntimeError)


def _may_be_explained(error: BaseException) -> bool:
    """Whether it is worth while to import `genlock.explain`, which knows for sure.

    So it is if something that hangs together with the error is one of genlock's, or one of the
    interpreter's that speaks of generators and the like.
    """
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending and len(seen) < _MOST:
        each = pending.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        if any(base.__module__ == "genlock" for base in type(each).__mro__):
            return True
        text = each.args[0] if type(each) in _TYPES and each.args else None
        if type(text) is str and any(word in text for word in ("generator", "coroutine", "await")):
            return True
        pending += [each.__cause__, each.__context__]
        pending += each.exceptions if isinstance(each, BaseExceptionGroup) else []
    return False


# When the time of pytest-timeout is up.


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_timeout_set_timer(item: pytest.Item) -> Generator[None, object, object]:
    """Have a snapshot taken first by whatever is set here: a handler of SIGALRM, or a timer."""
    handler, threads = _alarm_handler(), threading.enumerate()
    result = yield
    installed = _alarm_handler()
    if callable(installed) and installed is not handler:
        keep = partial(_keep_snapshot, item)
        signal.signal(signal.SIGALRM, partial(_first, keep, installed))
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer) and thread not in threads:
            thread.function = partial(_first, partial(_print_snapshot, item), thread.function)
    return result


def _alarm_handler() -> Any:
    return signal.getsignal(signal.SIGALRM) if hasattr(signal, "SIGALRM") else None


def _first(ours: Callable[[], None], theirs: Callable[..., object], *args: object) -> None:
    __tracebackhide__ = True
    try:
        ours()
    except Exception:  # the time is up all the same
        pass
    theirs(*args)


def _keep_snapshot(item: pytest.Item) -> None:
    """For the report of the failure that comes now."""
    item.stash[_snapshot] = _snapshot_of_guards()


def _print_snapshot(item: pytest.Item) -> None:
    """Before the process ends, without a report."""
    text = _snapshot_of_guards()
    if not text:
        return
    capture = item.config.pluginmanager.getplugin("capturemanager")
    if capture:
        capture.suspend_global_capture(in_=True)
    is_worker = hasattr(item.config, "workerinput")  # whose standard output nobody sees
    stream = sys.__stderr__ if is_worker else sys.__stdout__
    heading = f" genlock: {_AT_THE_TIME} ".center(80, "~")
    print(f"\n{heading}\n{text}", file=stream, flush=True)


def _snapshot_of_guards() -> str:
    """Who is inside of which guard; empty where nobody can have made one."""
    debugger = getattr(sys.modules.get("pytest_timeout"), "is_debugging", bool)
    if "genlock" not in sys.modules or debugger():
        return ""
    from genlock import snapshot

    taken = snapshot()
    return taken.to_text() if taken.guards else ""
