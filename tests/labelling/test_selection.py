"""Texts to label: the unsure ones, those unlike the others, no text twice."""

from __future__ import annotations

import numpy as np
import pytest

from feilun.labelling.selection import closeness, entropy, select, spread_out
from feilun.labelling.ways import WAYS

NONE = np.empty((0, 2), np.float32)


def islands(rows: int = 40) -> np.ndarray:
    """Return vectors in four places far apart, most of them in the first."""
    random = np.random.default_rng(0)
    places = np.array([[0, 0], [50, 0], [0, 50], [50, 50]], np.float32)
    of_row = np.concatenate([np.zeros(rows - 3, int), [1, 2, 3]])
    return (places[of_row] + random.normal(size=(rows, 2)) * 0.1).astype(np.float32)


def test_the_least_sure_come_first():
    probabilities = np.array([[0.9, 0.1, 0.0], [0.5, 0.5, 0.0], [0.34, 0.33, 0.33], [1.0, 0.0, 0.0]])
    assert select("margin", 2, islands()[:4], NONE, probabilities, 0).tolist() == [1, 2]
    assert select("entropy", 2, islands()[:4], NONE, probabilities, 0).tolist() == [2, 1]
    assert closeness(probabilities)[1] == 1
    assert entropy(np.full((1, 5), 0.2))[0] == pytest.approx(1)


@pytest.mark.parametrize("seed", range(5))
def test_every_island_is_visited(seed):
    chosen = select("diversity", 4, islands(), NONE, None, seed)
    assert {37, 38, 39} <= set(chosen.tolist())


def test_what_is_known_is_not_asked_again():
    vectors = islands()
    chosen = spread_out(vectors, vectors[:38], np.ones(40), 2, 0)
    assert set(chosen.tolist()) == {38, 39}


def test_far_ones_among_the_unsure():
    sure = np.tile([1.0, 0.0], (40, 1))
    sure[[3, 38]] = 0.5
    assert set(select("both", 2, islands(), NONE, sure, 0).tolist()) == {3, 38}


@pytest.mark.parametrize("by", WAYS)
def test_no_text_is_chosen_twice_and_the_seed_decides(by):
    vectors = np.zeros((10, 2), np.float32)  # copies of one text
    probabilities = np.full((10, 2), 0.5)
    chosen = select(by, 20, vectors, NONE, probabilities, 3)
    assert sorted(chosen.tolist()) == list(range(10))
    np.testing.assert_array_equal(chosen, select(by, 20, vectors, NONE, probabilities, 3))
