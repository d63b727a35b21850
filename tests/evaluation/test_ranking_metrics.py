"""Ranking figures equal ranx's on random lists; ties give what chance gives."""

from __future__ import annotations

import numpy as np
import pytest

from feilun.evaluation.metrics.catalogue import catalogue_figures, gini
from feilun.evaluation.metrics.clicks import area_under_curve, grouped_area, log_loss
from feilun.evaluation.metrics.ranking import gains_of_groups, gains_of_lists, means, per_query, top_items

NAMES = {"ndcg": "ndcg@10", "recall": "recall@10", "precision": "precision@10", "hr": "hit_rate@10",
         "mrr": "mrr@10", "map": "map@10"}  # fmt: skip


def test_equal_to_ranx_with_graded_relevance_and_lists_of_any_length():
    ranx = pytest.importorskip("ranx")
    source = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), source.integers(1, 40, 60))
    scores = source.normal(size=len(groups))
    relevance = source.integers(0, 4, len(groups)).astype(float) * (source.random(len(groups)) < 0.3)
    relevance[np.unique(groups, return_index=True)[1]] = 2  # each has something to find
    ours = means(per_query(*gains_of_groups(scores, relevance, groups)), resamples=0)
    judged = {f"q{q}": {f"d{i}": int(relevance[i]) for i in np.flatnonzero((groups == q) & (relevance > 0))}
              for q in range(60)}  # fmt: skip
    run = {f"q{q}": {f"d{i}": float(scores[i]) for i in np.flatnonzero(groups == q)} for q in range(60)}
    theirs = ranx.evaluate(ranx.Qrels(judged), ranx.Run(run), list(NAMES.values()))
    for name, other in NAMES.items():
        assert ours[f"{name}@10"].value == pytest.approx(theirs[other], abs=1e-9), name


def test_the_whole_catalogue_ranked_equals_its_candidates_as_groups():
    source = np.random.default_rng(1)
    scores = source.normal(size=(20, 50))
    users, items = np.nonzero(source.random((20, 50)) < 0.1)
    full = per_query(*gains_of_lists(top_items(scores, 10), users, items, scores.shape))
    relevance = np.zeros_like(scores)
    relevance[users, items] = 1
    rows = np.repeat(np.arange(20), 50)
    grouped = per_query(*gains_of_groups(scores.ravel(), relevance.ravel(), rows))
    for name in full:
        np.testing.assert_allclose(full[name], grouped[name])


def test_a_model_that_scores_all_alike_gets_what_chance_gives():
    groups = np.repeat(np.arange(3000), 10)
    relevance = np.tile([1.0] + [0.0] * 9, 3000)  # the relevant one comes first in the file
    flat = np.zeros(len(groups))
    hr = means(per_query(*gains_of_groups(flat, relevance, groups, 1), 1))["hr@1"]
    assert 0.08 < hr.value < 0.12
    ranked = top_items(np.zeros((1, 1000)), 10)[0]
    assert sorted(ranked.tolist()) != list(range(10))


def test_a_user_with_nothing_to_find_is_left_out_and_forbidden_items_are_never_ranked():
    scores = np.array([[3.0, 2.0, -np.inf], [-np.inf] * 3])
    assert top_items(scores, 5).tolist() == [[0, 1, -1], [-1, -1, -1]]
    figures = per_query(*gains_of_lists(top_items(scores, 2), np.array([0]), np.array([1]), (2, 3)), 2)
    assert np.isnan(figures["ndcg@2"][1])
    assert means(figures)["mrr@2"].value == 0.5
    assert means(per_query(np.zeros((2, 2)), np.zeros((2, 2)))) == {}


def test_intervals_hold_the_mean():
    source = np.random.default_rng(2)
    found = means({"x": source.random(200)})["x"]
    assert found.low < found.value < found.high


def test_area_counts_ties_half_and_is_averaged_within_users():
    assert area_under_curve(np.array([0.0, 0, 0, 0]), np.array([True, False, True, False])) == 0.5
    assert area_under_curve(np.array([1.0, 2, 3]), np.array([False, False, True])) == 1
    assert np.isnan(area_under_curve(np.array([1.0]), np.array([True])))
    scores = np.array([1.0, 2, 5, 4, 9])
    clicked = np.array([False, True, False, True, True])
    assert (
        grouped_area(scores, clicked, np.array([7, 7, 3, 3, 1])) == 0.5
    )  # one user right, one wrong, one all of a kind
    assert log_loss(np.array([1.0, 0.0]), np.array([True, False])) < 1e-5
    assert np.isfinite(log_loss(np.array([0.0]), np.array([True])))


def test_area_equals_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    source = np.random.default_rng(3)
    scores, clicked = source.integers(0, 9, 300) / 9, source.random(300) < 0.3
    assert area_under_curve(scores, clicked) == pytest.approx(metrics.roc_auc_score(clicked, scores))
    assert log_loss(scores * 0.9 + 0.05, clicked) == pytest.approx(metrics.log_loss(clicked, scores * 0.9 + 0.05))


def test_figures_of_a_catalogue():
    same = np.tile([0, 1], (4, 1))
    apart = np.array([[0, 1], [2, 3], [4, 5], [6, 7]])
    popularity = np.array([90, 80, 1, 1, 1, 1, 1, 1])
    vectors = np.eye(8)
    narrow, wide = (catalogue_figures(lists, popularity, vectors, np.full(4, 20.0)) for lists in (same, apart))
    assert narrow["coverage"] == 0.25
    assert wide["coverage"] == 1
    assert narrow["gini"] > wide["gini"] == 0
    assert narrow["novelty"] < wide["novelty"]
    assert narrow["diversity"] == 1
    assert catalogue_figures(np.array([[0, 1, -1]]), popularity, np.ones((8, 2)))["diversity"] == pytest.approx(0)
    assert narrow["popularity_lift"] == pytest.approx(85 / 20 - 1)
    assert wide["popularity_lift"] < narrow["popularity_lift"]
    assert catalogue_figures(np.full((2, 3), -1), popularity) == {}
    assert gini(np.zeros(3)) == 0
