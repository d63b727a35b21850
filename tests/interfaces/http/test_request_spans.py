"""Spans of requests: waiting and running within them, the caller's trace kept, and never a text."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.testclient import TestClient

from feilun.bundles.bundle import open_bundle
from feilun.core.errors import UsageError
from feilun.interfaces.http.app import create_app
from feilun.serving.engine import Engine
from feilun.serving.tracing import NoTracer, SpanTracer, tracer_of_environment
from tiny_bundle import made_bundle

SECRET = "13812345678 good bank"


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def client(spans: InMemorySpanExporter, tmp_path: Path) -> Iterator[TestClient]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    bundle = open_bundle(made_bundle(tmp_path / "b"), threads=1)
    engine = Engine({"reviews": bundle}, tracer=SpanTracer(provider))
    with TestClient(create_app(engine), raise_server_exceptions=False) as client:
        yield client


def by_name(spans: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in spans.get_finished_spans()}


def said(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_a_request_holds_its_waiting_and_its_run(client: TestClient, spans: InMemorySpanExporter) -> None:
    answer = client.post("/v1/predict/reviews", json={"texts": [SECRET, "bad fee"]})
    found = by_name(spans)
    request, queue, run = found["POST /v1/predict/{name}"], found["queue"], found["run"]
    assert said(request) == {
        "http.request.method": "POST", "http.route": "/v1/predict/{name}", "http.response.status_code": 200,
        "feilun.request": answer.headers["x-request-id"],
    }  # fmt: skip
    for step in (queue, run):
        assert step.parent is not None
        assert step.parent.span_id == request.context.span_id
        assert said(step)["feilun.texts"] == 2
    assert said(run)["feilun.batch_texts"] == 2
    assert request.start_time <= queue.start_time <= queue.end_time == run.start_time <= run.end_time  # type: ignore[operator]
    assert run.end_time <= request.end_time  # type: ignore[operator]


def test_the_callers_trace_goes_on(client: TestClient, spans: InMemorySpanExporter) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    client.post("/v1/predict/reviews", json={"text": "good"}, headers=headers)
    assert {f"{span.context.trace_id:032x}" for span in spans.get_finished_spans()} == {trace}


def test_no_text_is_in_a_span_whatever_goes_wrong(
    client: TestClient, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def quote(texts: Any) -> Any:
        raise ValueError(f"cannot read {texts}")

    client.post(f"/v1/predict/{SECRET}", json={"text": SECRET})
    client.get(f"/{SECRET}?text={SECRET}")
    client.post("/v1/predict/reviews", content=SECRET)
    batcher = client.app.state.engine._batchers["reviews"]  # type: ignore[attr-defined]
    monkeypatch.setattr(batcher, "_predict", quote)
    assert client.post("/v1/predict/reviews", json={"text": SECRET}).status_code == 500
    found = spans.get_finished_spans()
    assert {span.name for span in found} == {"POST /v1/predict/{name}", "GET other", "queue", "run"}
    assert not any(SECRET in span.to_json() or "13812345678" in span.to_json() for span in found)
    (failed,) = [span for span in found if "error.type" in said(span)]
    assert (said(failed)["error.type"], failed.status.is_ok, failed.events) == ("ValueError", False, ())


def test_spans_go_where_the_environment_says(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        thread = threading.Thread(target=collector.serve_forever)
        thread.start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
        tracer = tracer_of_environment()
        tracer.step("run", 1, 2, {"feilun.texts": 3})
        tracer.close()
        collector.shutdown()
        thread.join()
    ((path, body),) = received
    assert path == "/v1/traces"
    assert b"feilun.texts" in body
    assert b"service.name" in body


@pytest.mark.parametrize(
    "environment",
    [{}, {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"},
     {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}],
)  # fmt: skip
def test_nothing_is_kept_unless_the_environment_asks_for_it(environment: dict[str, str]) -> None:
    assert isinstance(tracer_of_environment(environment), NoTracer)


@pytest.mark.parametrize(
    "environment",
    [{"OTEL_TRACES_EXPORTER": "zipkin"}, {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}],
)
def test_ways_that_are_not_taken_are_named(environment: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="Spans cannot go by"):
        tracer_of_environment(environment)
