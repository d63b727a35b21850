"""Agreement is what the papers' own examples and scikit-learn say it is."""

from __future__ import annotations

import math

import pytest
from sklearn.metrics import cohen_kappa_score

from feilun.labelling.agreement import (
    cohen_kappa,
    confused,
    fleiss_kappa,
    krippendorff_alpha,
    majority,
    pairs_of_people,
)

FLEISS = [
    (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
]  # fmt: skip
"""Fourteen people, ten subjects, five classes; kappa 0.210."""

KRIPPENDORFF = ("*****3412113 3*3".replace(" ", ""), "1*21334 3*******".replace(" ", ""), "**21344*21133*4")
"""Three people, fifteen units; nominal alpha 0.691."""


def by_person(rows: list[list[str]]) -> dict[str, dict[str, str]]:
    return {str(i): {str(p): v for p, v in enumerate(row) if v != "*"} for i, row in enumerate(rows)}


def test_fleiss_own_example():
    rows = [[str(label) for label, n in enumerate(counts) for _ in range(n)] for counts in FLEISS]
    assert fleiss_kappa(by_person(rows)) == pytest.approx(0.210, abs=5e-4)


def test_krippendorffs_own_example():
    rows = [list(values) for values in zip(*KRIPPENDORFF, strict=True)]
    assert krippendorff_alpha(by_person(rows)) == pytest.approx(0.691, abs=5e-4)


def test_cohens_kappa_is_that_of_scikit_learn():
    one, other = list("aabbccabcaab"), list("aabccbabcbab")
    assert cohen_kappa(one, other) == pytest.approx(cohen_kappa_score(one, other))
    assert cohen_kappa(one, one) == 1


def test_what_cannot_be_said_is_nan():
    assert math.isnan(cohen_kappa([], []))
    assert math.isnan(cohen_kappa(["a", "a"], ["a", "a"]))
    assert math.isnan(fleiss_kappa({"1": {"x": "a"}}))
    assert math.isnan(krippendorff_alpha({"1": {"x": "a"}, "2": {"y": "b"}}))
    assert math.isnan(krippendorff_alpha({"1": {"x": "a", "y": "a"}}))


def test_a_text_that_one_person_left_out_still_counts_for_the_others():
    ratings = {"1": {"x": "a", "y": "a", "z": "b"}, "2": {"x": "b", "z": "b"}, "3": {"y": "a"}}
    found = {(one, other): (first, second) for one, other, first, second in pairs_of_people(ratings)}
    assert found[("x", "z")] == (["a", "b"], ["b", "b"])
    assert found[("y", "z")] == (["a"], ["b"])
    assert confused(ratings) == [("a", "b", 1)]
    assert (majority(ratings["1"]), majority({"x": "a", "y": "b"})) == ("a", None)
