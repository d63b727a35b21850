"""What is learned once serves twice, what nobody needs is not learned, and a model holds nobody's name."""

from __future__ import annotations

import numpy as np
from shops import SETTINGS, made_recommender, trained

from feilun.apps.recommendation.candidates.als import AlternatingLeastSquares
from feilun.apps.recommendation.candidates.text_neighbours import TextNeighbours
from feilun.apps.recommendation.ranking import training
from feilun.apps.recommendation.ranking.features import _beside_history
from feilun.apps.recommendation.ranking.model import fit_generators
from feilun.apps.recommendation.records.events import Item
from feilun.apps.recommendation.records.interactions import NO_HISTORY, History, read


def interactions():
    sample, _, model = trained()
    found = read(sample.events, model.catalogue.index, SETTINGS.signals, sample.now, len(model.catalogue))
    return found.positive, model.catalogue, sample.now


def test_texts_are_mapped_to_the_factors_that_are_there(monkeypatch):
    taken, catalogue, now = interactions()
    alone = TextNeighbours().fit(taken, catalogue, now)
    swept, fit = [], AlternatingLeastSquares.fit
    monkeypatch.setattr(AlternatingLeastSquares, "fit", lambda self, *more: swept.append(1) or fit(self, *more))
    both = fit_generators(taken, catalogue, {"text": 1, "popular": 1, "als": 1}, now).generators
    assert list(both) == ["text", "popular", "als"]
    assert len(swept) == 1
    history = taken.history(0)
    np.testing.assert_array_equal(both["text"].scores(history), alone.scores(history))
    np.testing.assert_array_equal(both["als"].items, AlternatingLeastSquares().fit(taken, catalogue, now).items)
    assert both["text"].learned is None


def test_training_the_ranking_alone_gives_the_ranking_of_the_whole(monkeypatch):
    taken, catalogue, now = interactions()
    whole = training.fit(taken, catalogue, SETTINGS, now)
    fitted, fit = [], training.fit_generators
    monkeypatch.setattr(training, "fit_generators", lambda some, *more: fitted.append(len(some)) or fit(some, *more))
    ranked = training.fit_ranking(taken, catalogue, SETTINGS)
    assert len(fitted) == 1
    assert fitted[0] < len(taken)
    assert ranked.trees.to_text() == whole.trees.to_text()
    assert (ranked.weights, ranked.clicks, ranked.session) == (whole.weights, whole.clicks, whole.session)


def test_a_model_names_no_user_and_still_counts_for_a_changed_catalogue():
    sample, _, model = trained()
    assert not set(model.interactions.users) & {event.user for event in sample.events}
    recommender = made_recommender()
    before = recommender.model.facts.popularity.copy()
    recommender.put([Item("later", "Late oolong", categories=("tea",))], sample.now)
    assert before.any()
    np.testing.assert_array_equal(recommender.model.facts.popularity, [*before, 0])


def test_a_history_so_long_ago_that_no_weight_is_left_still_says_what_was_taken():
    _, _, model = trained()
    items = np.array([1, 2, 2])
    gone = History(items, np.zeros(3), np.zeros(3))
    even = History(items, np.ones(3), np.zeros(3))
    pool = np.arange(len(model.catalogue))
    found, wanted = _beside_history(pool, gone, model.facts), _beside_history(pool, even, model.facts)
    for name, column in found.items():
        np.testing.assert_array_equal(column, wanted[name])
    assert found["category_share"].any()
    assert len(NO_HISTORY.shares()) == 0
