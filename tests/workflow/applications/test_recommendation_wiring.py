"""From tables to lists: imported once, trained, judged, opened again; a model of another shop is refused."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import replace
from pathlib import Path

import polars
import pytest
from typer.testing import CliRunner

from feilun.apps.recommendation.records.catalogue import build_catalogue
from feilun.apps.recommendation.records.events import Interaction
from feilun.apps.recommendation.records.interactions import read
from feilun.apps.recommendation.sample.shop import simulate
from feilun.apps.recommendation.stored_data import stored_data
from feilun.core import places
from feilun.core.errors import BundleError, DataError, RecipeError, UsageError
from feilun.interfaces.cli.applications.recommendation import app as cli
from feilun.storage.database import open_database
from feilun.storage.event_queue import EventQueue
from feilun.workflow.applications.recommendation import tables
from feilun.workflow.applications.recommendation import wiring as application
from feilun.workflow.applications.recommendation.estimate import estimate_settings
from feilun.workflow.applications.recommendation.file import read_application
from feilun.workflow.applications.recommendation.judging import evaluate
from feilun.workflow.applications.recommendation.tables import (
    import_events,
    import_items,
    put_events,
    put_items,
    take_tables,
    waiting_folder,
)
from feilun.workflow.applications.recommendation.terminal import share


@pytest.fixture
def file(tmp_path):
    sample = simulate(shoppers=120, sessions=5)
    polars.DataFrame([
        {"item": i.id, "title": i.title, "description": i.description, "categories": "|".join(i.categories),
         "tags": "|".join(i.tags), "creator": i.creator, "price": i.price, "published": i.published}
        for i in sample.items
    ]).write_parquet(tmp_path / "items.parquet")  # fmt: skip
    polars.DataFrame([
        {"id": e.id, "user": e.user, "item": e.item, "type": e.type, "value": e.value, "time": e.time}
        for e in sample.events
    ]).write_csv(tmp_path / "events.csv")  # fmt: skip
    path = tmp_path / "shop.toml"
    path.write_text(
        'application = "recommendation"\nitems = "items.parquet"\nevents = "events.csv"\n', encoding="utf-8"
    )
    return path


def filled(file, database):
    settings, said = read_application(file), []
    take_tables(database, settings, said.append)
    return settings, said


def test_tables_become_lists_and_a_second_import_adds_nothing(file):
    database = open_database()
    settings, said = filled(file, database)
    assert "420 rows" in said[0]
    events = len(application.prepare(settings, database).held.events)
    filled(file, database)
    prepared = application.prepare(settings, database)
    assert len(prepared.held.events) == events
    folder = application.train(settings, prepared)
    shop = application.open_shop(settings, database, prepared, seed=1)
    assert shop.recommender.version != "untrained"
    assert shop.recommender.model.clicks.basis == "next", "no list was logged"
    kept = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert kept["session"] == {"minutes": 5.0, "weight": shop.recommender.model.session.weight}
    user = prepared.held.events[0].user
    found = shop.recommend(user, 10, now=prepared.now)[0]
    again = application.open_shop(settings, database, prepared, seed=1).recommend(user, 10, now=prepared.now)[0]
    assert [p.item.id for p in found.places] == [p.item.id for p in again.places]
    assert not any(user in path.read_text(encoding="utf-8") for path in folder.iterdir())

    few = [item for item in prepared.held.items if item.id.startswith("tea")]
    other = replace(prepared, catalogue=build_catalogue(few, prepared.embedder))
    other = replace(other, read=read(
        prepared.held.events, other.catalogue.index, settings.signals, prepared.now, len(few)))  # fmt: skip
    with pytest.raises(DataError, match="another catalogue"):
        application.open_model(settings, other)
    (folder / "ranking.txt").write_text("tampered", encoding="utf-8")
    with pytest.raises(BundleError, match="damaged"):
        application.open_model(settings, prepared)
    database.close()


@pytest.mark.slow
def test_ours_beats_popularity_on_the_fictional_shop(file):
    database = open_database()
    settings, _ = filled(file, database)
    evaluation = evaluate(settings, application.prepare(settings, database), lambda line: None)
    figures = {name: judged.figures["ndcg@10"].value for name, judged in evaluation.rows.items()}
    assert figures["ours"] > 2 * figures["popularity"]
    database.close()


def test_context_comes_from_the_users_table_and_the_creator_from_the_column_that_is_named(file):
    users = {event.user: event.user for event in simulate(shoppers=120, sessions=5).events}
    polars.DataFrame(
        {"user": list(users), "city": [("杭州", "Tromsø")[int(user[-1]) % 2] for user in users]}
    ).write_csv(file.parent / "users.csv")
    items = polars.read_parquet(file.parent / "items.parquet").rename({"creator": "brand"})
    items.write_parquet(file.parent / "items.parquet")
    plain = file.read_text("utf-8") + 'users = "users.csv"\ncreator = "brand"\n'
    file.write_text(
        plain + '[context]\ncolumns = ["city", "device"]\nsegment = "city"\n[candidates.quotas]\n'
        "popular-in-segment = 50\nsame-creator = 50\nitem-neighbours = 50\n", encoding="utf-8",
    )  # fmt: skip
    database = open_database()
    settings, _ = filled(file, database)
    prepared = application.prepare(settings, database)
    assert {item.creator for item in prepared.held.items} == set(items["brand"])
    assert prepared.read.positive.context.values[0] in {("杭州", "Tromsø"), ("Tromsø", "杭州")}
    application.train(settings, prepared)
    with application.opened_shop(settings) as shop:
        assert "city_lift" in shop.recommender.model.names
        answer, _ = shop.recommend(next(iter(users)), 5, context={"device": "phone"}, now=prepared.now)
        assert answer.context == {"city": prepared.contexts.at(answer.user, 0)["city"], "device": "phone"}
    again = application.prepare(settings, database)
    assert again.contexts.at(answer.user, prepared.now + 1)["device"] == "phone", "as the list was logged"

    (file.parent / "users.csv").write_text("user,town\nu,x\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"no column 'city' or 'device'.*user, town"):
        application.prepare(settings, database)
    items.drop("brand").write_parquet(file.parent / "items.parquet")
    with pytest.raises(DataError, match="no column 'brand'"):
        take_tables(database, settings, print)
    database.close()
    for more, parts in (
        ('[context]\nsegment = "city"\n[candidates]\nquotas = { popular = 5 }\n', ["'city' is not one of"]),
        ('[context]\ncolumns = ["city"]\n[ranking]\nwithout = ["device_lift"]\n', ["'device_lift'", "'city_lift'"]),
        ("[candidates.quotas]\nrecent-in-segment = 5\n", ["users: none of their columns", "needs context.segment"]),
    ):
        file.write_text(plain + more, encoding="utf-8")
        with pytest.raises(RecipeError) as caught:
            read_application(file)
        assert [part for part in parts if part not in str(caught.value)] == []


def test_all_faults_of_a_file_are_told_with_their_lines(tmp_path):
    path = tmp_path / "shop.toml"
    path.write_text(
        'application = "recommendation"\n[signals]\npositive = { "read >=" = 1.0 }\n[list]\ndiversity = 2\n'
        "[candidates]\nquotas = { easy = 5 }\n[ranking]\nmonotone = { cost = 1 }\n"
        f'[experiment]\nname = "{"long" * 20}"\n',
        encoding="utf-8",
    )
    with pytest.raises(RecipeError) as caught:
        read_application(path)
    said = str(caught.value)
    assert "line 5" in said
    for part in ("column 8", "'easy'", "'ease'", "'cost'", "at most 1", "experiment.name: 1 to 60"):
        assert part in said
    with pytest.raises(UsageError, match="no application file"):
        read_application(tmp_path / "none.toml")


def test_the_example_and_the_page_hold_files_that_are_valid(tmp_path):
    root = Path(__file__).parents[3]
    assert read_application(root / "examples" / "recommendation.toml").name == "shop"
    pages = []
    for page in ("recommendation.md", "recommendation.zh-CN.md"):
        blocks = re.findall(r"```toml\n(.*?)```", (root / "docs" / page).read_text("utf-8"), re.DOTALL)
        found = []
        for block in blocks:
            (tmp_path / "page.toml").write_text(block, encoding="utf-8")
            found.append(read_application(tmp_path / "page.toml"))
        assert found[-1].context.segment == "city"
        assert found[0].ranking.monotone == {"price": -1}
        pages.append(found)
    assert pages[0] == pages[1]


def test_a_name_leads_nowhere_else(tmp_path):
    path = tmp_path / "shop.toml"
    path.write_text('application = "recommendation"\nname = "../../etc"\n', encoding="utf-8")
    with pytest.raises(RecipeError, match="letters, digits"):
        read_application(path)


def test_rows_that_cannot_be_read_are_named_and_the_others_taken(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text("user,item,time\nu,a,2026-01-05 10:00\n,b,\nu,c,soon\nv,d,1767225600\n", encoding="utf-8")
    found = import_events(str(path))
    assert [e.item for e in found.rows] == ["a", "d"]
    assert found.left_out == 2
    assert found.faults[0].startswith("row 2: 'user'")
    path.write_text("user,item\n,a\n", encoding="utf-8")
    with pytest.raises(DataError, match="No row"):
        import_events(str(path))


def test_a_table_without_a_column_that_is_needed_is_refused_as_a_whole(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text("customer,item\nu,a\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"no column 'user' \(it has: customer, item\)"):
        import_events(str(path))
    path.write_text("sku,title\n1,Tea\n", encoding="utf-8")
    with pytest.raises(DataError, match="no column 'item' or 'id'"):
        import_items(str(path))


def test_an_application_without_events_or_items_says_so(file):
    database = open_database()
    settings = read_application(file)
    with pytest.raises(DataError, match="catalogue is empty"):
        application.prepare(settings, database)
    put_items(database, settings, import_items(settings.items).rows)
    prepared = application.prepare(settings, database)
    with pytest.raises(DataError, match="None of the 0 events"):
        application.train(settings, prepared)
    put_events(database, settings, [Interaction("1", "u", "tea-1a", "购买", 1.0, 1e9)])
    with pytest.raises(DataError, match=r"None of the 1 events.*1 of type '购买'"):
        application.train(settings, application.prepare(settings, database))
    with pytest.raises(UsageError, match="too few"):
        evaluate(settings, prepared, lambda line: None)
    shop = application.open_shop(settings, database, prepared)
    assert len(shop.recommend("anyone", 5)[0].places) == 5
    database.close()


def test_tables_come_from_a_database_and_a_query_belongs_to_it(tmp_path):
    with sqlite3.connect(tmp_path / "erp.db") as erp:
        erp.execute("create table goods (sku text, name text)")
        erp.executemany("insert into goods values (?, ?)", [("a", "Green tea"), ("b", "红茶")])
        erp.execute("create table clicks (who text, sku text, at integer)")
        erp.execute("insert into clicks values ('u', 'a', 1770000000)")
    path = tmp_path / "shop.toml"
    url = f"sqlite:///{tmp_path / 'erp.db'}"
    lines = ['application = "recommendation"', f'items = "{url}"', f'events = "{url}"']
    lines.append('items_query = "select sku as item, name as title from goods"')
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(RecipeError, match="events and events_query belong together"):
        read_application(path)
    lines.append('events_query = "select who as user, sku as item, at as time from clicks"')
    path.write_text("\n".join(lines), encoding="utf-8")
    database = open_database()
    settings, _ = filled(path, database)
    held = application.prepare(settings, database).held
    assert {item.title for item in held.items} == {"Green tea", "红茶"}
    assert [(one.user, one.item, one.time) for one in held.events] == [("u", "a", 1_770_000_000.0)]
    database.close()


def test_what_waited_for_the_database_is_taken_up_at_the_next_opening(file):
    database = open_database()
    settings, _ = filled(file, database)
    before = len(application.prepare(settings, database).held.events)
    database.close()
    row = {"id": "late", "user": "u", "item": "tea-1a", "type": "click", "value": 1.0, "time": 1.0, "ranking": None}
    EventQueue(waiting_folder(settings)).append([row])
    with application.opened_shop(settings) as shop:
        assert len(stored_data(shop.database, settings.name).events) == before + 1
    with application.opened_shop(settings) as shop:
        assert len(stored_data(shop.database, settings.name).events) == before + 1


def test_settings_are_estimated_from_lists_that_were_served(file):
    database = open_database()
    settings, _ = filled(file, database)
    with pytest.raises(DataError, match="logged with the chances"):
        estimate_settings(settings, application.prepare(settings, database))
    shop = application.open_shop(settings, database, application.prepare(settings, database), seed=3)
    now = max(event.time for event in stored_data(database, settings.name).events) + 60
    for number in range(60):
        answer, _ = shop.recommend(f"shopper-{number:04d}", 5, now=now + number)
        first = answer.places[0].item.id
        shop.take([Interaction(f"new-{number}", answer.user, first, "click", 1.0, now + number + 5, answer.id)])
    both = estimate_settings(settings, application.prepare(settings, database))
    found = both.places
    assert found.places == 300
    assert found.earned.value == pytest.approx(0.2)
    assert [one.depth for one in both.lists] == [1, 2, 3, 5]
    assert all(one.earned.value == pytest.approx(1) and one.lists == 60 for one in both.lists)
    blocked = read_application(file, ["list.blocked_categories=tea,kitchen,fitness,camping,audio"])
    assert estimate_settings(blocked, application.prepare(settings, database)).places.covered < found.covered
    with pytest.raises(RecipeError, match="diversty"):
        read_application(file, ["list.diversty=0.1"])
    database.close()


def test_the_verbs_tell_what_experiments_came_to_and_what_settings_would_earn(file):
    database = open_database()
    settings, _ = filled(file, database)
    runner = CliRunner()
    assert isinstance(runner.invoke(cli, ["experiment", str(file)]).exception, UsageError)
    now = max(event.time for event in stored_data(database, settings.name).events) + 60
    for method, part in (("holdout", 0.5), ("interleave", 1)):
        changed = read_application(
            file, [f"experiment.{k}={v}" for k, v in (("name", method), ("method", method), ("holdout", part))]
        )
        shop = application.open_shop(changed, database, application.prepare(changed, database), seed=3)
        for number in range(30):
            answer, _ = shop.recommend(f"shopper-{number:04d}", 4, now=now + number)
            event = Interaction(f"{method}{number}", answer.user, answer.places[0].item.id, "click", 1.0, now + 90,
                answer.id)  # fmt: skip
            shop.take([event])
    database.close()
    said = json.loads(runner.invoke(cli, ["experiment", str(file), "--json"], catch_exceptions=False).stdout)
    assert set(said["arms"]) == {"holdout:personal", "holdout:holdout"}
    assert said["arms"]["holdout:personal"]["figures"]["acted_on"]["value"] == 1
    assert said["interleaved"]["interleave:interleaved"]["lists"] == 30
    text = runner.invoke(cli, ["experiment", str(file)], catch_exceptions=False).stdout
    assert "sign test" in text
    assert "seconds to action" in text
    estimated = runner.invoke(cli, ["estimate", str(file), "--set", "list.diversity=0"], catch_exceptions=False).stdout
    assert "NOT ENOUGH TO CONCLUDE" in estimated
    assert "First 4 places of 13 lists" in estimated


def test_train_says_how_many_items_are_to_come_and_how_much_the_visit_counts(file, tmp_path):
    items = polars.read_parquet(tmp_path / "items.parquet")
    late = items.with_columns(
        polars.when(polars.col("item") == "tea-1a").then(4e9).otherwise(polars.col("published")).alias("published")
    )
    late.write_parquet(tmp_path / "items.parquet")
    said = CliRunner().invoke(cli, ["train", str(file), "--json"], catch_exceptions=False).stdout
    told = json.loads(said)
    assert told["items_to_come"] == 1
    assert told["weight_of_the_visit"] in {1.0, 2.0}
    with application.opened_shop(read_application(file)) as shop:
        assert shop.recommender.model.session.weight == told["weight_of_the_visit"]
        assert "tea-1a" not in [item.id for item, _ in shop.recommender.similar("tea-1b", 200)]


def test_an_empty_cell_of_numbers_leaves_no_row_out(tmp_path):
    path = tmp_path / "商品.parquet"
    polars.DataFrame({"item": [1.0, 2.0], "title": ["tea", "茶"], "price": [float("nan"), 3.0]}).write_parquet(path)
    found = import_items(str(path))
    assert (found.left_out, [(item.id, item.price) for item in found.rows]) == (0, [("1", None), ("2", 3.0)])


@pytest.mark.parametrize("manifest", ['{"schema": 1, "sha2', '{"schema": 99}', '{"schema": 1, "sha256": "0"}', "[]"])
@pytest.mark.parametrize("ranking", ["tree", None])
def test_a_damaged_ranking_is_refused_by_name_before_anything_is_learned(file, monkeypatch, manifest, ranking):
    database = open_database()
    settings = read_application(file)
    put_items(database, settings, import_items(settings.items).rows)
    folder = places.home() / "recommendation" / settings.name
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(manifest, encoding="utf-8")
    if ranking is not None:
        (folder / "ranking.txt").write_text(ranking, encoding="utf-8")
    monkeypatch.setattr(application, "fit_generators", lambda *given: pytest.fail("learned in vain"))
    with pytest.raises(BundleError, match=r"damaged.*Train it again"):
        application.open_model(settings, application.prepare(settings, database))
    database.close()


def test_a_small_chance_is_not_told_as_none():
    assert [share(chance) for chance in (0.0, 0.0004, 0.0123, 0.12, 1.0)] == ["0%", "0.04%", "1.2%", "12%", "100%"]


def test_a_list_in_the_terminal_is_of_one_language(file, tmp_path, monkeypatch):
    items = polars.read_parquet(tmp_path / "items.parquet").head(2)
    items.write_parquet(tmp_path / "items.parquet")
    (tmp_path / "events.csv").write_text(
        "user,item\n" + "".join(f"u,{item}\n" for item in items["item"]), encoding="utf-8"
    )
    runner = CliRunner()
    runner.invoke(cli, ["train", str(file)], catch_exceptions=False)
    for language, said in (("zh_CN.UTF-8", "重新推荐"), ("en_US.UTF-8", "items come again")):
        monkeypatch.setenv("LANG", language)
        monkeypatch.setenv("LC_ALL", language)
        lines = runner.invoke(cli, ["recommend", str(file), "u"], catch_exceptions=False).stdout.splitlines()
        assert said in lines[1]
        assert ("给 u 的列表" in lines[0]) == (language == "zh_CN.UTF-8")


def test_an_import_lets_others_write_between_its_parts(file, monkeypatch):
    database, other, seen = open_database(), open_database(), []
    settings = read_application(file)

    def pause(seconds):
        seen.append(len(stored_data(other, settings.name).events))
        put_events(other, settings, [Interaction(f"theirs {len(seen)}", "v", "a", "click", 1.0, 1.0)])

    monkeypatch.setattr(tables, "WRITTEN_AT_ONCE", 10)
    monkeypatch.setattr(tables.time, "sleep", pause)
    ours = [Interaction(str(number % 24), "u", "a", "click", 1.0, 1.0) for number in range(25)]
    assert put_events(database, settings, ours) == 24
    assert seen == [10, 21]
    assert put_events(database, settings, []) == 0
    database.close()
    other.close()
