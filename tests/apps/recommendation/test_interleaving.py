"""Both sides get their turn and neither an advantage; the side that users prefer is found, and chance is not."""

from __future__ import annotations

import uuid

import numpy as np
import pytest
from shops import SETTINGS, made_shop, trained

from feilun.apps.recommendation.answering.answer import Answer, Recommended
from feilun.apps.recommendation.answering.explain import Reason
from feilun.apps.recommendation.experiments.interleaving import interleave, preference
from feilun.apps.recommendation.experiments.outcomes import interest_in
from feilun.apps.recommendation.records.events import Interaction, Item, Ranking
from feilun.apps.recommendation.settings import ExperimentSettings
from feilun.apps.recommendation.stored_data import stored_data
from feilun.core.errors import RecipeError
from feilun.storage.database import open_database
from feilun.workflow.applications.recommendation.file import read_application


def answer(names: str, number: int = 0) -> Answer:
    """Return a list of items, a letter each."""
    places = [Recommended(Item(name), 0.0, None, Reason("popular", None, "", ""), {}, 1.0, False) for name in names]
    return Answer(uuid.UUID(int=number).hex, "u", 0.0, "v", True, places)


def test_rounds_are_fair_and_every_item_comes_once_in_its_sides_order():
    firsts = []
    for number in range(400):
        mixed, sides = interleave(answer("abcdef", number), answer("cbxyza", number), 6)
        items = "".join(place.item.id for place in mixed.places)
        assert len(set(items)) == len(items) == len(sides) == 6
        assert sides.count("p") == sides.count("i") == 3
        for letter, order in (("p", "abcdef"), ("i", "cbxyza")):
            placed = [item for item, side in zip(items, sides, strict=True) if side == letter]
            assert placed == sorted(placed, key=order.index)
        assert {items[0], items[1]} == {"a", "c"}
        assert (mixed.id, interleave(answer("abcdef", number), answer("cbxyza", number), 6)[1]) == (
            answer("a", number).id, sides,
        )  # fmt: skip
        firsts.append(sides[0])
    assert 0.4 < firsts.count("p") / 400 < 0.6


def test_a_side_that_runs_out_leaves_the_rest_to_the_other():
    mixed, sides = interleave(answer("ab"), answer("abcde"), 10)
    assert sorted(place.item.id for place in mixed.places) == list("abcde")
    assert len(sides) == 5
    assert interleave(answer(""), answer(""), 10)[1] == ""


@pytest.mark.parametrize(("own", "other"), [(0.3, 0.1), (0.2, 0.2), (0.1, 0.3)])
def test_the_preferred_side_is_found_and_equal_sides_are_not_told_apart(own, other):
    source = np.random.default_rng(2)
    rankings, interest = [], set()
    for number in range(300):
        mixed, sides = interleave(answer("abcd", number), answer("wxyz", number), 4)
        items = tuple(place.item.id for place in mixed.places)
        rankings.append(Ranking(str(number), f"u{number // 2}", items, 0.0, arm="t:interleaved", sides=sides))
        for item, side in zip(items, sides, strict=True):
            if source.random() < (own if side == "p" else other):
                interest.add((str(number), item))
    found = preference(rankings, interest)
    assert (found.users, found.lists) == (150, 300)
    if own == other:
        assert found.credit.low < 0.5 < found.credit.high
        assert found.p > 0.05
    else:
        assert found.p < 0.01
        assert (found.personal > found.impersonal) == (own > other)
        assert (found.credit.low > 0.5) if own > other else (found.credit.high < 0.5)
    assert preference([Ranking("r", "u", ("a",), 0.0)], set()) is None


def test_mixed_lists_are_remembered_with_their_sides_and_only_interest_is_credited(database_url):
    database = open_database(database_url)
    experiment = ExperimentSettings(name="mix", method="interleave", holdout=0.5)
    shop, now = made_shop(database, experiment=experiment), trained()[0].now
    users = sorted({event.user for event in trained()[0].events})[:20]
    given = [shop.recommend(user, 6, now=now)[0] for user in users]
    held = stored_data(database, "tiny").rankings
    mixed = [ranking for ranking in held if ranking.sides]
    assert 0 < len(mixed) < len(held)
    assert {ranking.arm for ranking in mixed} == {"mix:interleaved"}
    assert {ranking.arm for ranking in held if not ranking.sides} == {""}
    assert all(len(ranking.sides) == len(ranking.items) == 6 for ranking in mixed)
    assert [answer.id for answer in given] == [ranking.id for ranking in held]
    events = []
    for ranking in mixed:
        item = ranking.items[ranking.sides.index("p")]
        events.append(Interaction(f"c{ranking.id}", ranking.user, item, "click", 1.0, now + 9, ranking.id))
        worse = ranking.items[ranking.sides.index("i")]
        events.append(Interaction(f"d{ranking.id}", ranking.user, worse, "dislike", 1.0, now + 9, ranking.id))
    shop.take(events)
    found = preference(mixed, interest_in(stored_data(database, "tiny").events, SETTINGS.signals))
    assert (found.personal, found.impersonal, found.credit.value) == (len(mixed), 0, 1.0)
    database.close()


def test_mixing_nobodys_lists_is_a_fault(tmp_path):
    path = tmp_path / "shop.toml"
    path.write_text('application = "recommendation"\n[experiment]\nmethod = "interleave"\n', encoding="utf-8")
    with pytest.raises(RecipeError, match="above 0"):
        read_application(path)
