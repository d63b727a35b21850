"""Events count at once, what was seen or withdrawn never comes, and bad input changes nothing."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from shops import SETTINGS, made_recommender, trained

from feilun.apps.recommendation.candidates.fusion import gather
from feilun.apps.recommendation.candidates.recent import Recent
from feilun.apps.recommendation.candidates.scoring import best
from feilun.apps.recommendation.judging.against_baselines import judge
from feilun.apps.recommendation.ranking.requests import allowed_at
from feilun.apps.recommendation.ranking.training import fit
from feilun.apps.recommendation.ranking.trees import Trees
from feilun.apps.recommendation.recommender import Recommender
from feilun.apps.recommendation.records.catalogue import build_catalogue
from feilun.apps.recommendation.records.context import Situation
from feilun.apps.recommendation.records.events import Interaction, Item, read_interaction, read_item
from feilun.apps.recommendation.records.interactions import LONGEST_HISTORY, NO_HISTORY, History, made, numbered, read
from feilun.apps.recommendation.records.signals import SignalSettings
from feilun.apps.recommendation.settings import CandidateSettings, ListSettings
from feilun.core.errors import DataError, UsageError


def click(user, item, at=0.0, kind="click", value=1.0, name=None):
    return Interaction(name or f"{user}-{item}-{at}-{kind}", user, item, kind, value, trained()[0].now + at)


def ids(answer):
    return [place.item.id for place in answer.places]


def shared(answer):
    return sum(item.startswith("tea") for item in ids(answer)) / len(ids(answer))


def test_the_next_list_knows_what_was_clicked_a_moment_ago():
    recommender, now = made_recommender(), trained()[0].now
    before = recommender.recommend("new", 10, now=now)
    assert shared(before) < 0.5
    recommender.observe([click("new", item) for item in ("tea-1a", "tea-3b", "tea-4c")])
    after = recommender.recommend("new", 10, now=now)
    assert shared(after) > shared(before)
    assert {"tea-1a", "tea-3b", "tea-4c"}.isdisjoint(ids(after))
    assert any(place.reason.kind == "taken" and place.reason.item.startswith("tea") for place in after.places)
    assert all(place.reason.zh and place.reason.en for place in after.places)


def test_nobody_gets_what_was_taken_disliked_blocked_or_withdrawn():
    recommender, now = (
        made_recommender(list=ListSettings(exploration=0.3, blocked_creators=("Lanhe",))),
        trained()[0].now,
    )
    user = trained()[0].events[0].user
    taken = {event.item for event in trained()[0].events if event.user == user}
    recommender.observe([click(user, "toys-1a", kind="dislike")])
    recommender.withdraw("toys-2a")
    for _ in range(5):
        found = recommender.recommend(user, 150, now=now)
        assert taken.isdisjoint(ids(found))
        assert {"toys-1a", "toys-2a"}.isdisjoint(ids(found))
        assert len(set(ids(found))) == len(ids(found))
        assert "Lanhe" not in {place.item.creator for place in found.places}
    assert "toys-2a" not in [item.id for item, _ in recommender.similar("toys-2b", 200)]


def test_a_new_item_is_found_by_its_text_without_training():
    recommender, now = made_recommender(), trained()[0].now
    recommender.observe([click("new", item) for item in ("tea-1a", "tea-1b", "tea-1c", "tea-2a")])
    text = trained()[2].catalogue.items[trained()[2].catalogue.index["tea-1e"]]
    recommender.put([Item("fresh", text.title + " 2", text.description, ("tea",), text.tags, published=now)], now)
    assert "fresh" in ids(recommender.recommend("new", 100, now=now))
    assert "fresh" in [item.id for item, _ in recommender.similar("tea-1e", 10)]


def test_an_item_is_nowhere_before_its_moment_and_everywhere_from_then_on_without_training():
    recommender, now = made_recommender(), trained()[0].now
    recommender.observe([click("new", item) for item in ("tea-1a", "tea-1b", "tea-1c", "tea-2a")], now)
    text, moment = trained()[2].catalogue.items[trained()[2].catalogue.index["tea-1e"]], now + 3600
    recommender.put([Item("soon", text.title, text.description, ("tea",), text.tags, published=moment)], now)
    recommender.observe([click(f"early-{i}", "soon") for i in range(9)], now)

    def places(at):
        return [
            "soon" in ids(recommender.recommend("new", 100, now=at)),
            "soon" in ids(recommender.recommend("nobody", 60, now=at)),
            "soon" in ids(recommender.recommend("new", 60, personal=False, now=at)),
            "soon" in [item.id for item, _ in recommender.similar("tea-1e", 20, at)],
            "soon" in [item.id for item, _ in recommender.search(text.title, "new", 20, at)],
        ]

    assert not any(places(now)), "not yet"
    assert not any(places(moment - 1)), "one second too early"
    assert all(places(moment)), "its time has come"
    assert not any(places(now)), "the clock was set back"
    assert all(places(moment + 5))


def test_asked_without_a_moment_the_present_counts():
    recommender, present = made_recommender(), time.time()
    recommender.put([Item("past", "Jasmine pearls", published=present - 60)])
    recommender.put([Item("future", "Jasmine pearls", published=present + 86_400)])
    assert next(item.id for item, _ in recommender.search("jasmine pearls", count=2)) == "past"
    for found in (recommender.search("jasmine pearls", count=50), recommender.similar("past", 100)):
        assert "future" not in [item.id for item, _ in found]
    assert "future" not in ids(recommender.recommend("nobody", 200))


def test_newcomers_are_not_asked_about_what_is_yet_to_come():
    recommender, now = made_recommender(), trained()[0].now
    first = recommender.questions(1, now)[0]
    recommender.put([replace(first, published=now + 60)], now)
    assert first.id not in [item.id for item in recommender.questions(200, now)]
    assert recommender.questions(1, now + 60)[0].id == first.id


def test_where_nothing_is_there_yet_nothing_is_shown_instead():
    sample, words, _ = trained()
    items = [replace(item, published=sample.now + 100) for item in sample.items[:20]]
    catalogue = build_catalogue(items, words)
    known = read(sample.events, catalogue.index, SETTINGS.signals, sample.now, len(catalogue)).positive
    recommender = Recommender(fit(known, catalogue, SETTINGS, sample.now), SETTINGS, words, "early", seed=0)
    recommender.observe([click("all", item.id) for item in items], sample.now)
    found = recommender.recommend("all", 5, now=sample.now)
    assert found.places == []
    assert "nothing that may be shown" in found.note
    assert len(recommender.recommend("all", 5, now=sample.now + 100).places) == 5


def test_what_is_new_stays_in_order_while_items_to_come_arrive():
    sample, words, _ = trained()
    items = [replace(item, published=sample.now + day * 86_400) for day, item in enumerate(sample.items[:9], -4)]
    items.append(replace(sample.items[9], published=1e15))
    catalogue = build_catalogue(items, words)
    known = read(sample.events, catalogue.index, SETTINGS.signals, sample.now, len(catalogue)).positive
    fresh = Recent().fit(known, catalogue, sample.now).scores(NO_HISTORY)
    assert np.isfinite(fresh).all()
    assert (np.diff(fresh) > 0).all()


def test_events_from_the_future_count_as_happening_now():
    recommender, now = made_recommender(), trained()[0].now
    recommender.observe([click("new", "tea-1a", at=1e9), click("new", "tea-2a", at=-50)], now)
    later = recommender.histories.of("new", now + 5000)
    assert later.items.tolist() == [recommender.number("tea-2a"), recommender.number("tea-1a")]
    assert later.times.tolist() == [now - 50, now + 600]
    assert recommender.histories.of("new", now - 100).times.tolist() == [now - 100] * 2, "the clock was set back"


def test_a_model_learns_and_is_judged_on_what_there_was_at_the_moment_alone():
    sample, _, model = trained()
    catalogue = model.catalogue
    late = np.flatnonzero(catalogue.published > sample.now - 30 * 86_400)
    known = read(sample.events, catalogue.index, SETTINGS.signals, sample.now, len(catalogue)).positive
    before = known.select(known.time < sample.now - 30 * 86_400)
    after = known.select(known.time >= sample.now - 30 * 86_400)
    asked = []

    def scorer(_, history, moment):
        asked.append(moment)
        scores = np.zeros(len(catalogue), np.float32)
        scores[late] = 1
        return scores

    judged = judge(scorer, before, after, catalogue, resamples=0)
    assert asked == [after.history(user).times[0] for user in np.unique(after.user)]
    assert np.isfinite(judged.figures["ndcg@10"].value)
    assert judged.catalogue["coverage"] < (len(late) + 10) / len(catalogue)


def test_without_profile_no_history_is_looked_at():
    recommender, now = made_recommender(), trained()[0].now
    user = trained()[0].events[0].user
    assert ids(recommender.recommend(user, 20, personal=False, now=now)) == ids(
        recommender.recommend("nobody", 20, personal=False, now=now)
    )
    assert ids(recommender.recommend(user, 20, now=now)) != ids(recommender.recommend("nobody", 20, now=now))


def test_who_is_forgotten_is_a_newcomer():
    recommender, now = made_recommender(), trained()[0].now
    user = trained()[0].events[0].user
    assert recommender.forget(user) > 0
    assert ids(recommender.recommend(user, 10, now=now)) == ids(recommender.recommend("nobody", 10, now=now))


def test_the_order_in_which_events_come_does_not_matter():
    now = trained()[0].now
    events = [click("new", f"tea-{i}a", at=i * 10) for i in range(1, 6)]
    lists = []
    for order in (events, events[::-1]):
        recommender = made_recommender()
        recommender.observe(order)
        lists.append(ids(recommender.recommend("new", 10, now=now + 100)))
    assert lists[0] == lists[1]


def test_a_user_who_took_everything_is_told_so_and_one_with_very_many_events_is_answered():
    recommender, now = made_recommender(candidates=CandidateSettings(seen="never")), trained()[0].now
    everything = [click("all", item.id, at=i) for i, item in enumerate(trained()[0].items)]
    recommender.observe(everything * 3)
    found = recommender.recommend("all", 5, now=now + 1000)
    assert len(found.places) == 5
    assert "already" in found.note


def test_one_with_very_many_events_costs_no_more_than_the_last_of_them_but_all_are_remembered():
    sample, _, model = trained()
    items, now = len(model.catalogue), sample.now
    recommender = made_recommender()
    backwards = [click("many", sample.items[i % 400].id, at=-10.0 * i) for i in range(30_000)]
    recommender.observe(backwards, now)
    history = recommender.histories.of("many", now)
    assert len(history) == LONGEST_HISTORY
    assert history.times.tolist() == [now - 10.0 * i for i in range(LONGEST_HISTORY)][::-1]
    assert {place.item.id for place in recommender.recommend("many", 200, now=now).places} <= {
        item.id for item in sample.items[400:]
    }
    heavy = made(["many"], np.zeros(30_000, np.int64), np.arange(30_000) % items, np.ones(30_000),
        np.arange(30_000) + now - 40_000, items)  # fmt: skip
    looked_at = model.looked_at(heavy.history(0), now)
    assert len(looked_at) == LONGEST_HISTORY
    assert looked_at.times[-1] == heavy.time[-1]
    assert not allowed_at(model, CandidateSettings(), heavy.history(0), now).any()


def test_of_a_user_who_took_nearly_everything_only_the_strongest_are_paired():
    source = np.random.default_rng(2)
    user, item = np.repeat([0, 1, 2], [50, 5, 3]), np.concatenate([np.arange(50), np.arange(5), np.arange(3)])
    weight = source.random(58)
    taken = made(["a", "b", "c"], user, item, weight, np.arange(58.0), 50)
    cut = taken.matrix(10)
    assert np.diff(cut.indptr).tolist() == [10, 5, 3]
    assert set(cut[0].indices) == set(np.argsort(-weight[:50])[:10])
    np.testing.assert_array_equal(taken.matrix(50).toarray(), taken.matrix().toarray())


def test_names_are_numbered_in_their_order_whatever_their_length():
    names, numbers = numbered(["b", "龙", "a" * 200, "b", ""])
    assert names == ["", "a" * 200, "b", "龙"]
    assert [names[n] for n in numbers] == ["b", "龙", "a" * 200, "b", ""]
    assert numbered([])[1].tolist() == []


def test_chance_is_declared_and_logged():
    recommender = made_recommender(list=ListSettings(exploration=0.5, diversity=0.0))
    places = [p for _ in range(60) for p in recommender.recommend("nobody", 10, now=trained()[0].now).places]
    share = np.mean([place.explored for place in places])
    assert 0.4 < share < 0.6
    assert all(0 < place.propensity <= 1 for place in places)
    drawn, best = ([p.propensity for p in places if p.explored is kind] for kind in (True, False))
    assert min(best) >= 0.5 > np.median(drawn)


def test_contributions_add_up_to_the_score_and_text_format_keeps_the_trees():
    recommender, (sample, _, model) = made_recommender(), trained()
    assert model.trees is not None
    user = sample.events[0].user
    history = recommender.histories.of(user, sample.now)
    allowed = np.ones(len(model.catalogue), bool)
    asked = Situation(sample.now)
    pool = gather(model.generators, SETTINGS.candidates.quotas, history, asked, allowed)
    table = model.table(pool, history, asked)
    again = Trees.from_text(model.trees.to_text(), model.names)
    np.testing.assert_array_equal(again.scores(table), model.trees.scores(table))
    parts = model.contributions(pool, history, asked).sum(1)
    assert np.ptp(model.scores(pool, history, asked) - parts) < 1e-6
    with pytest.raises(DataError, match="features"):
        Trees.from_text(model.trees.to_text(), model.names[1:])
    with pytest.raises(DataError, match="cannot be read"):
        Trees.from_text("no trees", model.names)


def test_monotone_features_are_monotone():
    from feilun.apps.recommendation.ranking.trees import TreeSettings, grow_clicks

    source = np.random.default_rng(0)
    table = source.normal(size=(800, 2))
    clicked = source.random(800) < 1 / (1 + np.exp(-np.sin(3 * table[:, 0])))
    trees = grow_clicks(table, clicked, np.arange(800) % 5 == 0, ("price", "x"), TreeSettings(monotone={"price": -1}))
    line = np.stack([np.linspace(-3, 3, 50), np.zeros(50)], axis=1)
    assert (np.diff(trees.scores(line)) <= 1e-12).all()


def test_events_of_a_table_of_days_or_without_times_tell_no_speed():
    rules, index = SignalSettings(bot_events_a_minute=10), {str(i): i for i in range(40)}
    days = [Interaction(f"d{i}", "reader", str(i), "click", 1, 1e9 - 86_400 * (i % 2)) for i in range(40)]
    found = read(days, index, rules, 1e9, 40)
    assert (found.bots, len(found.positive)) == (0, 40)
    swift = [Interaction(f"s{i}", "program", str(i), "click", 1, 1e9 - i % 2) for i in range(40)]
    assert read([*days, *swift], index, rules, 1e9, 40).bots == 40


def test_repeats_and_programs_are_left_out_and_everything_is_counted():
    now, rules = 1e9, SignalSettings(bot_events_a_minute=10)
    events = [Interaction(str(i), "bot", "a", "click", 1, now - 50 + i) for i in range(40)]
    events += [Interaction(f"r{i}", "u", "b", "click", 1, now - 9 + i / 10) for i in range(3)]
    events += [
        Interaction("future", "u", "a", "click", 1, now + 1e7), Interaction("gone", "u", "zz", "click", 1, now),
        Interaction("low", "u", "a", "read", -5, now), Interaction("no", "u", "a", "dislike", 1, now),
    ]  # fmt: skip
    found = read(events, {"a": 0, "b": 1}, rules, now, 2)
    assert (found.bots, found.repeats, found.unknown, found.silent) == (40, 2, 1, 1)
    assert len(found.positive) == 2
    assert found.positive.time.max() <= now + 600
    assert found.disliked.tolist() == [[found.positive.users.index("u"), 0]]
    total = len(found.positive) + len(found.disliked) + found.bots + found.repeats + found.unknown + found.silent
    assert total == len(events)
    assert len(read([], {}, rules, now, 0).positive) == 0


def test_an_old_interaction_counts_half_after_its_half_life():
    rules = SignalSettings(positive={"click": 2.0}, half_life_days=10)
    events = [Interaction("1", "u", "a", "click", 1, 1e9), Interaction("2", "u", "b", "click", 1, 1e9 - 864_000)]
    assert read(events, {"a": 0, "b": 1}, rules, 1e9, 2).positive.weight.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"item": "a"}, "'user'"),
        ({"user": "u", "item": ""}, "'item'"),
        ({"user": "u", "item": "a", "value": "nan"}, "'value' must be a finite number"),
        ({"user": "u", "item": "a", "time": "yesterday"}, "'time'"),
        ({"user": "u\x00", "item": "a"}, "printable"),
        ({"user": "u" * 300, "item": "a"}, "1 to 200"),
    ],
)
def test_events_that_cannot_be_are_named(row, said):
    with pytest.raises(DataError, match=said):
        read_interaction(row, 0.0)


def test_an_event_without_id_is_the_same_event_again():
    row = {"user": "u", "item": "a", "time": 5}
    assert read_interaction(row, 1.0).id == read_interaction(dict(row), 2.0).id


def test_items_of_any_kind():
    item = read_item(
        {"id": "x", "title": "<b>Hot</b>\n tea", "categories": "tea|drinks、茶", "hidden": "true", "stock": 0}
    )
    assert item.title == "Hot tea"
    assert item.categories == ("tea", "drinks", "茶")
    assert item.hidden
    _, words, _ = trained()
    with pytest.raises(DataError, match="catalogue is empty"):
        build_catalogue([], words)
    bare = build_catalogue([Item("a"), Item("b", "same"), Item("c", "same"), Item("c", "later")], words)
    assert len(bare) == 3
    assert bare.items[2].title == "later"
    assert not bare.vectors[0].any()


def test_wrong_counts_and_unknown_items_are_named():
    recommender = made_recommender()
    for count in (0, 201):
        with pytest.raises(UsageError, match="1 to 200"):
            recommender.recommend("u", count)
    with pytest.raises(UsageError, match="Did you mean 'tea-1"):
        recommender.similar("tea-1A")
    assert recommender.observe([click("u", "nothing")]) == 1


def test_generators_say_nothing_without_a_history_and_are_blind_to_the_batch():
    nothing = History(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    for name, generator in trained()[2].generators.items():
        scores = generator.scores(nothing)
        assert scores.shape == (420,)
        assert np.isfinite(scores).all()
        assert (scores >= 0).all()
        assert (scores == 0).all() or name in {"popular", "recent"}


def test_search_puts_first_what_the_user_likes_and_takes_in_new_items():
    recommender, now = made_recommender(), trained()[0].now
    recommender.observe([click("fan", item) for item in ("tea-1a", "tea-1b", "tea-1c", "tea-2a")])
    plain = [item.id for item, _ in recommender.search("gift", count=30, now=now)]
    personal = [item.id for item, _ in recommender.search("gift", "fan", 30, now=now)]
    assert plain
    assert set(plain) == set(personal)
    assert _mean_place(personal) <= _mean_place(plain)
    recommender.put([Item("fresh", "Quokka plush", published=now)], now)
    assert [item.id for item, _ in recommender.search("quokka plush", count=1)] == ["fresh"]
    recommender.withdraw("fresh")
    assert "fresh" not in [item.id for item, _ in recommender.search("quokka plush", count=50)]
    assert recommender.search("zzzz 999 qqqq") == []


def _mean_place(found):
    places = [place for place, item in enumerate(found) if item.startswith("tea")]
    return sum(places) / len(places) if places else 0


def test_newcomers_are_asked_about_what_most_took_and_may_be_shown():
    recommender = made_recommender()
    asked = [item.id for item in recommender.questions(8)]
    facts, index = recommender.model.facts, recommender.model.catalogue.index
    assert facts.popularity[[index[item] for item in asked]].min() >= np.sort(facts.popularity)[-8]
    recommender.withdraw(asked[0])
    assert [item.id for item in recommender.questions(8)][:7] == asked[1:]


@pytest.mark.parametrize("size", [0, 5, 9_999, 30_000])
def test_the_best_of_many_are_those_of_a_whole_sort(size):
    source = np.random.default_rng(size)
    scores = source.normal(size=size).astype(np.float32)
    scores[source.random(size) < 0.1] = np.nan
    for kept in (0.9, 0.01, 0.0):
        allowed = source.random(size) < kept
        values = np.where(allowed, np.nan_to_num(scores), 0)
        for count in (0, 1, 60, size):
            wanted = np.argsort(-values, kind="stable")[:count]
            assert best(scores, allowed, count).tolist() == wanted[values[wanted] > 0].tolist()


def test_users_are_judged_by_how_much_is_known_of_them_and_none_is_lost():
    sample, _, model = trained()
    everything = read(sample.events, model.catalogue.index, SETTINGS.signals, sample.now, len(model.catalogue)).positive
    last = everything.time >= np.quantile(everything.time, 0.8)
    of_newcomer = everything.user == everything.user[last][0]
    known, held_out = everything.select(~last & ~of_newcomer), everything.select(last)
    judged = judge(lambda *_: model.facts.popularity, known, held_out, model.catalogue, resamples=0)
    assert set(judged.segments) == {"newcomers", "light", "heavy"}
    assert judged.segments["newcomers"].users >= 1
    users = sum(one.users for one in judged.segments.values())
    assert users == len(np.unique(held_out.user))
    mean = sum(one.users * one.figures["recall@10"].value for one in judged.segments.values()) / users
    assert mean == pytest.approx(judged.figures["recall@10"].value, abs=0.02)
