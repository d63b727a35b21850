"""Whole lists of another policy: estimates beside a truth that is counted out, and where the log does not carry."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from shops import trained
from test_off_policy import chance_of_click, recommender_of

from feilun.apps.recommendation.experiments.off_policy import Replayed
from feilun.apps.recommendation.experiments.replay import replay
from feilun.apps.recommendation.experiments.slates import ListEstimate, estimate_lists
from feilun.apps.recommendation.records.events import Interaction, Ranking

ITEMS, LENGTH = 6, 4
LIKED = np.array([0.1, 0.7, 0.3, 0.5, 0.2, 0.4])
"""How likely each item is acted on by who looks at it."""

LOOKS_ON = 0.3
"""How likely one looks further down after an action; who does not act always does (the cascade model)."""

LOGGED, OTHER = np.array([0.6, 0.0, 0.4, -0.4, 0.3, -0.2]), np.array([-0.4, 0.6, 0.0, 0.5, -0.2, 0.2])
"""What each policy draws by: at each place the softmax over the items left."""


def drawn_by(scores: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Return the chances of all items at a place, given which are left, shapes (…, ITEMS)."""
    weights = np.exp(scores) * left
    return weights / weights.sum(-1, keepdims=True)


def earned_by(scores: np.ndarray, looks_on: float = LOOKS_ON) -> list[float]:
    """Return what the first places earn a list, counted out over all lists."""
    lists = np.array(list(permutations(range(ITEMS), LENGTH)))
    left, rows = np.ones((len(lists), ITEMS)), np.arange(len(lists))
    chance, looks, found = np.ones(len(lists)), [np.ones(len(lists))], []
    for item in lists.T:
        chance *= drawn_by(scores, left)[rows, item]
        left[rows, item] = 0
        found.append(looks[-1] * LIKED[item])
        looks.append(looks[-1] * (1 - LIKED[item] * (1 - looks_on)))
    return np.cumsum([float(chance @ earned) for earned in found]).tolist()


def log_of(
    lists: int, seed: int, other: np.ndarray = OTHER, logged: np.ndarray = LOGGED, looks_on: float = LOOKS_ON
) -> Replayed:  # fmt: skip
    """Draw lists by the logging policy, let a user each act, and ask the other policy at every place."""
    source, rows = np.random.default_rng(seed), np.arange(lists)
    left, looks, columns = np.ones((lists, ITEMS)), np.ones(lists, bool), []
    for place in range(1, LENGTH + 1):
        mine, others = drawn_by(logged, left), drawn_by(other, left)
        item = (mine.cumsum(1) > source.random((lists, 1))).argmax(1)
        acted = looks & (source.random(lists) < LIKED[item])
        looks &= ~acted | (source.random(lists) < looks_on)
        left[rows, item] = 0
        columns.append((rows, np.full(lists, place), acted, mine[rows, item], others[rows, item], LIKED[item], others))
    users, ranks, acted, mine, others, scores, chances = map(np.concatenate, zip(*columns, strict=True))
    return Replayed(
        users, ranks, acted.astype(float), mine, others, scores, np.tile(LIKED, len(users)), chances.ravel(),
        np.repeat(np.arange(len(users)), ITEMS), users,
    )  # fmt: skip


@pytest.mark.parametrize("looks_on", [LOOKS_ON, 1.0])
def test_estimates_of_whole_lists_hold_the_truth(looks_on: float):
    truth = earned_by(OTHER, looks_on)[-1]
    assert truth > earned_by(LOGGED, looks_on)[-1] + 0.05, "the policies are not alike"
    runs = [estimate_lists(log_of(1500, seed, looks_on=looks_on), 100)[-1] for seed in range(20)]
    spreads = {}
    for name in ("whole", "cascade", "robust"):
        values = np.array([getattr(run, name).value for run in runs])
        spreads[name] = values.std(ddof=1)
        assert values.mean() == pytest.approx(truth, abs=3 * spreads[name] / np.sqrt(len(runs))), name
        assert sum(getattr(run, name).low < truth < getattr(run, name).high for run in runs) >= 17, name
    if looks_on == 1:  # where places earn by themselves, what knows so spreads less
        assert spreads["cascade"] < spreads["whole"]
        assert spreads["robust"] < spreads["whole"]
    assert all(run.doubts() == [] for run in runs)
    assert all(run.gain.value > 0 for run in runs)


def test_each_depth_is_judged_by_itself():
    truth, found = earned_by(OTHER), estimate_lists(log_of(6000, 2), 200)
    assert [one.depth for one in found] == [1, 2, 3, 4]
    for one, real in zip(found, truth, strict=True):
        assert one.cascade.low < real < one.cascade.high
        assert one.robust.low < real < one.robust.high
    assert found[0].effective > found[1].effective > found[2].effective > found[3].effective
    assert found[0].whole.value == pytest.approx(found[0].cascade.value), "one place is a list"


def test_the_policy_that_was_logged_earns_what_was_earned():
    one: ListEstimate = estimate_lists(log_of(300, 2, LOGGED), 0)[-1]
    assert one.cascade.value == pytest.approx(one.earned.value, abs=1e-12)
    assert one.whole.value == pytest.approx(one.earned.value, abs=1e-12)
    assert one.gain.value == pytest.approx(0, abs=1e-12)
    assert (one.effective, one.covered) == (pytest.approx(300), pytest.approx(1))


def test_where_the_log_does_not_carry_nothing_is_concluded():
    never = np.array([-50.0, 0.0, 0.5, -0.5, 0.2, 0.0])  # the log never shows item 0
    wants = np.array([3.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    one = estimate_lists(log_of(1500, 3, wants, never), 0)[0]
    assert any("of such lists" in doubt for doubt in one.doubts())
    few = estimate_lists(log_of(100, 4), 0)[-1]
    assert any("count as" in doubt for doubt in few.doubts())


def test_lists_of_which_an_item_is_unknown_are_left_out_whole():
    now, items = trained()[0].now, [item.id for item in trained()[0].items[:2]]
    rankings = [
        Ranking("known", "u", tuple(items), now, "v", (0.5, 0.5)),
        Ranking("unknown", "u", (items[0], "gone"), now, "v", (0.5, 0.5)),
    ]
    found = estimate_lists(replay(recommender_of(1.0), rankings, []), 0)
    assert [(one.depth, one.lists) for one in found] == [(1, 1), (2, 1)]


def test_shoppers_who_leave_after_a_click_are_foretold_by_lists_and_not_by_places():
    """What a list earns is less than its places would one by one: who clicked is gone."""
    source, now = np.random.default_rng(5), trained()[0].now
    logging, rankings, clicks = recommender_of(0.7), [], []
    users = sorted({event.user for event in trained()[0].events})
    for user in users * 12:
        answer = logging.recommend(user, 2, now=now)
        items = tuple(place.item.id for place in answer.places)
        chances = tuple(place.propensity for place in answer.places)
        rankings.append(Ranking(answer.id, user, items, now, "tiny", chances))
        for place, item in enumerate(items, 1):
            if source.random() < chance_of_click(user, item, place):
                clicks.append(Interaction(f"{answer.id}", user, item, "click", 1.0, now + 60, answer.id))
                break
    changed = recommender_of(0.0, diversity=0.0)
    true = []
    for user in users:
        first, second = (place.item.id for place in changed.recommend(user, 2, now=now).places)
        clicked = chance_of_click(user, first)
        true.append(clicked + (1 - clicked) * chance_of_click(user, second, 2))
    one = estimate_lists(replay(recommender_of(0.0, diversity=0.0), rankings, clicks), 300)[-1]
    assert one.cascade.low < np.mean(true) < one.cascade.high
    assert one.robust.low < np.mean(true) < one.robust.high
    assert one.cascade.high - one.cascade.low < 0.3
