"""Documents are found by their words as they are told by reading all, on both databases, whatever changed them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import pytest
from typer.testing import CliRunner

from apps.public_opinion.made import GAZETTEER, NOW, made_intake, record, write_lines
from feilun.apps.public_opinion import words
from feilun.apps.public_opinion.queries import Question, search
from feilun.apps.public_opinion.rules import DEFAULT
from feilun.apps.public_opinion.scheme import read_scheme
from feilun.apps.public_opinion.sources.files import Files
from feilun.interfaces.cli.applications import public_opinion as cli
from feilun.knowledge.terms import phrases
from feilun.storage import opinion, opinion_words
from feilun.storage.database import Database, open_database
from feilun.workflow.applications.public_opinion.desk import Correction, correct
from feilun.workflow.applications.public_opinion.file import Settings
from feilun.workflow.applications.public_opinion.wiring import Application, opened

TEXTS = (
    "青禾汽车召回新车，刹车缺陷", "青禾汽車召回新車", "Northlake Bank posts record profits of 100%", "天气转冷",
    "Northlake's lawyers' \"fees\" AND OR NOT (x) *", "召集股东，回购股份", "净利润同比增长", "青禾汽车获奖",
)  # fmt: skip
QUERIES = (
    "召回", "召回新车", "召", "record profit", "RECORD  Profits", "profit record", "100%", "汽车 缺陷", "回新",
    "召集回购",
    "利润增长", "fees) OR (x", "\" OR terms:x", "x AND *", "' | 'x", "NEAR(x y)", "天气", "nothing of it", "车",
)  # fmt: skip
DAY = 86_400


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    yield opened
    opened.close()


def filled(database: Database, folder: Path, count: int = 60) -> None:
    drawn = random.Random(0)
    lines = [record(i, f"{TEXTS[i % len(TEXTS)]} {drawn.random()}", NOW - 90 * DAY + i * DAY) for i in range(count)]
    made_intake(database).take(Files(write_lines(folder / "a.jsonl", lines)))


def found(database: Database, question: Question) -> list[str]:
    with database.read() as connection:
        return [one["key"] for one in search(connection, question, None)]


def read_all(database: Database, question: Question) -> list[str]:
    """Tell what is found by looking at every document."""
    keys = []
    with database.read() as connection:
        rows = list(opinion.latest(connection, since=question.since, until=question.until))
    for row in rows:
        entities = dict(row.analysis["entities"])
        said = entities.get(question.entity) if question.entity else row.sentiment
        if question.entity and said is None:
            continue
        fits = question.sentiment in {"", said} and question.topic in {"", *row.analysis["topics"]}
        if fits and question.source in {"", row.source} and holds(row.body, question.words):
            keys.append(row.key)
    return keys


def holds(text: str, wanted: str) -> bool:
    """Tell whether the runs of a text hold all runs of a query, Chinese ones anywhere within."""
    held = ["".join(term[0] for term in run) if len(run) > 1 else run[0] for run in phrases(text)]
    asked = ["".join(term[0] for term in run) if len(run) > 1 else run[0] for run in phrases(wanted)]
    return all(any(one in run if ord(one[0]) > 0x3000 else one == run for run in held) for one in asked)


@pytest.mark.parametrize("query", QUERIES)
def test_what_reading_all_tells_is_found(database: Database, tmp_path: Path, query: str) -> None:
    filled(database, tmp_path)
    question = Question(words=query)
    assert found(database, question) == read_all(database, question)
    assert query in {"召集回购", "利润增长", "' | 'x", "nothing of it"} or found(database, question) or "x" in query


@pytest.mark.parametrize(
    "question",
    [
        Question(words="召回", entity="青禾汽车"),
        Question(entity="青禾汽车", sentiment="negative"),
        Question(entity="青禾汽车", sentiment="positive", since=NOW - 70 * DAY, until=NOW - 40 * DAY),
        Question(sentiment="negative", words="汽车"),
        Question(topic="quality"),
        Question(source="财闻", words="天气", until=NOW - 50 * DAY),
        Question(entity="nobody"),
        Question(source="x' OR 1=1 --"),
        Question(since=NOW - 60 * DAY),
        Question(words="汽车", until=1e11),  # more seconds than a row has numbers for
    ],
)
def test_what_is_known_of_documents_narrows_as_reading_all_does(
    database: Database, tmp_path: Path, question: Question
) -> None:
    filled(database, tmp_path)
    assert found(database, question) == read_all(database, question)


def test_words_of_nothing_but_signs_find_nothing(database: Database, tmp_path: Path) -> None:
    filled(database, tmp_path, 8)
    assert found(database, Question(words="%_\"'；")) == []


def test_what_was_corrected_and_what_left_is_found_as_it_is_now(database: Database, tmp_path: Path) -> None:
    filled(database, tmp_path)
    application = Application(
        Settings("public-opinion", ""), tmp_path, database, GAZETTEER, read_scheme(), DEFAULT
    )  # fmt: skip
    wrong = Question(words="召回", entity="青禾汽车")
    first = found(database, wrong)[0]
    correct(application, first, Correction("positive", ["earnings"], ["Northlake Bank"]), "somebody")
    assert first not in found(database, wrong)
    assert first in found(database, Question(entity="Northlake Bank", sentiment="positive", topic="earnings"))
    assert made_intake(database, keep_days=35).retain() > 10
    for question in (wrong, Question(words="天气"), Question(topic="earnings"), Question(sentiment="positive")):
        assert found(database, question) == read_all(database, question)
    with database.read() as connection:
        kept = set(opinion_words.find(connection, words.wanted("", "", "", "", "财闻") or []))
        assert kept == {row.sequence for row in opinion.documents(connection)}


def test_a_write_that_fails_leaves_the_index_as_it_was(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(database, tmp_path, 16)
    before = found(database, Question(words="召回"))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("feilun.apps.public_opinion.intake.opinion_counts.count", killed)
    with pytest.raises(KeyboardInterrupt):
        made_intake(database).take(Files(write_lines(tmp_path / "b.jsonl", [record(99, "召回 又一次")])))
    assert found(database, Question(words="召回")) == before


def test_documents_of_before_are_indexed_in_pieces_that_stay(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(database, tmp_path)
    monkeypatch.setattr(words, "FILLED_AT_ONCE", 25)
    with database.write() as connection:
        opinion_words.clear(connection)
    assert found(database, Question(words="召回")) == []
    with monkeypatch.context() as patch:
        pieces: list[int] = []

        def once(*told: object) -> None:
            if pieces:
                raise KeyboardInterrupt
            pieces.append(1)
            add(*told)  # type: ignore[arg-type]

        add = opinion_words.add
        patch.setattr(opinion_words, "add", once)
        with pytest.raises(KeyboardInterrupt):
            words.fill(database)
    with database.read() as connection:
        assert not words.is_filled(connection)
    assert words.fill(database) == 60 - 25
    assert found(database, Question(words="召回")) == read_all(database, Question(words="召回"))
    with database.read() as connection:
        assert words.is_filled(connection)
    assert words.fill(database) == 0


def test_opening_fills_and_the_verb_fills_anew(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    filled(database, tmp_path, 16)
    with database.write() as connection:
        opinion_words.clear(connection)
    assert found(database, Question(words="召回")) == []
    (tmp_path / "entities.toml").write_text('[[entity]]\nname = "青禾汽车"\n', encoding="utf-8")
    path = tmp_path / "application.toml"
    path.write_text('application = "public-opinion"\nentities = "entities.toml"\n', encoding="utf-8")
    with database.write() as connection:
        opinion.save_position(connection, words.POSITION, {"form": 0, "until": None})
    with opened(path, database_url):
        assert len(found(database, Question(words="召回"))) == 4
    assert "are put into an index of words, once" in caplog.text
    with database.write() as connection:
        opinion_words.clear(connection)
    monkeypatch.setenv("FEILUN_DATABASE", database_url)
    said = CliRunner().invoke(cli.app, ["reindex", str(path), "--json"])
    assert (said.exit_code, json.loads(said.stdout)) == (0, {"documents": 16})
    assert len(found(database, Question(words="召回"))) == 4


def test_a_long_document_is_found_by_its_beginning(database: Database, tmp_path: Path) -> None:
    long = "长" * 20_000 + " tail"
    assert len(list(chain.from_iterable(phrases(long)))) > opinion_words.MOST_TERMS
    made_intake(database).take(Files(write_lines(tmp_path / "a.jsonl", [record(1, f"召回 {long}")])))
    assert len(found(database, Question(words="召回"))) == 1
    assert found(database, Question(words="tail")) == []
    with database.write() as connection:
        (row,) = opinion.documents(connection)
        opinion_words.remove(connection, [words.of_row(row)])
        assert list(opinion_words.find(connection, words.wanted("召回", "", "", "", "") or [])) == []


def test_a_query_reads_the_latest_alone(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    filled(database, tmp_path, 30)
    with database.read() as connection:
        wanted: Sequence[opinion_words.Phrase] = words.wanted("召回", "", "", "", "") or []
        plan = connection.exec_driver_sql(
            "explain query plan select rowid from opinion_words where opinion_words match ? and rowid < ? "
            "order by rowid desc", ('"召回"', 5)
        ).all()  # fmt: skip
        assert next(opinion_words.find(connection, wanted)) == max(opinion_words.find(connection, wanted))
    database.close()
    assert not any("TEMP B-TREE" in step.detail for step in plan)
