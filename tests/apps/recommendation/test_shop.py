"""On both databases: events once, unknown items kept, deletion everywhere; lists also when the database is gone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict

import pytest
from shops import SETTINGS, made_shop, trained

from feilun.apps.recommendation.experiments.outcomes import outcomes, shown_by_arm
from feilun.apps.recommendation.records.events import Interaction, Item
from feilun.apps.recommendation.settings import ExperimentSettings
from feilun.apps.recommendation.shop import Taking
from feilun.apps.recommendation.stored_data import stored_data
from feilun.core.errors import StorageError, UsageError
from feilun.storage import recommendation as storage
from feilun.storage.database import open_database
from feilun.storage.event_queue import EventQueue, left_behind


def event(name, item="tea-1a", user="u", ranking=None):
    return Interaction(name, user, item, "click", 1.0, trained()[0].now, ranking)


def test_the_same_event_counts_once(database):
    shop = made_shop(database)
    first = shop.take([event("1"), event("1"), event("2", "tea-2a")])
    again = shop.take([event("2", "tea-2a"), event("3", "tea-3a")])
    assert (first.taken, first.repeated) == (2, 1)
    assert (again.taken, again.repeated) == (1, 1)
    assert len(stored_data(database, "tiny").events) == 3
    assert len(shop.recommender.histories.of("u", trained()[0].now)) == 3


def test_events_that_come_at_once_share_transactions_and_each_sender_gets_its_own_answer(database):
    shop, commits = made_shop(database), []
    written = shop._write
    shop._write = lambda batches: commits.append(len(batches)) or written(batches)
    sent = [[event(f"{n}"), event(f"{n}-b", "nothing"), event("shared")] for n in range(60)]
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(shop.take, sent))
    assert sum(answer.taken for answer in answers) == 121
    assert sorted({(answer.taken, answer.repeated) for answer in answers}) == [(2, 1), (3, 0)]
    assert all(answer.unknown == 1 for answer in answers)
    assert sum(commits) == 60
    assert len(stored_data(database, "tiny").events) == 121
    assert len(shop.recommender.histories.of("u", trained()[0].now)) == 61


def test_lists_that_are_asked_for_at_once_are_all_remembered(database):
    shop, now = made_shop(database), trained()[0].now
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda number: shop.recommend(f"u{number}", 3, now=now), range(24)))
    assert all(kept for _, kept in found)
    assert {ranking.id for ranking in stored_data(database, "tiny").rankings} == {answer.id for answer, _ in found}


def test_an_event_of_an_unknown_item_counts_once_the_item_comes(database):
    shop, now = made_shop(database), trained()[0].now
    assert shop.take([event("1", "later")]).unknown == 1
    assert len(shop.recommender.histories.of("u", now)) == 0
    shop.put([Item("later", "Late oolong", categories=("tea",))], now)
    assert len(shop.recommender.histories.of("u", now)) == 1
    shop.put([Item("later", "Late oolong, renamed", categories=("tea",))], now)
    assert len(shop.recommender.histories.of("u", now)) == 1


def test_a_ranking_that_was_never_issued_is_told_and_left_out(database):
    shop = made_shop(database)
    answer, kept = shop.recommend("u", 5, now=trained()[0].now)
    assert kept
    taken = shop.take([event("1", ranking=answer.id), event("2", "tea-2a", ranking="made up")])
    assert (taken.taken, taken.unissued) == (2, 1)
    assert [e.ranking for e in stored_data(database, "tiny").events] == [answer.id, None]
    (ranking,) = stored_data(database, "tiny").rankings
    assert ranking.items == tuple(place.item.id for place in answer.places)
    assert len(ranking.propensities) == 5


def test_who_is_forgotten_is_nowhere_and_a_list_without_profile_names_nobody(database):
    shop, now = made_shop(database), trained()[0].now
    shop.take([event("1"), event("2", user="other")])
    shop.recommend("u", 5, now=now)
    shop.recommend("u", 5, personal=False, now=now)
    assert shop.forget("u") == {"interactions": 1, "rankings": 1}
    held = stored_data(database, "tiny")
    assert [e.user for e in held.events] == ["other"]
    assert [r.user for r in held.rankings] == [""]
    assert len(shop.recommender.histories.of("u", now)) == 0


def test_a_withdrawn_item_stays_withdrawn(database):
    shop = made_shop(database)
    shop.withdraw("tea-1a")
    assert next(item for item in stored_data(database, "tiny").items if item.id == "tea-1a").hidden
    assert "tea-1a" not in [i.id for i, _ in shop.recommender.similar("tea-1b", 200)]


def test_applications_do_not_see_each_other(database):
    shop = made_shop(database)
    shop.take([event("1")])
    with database.read() as connection:
        assert storage.holdings(connection, "tiny")["interactions"] == 1
        assert storage.holdings(connection, "another") == {"items": 0, "interactions": 0, "rankings": 0}


def test_lists_are_given_while_the_database_is_gone_and_events_are_refused_whole(tmp_path):
    path = tmp_path / "shop.db"
    database = open_database(f"sqlite:///{path}")
    shop = made_shop(database)
    database.close()
    path.rename(tmp_path / "away.db")
    answer, kept = shop.recommend("u", 5, now=trained()[0].now)
    assert len(answer.places) == 5
    assert not kept
    with pytest.raises(StorageError):
        shop.take([event("1")])
    assert len(shop.recommender.histories.of("u", trained()[0].now)) == 0
    (tmp_path / "away.db").rename(path)
    assert shop.take([event("1")]).taken == 1
    database.close()


def test_events_wait_on_the_disk_while_the_database_is_gone(tmp_path):
    path, away = tmp_path / "shop.db", tmp_path / "away.db"
    database = open_database(f"sqlite:///{path}")
    shop = made_shop(database)
    shop.queue = EventQueue(tmp_path / "waiting")
    database.close()
    path.rename(away)
    assert shop.take([event("1"), event("2")]).waiting
    assert shop.take([event("2"), event("3")]) == Taking(1, 1, 0, 0, waiting=True)
    assert len(shop.recommender.histories.of("u", trained()[0].now)) == 3
    assert [row["id"] for row in left_behind(tmp_path / "waiting")] == ["1", "2", "3"]
    away.rename(path)
    assert shop.take([event("3"), event("4")]) == Taking(1, 1, 0, 0)
    assert left_behind(tmp_path / "waiting") == []
    assert sorted(one.id for one in stored_data(database, "tiny").events) == ["1", "2", "3", "4"]
    database.close()


def test_who_is_forgotten_does_not_come_back_from_the_queue(database, tmp_path):
    shop = made_shop(database)
    shop.queue = EventQueue(tmp_path / "waiting")
    shop.queue.append([asdict(event("1"))])
    assert shop.forget("u")["interactions"] == 1
    assert left_behind(tmp_path / "waiting") == []
    assert stored_data(database, "tiny").events == []


def test_users_of_the_holdout_get_lists_without_history_and_both_arms_are_counted(database):
    shop, now = made_shop(database, experiment=ExperimentSettings(holdout=0.5)), trained()[0].now
    users = sorted({event.user for event in trained()[0].events})[:40]
    given = {user: shop.recommend(user, 5, now=now)[0] for user in users}
    assert {answer.personal for answer in given.values()} == {True, False}
    shop.recommend(users[0], 5, personal=False, now=now)
    personal = [answer for answer in given.values() if answer.personal]
    shop.take([event(f"f{i}", user=answer.user, ranking=answer.id) for i, answer in enumerate(personal)])
    held = stored_data(database, "tiny")
    found = outcomes(shown_by_arm(held.rankings, held.events, SETTINGS.signals, set()), len(held.items))
    assert found["holdout:personal"].lists == len(personal)
    assert found["holdout:holdout"].lists == 40 - len(personal)
    assert found["holdout:personal"].figures["acted_on"].value == 1
    assert found["holdout:holdout"].figures["acted_on"].value == 0


def test_an_item_that_comes_back_with_the_database_finds_the_events_that_waited_for_both(tmp_path):
    database = open_database(f"sqlite:///{tmp_path / 'shop.db'}")
    shop = made_shop(database)
    shop.queue = EventQueue(tmp_path / "waiting")
    (tmp_path / "shop.db").rename(tmp_path / "gone.db")
    database.engine.dispose()
    assert shop.take([event("1", "later")]).waiting
    (tmp_path / "gone.db").rename(tmp_path / "shop.db")
    shop.put([Item("later", "Late oolong", categories=("tea",))], trained()[0].now)
    assert len(shop.recommender.histories.of("u", trained()[0].now)) == 1
    assert [one.id for one in stored_data(database, "tiny").events] == ["1"]
    database.close()


def test_an_event_that_comes_while_its_item_is_put_counts_once(database):
    shop, now = made_shop(database), trained()[0].now
    shop.take([event("1", "later")])
    put, senders = shop.recommender.put, ThreadPoolExecutor(1)

    def put_slowly(*given):
        sent.append(senders.submit(shop.take, [event("2", "later")]))
        wait(sent, 0.5)
        put(*given)

    sent = []
    shop.recommender.put = put_slowly
    shop.put([Item("later", "Late oolong", categories=("tea",))], now)
    assert sent[0].result().unknown == 0
    assert len(shop.recommender.histories.of("u", now)) == 2


def test_a_user_is_called_alike_in_lists_events_and_deletion(database):
    shop, now = made_shop(database), trained()[0].now
    shop.take([event("1", user="u7")])
    assert shop.recommend(" u7 ", 3, now=now)[0].user == "u7"
    for nobody in ("", "a\x00b"):
        with pytest.raises(UsageError, match="'user' must be"):
            shop.recommend(nobody, 3)
        with pytest.raises(UsageError, match="'user' must be"):
            shop.forget(nobody)
    assert shop.recommend("", 3, personal=False, now=now)[0].places
    assert shop.forget(" u7 ") == {"interactions": 1, "rankings": 1}
