"""While the catalogue changes lists are made of what there was, and what users do meanwhile is not lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event

from shops import made_recommender, trained

from feilun.apps.recommendation.answering import item_search
from feilun.apps.recommendation.ranking.model import Model
from feilun.apps.recommendation.records.events import Interaction, Item

PATIENCE = 30.0


def test_lists_go_on_while_items_are_put_and_events_count_after_it(monkeypatch):
    recommender, now = made_recommender(), trained()[0].now
    begun, goes_on, with_catalogue = Event(), Event(), Model.with_catalogue

    def slowly(model, catalogue, moment):
        begun.set()
        assert goes_on.wait(PATIENCE)
        return with_catalogue(model, catalogue, moment)

    monkeypatch.setattr(Model, "with_catalogue", slowly)
    with ThreadPoolExecutor(3) as threads:
        put = threads.submit(recommender.put, [Item("later", "Late oolong", categories=("tea",))], now)
        assert begun.wait(PATIENCE)
        assert len(threads.submit(recommender.recommend, "u", 5, now=now).result(PATIENCE).places) == 5
        taken = threads.submit(recommender.observe, [Interaction("1", "u", "later", "click", 1.0, now)], now)
        withdrawn = threads.submit(recommender.withdraw, "tea-1a")
        assert not wait([put, taken, withdrawn], 0.2).done
        goes_on.set()
        assert taken.result(PATIENCE) == 0
        withdrawn.result(PATIENCE)
    answer = recommender.recommend("other", 200, now=now)
    assert "tea-1a" not in {place.item.id for place in answer.places}


def test_lists_go_on_while_the_first_search_reads_all_texts(monkeypatch):
    recommender, now = made_recommender(), trained()[0].now
    begun, goes_on, put = Event(), Event(), item_search.ItemSearch.put

    def slowly(search, catalogue):
        begun.set()
        assert goes_on.wait(PATIENCE)
        put(search, catalogue)

    monkeypatch.setattr(item_search.ItemSearch, "put", slowly)
    with ThreadPoolExecutor(2) as threads:
        found = threads.submit(recommender.search, "oolong tea", None, 5, now)
        assert begun.wait(PATIENCE)
        assert len(threads.submit(recommender.recommend, "u", 5, now=now).result(PATIENCE).places) == 5
        goes_on.set()
        assert {item.id.split("-")[0] for item, _ in found.result(PATIENCE)} == {"tea"}
