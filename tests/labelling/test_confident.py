"""Wrong labels are found where they were made, and the estimated noise is the noise that was put in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feilun.core.errors import DataError
from feilun.labelling.confident_learning import estimate_joint, find_suspects
from feilun.labelling.folds import deal, out_of_fold

CLASSES = 4


def made(rows: int, noise: float, seed: int = 0, width: int = 8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features, true classes, and given classes of which a share is wrong."""
    random = np.random.default_rng(seed)
    true = random.integers(0, CLASSES, rows)
    features = random.normal(size=(CLASSES, width))[true] * 2 + random.normal(size=(rows, width)) * 0.5
    given = true.copy()
    wrong = random.choice(rows, round(noise * rows), replace=False)
    given[wrong] = (given[wrong] + random.integers(1, CLASSES, len(wrong))) % CLASSES
    return features, true, given


def found(features: np.ndarray, given: np.ndarray):
    folds = np.arange(len(given)) % 5
    return find_suspects(given, out_of_fold(features, given, folds))


def test_planted_errors_are_found_and_put_right():
    features, true, given = made(800, 0.1)
    suspects = found(features, given)
    changed = given != true
    assert (suspects.wrong & changed).sum() / changed.sum() > 0.95
    assert (suspects.wrong & changed).sum() / suspects.wrong.sum() > 0.95
    assert (suspects.suggested == true)[changed].mean() > 0.98
    assert changed[suspects.ranked()[: changed.sum()]].mean() > 0.95


def test_sound_labels_are_left_alone():
    features, _, given = made(800, 0.0)
    suspects = found(features, given)
    assert suspects.wrong.sum() <= 2
    assert suspects.noise().max() < 0.02


def test_the_noise_of_one_label_is_named():
    features, true, given = made(1200, 0.0)
    rows = np.flatnonzero(true == 2)[::4]
    given[rows] = 0  # a quarter of class 2 carries label 0
    suspects = found(features, given)
    share = len(rows) / (given == 0).sum()
    assert share / 2 < suspects.noise()[0] < share + 0.03  # low: half of such rows miss the mean of their true class
    assert 0.25 / 2 < suspects.missing()[2] < 0.25 + 0.03
    assert suspects.noise()[[1, 2, 3]].max() < 0.03


@settings(max_examples=60)
@given(st.integers(2, 5), st.integers(5, 60), st.integers(0, 10_000))
def test_the_joint_keeps_the_rows_of_each_label(classes, rows, seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, rows)
    probabilities = random.dirichlet(np.ones(classes), rows)
    joint = estimate_joint(labels, probabilities)
    np.testing.assert_allclose(joint.sum(axis=1), np.bincount(labels, minlength=classes))
    suspects = find_suspects(labels, probabilities)
    assert not (suspects.wrong & (suspects.suggested == labels)).any()
    assert suspects.wrong[suspects.ranked()].tolist() == sorted(suspects.wrong.tolist(), reverse=True)


def test_a_label_without_a_confident_row_stands_for_itself():
    labels = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.0, 0.0], [0.0, 0.0]])  # class 1 had no row in other folds
    joint = estimate_joint(labels, probabilities)
    np.testing.assert_allclose(joint.sum(), 4)


def test_folds_keep_copies_together_and_labels_apart():
    texts = [f"the {word} of the {place} bank number {i}" for i in range(20) for word in "abcde" for place in "xy"]
    texts += texts[:30]  # copies
    targets = np.arange(len(texts)) % 3
    folds = deal(texts, targets, 5, seed=1)
    of_text = {}
    for text, fold in zip(texts, folds, strict=True):
        assert of_text.setdefault(text, fold) == fold
    assert set(folds) == set(range(5))
    np.testing.assert_array_equal(folds, deal(texts, targets, 5, seed=1))
    assert (folds != deal(texts, targets, 5, seed=2)).any()
    with pytest.raises(DataError, match="too few for 5 folds"):
        deal(["good bank"] * 40, np.zeros(40, np.int64), 5, seed=1)


def test_a_row_is_never_predicted_by_a_model_that_saw_it():
    random = np.random.default_rng(0)
    features = np.eye(40)  # each row can be learnt by heart, and nothing else can
    targets = random.integers(0, 2, 40)
    probabilities = out_of_fold(features, targets, np.arange(40) % 4)
    assert np.abs(probabilities[:, 0] - 0.5).max() < 0.3
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
