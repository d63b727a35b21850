"""Probabilities are fitted to what requests would have said, of users the trees do not know, and are what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from shops import SETTINGS, made_recommender, trained

from feilun.apps.recommendation.judging.reliability import reliability
from feilun.apps.recommendation.ranking.click_probability import ClickCurve
from feilun.apps.recommendation.ranking.exposures import Exposures, candidates, fit_chances, impressions
from feilun.apps.recommendation.ranking.requests import requests_of
from feilun.apps.recommendation.ranking.training import fit
from feilun.apps.recommendation.records.events import Interaction, Ranking
from feilun.apps.recommendation.records.interactions import read
from feilun.apps.recommendation.sample.shop import Shoppers


def interactions_of(events, after=0.0):
    sample, _, model = trained()
    index = model.catalogue.index
    return read(events, index, SETTINGS.signals, sample.now + after, len(index)).positive


def everybody(interactions):
    return np.ones(len(interactions.users), bool)


def test_a_list_is_scored_as_the_request_scored_it_and_clicks_within_the_hour_count():
    recommender, (sample, _, model) = made_recommender(), trained()
    user = sample.events[0].user
    answer = recommender.recommend(user, 5, now=sample.now)
    shown = [place.item.id for place in answer.places]
    ranking = Ranking(answer.id, user, (*shown, "gone", sample.events[0].item), sample.now)
    clicks = [
        Interaction(f"c{i}", user, shown[i], "click", 1.0, sample.now + after) for i, after in ((1, 60), (3, 4000))
    ]
    known = interactions_of([*sample.events, *clicks], 5000)
    found = impressions(model, SETTINGS.candidates, known, [ranking], everybody(known), 0)
    np.testing.assert_allclose(found.scores, [place.score for place in answer.places], rtol=1e-3)
    assert found.places.tolist() == [1, 2, 3, 4, 5], "what is not in the catalogue, or was taken, would not be shown"
    assert found.taken.tolist() == [False, True, False, False, False]
    nobody = np.zeros(len(known.users), bool)
    assert len(impressions(model, SETTINGS.candidates, known, [ranking], nobody, 0)) == 0


def test_what_is_said_of_recommended_items_is_near_what_the_shoppers_taste_says():
    recommender, (sample, _, model) = made_recommender(), trained()
    people = Shoppers(sample.items, 13, 150)
    said, true = [], []
    for user in sorted({event.user for event in sample.events})[:40]:
        for place in recommender.recommend(user, 6, now=sample.now).places:
            said.append(place.probability)
            true.append(people.chance(int(user[-4:]), model.catalogue.index[place.item.id], 1))
    assert model.clicks is not None
    assert model.clicks.basis == "impressions"
    assert abs(np.mean(said) - np.mean(true)) < 0.1
    assert np.mean(said) > 2 * model.clicks.base_rate, (
        "the best of all candidates are not like what was shown at random"
    )


def test_where_no_list_was_logged_the_chance_is_that_of_being_taken_next():
    sample, _, model = trained()
    known = interactions_of(sample.events)
    cut = np.quantile(known.time, 0.8)
    before, later = known.select(known.time < cut), known.select(known.time >= cut)
    without = fit(before, model.catalogue, SETTINGS, float(cut))
    shown = candidates(without, SETTINGS.candidates, requests_of(before, later, np.unique(later.user)), later)
    assert shown.basis == "next"
    assert shown.taken.mean() < 0.02
    curve = fit_chances(shown)
    assert curve is not None
    assert (curve.basis, curve.rows) == ("next", len(shown))
    assert curve.base_rate == pytest.approx(shown.taken.mean())
    assert curve.probabilities(shown.scores).mean() == pytest.approx(curve.base_rate, rel=0.01)


def test_reliability_is_that_of_what_happened():
    source = np.random.default_rng(3)
    scores, places = source.normal(size=40_000), source.integers(1, 9, 40_000)
    curve = ClickCurve(-1.0, 1.2, -0.4)
    taken = source.random(40_000) < curve.probabilities(scores, places)
    exposures = Exposures("impressions", scores, places, taken)
    right = reliability(curve, exposures)
    assert right.expected_calibration_error < 0.01
    assert right.predicted == pytest.approx(right.base_rate, abs=0.01)
    assert right.log_loss < right.log_loss_of_base_rate
    wrong = reliability(replace(curve, slope=3.0), exposures)
    assert wrong.expected_calibration_error > 5 * right.expected_calibration_error
    assert wrong.log_loss > right.log_loss
    assert reliability(curve, Exposures("next", np.zeros(0), np.zeros(0, np.int64), np.zeros(0, bool))) is None


def test_too_little_says_nothing():
    few = Exposures("impressions", np.zeros(50), np.ones(50, np.int64), np.arange(50) % 2 == 0)
    assert fit_chances(few) is None
