"""Resumptions as spans of OpenTelemetry. Needs its API: `pip install "genlock[otel]"`."""

from __future__ import annotations

from typing import TYPE_CHECKING

try:
    from opentelemetry import context, trace
except ModuleNotFoundError as error:
    needed = 'genlock.sinks.otel needs the API of OpenTelemetry: pip install "genlock[otel]"'
    raise ModuleNotFoundError(needed, name=error.name) from None

if TYPE_CHECKING:
    from collections.abc import Callable

    from genlock._records import Operation
    from genlock._traces._events import Event, TracedGuard


class Spans:
    """A subscriber that makes every resumption a span, current while the generator runs.

    Args:
        tracer: what makes the spans; by default the tracer "genlock" of the global provider.

    A span that is open where a generator yields would stay current in the caller. So each
    resumption has a span of its own, child of what is current where the call is made, and the
    caller's context is put back whatever the generator has left behind. A refused or deferred call,
    or one of a generator that had ended, is an event of the caller's span. Thread-safe. A generator
    that is dropped with a span of its own open ends that wherever this happens; one that is closed,
    where it is closed.
    """

    def __init__(self, tracer: trace.Tracer | None = None) -> None:
        self._tracer = tracer or trace.get_tracer("genlock")

    def begin(self, guard: TracedGuard, operation: Operation) -> Callable[[Event], None]:
        """Open the span of a resumption; what is returned closes it."""
        facts = {
            "genlock.guard": guard.name,
            "genlock.operation": operation,
            "code.function.name": guard.function,
        }
        span = self._tracer.start_span(guard.name, attributes=facts)
        token = context.attach(trace.set_span_in_context(span))

        def close(event: Event) -> None:
            context.detach(token)
            span.set_attribute("genlock.outcome", event.outcome)
            if event.waited:
                span.set_attribute("genlock.waited_ns", event.waited)
            if event.error:
                span.set_attribute("error.type", event.error)
                span.set_status(trace.StatusCode.ERROR, event.error)
            span.end()

        return close

    def __call__(self, event: Event) -> None:
        """Note on the caller's span what is no resumption."""
        facts = {"genlock.guard": event.guard.name, "genlock.operation": event.operation}
        if event.error:
            facts["error.type"] = event.error
        trace.get_current_span().add_event(f"genlock.{event.outcome}", facts)
