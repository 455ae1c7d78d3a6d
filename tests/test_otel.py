"""Spans of resumptions: one for each, current inside of it and nowhere else."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import genlock
from crew import together
from subprocesses import run_program

pytest.importorskip("opentelemetry.sdk")

from opentelemetry import context, trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from genlock.sinks.otel import Spans

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

PROGRAM = Path(__file__).parent / "programs" / "spans.py"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exporter: InMemorySpanExporter) -> Iterator[trace.Tracer]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("tests")
    with genlock.subscribe(Spans(tracer)):
        yield tracer
    provider.shutdown()


def tree(spans: tuple[ReadableSpan, ...]) -> list[tuple[str, str | None]]:
    """The names of spans, each with its parent's."""
    names = {span.context.span_id: span.name for span in spans if span.context}
    return [
        (span.name, names.get(span.parent.span_id, "unknown") if span.parent else None)
        for span in spans
    ]


def test_a_call_that_finds_the_generator_ended_is_an_event_of_the_callers_span(
    tracer: trace.Tracer, exporter: InMemorySpanExporter
) -> None:
    numbers = genlock.guard((number for number in range(1)), name="numbers")
    with tracer.start_as_current_span("request"):
        assert list(numbers) == [0]
        numbers.close()
    assert tree(exporter.get_finished_spans()) == [
        ("numbers", "request"),
        ("numbers", "request"),
        ("request", None),
    ]
    (event,) = exporter.get_finished_spans()[-1].events
    assert event.name == "genlock.ended"
    assert event.attributes == {"genlock.guard": "numbers", "genlock.operation": "close"}


def test_spans_of_guards_that_drive_one_another_nest(
    tracer: trace.Tracer, exporter: InMemorySpanExporter
) -> None:
    def inner() -> Generator[None, Any, None]:
        while True:
            yield
            with tracer.start_as_current_span("of the body"):
                pass

    def outer() -> Generator[None, Any, None]:
        while True:
            inner_.send((yield))

    inner_ = genlock.guard(inner(), name="inner", prime=True)
    outer_ = genlock.guard(outer(), name="outer", prime=True)
    exporter.clear()
    with tracer.start_as_current_span("request"):
        outer_.send(1)
    assert tree(exporter.get_finished_spans()) == [
        ("of the body", "inner"),
        ("inner", "outer"),
        ("outer", "request"),
        ("request", None),
    ]


def test_no_context_leaks_into_the_caller(
    tracer: trace.Tracer, exporter: InMemorySpanExporter
) -> None:
    def leaky() -> Generator[None, Any, None]:
        with tracer.start_as_current_span("open over a yield"):
            while True:
                yield
                context.attach(context.set_value("leaked", "by hand"))

    before = context.get_current()
    cor = genlock.guard(leaky(), name="leaky", prime=True)
    assert context.get_current() == before
    for _ in range(3):
        cor.send(1)
        assert context.get_current() == before
        assert not trace.get_current_span().get_span_context().is_valid
    cor.close()
    assert context.get_current() == before
    names = [span.name for span in exporter.get_finished_spans()]
    assert names == ["leaky"] * 4 + ["open over a yield", "leaky"]


def test_no_context_leaks_where_the_subscription_ends_meanwhile(
    exporter: InMemorySpanExporter,
) -> None:
    def body() -> Generator[None, Any, None]:
        yield
        subscription.end()
        yield

    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    cor = genlock.guard(body(), name="body", prime=True)
    before = context.get_current()
    subscription = genlock.subscribe(Spans(provider.get_tracer("tests")))
    cor.send(1)
    assert context.get_current() == before
    assert tree(exporter.get_finished_spans()) == [("body", None)]
    provider.shutdown()


def test_an_error_is_the_status_of_the_span(
    tracer: trace.Tracer, exporter: InMemorySpanExporter
) -> None:
    def body() -> Generator[None, Any, None]:
        yield
        raise KeyError

    cor = genlock.guard(body(), name="body", prime=True)
    with pytest.raises(KeyError):
        cor.send(1)
    with pytest.raises(StopIteration):
        next(genlock.guard(text for text in ""))
    _, raised, ended = exporter.get_finished_spans()
    assert raised.status.status_code is trace.StatusCode.ERROR
    assert raised.attributes
    assert raised.attributes["error.type"] == "KeyError"
    assert raised.attributes["genlock.operation"] == "send"
    assert ended.status.status_code is trace.StatusCode.UNSET


def test_a_refused_call_is_an_event_of_the_callers_span(
    tracer: trace.Tracer, exporter: InMemorySpanExporter
) -> None:
    def body() -> Generator[None, Any, None]:
        while True:
            yield
            with pytest.raises(genlock.ReentrantCallError):
                cor.send("again")

    cor = genlock.guard(body(), name="body", prime=True)
    cor.send(1)
    sent = exporter.get_finished_spans()[-1]
    assert [event.name for event in sent.events] == ["genlock.refused"]


def test_threads_do_not_mix_their_spans(
    tracer: trace.Tracer, exporter: InMemorySpanExporter
) -> None:
    def body() -> Generator[None, Any, None]:
        while True:
            yield

    cor = genlock.guard(body(), name="body", prime=True)
    exporter.clear()

    def requests(name: str) -> None:
        for _ in range(50):
            with tracer.start_as_current_span(name):
                cor.send(1)

    together(*(partial(requests, name) for name in ("one", "two", "three")))
    spans = exporter.get_finished_spans()
    assert len(spans) == 300
    by_id = {span.context.span_id: span for span in spans if span.context}
    for span in spans:
        if span.name == "body":
            assert span.parent
            assert span.context
            driver = by_id[span.parent.span_id]
            assert driver.context
            assert driver.context.trace_id == span.context.trace_id
            assert driver.name in ("one", "two", "three")


@pytest.mark.skipif(sys.platform == "win32", reason="the children are forked off a shell of ours")
def test_spans_of_several_processes_join_one_trace() -> None:
    ran = run_program(PROGRAM, "3", timeout=50)
    assert ran.stderr == ""
    assert ran.returncode == 0
    spans = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len({span["process"] for span in spans}) == 4
    assert len({span["trace"] for span in spans}) == 1
    by_id = {span["span"]: span for span in spans}
    roots = [span for span in spans if span["parent"] is None]
    assert [span["name"] for span in roots] == ["request"]
    across = [
        span
        for span in spans
        if span["parent"] and by_id[span["parent"]]["process"] != span["process"]
    ]
    assert [(span["name"], by_id[span["parent"]]["name"]) for span in across] == [
        ("worker", "request")
    ] * 3
    assert sum(span["name"] == "stage" for span in spans) == 3
