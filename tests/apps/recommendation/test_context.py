"""Context parts users, is a feature, is logged with lists, forgotten with users, and refused where undeclared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from shops import SETTINGS, trained

from feilun.apps.recommendation.ranking.context_lift import lifts_of
from feilun.apps.recommendation.ranking.requests import drawn_requests
from feilun.apps.recommendation.ranking.training import fit
from feilun.apps.recommendation.recommender import Recommender
from feilun.apps.recommendation.records.context import (
    MOST_VALUES,
    Contexts,
    ContextSettings,
    Situation,
    columns_of,
    read_user,
)
from feilun.apps.recommendation.records.events import Interaction
from feilun.apps.recommendation.records.interactions import NO_HISTORY, read
from feilun.apps.recommendation.settings import CandidateSettings, ListSettings
from feilun.apps.recommendation.shop import Shop
from feilun.apps.recommendation.stored_data import stored_data
from feilun.core.errors import DataError, UsageError

QUOTAS = {"popular-in-segment": 40, "recent-in-segment": 10, "popular": 20, "item-neighbours": 20}
OWN = replace(
    SETTINGS,
    context=ContextSettings(("city", "device"), "city"),
    candidates=CandidateSettings(quotas=QUOTAS),
    list=ListSettings(exploration=0.0, diversity=0.0),
)


def cities():
    """Return a city of each user: who took more tea and coffee than others of some departments lives in Hangzhou."""
    counts: dict[str, list[int]] = {}
    for event in trained()[0].events:
        counts.setdefault(event.user, [0, 0])[not event.item.startswith(("tea", "coffee"))] += 1
    return {
        user: {"city": "杭州" if tea > 0.3 * (tea + rest) else "Tromsø"} for user, (tea, rest) in sorted(counts.items())
    }


@pytest.fixture(scope="module")
def known():
    sample, _, model = trained()
    contexts = Contexts(("city", "device"), cities())
    catalogue = model.catalogue
    return read(sample.events, catalogue.index, OWN.signals, sample.now, len(catalogue), contexts, "city").positive


@pytest.fixture(scope="module")
def model(known):
    sample, _, plain = trained()
    return fit(known, plain.catalogue, OWN, sample.now)


def recommender_of(model, users=None):
    words = trained()[1]
    return Recommender(model, OWN, words, "context", seed=0, contexts=Contexts(("city", "device"), users))


def share_of_tea(answer):
    found = [place.item.id.startswith(("tea", "coffee")) for place in answer.places]
    return sum(found) / len(found)


def test_a_newcomer_gets_what_is_popular_in_the_segment_of_the_request_or_of_the_users_table(model):
    now = trained()[0].now
    recommender = recommender_of(model, {"of-table": {"city": "杭州"}})
    here = share_of_tea(recommender.recommend("new", 20, context={"city": "杭州"}, now=now))
    there = share_of_tea(recommender.recommend("other", 20, context={"city": "Tromsø"}, now=now))
    nowhere = share_of_tea(recommender.recommend("third", 20, context={"city": "Nowhere"}, now=now))
    assert here > 2 * there
    assert there <= nowhere <= here
    assert share_of_tea(recommender.recommend("of-table", 20, now=now)) == here
    moved = recommender.recommend("of-table", 20, context={"city": "Tromsø"}, now=now)
    assert share_of_tea(moved) == there, "the request knows better"
    assert moved.context == {"city": "Tromsø"}
    impersonal = recommender.recommend("of-table", 20, personal=False, now=now)
    assert impersonal.context == {}, "without profile the users' table is not looked at"


def test_an_event_moves_the_segment_in_which_its_user_asked(model):
    recommender, now = recommender_of(model), trained()[0].now
    generator = recommender.model.generators["popular-in-segment"]
    item = recommender.number("toys-1a")
    for i in range(200):
        recommender.recommend(f"n{i}", 1, context={"city": "杭州"}, now=now)
    before = {city: generator.scores_in(Situation(now, {"city": city}))[item] for city in ("杭州", "Tromsø")}
    recommender.observe([Interaction(str(i), f"n{i}", "toys-1a", "buy", 1.0, now + 1) for i in range(200)])
    after = {city: generator.scores_in(Situation(now, {"city": city}))[item] for city in ("杭州", "Tromsø")}
    assert after["杭州"] > 3 * before["杭州"]
    assert after["Tromsø"] - before["Tromsø"] < (after["杭州"] - before["杭州"]) / 5


def test_what_goes_with_a_context_is_a_feature_of_the_final_ranking(model, known):
    assert {"city_lift", "device_lift"} <= set(model.names)
    tea = np.array([item.id.startswith("tea") for item in model.catalogue.items])
    lift = model.facts.lifts["city"]["杭州"]
    assert lift[tea].mean() > 0.2 > 0 > lift[~tea].mean()
    assert model.facts.lifts["device"] == {}
    again = lifts_of(known.select(np.zeros(len(known), bool)), model.catalogue)
    assert again["city"] == {}, "nothing known says nothing"
    column = model.names.index("city_lift")
    recommender = recommender_of(model)
    found = recommender.considered("new", 20, context={"city": "杭州"}, now=trained()[0].now)
    table = model.table(found.pool, NO_HISTORY, found.situation)
    np.testing.assert_allclose(table[:, column], lift[found.pool.items])
    unknown = model.table(found.pool, NO_HISTORY, Situation(trained()[0].now, {"city": "Nowhere"}))
    assert np.isnan(unknown[:, column]).all()


def test_requests_of_the_training_have_the_context_of_their_moment(known):
    users = np.unique(known.user)[:50]
    requests = drawn_requests(known, float(np.median(known.time)), users[np.isin(users, known.user[known.time > np.median(known.time)])], np.random.default_rng(0))  # fmt: skip  # noqa: E501
    here = cities()
    assert requests
    assert {request.context["city"] for request in requests} == {"杭州", "Tromsø"}
    named = [known.users[user] for user in users.tolist()]
    assert all(one.context["city"] in {here[name]["city"] for name in named} for one in requests)


def test_a_list_is_logged_with_its_context_and_nothing_of_it_is_left_of_who_is_forgotten(model, database):
    recommender, now = recommender_of(model), trained()[0].now
    shop = Shop(recommender, database, "tiny")
    shop.recommend("ann", 3, context={"city": "杭州", "device": " phone "}, now=now)
    shop.recommend("bob", 3, now=now)
    shop.recommend("cid", 3, personal=False, context={"city": "杭州"}, now=now)
    logged = {ranking.user: ranking for ranking in stored_data(database, "tiny").rankings}
    assert logged["ann"].context == {"city": "杭州", "device": "phone"}
    assert len(logged["ann"].items) == 3
    assert logged["bob"].context == {} == logged[""].context, "a list of nobody says nothing of anybody"
    assert recommender.contexts.at("ann", now + 5)["device"] == "phone"
    shop.forget("ann")
    assert recommender.contexts.at("ann", now + 5) == {}
    assert "ann" not in {ranking.user for ranking in stored_data(database, "tiny").rankings}


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ({"town": "x"}, "'town' is not declared.*city, device"),
        ({"city": "x" * 101}, "at most 100"),
        ({"city": "a\x00b"}, "printable"),
        ({"city": 5}, "printable"),
    ],
)
def test_context_that_cannot_be_is_refused_and_nothing_of_it_is_kept(model, context, said):
    recommender = recommender_of(model)
    with pytest.raises(UsageError, match=said):
        recommender.recommend("u", 3, context=context, now=trained()[0].now)
    assert recommender.contexts.at("u", trained()[0].now) == {}


def test_the_latest_context_before_a_moment_counts_and_memory_is_bounded():
    contexts = Contexts(("city",), {"u": {"city": "A"}}, longest=3)
    assert contexts.at("u", 5.0) == {"city": "A"}
    for moment, city in ((10.0, "B"), (30.0, "D"), (20.0, "C")):
        contexts.observe("u", moment, {"city": city})
    assert [contexts.at("u", moment).get("city") for moment in (5, 10, 25, 99)] == ["A", "B", "C", "D"]
    contexts.observe("u", 40.0, {"city": "E"})
    assert contexts.at("u", 15.0) == {"city": "A"}
    many = Contexts(("city",), {f"u{i}": {"city": f"c{i}"} for i in range(3 * MOST_VALUES)})
    names = [f"u{i}" for i in range(3 * MOST_VALUES)]
    columns = columns_of(many, names, np.arange(len(names)), np.zeros(len(names)), "city")
    assert len(columns.values[0]) == MOST_VALUES
    assert (columns.codes == -1).sum() == 2 * MOST_VALUES


def test_a_row_of_the_users_table_is_read_or_named():
    assert read_user({"user": " u ", "city": "杭州", "device": None}, ("city", "device")) == ("u", {"city": "杭州"})
    with pytest.raises(DataError, match="'user'"):
        read_user({"user": "", "city": "x"}, ("city",))
    with pytest.raises(DataError, match="at most 100"):
        read_user({"user": "u", "city": "x" * 200}, ("city",))
