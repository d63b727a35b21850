"""Guardrails: counted as they are defined, flagged where an arm is really worse and not where chance says so."""

from __future__ import annotations

import numpy as np
import pytest

from feilun.apps.recommendation.experiments.outcomes import differences, distinct, outcomes, shown_by_arm
from feilun.apps.recommendation.records.events import Interaction, Ranking
from feilun.apps.recommendation.settings import RecommendationSettings

SIGNALS = RecommendationSettings(application="recommendation").signals


def event(name: str, ranking: str, item: str, kind: str = "click", time: float = 30.0) -> Interaction:
    return Interaction(name, "u", item, kind, 1.0, time, ranking)


def test_measures_are_counted_as_defined():
    rankings = [
        Ranking("r1", "u", ("a", "b"), 0.0, arm="t:personal"),
        Ranking("r2", "u", ("b", "c"), 100.0, arm="t:personal"),
        Ranking("r3", "u", ("c", "d"), 200.0),
        Ranking("r4", "u", ("c", "d"), 300.0, arm="t:interleaved", sides="pi"),
    ]
    events = [event("1", "r1", "a"), event("2", "r1", "b", time=50), event("3", "r2", "c", "dislike", 110)]
    arms = shown_by_arm(rankings, events, SIGNALS, {"b"})
    assert list(arms) == ["t:personal"]
    (found,) = outcomes(arms, 8).values()
    assert (found.users, found.lists, found.coverage) == (1, 2, pytest.approx(3 / 8))
    assert {name: figure.value for name, figure in found.figures.items()} == {
        "acted_on": 0.5, "shown_again": 0.25, "disliked": 0.25, "of_withdrawn": 0.5, "seconds_to_action": 30.0,
    }  # fmt: skip


def test_a_worse_arm_is_flagged_and_an_equal_one_is_not():
    source = np.random.default_rng(1)
    rankings, events = [], []
    for number in range(400):
        arm = "t:personal" if number % 2 else "t:holdout"
        items = tuple(f"{arm}{i}" for i in source.choice(50, 4, replace=False))
        rankings.append(Ranking(str(number), f"u{number}", items, 0.0, arm=arm))
        for item in items:
            if source.random() < 0.2:
                events.append(event(f"c{number}{item}", str(number), item))
            if source.random() < (0.15 if arm == "t:personal" else 0.02):
                events.append(event(f"d{number}{item}", str(number), item, "dislike"))
    found = {one.measure: one for one in differences(shown_by_arm(rankings, events, SIGNALS, set()))}
    assert found["disliked"].worse == "t:personal"
    assert found["acted_on"].worse == ""
    assert found["shown_again"].worse == ""
    fewer = [one for one in events if one.type == "dislike" or not one.item.startswith("t:holdout")]
    again = {one.measure: one for one in differences(shown_by_arm(rankings, fewer, SIGNALS, set()))}
    assert again["acted_on"].worse == "t:holdout"
    alone = [Ranking(one.id, one.user, one.items, one.time, arm=f"{one.arm[2:]}:x") for one in rankings]
    assert differences(shown_by_arm(alone, events, SIGNALS, set())) == []


def test_coverage_is_told_for_equally_many_places():
    source = np.random.default_rng(0)
    shown = np.repeat(np.arange(4), [5, 3, 1, 1])
    drawn = [len(set(source.choice(shown, 4, replace=False).tolist())) for _ in range(20_000)]
    assert distinct([5, 3, 1, 1], 4) == pytest.approx(np.mean(drawn), abs=0.02)
    assert distinct([5, 3, 1, 1], 10) == 4
