"""A prediction that was given, as it is remembered, and what people said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Feedback:
    """What one person said of one prediction.

    Args:
        id: Names it.
        observation: The prediction that it speaks of.
        time: When it was received, in seconds since 1970 (UTC).
        label: The right label, where the person named it.
        correct: Thumbs up or down, where the person gave it.
        text: Free words, personal data replaced.
        key: The sender's idempotency key, where it gave one.
    """

    id: str
    observation: str
    time: float
    label: str | None = None
    correct: bool | None = None
    text: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class Observation:
    """A prediction that was given.

    Args:
        id: Names it; the answer carried it.
        time: When it was given, in seconds since 1970 (UTC) by the service's clock.
        bundle: What gave it: name@version.
        text: The text, cleaned, personal data replaced.
        prediction: What was answered, in the public JSON form.
        latency: Seconds from the request to the prediction.
        feedback: What people said of it, earliest first.
    """

    id: str
    time: float
    bundle: str
    text: str
    prediction: Mapping[str, Any]
    latency: float
    feedback: tuple[Feedback, ...] = ()

    @property
    def model(self) -> str:
        """Return the name of the model."""
        return self.bundle.rpartition("@")[0]

    @property
    def version(self) -> str:
        """Return its version."""
        return self.bundle.rpartition("@")[2]

    @property
    def label(self) -> str | None:
        """Return the predicted label, where the task has one."""
        return self.prediction.get("label")

    @property
    def score(self) -> float | None:
        """Return the calibrated probability of the label, where the task has one."""
        return self.prediction.get("score")

    @property
    def right_labels(self) -> frozenset[str]:
        """Return every label that somebody called right: by name, or by a thumb up for the predicted one."""
        said = (feedback.label or (self.label if feedback.correct else None) for feedback in self.feedback)
        return frozenset(label for label in said if label is not None)

    @property
    def refused(self) -> bool:
        """Say whether somebody called the prediction wrong."""
        return any(feedback.correct is False for feedback in self.feedback)

    @property
    def conflicting(self) -> bool:
        """Say whether people disagree: two labels are called right, or the predicted one both right and wrong."""
        return len(self.right_labels) > 1 or (self.refused and self.label in self.right_labels)

    @property
    def known_label(self) -> str | None:
        """Return the right label where feedback tells it and nobody disagrees."""
        return next(iter(self.right_labels)) if len(self.right_labels) == 1 and not self.conflicting else None
