"""`GET /metrics`: figures for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from feilun.core.prediction import Prediction
from feilun.monitoring.log import ObservationLog
from feilun.serving.trial import Comparison

router = APIRouter(tags=["health"])

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Figures:
    """The counters of one application, in a registry of their own.

    Args:
        log: Its observation log, where it has one.
    """

    def __init__(self, log: ObservationLog | None = None) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "feilun_requests", "Answered requests.", ("method", "path", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "feilun_request_seconds", "Time to answer.", ("path",), buckets=SECONDS, registry=self.registry
        )
        self.predictions = Counter(
            "feilun_predictions", "Predicted texts.", ("model", "abstained"), registry=self.registry
        )
        self.tried = Counter(
            "feilun_shadow",
            "Texts that a version in the shadow was asked along, by whether it said the same label.",
            ("model", "label"),
            registry=self.registry,
        )
        self.recalled = Counter(
            "feilun_canary_recalled", "Canaries taken back by themselves.", ("model",), registry=self.registry
        )
        ProcessCollector(registry=self.registry)
        if log is not None:
            self.registry.register(Observed(log))

    def count(self, model: str, predictions: Sequence[Prediction]) -> None:
        """Count predictions of a served model."""
        abstained = sum(prediction.abstained for prediction in predictions)
        self.predictions.labels(model, "true").inc(abstained)
        self.predictions.labels(model, "false").inc(len(predictions) - abstained)

    def compare(self, comparison: Comparison) -> None:
        """Count what a version in the shadow said beside the served one."""
        rows = len(comparison.rows)
        if comparison.tried is None:
            self.tried.labels(comparison.model, "not asked").inc(rows)
            return
        self.tried.labels(comparison.model, "same").inc(comparison.same)
        self.tried.labels(comparison.model, "other").inc(rows - comparison.same)


class Observed(Collector):
    """Reads the figures of an observation log when they are asked for."""

    def __init__(self, log: ObservationLog) -> None:
        self.log = log

    def collect(self) -> Iterator[Metric]:
        """Yield how many observations are written, lost and waiting."""
        observed = CounterMetricFamily("feilun_observations", "Remembered predictions.", labels=["state"])
        observed.add_metric(["written"], self.log.written)
        observed.add_metric(["lost"], self.log.lost)
        yield observed
        yield GaugeMetricFamily("feilun_observations_waiting", "Not written yet.", self.log.waiting)


class Measured:
    """Counts and times every request by the path's template, so that no visitor can add a series.

    Args:
        app: The application inside.
        figures: Where the figures go.
    """

    def __init__(self, app: ASGIApp, figures: Figures) -> None:
        self.app = app
        self.figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and measure it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500
        began = time.perf_counter()

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            path = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if scope["method"] in {"GET", "HEAD", "POST", "OPTIONS"} else "other"
            self.figures.requests.labels(method, path, str(status)).inc()
            self.figures.seconds.labels(path).observe(time.perf_counter() - began)


@router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
def metrics(request: Request) -> Response:
    """Return counters, times and, of what was observed lately, drift and accuracy, in Prometheus's text format."""
    figures: Figures = request.app.state.figures
    return Response(generate_latest(figures.registry), media_type=CONTENT_TYPE_LATEST)
