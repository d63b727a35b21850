"""Predictions made without a model."""

from __future__ import annotations

import numpy as np

from feilun.core.prediction import Decision, Prediction

LABELS = ("bad", "good", "中立")


def predictions(count: int, seed: int = 0) -> list[Prediction]:
    logits = np.random.default_rng(seed).normal(size=(count, len(LABELS))).astype(np.float32)
    return Decision().decide(logits, LABELS)
