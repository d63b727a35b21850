"""Many items are searched instead of compared one by one: exactly by length, nearly by groups, and new ones at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from feilun.apps.recommendation.candidates import text_neighbours
from feilun.apps.recommendation.candidates.als import AlternatingLeastSquares
from feilun.apps.recommendation.candidates.inverted_lists import InvertedLists
from feilun.apps.recommendation.candidates.max_inner_product import BLOCK, MaxInnerProduct
from feilun.apps.recommendation.candidates.scoring import FEWEST_SEARCHED, AllScores, best
from feilun.apps.recommendation.candidates.text_neighbours import TextNeighbours
from feilun.apps.recommendation.records.catalogue import Catalogue
from feilun.apps.recommendation.records.events import Item
from feilun.apps.recommendation.records.interactions import NO_HISTORY, History, made

ITEMS, WIDTH = FEWEST_SEARCHED, 24


def catalogue_of(source, items=ITEMS):
    topic = source.integers(0, 40, items)
    vectors = source.normal(size=(40, WIDTH))[topic] + 0.7 * source.normal(size=(items, WIDTH))
    vectors[:7] = 0
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    listed = [Item(str(i), f"t{i}") for i in range(items)]
    index = {item.id: i for i, item in enumerate(listed)}
    return Catalogue(listed, index, vectors.astype(np.float32), [()] * items, []), topic


@pytest.fixture(scope="module")
def fitted():
    source = np.random.default_rng(3)
    catalogue, topic = catalogue_of(source)
    users = 1500
    liked = source.integers(0, 40, users)
    user = np.repeat(np.arange(users), 8)
    item = np.array([source.choice(np.flatnonzero(topic == liked[u])[:60]) for u in user.tolist()])
    known = made([str(u) for u in range(users)], user, item, np.ones(len(user)), source.random(len(user)), ITEMS)
    return known, catalogue, TextNeighbours().fit(known, catalogue, 0.0)


def history_of(*items):
    return History(np.array(items, np.int64), np.ones(len(items)), np.zeros(len(items)))


@pytest.mark.parametrize("count", [0, 1, 60, 3 * BLOCK])
def test_the_largest_products_are_those_of_a_whole_look(count):
    source = np.random.default_rng(count)
    vectors = (source.normal(size=(3 * BLOCK, 8)) * source.exponential(size=(3 * BLOCK, 1)) ** 3).astype(np.float32)
    vectors[5] = 0
    found = MaxInnerProduct(vectors)
    for share in (1.0, 0.5, 0.001):
        allowed, query = source.random(len(vectors)) < share, source.normal(size=8).astype(np.float32)
        products = np.maximum(vectors @ query, 0)
        got = found.best(query, allowed, count)
        assert set(got.tolist()) == set(best(products, allowed, count).tolist())
        assert (np.diff(products[got]) <= 1e-5).all()


def test_als_says_of_some_items_what_it_says_of_all(fitted):
    known, catalogue, _ = fitted
    als = AlternatingLeastSquares().fit(known, catalogue, 0.0)
    assert als.longest is not None
    allowed, history = np.random.default_rng(0).random(ITEMS + 3) < 0.9, history_of(*known.item[:3].tolist())
    scoring, everything = als.scoring(history, ITEMS + 3), AllScores(als.scores(history), ITEMS + 3)
    assert not isinstance(scoring, AllScores)
    some = np.array([5, ITEMS - 1, ITEMS + 2, int(known.item[0])])
    np.testing.assert_allclose(scoring.of(some), everything.of(some), rtol=1e-4, atol=1e-6)
    assert scoring.best(allowed, 60).tolist() == everything.best(allowed, 60).tolist()
    assert als.scoring(NO_HISTORY, ITEMS).best(allowed[:ITEMS], 9).tolist() == []


def test_text_neighbours_that_are_searched_are_nearly_those_of_a_whole_look(fitted):
    known, _, text = fitted
    assert text.searched is not None
    source, recall = np.random.default_rng(1), []
    for user in range(40):
        history = history_of(*known.item[known.user == user][:3].tolist())
        allowed = source.random(ITEMS) < 0.95
        scoring, scores = text.scoring(history, ITEMS), text.scores(history)
        got, wanted = scoring.best(allowed, 100), best(scores, allowed, 100)
        recall.append(len(set(got.tolist()) & set(wanted.tolist())) / 100)
        assert allowed[got].all()
        some = source.integers(0, ITEMS, 50)
        np.testing.assert_allclose(scoring.of(some), scores[some], rtol=0.05, atol=1e-4)
    assert np.mean(recall) >= 0.95
    few = np.zeros(ITEMS, bool)
    few[100:130] = True
    history = history_of(int(known.item[0]))
    wanted = best(text.scores(history), few, 40)
    assert text.scoring(history, ITEMS).best(few, 40).tolist() == wanted.tolist(), "where little is allowed all is seen"


def test_items_that_come_or_change_are_found_at_once_and_former_places_forgotten(fitted):
    known, catalogue, text = fitted
    history = history_of(int(known.item[0]))
    mine = catalogue.vectors[known.item[0]]
    vectors = np.concatenate([catalogue.vectors, mine[None]])
    there = best(text.scores(history), np.ones(ITEMS, bool), 5)
    vectors[there[1]] = -mine
    wider = replace(catalogue, items=[*catalogue.items, Item("new")], vectors=vectors, categories=[()] * (ITEMS + 1))
    text = TextNeighbours().fit(known, catalogue, 0.0)
    lists = text.searched.lists
    text.again(replace(known, items=ITEMS + 1), wider, 0.0)
    assert text.searched.lists is lists, "one more item is no reason to group all anew"
    scores, everywhere = text.scores(history), np.ones(ITEMS + 1, bool)
    rank = best(scores, everywhere, 2000).tolist().index(ITEMS)
    found = text.scoring(history, ITEMS + 1).best(everywhere, rank + 5).tolist()
    assert ITEMS in found
    assert there[1] not in found
    text.again(known, catalogue_of(np.random.default_rng(9))[0], 0.0)
    assert text.searched.lists is not lists, "all have changed"
    assert len(text.searched.beside) == 0


def test_few_items_are_all_compared(fitted):
    known, _, _ = fitted
    catalogue, _ = catalogue_of(np.random.default_rng(4), 300)
    few = known.select(known.item < 300)
    text = TextNeighbours().fit(replace(few, items=300), catalogue, 0.0)
    assert text.searched is None
    assert isinstance(text.scoring(history_of(9), 300), AllScores)
    assert text_neighbours.FEWEST_SEARCHED > 300


def test_every_vector_is_in_one_list_also_where_all_are_alike():
    lists = InvertedLists(np.ones((50, 3), np.float32))
    items, parts = lists.near(np.ones(len(lists.centres), np.float32))
    assert set(items.tolist()) <= set(range(50))
    assert sorted(lists.items.tolist()) == list(range(50))
    assert sum(len(lists.vectors[part]) for part in parts) == len(items)
