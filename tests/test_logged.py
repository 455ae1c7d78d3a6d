"""What genlock tells costs nobody a record, or the text, where it cannot be encoded as it is."""

import io
import logging
import queue
import sys
from collections.abc import Callable, Generator, Iterator
from logging.handlers import QueueHandler
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import genlock
from crew import PATIENCE, Occupied, Worker, until
from genlock import _deferral
from genlock._logged import for_handlers
from genlock.cli._terminal import write
from subprocesses import run_python

ENCODINGS = pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
OpenLog = Callable[[str], logging.FileHandler]


def body() -> Generator[object]:
    yield None
    yield next(players[0])


def größe() -> Generator[object]:  # noqa: PLC2401  # what this is about
    yield None
    yield next(players[0])


players: list[Generator[object]] = []


def came_back(function: Callable[[], Generator[object]] = body) -> ValueError:
    players[:] = [function()]
    next(players[0])
    with pytest.raises(ValueError, match="already executing") as raised:
        next(players[0])
    return raised.value


@pytest.fixture
def logger(request: pytest.FixtureRequest) -> logging.Logger:
    logger = logging.getLogger(f"logged.{request.node.name}")
    logger.propagate = False
    return logger


@pytest.fixture
def open_log(tmp_path: Path) -> Iterator[OpenLog]:
    opened: list[logging.FileHandler] = []

    def open_log(encoding: str) -> logging.FileHandler:
        opened.append(logging.FileHandler(tmp_path / f"{len(opened)}.log", encoding=encoding))
        return opened[-1]

    yield open_log
    for handler in opened:
        handler.close()


def written(handler: logging.FileHandler) -> str:
    assert handler.encoding is not None
    return Path(handler.baseFilename).read_text(handler.encoding)


def assert_explained(told: str, encoding: str, name: str = "body") -> None:
    to, back = "→←" if encoding == "utf-8" else "><"
    assert "failed\n" in told
    assert f"[GL011] '{name}' was asked for a value while it was still running." in told
    assert f"    {to} {name}  " in told
    assert f"next(players[0])  {back} this call" in told


@ENCODINGS
def test_an_explained_record_is_in_every_log(
    encoding: str, logger: logging.Logger, open_log: OpenLog
) -> None:
    first, second = open_log("utf-8"), open_log(encoding)
    first.addFilter(genlock.ExplainFilter())
    logger.addHandler(first)
    logger.addHandler(second)
    logger.error("failed", exc_info=came_back())
    assert_explained(written(first), encoding)
    assert_explained(written(second), encoding)


def test_the_logs_of_loggers_further_up_get_it_too(
    logger: logging.Logger, open_log: OpenLog
) -> None:
    handler = open_log("ascii")
    logger.addHandler(handler)
    child = logger.getChild("child")
    child.addFilter(genlock.ExplainFilter())
    child.error("failed", exc_info=came_back())
    assert_explained(written(handler), "ascii")


def test_a_handler_that_gets_its_records_by_other_ways_loses_none(
    logger: logging.Logger, open_log: OpenLog
) -> None:
    logger.addHandler(open_log("utf-8"))
    handler = open_log("ascii")
    handler.addFilter(genlock.ExplainFilter())
    error = came_back()
    given = (type(error), error, error.__traceback__)
    handler.handle(logging.LogRecord(logger.name, logging.ERROR, "", 1, "failed", (), given))
    assert_explained(written(handler), "ascii")


def test_what_is_passed_on_to_a_handler_that_is_not_known_is_in_ascii(
    logger: logging.Logger,
) -> None:
    records: queue.SimpleQueue[Any] = queue.SimpleQueue()
    handler = QueueHandler(records)
    handler.addFilter(genlock.ExplainFilter())
    logger.addHandler(handler)
    logger.error("failed", exc_info=came_back())
    assert_explained(records.get(timeout=PATIENCE).getMessage(), "ascii")


class Untraced(logging.Formatter):
    """Prints no traceback: a log without the letters of its names would not take that."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{record.getMessage()}\n{record.stack_info}"


@pytest.mark.parametrize(
    ("encoding", "name"), [("utf-8", "größe"), ("cp1252", "größe"), ("ascii", "gr\\xf6\\xdfe")]
)
def test_letters_that_a_log_lacks_are_escaped_and_no_others(
    encoding: str, name: str, logger: logging.Logger, open_log: OpenLog
) -> None:
    handler = open_log(encoding)
    handler.addFilter(genlock.ExplainFilter())
    handler.setFormatter(Untraced())
    logger.addHandler(handler)
    logger.error("failed", exc_info=came_back(größe))
    assert f"'{name}' was asked for a value" in written(handler)


@ENCODINGS
def test_the_warning_of_a_long_wait_is_in_the_log(
    encoding: str, open_log: OpenLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = logging.getLogger("genlock")
    handler = open_log(encoding)
    monkeypatch.setattr(logger, "handlers", [handler])
    monkeypatch.setattr(logger, "propagate", False)
    with Occupied(warn_after=0, timeout=0.01) as stage, pytest.raises(TimeoutError):
        stage.guard.send("next")
    assert "for 'occupied' in send(): holder is still inside." in written(handler)
    assert f"    {'→' if encoding == 'utf-8' else '>'} occupied  " in written(handler)


def test_the_warning_of_a_body_that_feeds_itself_is_in_the_log(
    open_log: OpenLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = open_log("ascii")
    monkeypatch.setattr(logging.getLogger("genlock"), "handlers", [handler])
    monkeypatch.setattr(_deferral, "_MANY", 1)
    waiters: list[Worker] = []

    def body() -> Generator[None, int]:
        yield
        waiters.append(Worker(lambda: guard.send(0)))
        until(lambda: guard._self_gate.queue)
        guard.send(0)
        yield
        yield
        yield

    guard: Any = genlock.guard(body(), prime=True, name="größe", on_reentry="defer")
    guard.send(0)
    waiters[0].result()
    assert "'gr\\xf6\\xdfe' has been delivered 1 deferred values" in written(handler)


@pytest.mark.parametrize(
    ("handlers", "is_as_it_was"),
    [
        ([logging.NullHandler(), logging.StreamHandler(io.StringIO())], True),
        ([logging.NullHandler(), logging.Handler()], False),
        ([logging.StreamHandler(cast("Any", SimpleNamespace(encoding="no-such")))], False),
    ],
)
def test_handlers_of_other_kinds(
    handlers: list[logging.Handler], *, is_as_it_was: bool, logger: logging.Logger
) -> None:
    for handler in handlers:
        logger.addHandler(handler)
    assert for_handlers("a → b…", logger) == ("a → b…" if is_as_it_was else "a > b...")


def test_without_handlers_it_goes_to_the_last_resort(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logger = logging.Logger("app")  # noqa: LOG001  # with no root above it that has handlers
    last = logging.StreamHandler(io.TextIOWrapper(io.BytesIO(), "cp1252"))
    monkeypatch.setattr(logging, "lastResort", last)
    assert for_handlers("a → b…", logger) == "a > b..."


CAME_BACK_IN_A_LOG = """
import logging, genlock

def body():
    yield
    yield next(guard)

guard = genlock.guard(body())
next(guard)
logging.basicConfig(handlers=[logging.FileHandler("app.log")])
try:
    next(guard)
except ValueError:
    logging.exception("failed")
"""


@pytest.mark.parametrize(
    ("environment", "marks"),
    [
        ({"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, "><"),
        ({"PYTHONUTF8": "1"}, "→←"),
    ],
)
def test_an_error_of_genlock_is_in_a_log_of_the_usual_encoding(
    environment: dict[str, str], marks: str, tmp_path: Path
) -> None:
    ran = run_python("-c", CAME_BACK_IN_A_LOG, directory=tmp_path, environment=environment)
    assert (ran.returncode, ran.stderr) == (0, "")
    told = (tmp_path / "app.log").read_text(encoding="utf-8")
    assert "failed\nTraceback" in told
    assert "genlock.ReentrantCallError: [GL001] 'body' was asked for a value" in told
    assert [mark for mark in marks if mark not in told] == []


@ENCODINGS
def test_the_hook_explains_where_standard_error_takes_less(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(printed, encoding))
    monkeypatch.setattr(sys, "excepthook", lambda *_: sys.stderr.write("failed\n"))
    error = came_back()
    with genlock.install_excepthook():
        sys.excepthook(type(error), error, error.__traceback__)
    assert_explained(printed.getvalue().decode(encoding), encoding)


@ENCODINGS
def test_what_the_command_prints_keeps_its_arrows_readable(encoding: str) -> None:
    printed = io.BytesIO()
    stream = io.TextIOWrapper(printed, encoding)
    write("a → b", stream)
    assert printed.getvalue().decode(encoding) == ("a → b\n" if encoding == "utf-8" else "a > b\n")


def test_a_dump_keeps_its_arrows_readable() -> None:
    def inner() -> Generator[None]:
        genlock.dump(stream)
        yield

    def outer() -> Generator[None]:
        yield from guard

    printed = io.BytesIO()
    stream = io.TextIOWrapper(printed, "cp1252")
    guard = genlock.guard(inner())
    next(genlock.guard(outer()))
    told = printed.getvalue().decode("cp1252")
    assert "> inner" in told
