"""Each document has exactly one effect, whatever comes again, late, or wrong."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.public_opinion.made import NOW, WIDTH, made_intake, record, write_lines
from feilun.apps.public_opinion import trends
from feilun.apps.public_opinion.document import Form
from feilun.apps.public_opinion.intake import Taken, redacted
from feilun.apps.public_opinion.sources.files import Files
from feilun.apps.public_opinion.sources.inbox import Inbox
from feilun.apps.public_opinion.sources.source import Batch
from feilun.storage import opinion, opinion_counts, opinion_inbox
from feilun.storage.database import Database, open_database
from feilun.workflow.applications.public_opinion import rounds
from feilun.workflow.applications.public_opinion import wiring as wired

TEXTS = (
    "青禾汽车召回新车，车主投诉",
    "Northlake Bank posts record profit",
    "青禾汽车净利润大增，而Northlake Bank遭起诉",
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    yield opened
    opened.close()


def numbers(database: Database) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        return [tuple(row) for source in ("", "财闻") for row in opinion_counts.counts(connection, source=source)]


def day(count: int) -> list[dict[str, Any]]:
    return [record(i, f"{TEXTS[i % 3]}，第{i}次", NOW - 86_400 + i * 977) for i in range(count)]


def test_a_day_replayed_gives_the_same_numbers(database: Database, tmp_path: Path) -> None:
    documents = day(40)
    assert made_intake(database).take(Files(write_lines(tmp_path / "a.jsonl", documents))).new == 40
    before = numbers(database)
    random.Random(1).shuffle(documents)
    again = made_intake(database).take(Files(write_lines(tmp_path / "b.jsonl", documents)))
    assert (again.new, again.repeated) == (0, 40)
    assert numbers(database) == before
    with database.write() as connection:
        trends.recount(connection, WIDTH)
    assert numbers(database) == before


def test_numbers_add_up_and_entities_fare_each_their_own_way(database: Database, tmp_path: Path) -> None:
    made_intake(database).take(Files(write_lines(tmp_path / "a.jsonl", day(30))))
    with database.read() as connection:
        by_entity = {one.entity: one for one in trends.trends(connection, WIDTH, topic="")}
    assert by_entity[""].documents.sum() == 30
    assert by_entity["青禾汽车"].negative.sum() == 10
    assert by_entity["青禾汽车"].positive.sum() == 10
    assert by_entity["Northlake Bank"].negative.sum() == 10


def test_a_batch_that_fails_leaves_nothing_and_is_read_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Files(write_lines(tmp_path / "a.jsonl", day(12)))
    with pytest.MonkeyPatch.context() as patch:

        def killed(*_: Any) -> None:
            raise KeyboardInterrupt

        patch.setattr(opinion, "bury", killed)
        with pytest.raises(KeyboardInterrupt):
            made_intake(database).take(source)
    assert numbers(database) == []
    assert made_intake(database).take(source).new == 12


def test_what_is_wrong_is_dead_and_can_be_raised(database: Database, tmp_path: Path) -> None:
    wrong = [{**record(1), "time": "24.11.2026 10h"}, {**record(2), "text": ""}, record(3)]
    path = tmp_path / "a.jsonl"
    write_lines(path, wrong)
    with path.open("a") as file:
        file.write("no json\n")
    intake = made_intake(database)
    assert intake.take(Files(path)) == Taken(new=1, dead=3)
    with database.read() as connection:
        letters = opinion.dead_letters(connection)
    assert sum("cannot be read" in letter.reason for letter in letters) == 1
    assert intake.replay() == Taken(dead=2)
    with database.write() as connection:  # somebody puts the time right
        good = next(letter for letter in letters if "cannot be read" in letter.reason)
        opinion.raise_dead(connection, [good.id])
        opinion.bury(connection, "x", [(good.place, good.reason, {**good.record, "time": "2026-11-24T10:05Z"})])
    assert intake.replay() == Taken(new=1, dead=1, late=1)


def test_what_is_raised_has_the_key_that_its_source_gives_it(database: Database, tmp_path: Path) -> None:
    early = {"id": "1", "text": "青禾汽车召回新车", "time": str(int(NOW + 7200))}
    source = Files(write_lines(tmp_path / "a.jsonl", [early]), Form(publisher="wire"))
    assert made_intake(database).take(source) == Taken(dead=1)
    later = made_intake(database)
    later.clock = lambda: NOW + 7200
    assert later.replay([source]).new == 1
    assert later.take(Files(write_lines(tmp_path / "b.jsonl", [early]), source.form)) == Taken(repeated=1)
    with database.read() as connection:
        assert [row.source for row in opinion.documents(connection)] == ["wire"]


def test_the_same_id_with_another_text_is_kept_apart(database: Database, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [record(1), record(1), {**record(1), "text": "改过的正文"}])
    assert made_intake(database).take(Files(path)) == Taken(new=1, repeated=1, dead=1)
    with database.read() as connection:
        assert "another text" in opinion.dead_letters(connection)[0].reason
        assert [row.body for row in opinion.documents(connection)] == ["青禾汽车召回新车"]
    assert made_intake(database).replay() == Taken(new=1)
    with database.read() as connection:
        assert [row.body for row in opinion.documents(connection)] == ["青禾汽车召回新车", "改过的正文"]
        assert not opinion.dead_letters(connection)


def test_records_of_any_shape_hold_nothing_up(database: Database, tmp_path: Path) -> None:
    nan = float("nan")
    odd = [
        {**record(1), "text": ["a"]}, {**record(2), "time": nan}, {**record(3), "text": "", "more": [{"x": -nan}]},
        {**record(4), "source": {"name": "a"}},
        {**record(5), "id": nan, "more": nan}, {**record(6), "time": NOW - 86_400.5},
    ]  # fmt: skip
    intake = made_intake(database)
    assert intake.take(Files(write_lines(tmp_path / "a.jsonl", odd))) == Taken(new=2, dead=4)
    with database.write() as connection:
        opinion_inbox.add(connection, "push", [redacted({**one, "id": f"p{i}"}) for i, one in enumerate(odd)])
    assert intake.take(Inbox(database)) == Taken(new=2, dead=4)
    with database.read() as connection:
        reasons = [letter.reason for letter in opinion.dead_letters(connection)]
    assert sum("Its body is a list, not a text." in reason for reason in reasons) == 2
    assert sum("Its source is a table, not a text." in reason for reason in reasons) == 2


def test_a_late_document_amends_its_bucket(database: Database, tmp_path: Path) -> None:
    intake = made_intake(database, lateness=600)
    intake.take(Files(write_lines(tmp_path / "a.jsonl", [record(1, time=NOW - 100)])))
    taken = intake.take(Files(write_lines(tmp_path / "b.jsonl", [record(2, "别的事", time=NOW - 7 * 86_400)])))
    assert taken == Taken(new=1, late=1)
    assert intake.watermark == NOW - 700
    assert made_intake(database).watermark == NOW - 700
    with database.read() as connection:
        assert trends.trends(connection, WIDTH, topic="", entity="")[0].documents.sum() == 2


def test_reposts_are_one_story_also_after_a_restart(database: Database, tmp_path: Path) -> None:
    text = "青禾汽车今日宣布召回三万辆新车，原因是刹车部件存在缺陷，车主可到任意门店免费更换，公司对此深表歉意。"
    first = [record(1, text), record(2, "【转发】" + text + "来源：某某社", NOW - 80_000)]
    made_intake(database).take(Files(write_lines(tmp_path / "a.jsonl", first)))
    made_intake(database).take(Files(write_lines(tmp_path / "b.jsonl", [record(3, text[:40], NOW - 70_000)])))
    with database.read() as connection:
        rows = list(opinion.documents(connection))
        total = trends.trends(connection, WIDTH, topic="", entity="")[0]
    assert {row.story for row in rows} == {rows[0].key}
    assert (total.documents.sum(), total.stories.sum(), total.heat) == (3, 1, 3.0)


def test_what_is_pushed_waits_and_is_read_once(database: Database) -> None:
    with database.write() as connection:
        opinion_inbox.add(connection, "财闻", [record(i, f"文{i}") for i in range(3)])
    intake = made_intake(database)
    assert intake.take(Inbox(database)).new == 3
    assert intake.take(Inbox(database)) == Taken()
    with database.read() as connection:
        assert opinion_inbox.waiting(connection) == 0
        assert json.loads(json.dumps(opinion.position(connection, "push"))) == 3


def test_buckets_of_another_width_are_counted_anew(database: Database, tmp_path: Path) -> None:
    made_intake(database).take(Files(write_lines(tmp_path / "a.jsonl", day(20))))
    from apps.public_opinion.made import understanding
    from feilun.apps.public_opinion.intake import Intake

    Intake(database, understanding(), width=86_400)
    with database.read() as connection:
        total = trends.trends(connection, 86_400, topic="", entity="")[0]
    assert total.documents.sum() == 20
    assert len(total.buckets) <= 2


class Endless:
    """A source to which more is added while it is read."""

    name, form = "endless", Form()

    def read(self, position: Any) -> Iterator[Batch]:
        number = int(position or 0)
        while True:
            number += 1
            yield Batch(((str(number), record(number)),), number)


def test_a_source_that_never_ends_is_left_in_time_and_gone_on_with(database: Database) -> None:
    intake = made_intake(database)
    assert intake.take(Endless(), seconds=0).new == 1
    assert intake.take(Endless(), seconds=0).new == 1
    with database.read() as connection:
        assert opinion.position(connection, "endless") == 2


def test_the_numbers_are_watched_while_a_source_has_more(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Enough(Exception):
        pass

    def tell(taken: Taken, _: Any) -> None:
        raise Enough(taken.new)

    monkeypatch.setattr(rounds, "ROUND_SECONDS", 0.0)
    monkeypatch.setattr(wired.Application, "sources", lambda *_, **__: [Endless()])
    (tmp_path / "entities.toml").write_text('[[entity]]\nname = "青禾汽车"\n', encoding="utf-8")
    path = tmp_path / "application.toml"
    path.write_text('application = "public-opinion"\nentities = "entities.toml"\n', encoding="utf-8")
    with wired.opened(path) as application, pytest.raises(Enough):
        wired.run(application, follow=True, tell=tell)
