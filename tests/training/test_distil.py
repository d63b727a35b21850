"""What teachers say pulls a model as far as its weight goes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from feilun.core.ports import Tracker
from feilun.training.distil import DistilSettings, lessons_of
from feilun.training.fit import fit
from feilun.training.settings import TrainingSettings
from tiny import LABELS, tiny_model, tiny_splits


class Silent(Tracker):
    def log(self, step: int, figures: object) -> None: ...

    def note(self, **facts: object) -> None: ...


def test_teachers_are_heard_together_and_softened() -> None:
    one, other = np.array([[0.9, 0.1, 0.0]]), np.array([[0.5, 0.1, 0.4]])
    lessons = lessons_of([one, other], DistilSettings(temperature=2.0, weight=1.0))
    np.testing.assert_allclose(np.exp(lessons.said), [[0.7, 0.1, 0.2]], atol=1e-6)
    same = torch.from_numpy(lessons.said) + 3.0
    nothing = lessons.blended(torch.tensor([7.0]), same, [0])
    assert nothing.item() == pytest.approx(0, abs=1e-5)  # it says what they say; labels weigh nothing
    labels_only = lessons_of([one, other], DistilSettings(weight=0.0)).blended(torch.tensor([7.0]), same, [0])
    assert labels_only.item() == pytest.approx(7)


def test_another_temperature_or_weight_is_another_run() -> None:
    said = [np.array([[0.9, 0.1, 0.0]])]
    settings = [DistilSettings(), DistilSettings(temperature=3.0), DistilSettings(weight=0.1)]
    assert len({lessons_of(said, one).identity for one in settings}) == 3


def test_a_model_learns_its_teachers_mistakes_where_labels_weigh_nothing(tmp_path: Path) -> None:
    splits = tiny_splits(200)
    turned = {"good": "bad", "bad": "neutral", "neutral": "good"}
    wrong = LABELS.encode([turned[label] for label in splits.train.target or ()])
    lessons = lessons_of([np.eye(3)[wrong] * 0.98 + 0.01 / 1.5], DistilSettings(temperature=1.0, weight=1.0))
    settings = TrainingSettings(epochs=8, learning_rate=3e-3, average=0.0)
    model = tiny_model()
    # validation figures are worst where the teachers' mistakes are learned, so the best weights are kept by loss of it
    settings = TrainingSettings(
        epochs=8, learning_rate=3e-3, average=0.0, early_stopping=type(settings.early_stopping)("log_loss", 0)
    )
    validation = splits.validation
    flipped = [turned[label] for label in validation.target or ()]
    splits = type(splits)(
        splits.train, type(validation)(validation.id, validation.text, target=flipped), splits.test, LABELS, {}, "made"
    )
    fit(model, splits, settings, Silent(), tmp_path, identity="taught", lessons=lessons)
    said = [prediction.label for prediction in model.predict(splits.validation)]
    assert np.mean([a == b for a, b in zip(said, flipped, strict=True)]) > 0.8
