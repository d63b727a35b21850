"""Labels spread to texts that are alike, evenly over the classes, and only the surest are kept."""

from __future__ import annotations

import numpy as np

from feilun.evaluation.baselines.tf_idf import fit_regression
from feilun.labelling.propagation import KEPT, spread_labels, surest

CLASSES = 4


def islands(rows: int, seed: int = 0, noise: float = 0.25) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors of unit length in long, thin groups, and their classes."""
    random = np.random.default_rng(seed)
    classes = np.arange(rows) % CLASSES
    centres = np.random.default_rng(7).normal(size=(2, CLASSES, 12))
    along = random.uniform(-1, 1, size=(rows, 1))  # a class is a line, so that one example says little of its ends
    vectors = centres[0][classes] + along * centres[1][classes] + noise * random.normal(size=(rows, 12))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), classes


def test_unlabelled_texts_help_where_labels_are_few():
    gains = []
    for seed in range(5):
        vectors, classes = islands(400, seed)
        own = np.arange(CLASSES)  # one example a class
        said = spread_labels(vectors[own], classes[own], vectors[CLASSES:], CLASSES)
        np.testing.assert_allclose(said.sum(axis=1), 1)
        alone = fit_regression(vectors[own], classes[own], CLASSES).predict(vectors[CLASSES:])
        right = classes[CLASSES:]
        gains.append((said.argmax(axis=1) == right).mean() - (alone == right).mean())
    assert np.mean(gains) > 0.05


def test_what_is_kept_is_surer_and_as_much_of_each_class():
    vectors, classes = islands(400, noise=0.9)
    said = spread_labels(vectors[:20], classes[:20], vectors[20:], CLASSES)
    kept = surest(said)
    right = said.argmax(axis=1) == classes[20:]
    assert right[kept].mean() > right.mean()
    best = said.argmax(axis=1)
    for label in range(CLASSES):
        assert kept[best == label].sum() == int(KEPT * (best == label).sum())


def test_a_text_equal_to_a_labelled_one_takes_its_label():
    vectors, classes = islands(100)
    said = spread_labels(vectors[:40], classes[:40], vectors[:40], CLASSES)
    assert (said.argmax(axis=1) == classes[:40]).all()


def test_two_texts_are_enough():
    vectors, classes = islands(6)
    assert spread_labels(vectors[:4], classes[:4], vectors[4:5], CLASSES).shape == (1, CLASSES)


def test_a_class_without_a_labelled_text_is_given_to_none():
    vectors, classes = islands(100)
    known = classes[:40] < 3
    said = spread_labels(vectors[:40][known], classes[:40][known], vectors[40:], CLASSES)
    assert said.shape == (60, CLASSES)
    assert (said.argmax(axis=1) < 3).all()
