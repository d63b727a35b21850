"""What is popular moves and decays with events, no user weighs more than the rules allow, a model stays as it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from shops import SETTINGS, made_recommender, trained

from feilun.apps.recommendation.candidates.decayed_counts import DecayedCounts
from feilun.apps.recommendation.candidates.generator import Takes
from feilun.apps.recommendation.candidates.popular import Popular, Trending
from feilun.apps.recommendation.ranking.as_of import AsOf
from feilun.apps.recommendation.ranking.model import fit_generators
from feilun.apps.recommendation.recommender import Recommender
from feilun.apps.recommendation.records.context import Situation
from feilun.apps.recommendation.records.events import Interaction, Item
from feilun.apps.recommendation.records.interactions import DAY, NO_HISTORY, made, read
from feilun.apps.recommendation.settings import CandidateSettings, ListSettings

ALONE = replace(SETTINGS, list=ListSettings(exploration=0.0, diversity=0.0))


def recommender_of(*quotas, **changes):
    settings = replace(ALONE, candidates=CandidateSettings(quotas=dict.fromkeys(quotas, 30)), **changes)
    sample, words, model = trained()
    everything = fit_generators(model.interactions, model.catalogue, settings.candidates.quotas, sample.now)
    return Recommender(everything, settings, words, "moving", seed=0)


def clicks(item, users, at, kind="click"):
    now = trained()[0].now
    return [Interaction(f"{item}-{user}-{at}", user, item, kind, 1.0, now + at + i) for i, user in enumerate(users)]


def place(recommender, item, at=0.0):
    answer = recommender.recommend("nobody", 30, now=trained()[0].now + at)
    return [place.item.id for place in answer.places].index(item)


def test_what_many_take_now_comes_first_without_training_and_the_trained_model_is_left_alone():
    recommender, other = recommender_of("popular"), made_recommender()
    last = recommender.recommend("nobody", 30, now=trained()[0].now).places[-1].item.id
    before = trained()[2].generators["popular"].scores(NO_HISTORY).copy()
    recommender.observe(clicks(last, [f"n{i}" for i in range(300)], 10))
    assert place(recommender, last, 1000) == 0
    np.testing.assert_array_equal(trained()[2].generators["popular"].scores(NO_HISTORY), before)
    np.testing.assert_array_equal(other.model.generators["popular"].scores(NO_HISTORY), before)


def test_what_the_model_learned_from_is_not_counted_again():
    recommender, now = recommender_of("popular"), trained()[0].now
    before = recommender.model.generators["popular"].scores(NO_HISTORY)
    recommender.observe(trained()[0].events, now, learned=True)
    np.testing.assert_array_equal(recommender.model.generators["popular"].scores(NO_HISTORY), before)


def test_a_program_and_a_hand_that_clicks_without_end_move_nothing():
    recommender, most = recommender_of("popular"), SETTINGS.signals.bot_events_a_minute
    scores = recommender.model.generators["popular"].scores(NO_HISTORY).copy()
    sample = trained()[0]
    rows = [(f"{i}", sample.items[i % 400].id, 10 + i * 0.01) for i in range(20 * most)]
    recommender.observe([Interaction(n, "program", item, "click", 1.0, sample.now + at) for n, item, at in rows])
    moved = recommender.model.generators["popular"].scores(NO_HISTORY) - scores
    assert moved.sum() == pytest.approx(most, rel=0.01)
    again = [Interaction(f"r{i}", "hand", "tea-1a", "click", 1.0, sample.now + i * 0.5) for i in range(50)]
    before = recommender.model.generators["popular"].scores(NO_HISTORY)[recommender.number("tea-1a")]
    recommender.observe(again)
    after = recommender.model.generators["popular"].scores(NO_HISTORY)[recommender.number("tea-1a")]
    assert after - before == pytest.approx(1.0, abs=0.01)


def test_events_after_training_count_as_if_they_had_been_learned_from():
    sample, _, model = trained()
    moment = sample.now - 20 * DAY

    def known(events, now):
        return read(events, model.catalogue.index, SETTINGS.signals, now, len(model.catalogue)).positive

    everything = known(sample.events, sample.now)
    parts = everything.select(everything.time < moment), everything.select(everything.time >= moment)
    early = fit_generators(parts[0], model.catalogue, {"popular": 1, "trending": 1}, moment)
    moved = AsOf(early, parts[1]).at(sample.now + 1)
    whole = fit_generators(everything, model.catalogue, {"popular": 1, "trending": 1}, moment)
    for name in ("popular", "trending"):
        assert not np.allclose(moved.generators[name].scores(NO_HISTORY), early.generators[name].scores(NO_HISTORY))
    np.testing.assert_allclose(
        moved.generators["popular"].scores(NO_HISTORY), whole.generators["popular"].scores(NO_HISTORY), rtol=1e-4
    )
    np.testing.assert_allclose(
        moved.generators["trending"].scores_in(Situation(sample.now)),
        whole.generators["trending"].scores_in(Situation(sample.now)), rtol=1e-4, atol=1e-6,
    )  # fmt: skip


def test_a_surge_trends_fades_within_days_and_steady_demand_does_not_trend():
    now, steady, surging = 1e9, 0, 1
    times = np.concatenate([now - np.arange(0, 60, 0.1) * DAY, now - np.linspace(0, 0.5, 12) * DAY])
    items = np.concatenate([np.full(600, steady), np.full(12, surging)])
    known = made([f"u{i}" for i in range(612)], np.arange(612), items, np.ones(612), times, 3)
    trending = Trending().fit(known, trained()[2].catalogue, now)
    at_once, later = (trending.scores_in(Situation(now + days * DAY)) for days in (0, 9))
    assert at_once[surging] > 3 > 1 > at_once[steady]
    assert later[surging] < 0.2
    trending.take(Takes(np.array([2] * 9), np.ones(9), np.full(9, now + 9 * DAY), [{}] * 9))
    assert trending.scores_in(Situation(now + 9 * DAY)).argmax() == 2


def test_counts_halve_stay_finite_over_centuries_and_find_room():
    counts = DecayedCounts((2,), DAY, 0.0)
    counts.add(np.array([0, 1]), np.array([1.0, 1.0]), np.array([0.0, DAY]))
    np.testing.assert_allclose(counts.at(DAY), [0.5, 1.0])
    np.testing.assert_allclose(counts.at(3 * DAY), [0.125, 0.25])
    for years in (1, 50, 300):
        counts.add(np.array([5]), np.array([2.0]), np.array([years * 365 * DAY]))
        found = counts.at(years * 365 * DAY)
        assert found.shape == (6,)
        assert np.isfinite(found).all()
        assert found[5] == pytest.approx(2.0)
    forever = DecayedCounts((1,), np.inf, 0.0)
    forever.add(np.array([0, 0]), np.ones(2), np.array([0.0, 1e12]))
    assert forever.at(1e12)[0] == 2


def test_an_item_that_came_after_training_becomes_popular():
    recommender, now = recommender_of("popular", "trending"), trained()[0].now
    recommender.put([Item("fresh", "New tea", published=now)], now)
    recommender.observe(clicks("fresh", [f"n{i}" for i in range(500)], 5))
    assert place(recommender, "fresh", 1000) == 0
    assert recommender.recommend("nobody", 3, now=now + 1000).places[0].reason.kind in {"popular", "trending"}


def test_same_creator_brings_what_is_popular_of_the_creators_that_were_taken():
    recommender, now = recommender_of("same-creator"), trained()[0].now
    makers = {item.id: item.creator for item in trained()[0].items}
    recommender.observe(clicks("tea-1a", ["fan"], 1) + clicks("tea-2a", ["fan"], 100))
    found = recommender.recommend("fan", 10, now=now + 200).places
    assert {place.item.creator for place in found} == {makers["tea-1a"], makers["tea-2a"]}
    recommender.put([Item("nameless", "No maker", published=now)], now)
    assert recommender.model.generators["same-creator"].scores(NO_HISTORY).sum() == 0
    recommender.observe(clicks("nameless", ["plain"], 1))
    history = recommender.histories.of("plain", now + 5)
    assert recommender.model.generators["same-creator"].scores(history).sum() == 0


def test_popular_needs_no_half_life():
    known = made(["a"], np.zeros(2, np.int64), np.array([0, 1]), np.array([1.0, 3.0]), np.array([1.0, 2.0]), 2)
    popular = Popular().fit(known, trained()[2].catalogue, 10.0)
    assert popular.scores(NO_HISTORY)[:2].tolist() == [1.0, 3.0]
