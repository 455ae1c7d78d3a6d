"""A request whose work is done by several processes; every one prints the spans it made."""

import json
import os
import subprocess
import sys
from collections.abc import Generator

from opentelemetry import context, propagate
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import genlock
from genlock.sinks.otel import Spans

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
tracer = provider.get_tracer("program")


def stage() -> Generator[None, int, None]:
    while True:
        yield


def worker() -> Generator[None, int, None]:
    stage_ = genlock.guard(stage(), name="stage")
    next(stage_)
    while True:
        stage_.send((yield))


def work(traceparent: str) -> None:
    parent = propagate.extract({"traceparent": traceparent})
    worker_ = genlock.guard(worker(), name="worker", prime=True)
    exporter.clear()
    token = context.attach(parent)
    try:
        worker_.send(1)
    finally:
        context.detach(token)


def request(processes: int) -> None:
    with tracer.start_as_current_span("request"):
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        command = [sys.executable, __file__, "--traceparent", carrier["traceparent"]]
        children = [subprocess.Popen(command) for _ in range(processes)]
        assert [child.wait(40) for child in children] == [0] * processes


def tell() -> None:
    for span in exporter.get_finished_spans():
        assert span.context
        told = {
            "name": span.name,
            "process": os.getpid(),
            "trace": span.context.trace_id,
            "span": span.context.span_id,
            "parent": span.parent.span_id if span.parent else None,
        }
        os.write(1, (json.dumps(told) + "\n").encode())


with genlock.subscribe(Spans(tracer)):
    if sys.argv[1] == "--traceparent":
        work(sys.argv[2])
    else:
        request(int(sys.argv[1]))
tell()
