"""Whom the tagger names beside the list: counted under their names, judged apart, offered to a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from apps.public_opinion.made import GAZETTEER, NOW, WIDTH, record, understanding, write_lines
from feilun.apps.public_opinion import trends
from feilun.apps.public_opinion.document import Form, parse
from feilun.apps.public_opinion.gazetteer import KINDS, Entity, Gazetteer, read_gazetteer
from feilun.apps.public_opinion.intake import Intake
from feilun.apps.public_opinion.sources.files import Files
from feilun.apps.public_opinion.understanding import Analysis, Understanding, named
from feilun.apps.public_opinion.unlisted import add_to_list, unlisted
from feilun.core.errors import DataError, UsageError
from feilun.evaluation.baselines.spans import MentionDictionary
from feilun.knowledge.mentions import Tagger
from feilun.storage import opinion
from feilun.storage.database import Database, open_database

TAGGER = Tagger(
    MentionDictionary(
        {"星野电子": "company", "星野电子有限公司": "company", "青禾汽车配件": "company", "启明手机": "product",
         "Northlake": "company", "某公司": "company"}, KINDS), KINDS,
)  # fmt: skip
LIST = '[[entity]]\nname = "青禾汽车"\n'


def reading(gazetteer: Gazetteer = GAZETTEER) -> Understanding:
    return replace(understanding(), gazetteer=gazetteer, tagger=TAGGER)


def said(text: str, gazetteer: Gazetteer = GAZETTEER) -> Analysis:
    return reading(gazetteer).read([parse({"text": text, "time": "2026-11-24"}, "x", NOW)])[0]


def test_what_no_list_names_fares_by_its_own_clauses_like_what_a_list_names() -> None:
    found = said("👍青禾汽车因缺陷召回新车，股价下滑；而星野電子净利润大增。")
    assert dict(found.entities) == {"青禾汽车": "negative", "星野电子": "positive"}
    assert found.unlisted == (("星野电子", "company"),)
    assert Analysis.from_json(found.to_json()) == found
    assert "unlisted" not in said("青禾汽车召回").to_json()


def test_a_listed_name_stays_where_the_model_sees_a_longer_one() -> None:
    (mentions,) = named(["青禾汽车配件涨价"], GAZETTEER, TAGGER)
    assert [(one.name, one.by, one.start, one.end) for one in mentions] == [("青禾汽车", "list", 0, 4)]


def test_an_ambiguous_name_that_the_model_takes_for_a_company_means_the_one_that_has_it() -> None:
    assert said("walk to Northlake").entities == (("Northlake Bank", "neutral"),)
    two = Gazetteer([Entity("A", ambiguous=("Northlake",)), Entity("B", ambiguous=("Northlake",))])
    assert said("walk to Northlake", two).entities == ()


def test_one_name_in_full_and_short_is_one_and_an_ignored_one_is_none() -> None:
    gazetteer = Gazetteer(GAZETTEER.entities, ["某公司"])
    assert said("星野电子有限公司发布启明手机，某公司跟进。", gazetteer).unlisted == (
        ("星野电子", "company"), ("启明手机", "product"),
    )  # fmt: skip


def test_a_list_finds_its_names_in_traditional_characters_and_full_width() -> None:
    text = "😀青禾汽車（ＱＨＡＵ）"
    assert [text[one.start : one.end] for one in GAZETTEER.find(text)] == ["青禾汽車", "ＱＨＡＵ"]
    Gazetteer([Entity("青禾汽车", aliases=("青禾汽車",))])  # one name in both scripts is no contradiction


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    texts = ["星野电子净利润大增", "星野電子裁员", "启明手机热销", "青禾汽车召回新车"]
    lines = write_lines(tmp_path / "news.jsonl", [record(i, text) for i, text in enumerate(texts)])
    made = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    Intake(made, reading(), width=WIDTH, clock=lambda: NOW).take(Files(lines, Form({}), whole=True))
    yield made
    made.close()


def test_found_names_have_numbers_and_are_offered_until_the_list_has_them(database: Database, tmp_path: Path) -> None:
    with database.read() as connection:
        counted = {one.entity: int(one.documents.sum()) for one in trends.trends(connection, WIDTH, topic="")}
        offered = unlisted(connection, GAZETTEER)
    assert (counted["星野电子"], counted["启明手机"]) == (2, 1)
    assert [(one.name, one.kind, one.documents) for one in offered] == [
        ("星野电子", "company", 2), ("启明手机", "product", 1),
    ]  # fmt: skip
    assert "裁员" in offered[0].titles[0] + offered[0].titles[1]
    path = tmp_path / "entities.toml"
    path.write_text(LIST.rstrip(), encoding="utf-8")
    add_to_list(path, offered, ["启明手机"], ["星野电子"])
    assert path.read_text(encoding="utf-8").startswith(LIST)
    gazetteer = read_gazetteer(path)
    assert [(one.name, one.kind) for one in gazetteer.entities] == [("青禾汽车", "company"), ("启明手机", "product")]
    with database.read() as connection:
        assert unlisted(connection, gazetteer) == []
        assert len(list(opinion.documents(connection))) == 4


def test_what_is_not_offered_or_would_break_the_list_changes_nothing(database: Database, tmp_path: Path) -> None:
    with database.read() as connection:
        offered = unlisted(connection, GAZETTEER)
    path = tmp_path / "entities.toml"
    path.write_text(LIST, encoding="utf-8")
    with pytest.raises(UsageError, match="found no name '星野'"):
        add_to_list(path, offered, ["星野"], [])
    with pytest.raises(UsageError, match="both approved and ignored"):
        add_to_list(path, offered, ["星野电子"], ["星野电子"])
    path.write_text('[[entity]]\nname = "青禾汽车"\naliases = ["星野电子"]\n', encoding="utf-8")
    before = path.read_text(encoding="utf-8")
    with pytest.raises(DataError, match="stands for"):
        add_to_list(path, offered, ["星野电子"], [])
    assert path.read_text(encoding="utf-8") == before
