"""A stream goes on whatever fails: sources rest alone, the database is asked again, and people are told once."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from apps.public_opinion.made import record, write_lines
from apps.public_opinion.site import local, served
from feilun.apps.public_opinion.intake import Taken
from feilun.apps.public_opinion.sources.feed import Feed
from feilun.core.errors import DataError, RecipeError, StorageError
from feilun.storage import deliveries, opinion
from feilun.workflow.applications.public_opinion import rounds, wiring
from feilun.workflow.applications.public_opinion.wiring import Application, opened, run

HOUR = 3600
BEGIN = (time.time() // 86_400 - 20) * 86_400
FILE = """application = "public-opinion"
entities = "entities.toml"
rules = "rules.toml"
[sources]
files = ["first.jsonl", "second.jsonl"]
push = false
[channels]
desk = "json://127.0.0.1:9/desk"
"""


def usual() -> list[dict[str, Any]]:
    return [record(i, f"青禾汽车发布第{i}号公告", BEGIN + i * HOUR) for i in range(24 * 12)]


def surge() -> list[dict[str, Any]]:
    moment = BEGIN + 24 * 12 * HOUR
    bad = [record(1000 + i, f"青禾汽车第{i}名车主投诉刹车故障并维权", moment + i * 60) for i in range(40)]
    return [*bad, record(2000, "青禾汽车发布公告", moment + 12 * HOUR)]


@pytest.fixture
def application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    monkeypatch.setattr(wiring, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(wiring, "FOLLOW_SECONDS", 0.01)
    monkeypatch.setattr(wiring, "GATHER_SECONDS", 0.01)
    monkeypatch.setattr(rounds, "REST_SECONDS", 0.05)
    (tmp_path / "application.toml").write_text(FILE, encoding="utf-8")
    (tmp_path / "entities.toml").write_text('[[entity]]\nname = "青禾汽车"\n', encoding="utf-8")
    (tmp_path / "rules.toml").write_text('[[rule]]\nname = "bad news"\nchannels = ["desk"]\n', encoding="utf-8")
    write_lines(tmp_path / "first.jsonl", usual())
    write_lines(tmp_path / "second.jsonl", surge())
    with opened(tmp_path / "application.toml", f"sqlite:///{tmp_path / 'opinion.db'}") as application:
        yield application


def followed(application: Application, until: Callable[[Taken], bool]) -> Taken:
    """Follow until all that was taken is enough."""
    total = Taken()

    def tell(taken: Taken, _: Any) -> None:
        nonlocal total
        total += taken
        if until(total):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(application, follow=True, tell=tell)
    return total


def told(application: Application) -> list[str]:
    with application.database.read() as connection:
        return [row["key"] for row in deliveries.listed(connection)]


def incidents(application: Application) -> list[str]:
    with application.database.read() as connection:
        return [json.dumps(row.facts, sort_keys=True) for row in opinion.incidents(connection)]


def test_a_source_that_fails_rests_while_others_go_on(application: Application, tmp_path: Path) -> None:
    first = tmp_path / "first.jsonl"
    lines = first.read_bytes()
    first.unlink()
    with pytest.raises(DataError, match="There is no file"):
        run(application)
    assert followed(application, lambda total: total.new == len(surge())).dead == 0
    first.write_bytes(lines)
    assert followed(application, lambda total: total.new == len(usual())).repeated == 0


def test_a_feed_that_hangs_holds_no_alarm_up(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    files, over = application.sources(whole=False), threading.Event()
    with served() as site:
        site.answer = lambda _: over.wait(60)
        feed = Feed(site.url(), local())
        monkeypatch.setattr(application, "sources", lambda whole: [feed, *files])
        began = time.thread_time(), time.monotonic()
        followed(application, lambda total: len(told(application)) > 0)
        waited = (time.monotonic() - began[1]) - (time.thread_time() - began[0])
        assert len(site.asked) == 1
        over.set()
    assert waited < 30  # of sixty


def test_a_full_database_is_waited_for_and_nothing_is_lost_or_doubled(application: Application) -> None:
    database = application.database
    full = 3

    def bound(connection: Any, _: Any) -> None:
        nonlocal full
        if full:
            full -= 1
            pages = connection.execute("pragma page_count").fetchone()[0]
            connection.execute(f"pragma max_page_count = {pages}")

    # each connection is a new one: the first ones find no place for a further page
    event.listen(database.engine, "connect", bound)
    event.listen(database.engine, "checkin", lambda connection, entry: entry.invalidate())
    everything = len(usual()) + len(surge())
    database.engine.dispose()
    assert followed(application, lambda total: total.new == everything) == Taken(new=everything)
    assert full == 0
    with database.read() as connection:
        assert opinion.totals(connection)[0] == everything


@pytest.mark.parametrize(
    ("language", "title"), [("source", "[危急] 青禾汽车"), ("zh", "[危急] 青禾汽车"), ("en", "[critical] 青禾汽车")]
)
def test_people_are_told_in_the_language_of_the_file(tmp_path: Path, language: str, title: str) -> None:
    (tmp_path / "application.toml").write_text(FILE.replace("[sources]", f'language = "{language}"\n[sources]', 1))
    (tmp_path / "entities.toml").write_text('[[entity]]\nname = "青禾汽车"\n', encoding="utf-8")
    (tmp_path / "rules.toml").write_text('[[rule]]\nname = "bad news"\n', encoding="utf-8")
    write_lines(tmp_path / "first.jsonl", usual())
    write_lines(tmp_path / "second.jsonl", surge())
    with opened(tmp_path / "application.toml", f"sqlite:///{tmp_path / 'opinion.db'}") as application:
        run(application)
        with application.database.read() as connection:
            (row,) = connection.execute(text("select title, body from deliveries"))
    assert row.title.startswith(title)
    assert ("negative documents" in row.body) is (language == "en")
    assert ("篇负面文档" in row.body) is (language != "en")


def test_what_was_judged_and_not_written_is_judged_anew_and_told_once(
    application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path / "application.toml", f"sqlite:///{tmp_path / 'undisturbed.db'}") as undisturbed:
        run(undisturbed)
        found = incidents(undisturbed)
        assert len(found) == 1
        assert len(told(undisturbed)) == len(set(told(undisturbed))) > 0
        expected = told(undisturbed)
    save, tell = opinion.save_incident, deliveries.add
    left = {"save": 1, "tell": 1}

    def failing(name: str, own: Callable[..., None]) -> Callable[..., None]:
        def refused(*given: Any) -> None:
            left[name] -= 1
            if left[name] >= 0:
                raise StorageError("The disk is full.")
            own(*given)

        return refused

    monkeypatch.setattr(opinion, "save_incident", failing("save", save))
    monkeypatch.setattr(deliveries, "add", failing("tell", tell))
    followed(application, lambda total: max(left.values()) < 0)
    assert incidents(application) == found
    assert told(application) == expected


def test_an_unknown_channel_of_a_rule_is_told_before_anything_runs(tmp_path: Path, application: Application) -> None:
    (tmp_path / "rules.toml").write_text('[[rule]]\nname = "a"\nchannels = ["dsk"]\n', encoding="utf-8")
    with pytest.raises(RecipeError, match=r"there is no channel 'dsk'\. Did you mean 'desk'"):
        opened(tmp_path / "application.toml", f"sqlite:///{tmp_path / 'other.db'}").__enter__()


def test_addresses_and_zones_that_are_none_are_told_before_anything_runs(
    tmp_path: Path, application: Application
) -> None:
    file = tmp_path / "application.toml"
    file.write_text(FILE.replace("push = false", 'push = false\nzone = "Asia/Peking"'), encoding="utf-8")
    with file.open("a") as more:
        more.write('[queries.wire]\nurl = "no address"\nquery = "SELECT 1"\ncursor = "id"\n')
    with pytest.raises(RecipeError) as wrong:
        opened(file).__enter__()
    assert "sources.zone: There is no time zone 'Asia/Peking'" in str(wrong.value)
    assert "the url of one is none" in str(wrong.value)
