"""Where the time of a request goes: a span for it, one while it waits, one while the model runs (OpenTelemetry).

Off unless the standard's environment variables say where spans go. No text is in a span: names, counts and times alone,
paths as their templates, and of an error its kind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

from feilun.core.errors import MissingExtra, UsageError
from feilun.core.remark import Remark

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

Facts = dict[str, str | int | float | bool]
"""What is said of a span."""

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
EXPORTER, DISABLED = "OTEL_TRACES_EXPORTER", "OTEL_SDK_DISABLED"
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOL = "http/protobuf"
SERVICE = "feilun"


class Tracer(Protocol):
    """Keeps spans."""

    def request(self, headers: Mapping[str, str]) -> AbstractContextManager[Facts]:
        """Open the span of a request, within the caller's trace where its headers name one.

        Args:
            headers: The request's, names in lower case.

        Returns:
            While it lasts, what is said of the span, to be filled in: `name`, and attributes.
        """
        ...

    def step(self, name: str, began: int, ended: int, facts: Facts) -> None:
        """Keep a span within the request that is being answered.

        Args:
            name: What was done.
            began: When, in nanoseconds since 1970.
            ended: Until when.
            facts: Its attributes.
        """
        ...

    def close(self) -> None:
        """Send what was not sent yet."""
        ...


class NoTracer:
    """Keeps nothing."""

    def request(self, headers: Mapping[str, str]) -> AbstractContextManager[Facts]:
        """Return what nobody reads."""
        return nullcontext({})

    def step(self, name: str, began: int, ended: int, facts: Facts) -> None:
        """Keep nothing."""

    def close(self) -> None:
        """Send nothing."""


class SpanTracer:
    """Keeps spans with the OpenTelemetry SDK.

    Args:
        provider: Where they go.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self.provider = provider
        self._tracer = provider.get_tracer(SERVICE)

    @contextmanager
    def request(self, headers: Mapping[str, str]) -> Iterator[Facts]:
        """Open the span of a request, within the caller's trace where its headers name one."""
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind, StatusCode

        facts: Facts = {}
        options: dict[str, Any] = {"record_exception": False, "set_status_on_exception": False}
        with self._tracer.start_as_current_span("request", extract(headers), SpanKind.SERVER, **options) as span:
            try:
                yield facts
            except BaseException as error:  # its words may quote a text
                facts["error.type"] = type(error).__name__
                raise
            finally:
                span.update_name(str(facts.pop("name", "request")))
                span.set_attributes(facts)
                if "error.type" in facts:
                    span.set_status(StatusCode.ERROR)

    def step(self, name: str, began: int, ended: int, facts: Facts) -> None:
        """Keep a span within the request that is being answered."""
        self._tracer.start_span(name, attributes=facts, start_time=began).end(ended)

    def close(self) -> None:
        """Send what was not sent yet."""
        self.provider.shutdown()


def tracer_of_environment(environment: Mapping[str, str] = os.environ) -> Tracer:
    """Return what keeps spans as the variables of OpenTelemetry say; nothing where none says where they go.

    Sampling, batches, resource and headers follow the standard's other variables, which the SDK reads.

    Raises:
        MissingExtra: If spans are to be kept and the SDK is not installed.
        UsageError: If they are to go where they cannot.
    """
    exporter = environment.get(EXPORTER, "otlp" if any(environment.get(name) for name in ENDPOINTS) else "none")
    if exporter == "none" or environment.get(DISABLED, "").lower() == "true":
        return NoTracer()
    protocol = next((environment[name] for name in PROTOCOLS if environment.get(name)), PROTOCOL)
    if exporter != "otlp" or protocol != PROTOCOL:
        raise UsageError(
            Remark(
                f"Spans cannot go by {EXPORTER}={exporter} and {PROTOCOLS[1]}={protocol}.",
                f"链路数据不能按 {EXPORTER}={exporter} 和 {PROTOCOLS[1]}={protocol} 发送。",
            ),
            Remark(
                f"Set {EXPORTER}=otlp, and {PROTOCOLS[1]}={PROTOCOL} or none.",
                f"请设 {EXPORTER}=otlp，{PROTOCOLS[1]} 设为 {PROTOCOL} 或不设。",
            ),
        )
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise MissingExtra(error.name or "opentelemetry", "tracing", Remark("Traces", "链路追踪")) from error
    resource = Resource.create()
    if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        resource = resource.merge(Resource({SERVICE_NAME: SERVICE}))
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return SpanTracer(provider)
