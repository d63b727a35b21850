"""Drift and accuracy of the served models, as figures for Prometheus."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from threading import Lock

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from feilun.bundles.bundle import Bundle
from feilun.core.errors import FeilunError
from feilun.serving.engine import Engine
from feilun.storage.database import Database
from feilun.workflow.loop.monitor import Span, Window, watch

SPAN = Span(count=500)
"""The window: the last predictions of each model."""

KEPT_SECONDS = 60.0
"""How long figures are given again before the window is looked at anew."""

log = logging.getLogger(__name__)


class MonitoringMetrics(Collector):
    """Looks at what the served models answered, at most once a minute, and without running them again.

    Args:
        engine: What is served.
        database: Where the observations are.
        kept_seconds: How long figures are given again.
    """

    def __init__(self, engine: Engine, database: Database, kept_seconds: float = KEPT_SECONDS) -> None:
        self.engine = engine
        self.database = database
        self._kept_seconds = kept_seconds
        self._windows: dict[str, Window] = {}
        self._looked: float | None = None
        self._looking = Lock()

    def describe(self) -> list[Metric]:
        """Name nothing beforehand: a registry asks this when it is built, and would look at the database otherwise."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the figures; a model without verdict or estimate has none."""
        windows = self._recent()
        drifted = GaugeMetricFamily("feilun_drifted", "Whether the last predictions drifted.", labels=["model"])
        signals = GaugeMetricFamily(
            "feilun_drift_p_value", "Corrected p-value of each signal.", labels=["model", "signal"]
        )
        accuracy = GaugeMetricFamily("feilun_accuracy", "Accuracy of the last predictions.", labels=["model", "by"])
        feedback = GaugeMetricFamily("feilun_feedback", "Last predictions with feedback.", labels=["model", "state"])
        further = GaugeMetricFamily(
            "feilun_feedback_figure", "What else the last predictions are judged by.", labels=["model", "figure"]
        )
        for model, window in windows.items():
            if window.drift is not None:
                drifted.add_metric([model], float(window.drift.drifted))
                for signal in window.drift.signals:
                    signals.add_metric([model, signal.name], signal.p_value)
            for by, figure in (("estimate", window.estimated), ("feedback", window.observed.accuracy)):
                if figure is not None:
                    accuracy.add_metric([model, by], figure.value)
            for state in ("labelled", "refused", "conflicting"):
                feedback.add_metric([model, state], getattr(window.observed, state))
            for name, figure in window.observed.figures.items():
                further.add_metric([model, name], figure.value)
        yield from (drifted, signals, accuracy, feedback, further)

    def _recent(self) -> dict[str, Window]:
        with self._looking:
            now = time.monotonic()
            if self._looked is None or now - self._looked >= self._kept_seconds:
                found = {name: self._look(bundle) for name, bundle in self.engine.bundles.items()}
                self._windows = {name: window for name, window in found.items() if window is not None}
                self._looked = now
            return self._windows

    def _look(self, bundle: Bundle) -> Window | None:
        try:
            (window,) = watch(bundle, self.database, [SPAN], states=False)
        except FeilunError as error:  # never observed yet, or the database refuses: the other figures are given
            log.debug("%s is not watched: %s", bundle.name, error)
            return None
        return window
