"""The rows of a recipe, ready for training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from feilun.core.corpus import Corpus
from feilun.core.features import FeatureColumns
from feilun.core.labels import LabelSet


@dataclass(frozen=True)
class Splits:
    """Three sets of rows that share no text and no group.

    Args:
        train: Rows to learn from.
        validation: Rows to choose by: early stopping, calibration, thresholds.
        test: Rows looked at once, for the report.
        labels: The classes, in class order.
        profile: What serving compares its traffic with: label shares, lengths, languages.
        fingerprint: SHA-256 of the content of the three sets; equal content gives an equal fingerprint.
        report: The data report: rows in, kept and dropped by reason, and what was noticed.
        features: The columns that the model reads beside the text, as learned from `train`; None where it reads none.
    """

    train: Corpus
    validation: Corpus
    test: Corpus
    labels: LabelSet
    profile: Mapping[str, Any]
    fingerprint: str
    report: Mapping[str, Any] = field(default_factory=dict)
    features: FeatureColumns | None = None
