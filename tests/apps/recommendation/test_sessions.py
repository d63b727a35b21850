"""The visit that goes on says more where training finds that it does, and as much as the rest where it does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from shops import SETTINGS, made_recommender, trained

from feilun.apps.recommendation.candidates.fusion import pool_of
from feilun.apps.recommendation.ranking.features import FEATURES
from feilun.apps.recommendation.ranking.model import fit_generators
from feilun.apps.recommendation.ranking.requests import drawn_requests
from feilun.apps.recommendation.ranking.training import fit
from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.context import Situation
from feilun.apps.recommendation.records.events import Interaction, Item
from feilun.apps.recommendation.records.interactions import NO_HISTORY, History, made
from feilun.apps.recommendation.records.sessions import Session, SessionSettings, gains
from feilun.apps.recommendation.settings import CandidateSettings

DEPARTMENTS, OF_EACH, USERS = 6, 30, 250


def catalogue_of_departments():
    source = np.random.default_rng(4)
    department = np.repeat(np.arange(DEPARTMENTS), OF_EACH)
    vectors = source.normal(size=(DEPARTMENTS, 16))[department] + 0.3 * source.normal(size=(len(department), 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    items = [Item(str(i), f"item {i}", categories=(f"d{d}",)) for i, d in enumerate(department.tolist())]
    index = {item.id: i for i, item in enumerate(items)}
    names = [f"d{d}" for d in range(DEPARTMENTS)]
    return Catalogue(items, index, vectors.astype(np.float32), [(d,) for d in department.tolist()], names)


def visits_of(of_one_department: bool):
    """Return six visits of each user, four items each: of one department, or of any that the user likes always."""
    source = np.random.default_rng(5)
    user, item, time = [], [], []
    for person in range(USERS):
        liked = source.permutation(DEPARTMENTS)[:3]
        for visit in range(6):
            start = 1e9 + 86_400 * visit + source.uniform(0, 3600)
            here = source.choice(liked, 1 if of_one_department else 3, replace=False)
            for step in range(4):
                user.append(person)
                item.append(int(source.choice(here)) * OF_EACH + int(source.integers(OF_EACH)))
                time.append(start + 40 * step)
    columns = (np.array(column) for column in (user, item, np.ones(len(user)), time))
    return made([f"u{i}" for i in range(USERS)], *columns, DEPARTMENTS * OF_EACH)


@pytest.mark.parametrize(("of_one_department", "weight"), [(True, 4.0), (False, 1.0)])
def test_training_takes_the_visit_where_it_finds_what_is_taken_next(of_one_department, weight):
    quotas = {"item-neighbours": 40, "text": 40, "popular": 20}
    settings = replace(
        SETTINGS, session=SessionSettings(weight=4.0), candidates=CandidateSettings(quotas=quotas),
        ranking=replace(SETTINGS.ranking, trees=5),
    )  # fmt: skip
    interactions = visits_of(of_one_department)
    model = fit(interactions, catalogue_of_departments(), settings, float(interactions.time.max()))
    assert model.session.weight == weight


def test_requests_are_drawn_within_visits_too_and_know_nothing_of_what_follows():
    interactions = visits_of(True)
    since = float(np.quantile(interactions.time, 0.7))
    requests = drawn_requests(interactions, since, np.arange(USERS), np.random.default_rng(0))
    session = Session(5.0, 2.0)
    within = [session.within(one.history, one.moment).visit > 0 for one in requests]
    assert 0.5 < np.mean(within) < 0.95
    for one in requests:
        assert (one.history.times < one.moment).all()
        assert one.taken.times[0] == one.moment >= since
        assert one.taken.items[0] not in one.history.items


def test_the_visit_is_the_tail_of_the_history_until_it_is_over():
    history = History(np.arange(4), np.ones(4), np.array([0.0, 900.0, 1000.0, 1100.0]))
    session = Session(5.0, 3.0)
    found = session.within(history, 1200.0)
    assert found.weights.tolist() == [1, 3, 3, 3]
    assert found.visit == 3
    assert session.within(history, 1100.0 + 301) is history
    assert Session(5.0, 1.0).within(history, 1200.0) is history
    assert session.within(NO_HISTORY, 1200.0) is NO_HISTORY
    assert found.then([9], 1201.0).visit == 4


def test_a_gain_is_one_beyond_chance():
    source = np.random.default_rng(0)
    plain = source.random(400)
    assert not gains(plain, plain)
    assert not gains(plain, plain - 0.01)
    assert not gains(plain, plain + source.normal(0, 0.3, 400) - 0.01)
    assert gains(plain, plain + source.normal(0.05, 0.3, 400))
    assert not gains(plain[:1], plain[:1] + 1)


def test_lists_follow_the_visit_while_it_goes_on():
    recommender, now = made_recommender(), trained()[0].now
    recommender.model = replace(recommender.model, session=Session(5.0, 8.0))
    before = [Interaction(f"t{i}", "u", f"tea-{i}a", "click", 1.0, now - 90_000 + i) for i in range(1, 7)]
    during = [Interaction(f"c{i}", "u", f"toys-{i}a", "click", 1.0, now - 60 + i) for i in range(1, 3)]
    recommender.observe([*before, *during], now)

    def toys(moment):
        places = recommender.recommend("u", 10, now=moment).places
        return sum(place.item.id.startswith("toys") for place in places)

    assert toys(now) > toys(now + 3600)


def test_the_ranking_knows_how_near_a_candidate_is_to_the_visit():
    model = trained()[2]
    numbers = np.array([model.catalogue.index[name] for name in ("tea-1a", "toys-1a", "toys-2a")])
    history = History(numbers, np.ones(3), np.array([0.0, 5000.0, 5010.0]))
    items = np.array([model.catalogue.index[name] for name in ("toys-3b", "tea-3b")])
    full = replace(model, names=())
    column = FEATURES.index("visit_similarity")
    for session, nan in ((Session(5.0, 2.0), False), (Session(5.0, 1.0), True)):
        looked_at = session.within(history, 5020.0)
        pool = pool_of(model.generators, SETTINGS.candidates.quotas, looked_at, Situation(5020.0), items)
        found = full.table(pool, looked_at, Situation(5020.0))[:, column]
        assert np.isnan(found).all() == nan
        if not nan:
            expected = (model.facts.vectors[items] @ model.facts.vectors[numbers[1:]].T).mean(1)
            np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_too_few_visits_choose_nothing():
    interactions = visits_of(True)
    few = interactions.select(interactions.user < 20)
    settings = replace(SETTINGS, candidates=CandidateSettings(quotas={"popular": 20}))
    model = fit(few, catalogue_of_departments(), settings, float(few.time.max()))
    assert model.session.weight == 1
    assert fit_generators(few, catalogue_of_departments(), {"popular": 9}, 0.0).session.weight == 1
