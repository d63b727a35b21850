"""What a person sees who asks a model from Python."""

from __future__ import annotations

import numpy as np

from feilun.core.prediction import Prediction, Ranking


def test_a_prediction_shows_its_best_labels_and_no_empty_fields() -> None:
    ranked = Ranking(("bad", "good"), np.array([0.25, 0.75], np.float32))
    shown = "Prediction(label='good', score=0.75, ranked=[('good', 0.75), ('bad', 0.25)], abstained=False)"
    assert repr(Prediction("good", 0.75, ranked)) == shown


def test_of_many_labels_the_five_best_are_shown() -> None:
    names = tuple("abcdefgh")
    assert repr(Ranking(names, np.arange(8, dtype=np.float32))) == (
        "[('h', 7.0), ('g', 6.0), ('f', 5.0), ('e', 4.0), ('d', 3.0), …]"
    )
