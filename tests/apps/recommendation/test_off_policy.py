"""Simulated shoppers whose taste is known: what another policy earns is estimated from the log, then asked of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from shops import SETTINGS, trained

from feilun.apps.recommendation.experiments.off_policy import estimate
from feilun.apps.recommendation.experiments.replay import replay, replayable
from feilun.apps.recommendation.recommender import Recommender
from feilun.apps.recommendation.records.events import Interaction, Ranking
from feilun.apps.recommendation.sample.shop import Shoppers
from feilun.apps.recommendation.settings import CandidateSettings, ListSettings

SMALL = CandidateSettings(quotas={"popular": 6, "text": 6})


def recommender_of(exploration: float, seed: int = 0, **changes: object) -> Recommender:
    """Return a recommender of few candidates, which knows the sample's events."""
    sample, words, model = trained()
    listed = ListSettings(exploration=exploration, **changes)  # type: ignore[arg-type]
    settings = replace(SETTINGS, candidates=SMALL, list=listed)
    found = Recommender(replace(model, trees=None, weights={}), settings, words, "tiny", seed)
    found.observe(event for event in sample.events if event.time < sample.now)
    return found


@cache
def people() -> Shoppers:
    return Shoppers(trained()[0].items, 13, 150)


def chance_of_click(user: str, item: str, place: int = 1) -> float:
    """Return what the taste model says, as its docstring states it."""
    number = trained()[2].catalogue.index[item]
    return float(1 / (1 + np.exp(2.2 + 0.35 * np.log(place) - people().worth[int(user[-4:]), number])))


def logged(recommender: Recommender, times: int, count: int = 1) -> tuple[list[Ranking], list[Interaction]]:
    """Show every shopper lists, and let clicks follow by the taste model."""
    source, now = np.random.default_rng(5), trained()[0].now
    rankings, clicks = [], []
    for user in sorted({event.user for event in trained()[0].events}) * times:
        answer = recommender.recommend(user, count, now=now)
        items = tuple(place.item.id for place in answer.places)
        chances = tuple(place.propensity for place in answer.places)
        rankings.append(Ranking(answer.id, user, items, now, "tiny", chances))
        clicks += [
            Interaction(f"{answer.id}{item}", user, item, "click", 1.0, now + 60, answer.id)
            for place, item in enumerate(items, 1)
            if source.random() < chance_of_click(user, item, place)
        ]
    return rankings, clicks


def truth(recommender: Recommender, draws: int) -> float:
    """Return what a recommender earns a first place, by asking it and the shoppers."""
    users = sorted({event.user for event in trained()[0].events})
    asked = [recommender.recommend(user, 1, now=trained()[0].now).places for user in users * draws]
    return float(np.mean([chance_of_click(u, p[0].item.id) for u, p in zip(users * draws, asked, strict=True)]))


def test_what_other_settings_earn_is_estimated_and_its_interval_holds_the_truth():
    rankings, clicks = logged(recommender_of(0.6), 16)
    blocked = {"boost_categories": dict.fromkeys(trained()[2].catalogue.names[::2], -9.0), "diversity": 0.0}
    for changes in ({"diversity": 0.0}, blocked):
        real = truth(recommender_of(0.0, **changes), 1)
        found = estimate(replay(recommender_of(0.0, **changes), rankings, clicks))
        assert found.weighted.low < real < found.weighted.high
        assert found.robust is not None
        assert found.robust.low < real < found.robust.high
        assert found.robust.high - found.robust.low < 0.2
        assert found.doubts() == []
        assert found.covered == pytest.approx(1, abs=0.15)


def test_the_settings_that_were_logged_earn_what_was_earned():
    rankings, clicks = logged(recommender_of(0.3), 3, count=4)
    found = estimate(replay(recommender_of(0.3), rankings, clicks))
    assert found.weighted.value == pytest.approx(found.earned.value, abs=1e-9)
    assert found.gain.value == pytest.approx(0, abs=1e-9)
    assert found.effective == pytest.approx(found.places)
    assert found.earned.value == pytest.approx(len(clicks) / found.places)


def test_a_log_without_chance_tells_nothing_of_other_settings():
    rankings, clicks = logged(recommender_of(0.0), 3)
    changed = recommender_of(0.0, boost_categories=dict.fromkeys(trained()[2].catalogue.names[::2], -9.0))
    found = estimate(replay(changed, rankings, clicks))
    assert found.drawn == 0
    assert found.covered < 0.8
    assert any("of what these settings would show" in doubt for doubt in found.doubts())


def test_settings_that_would_have_shown_nothing_of_it_have_no_estimate():
    rankings, clicks = logged(recommender_of(0.0), 1)
    nothing = recommender_of(0.0, blocked_categories=tuple(trained()[2].catalogue.names))
    found = estimate(replay(nothing, rankings, clicks))
    assert (found.weighted, found.robust, found.gain, found.effective) == (None, None, None, 0)
    assert found.earned.value > 0
    assert found.doubts()


def test_a_list_is_replayed_with_what_was_known_and_there_at_its_time():
    sample = trained()[0]
    newest = max(sample.items, key=lambda item: item.published)
    recommender = recommender_of(1.0)
    recommender.settings = replace(recommender.settings, candidates=CandidateSettings(quotas={"recent": 30}))
    moments = (newest.published - 1, newest.published + 1, newest.published + 100)
    rankings = [Ranking(f"r{t}", "newcomer", (newest.id, "unknown"), t, "v", (0.5, 0.5)) for t in moments]
    click = Interaction("c", "newcomer", newest.id, "click", 1.0, newest.published + 50, rankings[1].id)
    found = replay(recommender, rankings, [click])
    assert found.wanted.tolist() == [0, pytest.approx(1 / 30), 0]
    assert found.rewards.tolist() == [0, 1, 0]
    assert found.ranks.tolist() == [1, 1, 1]


def test_lists_without_chances_or_of_the_holdout_are_not_judged_on():
    assert replayable(Ranking("r", "u", ("a",), 0.0, "v", (0.5,)))
    assert not replayable(Ranking("r", "u", ("a",), 0.0, "v"))
    assert not replayable(Ranking("r", "", ("a",), 0.0, "v", (0.5,)))
    assert not replayable(Ranking("r", "u", ("a", "b"), 0.0, "v", (0.5, 0.0)))
    assert not replayable(Ranking("r", "u", ("a",), 0.0, "v", (0.5,), "test:holdout"))
