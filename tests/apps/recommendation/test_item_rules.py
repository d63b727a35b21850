"""Decision tables block and boost by item, hour and context, wherever items are shown; a wrong cell is told at once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from shops import SETTINGS, trained

from feilun.apps.recommendation.answering.business_rules import OUTPUTS, BusinessRules
from feilun.apps.recommendation.answering.creator_fairness import CreatorExposure
from feilun.apps.recommendation.recommender import Recommender
from feilun.apps.recommendation.records.context import ContextSettings, Situation
from feilun.apps.recommendation.records.events import Interaction, Item
from feilun.apps.recommendation.settings import ListSettings
from feilun.core.errors import DataError
from feilun.knowledge.rules import DecisionTables

EXAMPLE = Path(__file__).parents[3] / "examples" / "recommendation_rules.json"
NIGHT, NOON = (datetime(2026, 3, 4, hour).timestamp() for hour in (22, 12))
PLAIN = ListSettings(exploration=0.0, diversity=0.0)


def recommender_of(*paths, settings=PLAIN):
    sample, words, model = trained()
    own = replace(SETTINGS, list=settings, context=ContextSettings(("device",)))
    recommender = Recommender(model, own, words, "ruled", seed=0, rules=DecisionTables(list(paths), OUTPUTS))
    recommender.observe(sample.events, learned=True)
    return recommender


def table(folder, inputs, rows, outputs=OUTPUTS):
    """Write a table; each row has the cells of the inputs, then those of the outputs."""
    name = folder / f"rules{len(list(folder.iterdir()))}.json"
    fields = (*inputs, *outputs)
    columns = {kind: [{"id": field, "name": field, "field": field} for field in some]
               for kind, some in (("inputs", inputs), ("outputs", outputs))}  # fmt: skip
    cells = [{"_id": str(i), **dict(zip(fields, row, strict=True))} for i, row in enumerate(rows)]
    name.write_text(json.dumps({
        "nodes": [
            {"id": "in", "name": "in", "type": "inputNode"},
            {"id": "t", "name": "t", "type": "decisionTableNode",
             "content": {"hitPolicy": "collect", **columns, "rules": cells}},
            {"id": "out", "name": "out", "type": "outputNode"},
        ],
        "edges": [{"id": "1", "sourceId": "in", "targetId": "t"}, {"id": "2", "sourceId": "t", "targetId": "out"}],
    }), encoding="utf-8")  # fmt: skip
    return name


def ids(answer):
    return [place.item.id for place in answer.places]


def test_the_example_blocks_by_the_hour_everywhere_and_boosts_by_brand_and_context():
    recommender, plain = recommender_of(EXAMPLE), recommender_of()
    user = trained()[0].events[0].user
    recommender.observe([Interaction("1", "fan", "toys-1a", "click", 1.0, NOON - 5)], NOON)
    for at, there in ((NOON, True), (NIGHT, False)):
        lists = [
            ids(recommender.recommend("fan", 60, now=at)),
            ids(recommender.recommend("nobody", 200, personal=False, now=at)),
            [item.id for item, _ in recommender.similar("toys-1b", 20, at)],
            [item.id for item, _ in recommender.search("puzzle toy 玩具", "fan", 60, at)],
            [item.id for item in recommender.questions(200, at)],
        ]
        assert [any(item.startswith("toys") for item in some) for some in lists] == [there] * 5
        assert [len(lists[2]), len(lists[4])] == [20, 200], "others move up"
    told = {place.item.creator: place.rules for place in recommender.recommend(user, 60, now=NOON).places}
    assert told.pop("Lanhe") == ("own brand",)
    assert set(told.values()) == {()}
    users = sorted({event.user for event in trained()[0].events})[:30]
    lists = [[place for name in users for place in one.recommend(name, 10, now=NOON).places]
             for one in (recommender, plain)]  # fmt: skip
    boosted, usual = (np.mean([place.item.creator == "Lanhe" for place in some]) for some in lists)
    assert boosted > usual
    recommender.put([Item("recalled", "Green tea", creator="Recalled", published=NOON),
                     Item("last", "Green tea", stock=1, published=NOON)], NOON)  # fmt: skip
    considered = recommender.considered("fan", 50, now=NOON)
    items = [recommender.model.catalogue.items[i].id for i in considered.pool.items]
    assert "recalled" not in items
    assert "recalled" not in [item.id for item, _ in recommender.search("green tea", count=200, now=NOON)]
    number = np.array([recommender.number("last")])
    ruled = recommender.policy.rules.of(recommender.model.catalogue, number, Situation(NOON))
    assert ruled.boosts.tolist() == [-1.0]


def test_a_row_can_look_at_the_context(tmp_path):
    path = table(tmp_path, ("context.device",), [('"kiosk"', "true", "", '"not here"')])
    recommender = recommender_of(path)
    assert recommender.recommend("u", 5, now=NOON).places
    blocked = recommender.recommend("u", 5, context={"device": "kiosk"}, now=NOON)
    assert blocked.places == []
    assert "nothing that may be shown" in blocked.note


def test_where_most_is_blocked_the_list_is_filled_from_what_is_left(tmp_path):
    path = table(tmp_path, ("item.categories",), [('not(contains($, "tea"))', "true", "", '"tea day"')])
    found = recommender_of(path).recommend("nobody", 10, now=trained()[0].now)
    assert len(found.places) == 10
    assert all("tea" in place.item.categories for place in found.places)


def test_many_at_once_are_told_as_one_by_one():
    tables, catalogue = DecisionTables([EXAMPLE, EXAMPLE], OUTPUTS), trained()[2].catalogue
    rules = BusinessRules(tables, ("device",))
    at_once = rules.of(catalogue, np.arange(360, 420), Situation(NIGHT, {"device": "phone"}))
    alone = [rules.of(catalogue, np.array([i]), Situation(NIGHT, {"device": "phone"})) for i in range(360, 420)]
    assert at_once.blocked.tolist() == [bool(one.blocked[0]) for one in alone]
    assert at_once.boosts.tolist() == [float(one.boosts[0]) for one in alone]
    assert list(at_once.rules) == [one.rules[0] for one in alone]
    assert at_once.blocked.any()
    assert not at_once.blocked.all()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("", '"yes"', "", ""), "gives the block 'yes'"),
        (("", "", '"much"', ""), "gives the boost 'much'"),
        (("", "", "true", ""), "gives the boost True"),
        (("$ +* 2", "true", "", ""), r"row 1, column .item.price.*cannot be read"),
    ],
)
def test_a_table_that_cannot_be_is_refused_when_the_application_opens(tmp_path, row, said):
    with pytest.raises(DataError, match=said):
        recommender_of(table(tmp_path, ("item.price",), [row]))


def test_outputs_that_are_not_known_are_named(tmp_path):
    path = table(tmp_path, ("item.price",), [("", "1")], outputs=("discount",))
    with pytest.raises(DataError, match=r"unknown outputs discount.*block, boost, rule|unknown outputs discount"):
        recommender_of(path)


def test_novelty_brings_what_fewer_take_and_more_of_it_brings_more():
    now, popularity = trained()[0].now, trained()[2].facts.popularity
    shown = []
    for weight in (0.0, 0.5, 2.0):
        recommender = recommender_of(settings=replace(PLAIN, novelty=weight))
        users = sorted({event.user for event in trained()[0].events})[:20]
        lists = [recommender.recommend(user, 10, now=now).places for user in users]
        shown.append(np.mean([popularity[recommender.number(p.item.id)] for places in lists for p in places]))
    assert shown[0] > shown[1] > shown[2]


def test_creators_who_got_fewer_places_than_is_taken_of_them_come_up_until_they_have_them():
    facts, now = trained()[2].facts, 1e9
    exposure = CreatorExposure(facts)
    creators = np.arange(int(facts.creator.max()) + 1)
    assert exposure.lacking(creators, now).tolist() == [0.0] * len(creators), "nothing is known before lists are shown"
    for _ in range(40):
        exposure.show(np.array([0, 0, 0, 1, -1]), now)
    lacking = exposure.lacking(np.array([0, 1, 2, -1]), now)
    assert lacking[0] == 0 == lacking[3]
    assert lacking[2] == 1.0
    assert exposure.lacking(creators, now + 30 * 86_400).tolist() == [0.0] * len(creators), "long ago"

    users = sorted({event.user for event in trained()[0].events})
    shares = []
    for weight in (0.0, 3.0):
        recommender = recommender_of(settings=replace(PLAIN, creator_fairness=weight))
        given = np.zeros(len(creators))
        for user in users[:120]:
            for place in recommender.recommend(user, 5, now=trained()[0].now).places:
                given[facts.creator[recommender.number(place.item.id)]] += 1
        deserved = np.bincount(facts.creator, np.expm1(facts.popularity) + 1)
        shares.append((given / given.sum() / (deserved / deserved.sum())).min())
    assert shares[1] > shares[0]
    assert shares[1] > 0.5
