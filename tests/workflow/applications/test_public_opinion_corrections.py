"""Companies and stories put right: the numbers are those of counting anew, both are kept, and training learns."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from transformers import BertConfig, BertModel
from typer.testing import CliRunner

from feilun.apps.public_opinion import trends
from feilun.apps.public_opinion.corrected import corrected
from feilun.apps.public_opinion.readers import Apart, AtOnce, WithNewTopics
from feilun.core.errors import UsageError
from feilun.interfaces.cli.applications import public_opinion as cli
from feilun.interfaces.http.app import create_app
from feilun.interfaces.http.applications.opinion_desk import with_public_opinion
from feilun.monitoring.feedback import FeedbackDesk
from feilun.monitoring.log import ObservationLog
from feilun.serving.engine import Engine
from feilun.storage import opinion, opinion_counts
from feilun.workflow.applications.public_opinion import wiring as wired
from feilun.workflow.applications.public_opinion.desk import Correction, correct
from feilun.workflow.applications.public_opinion.file import ModelSettings
from feilun.workflow.applications.public_opinion.training import train_models
from feilun.workflow.applications.public_opinion.wiring import Application
from tiny import tiny_tokenizer

pytestmark = pytest.mark.usefixtures("brisk")

APPLICATION = """
application = "public-opinion"
entities = "entities.toml"
[sources]
files = ["news.jsonl"]
push = false
[models]
labelled = "labels.csv"
epochs = 1
"""
ENTITIES = '[[entity]]\nname = "青禾汽车"\n[[entity]]\nname = "Northlake Bank"\n'
RECALL = "青禾汽车宣布召回三万辆新车，刹车系统存在缺陷，车主可免费更换"
TEXTS = {
    "a": RECALL,
    "a2": f"转发：{RECALL}",
    "b": "北方多地气温骤降，供暖提前开始，居民反映室内温度不足",
    "c": "Northlake Bank posts a record profit for the second quarter of the year",
}


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    (tmp_path / "application.toml").write_text(APPLICATION, encoding="utf-8")
    (tmp_path / "entities.toml").write_text(ENTITIES, encoding="utf-8")
    lines = [
        json.dumps({"id": name, "text": text, "time": f"2026-03-0{number}T10:00+08:00", "source": "财闻"})
        for number, (name, text) in enumerate(TEXTS.items(), 1)
    ]
    (tmp_path / "news.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with (tmp_path / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("text", "sentiment", "topics"))
        table.writerow((TEXTS["b"], "positive", '["product"]'))
        for number in range(60):
            good = number % 2
            table.writerow((f"{'利润大增' if good else '亏损扩大'}第{number}季", ("negative", "positive")[good],
                            json.dumps([("lawsuit", "earnings")[good]])))  # fmt: skip
    with wired.opened(tmp_path / "application.toml", f"sqlite:///{tmp_path / 'a.db'}") as made:
        wired.run(made, finish=True)
        yield made


def keys(application: Application) -> dict[str, str]:
    with application.database.read() as connection:
        by_text = {row.title + row.body: row.key for row in opinion.documents(connection)}
    return {name: by_text[text] for name, text in TEXTS.items()}


def rows(application: Application, wanted: str) -> Any:
    with application.database.read() as connection:
        return next(opinion.documents(connection, keys=[wanted]))


def numbers(application: Application) -> set[tuple[Any, ...]]:
    with application.database.read() as connection:
        found = {tuple(row) for row in opinion_counts.counts(connection)}
    return {row for row in found if any(row[3:])}


def held_to_counting_anew(application: Application) -> set[tuple[Any, ...]]:
    """Return the numbers, after showing that counting all documents anew gives the same."""
    now = numbers(application)
    with application.database.write() as connection:
        trends.recount(connection, application.width)
    assert numbers(application) == now
    return now


def history(application: Application) -> list[Any]:
    with application.database.read() as connection:
        return list(opinion.corrections(connection))


def test_a_company_is_put_right_once(application: Application) -> None:
    key = keys(application)["b"]
    assert rows(application, key).analysis["entities"] == []
    right = Correction(entities=["青禾汽车", "Northlake Bank"])
    said = correct(application, key, right, "li")
    assert [name for name, _ in said["after"]["entities"]] == ["青禾汽车", "Northlake Bank"]
    after = held_to_counting_anew(application)
    assert correct(application, key, right, "li")["moved"] == 0  # again changes nothing
    assert numbers(application) == after
    (kept,) = history(application)
    assert (kept.before["analysis"]["entities"], len(kept.after["analysis"]["entities"])) == ([], 2)
    correct(application, key, Correction(entities=[]), "li")
    held_to_counting_anew(application)
    assert rows(application, key).analysis["entities"] == []


def test_a_copy_is_parted_from_its_story_and_put_back(application: Application) -> None:
    named = keys(application)
    before = numbers(application)
    assert rows(application, named["a2"]).story == named["a"]
    assert correct(application, named["a2"], Correction(story=named["a2"]), "li")["moved"] == 1
    assert rows(application, named["a2"]).story == named["a2"]
    assert held_to_counting_anew(application) != before
    correct(application, named["a2"], Correction(story=named["a"]), "li")
    assert held_to_counting_anew(application) == before
    assert [(one.before["story"], one.after["story"]) for one in history(application)] == [
        (named["a"], named["a2"]), (named["a2"], named["a"]),
    ]  # fmt: skip
    with pytest.raises(UsageError, match="began its story"):
        correct(application, named["a"], Correction(story=named["a"]), "li")


def test_a_story_is_merged_whole_and_later_copies_follow_it(application: Application) -> None:
    named = keys(application)
    intake = application.intake()  # remembers the stories as they were
    assert correct(application, named["a"], Correction(story=named["b"]), "li")["moved"] == 2
    assert {rows(application, named[name]).story for name in ("a", "a2", "b")} == {named["b"]}
    assert len(history(application)) == 2
    held_to_counting_anew(application)
    record = {"id": "a3", "text": f"快讯 {TEXTS['a']}", "time": "2026-03-03T10:00+08:00", "source": "财闻"}
    with (application.folder / "news.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
    (source,) = application.sources(whole=True)
    assert intake.take(source).new == 1
    with application.database.read() as connection:
        assert sum(row.story == named["b"] for row in opinion.documents(connection)) == 4
    held_to_counting_anew(application)


@pytest.mark.parametrize("restarted", [False, True])
def test_what_an_operator_parted_no_later_copy_merges(application: Application, restarted: bool) -> None:
    named = keys(application)
    intake = application.intake()
    (source,) = application.sources(whole=True)
    intake.take(source)
    correct(application, named["a2"], Correction(story=named["a2"]), "li")
    record = {"id": "a3", "text": f"快讯 {TEXTS['a']}", "time": "2026-03-03T10:00+08:00", "source": "财闻"}
    with (application.folder / "news.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
    assert (application.intake() if restarted else intake).take(source).new == 1
    assert {rows(application, named[name]).story for name in ("a", "a2")} == {named["a"], named["a2"]}
    assert len(history(application)) == 1
    held_to_counting_anew(application)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (Correction(), "Nothing is to be corrected"), (Correction(entities=["青禾"]), "no entity '青禾'"),
        (Correction(story="none"), "no document 'none'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_nothing_changes(application: Application, wrong: Correction, said: str) -> None:
    before = numbers(application)
    with pytest.raises(UsageError, match=said):
        correct(application, keys(application)["a"], wrong, "li")
    assert numbers(application) == before
    assert history(application) == []


def test_the_verb_and_the_service_correct_company_and_story(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = keys(application)
    monkeypatch.setenv("FEILUN_DATABASE", f"sqlite:///{application.folder / 'a.db'}")
    file = str(application.folder / "application.toml")
    asked = ["correct", file, named["a2"], "--story", named["a2"], "--entity", "Northlake Bank", "--json"]
    said = CliRunner().invoke(cli.app, asked)
    assert said.exit_code == 0, said.output
    assert json.loads(said.stdout)["after"]["story"] == named["a2"]
    log = FeedbackDesk(ObservationLog(application.database), lambda _: ())
    with TestClient(with_public_opinion(create_app, application)(Engine({}), log)) as client:
        sent = {"document": named["a2"], "entities": ["青禾汽车"], "story": named["a"]}
        answer = client.post("/v1/apps/public-opinion/desk/corrections", json=sent)
        assert (answer.status_code, answer.json()["after"]["story"]) == (200, named["a"])
        assert client.post("/v1/apps/public-opinion/desk/corrections", json={**sent, "story": "x"}).status_code == 404
    held_to_counting_anew(application)
    assert len(history(application)) == 2


@pytest.mark.slow
def test_the_next_training_learns_what_was_put_right(application: Application, tmp_path: Path) -> None:
    named = keys(application)
    correct(application, named["b"], Correction(sentiment="negative", topics=["regulation"]), "li")
    correct(application, named["c"], Correction(entities=[]), "li")  # says nothing of sentiment or topics
    correct(application, named["a"], Correction(topics=[]), "li")
    with application.database.read() as connection:
        right = corrected(connection)
    assert asdict(right) == {
        "sentiment": {TEXTS["b"]: "negative"}, "topics": {TEXTS["b"]: ["regulation"], TEXTS["a"]: []},
    }  # fmt: skip
    out = tmp_path / "models"
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 32}
    read = BertConfig(vocab_size=20, max_position_embeddings=128, **sizes)  # as many tokens as the application reads
    BertModel(read, add_pooling_layer=False).save_pretrained(tmp_path / "base")
    tiny_tokenizer().save(str(tmp_path / "base" / "tokenizer.json"))
    settings = replace(
        application.settings, models=replace(application.settings.models, base=str(tmp_path / "base"), together=True)
    )
    bundles = train_models(settings, application.folder, out, corrected=right)
    assert {bundle.path.name for bundle in bundles.values()} == {"opinion"}
    learned: dict[str, str] = {}
    for name in ("train", "validation", "test"):
        with (out / "labelled" / f"topics-{name}.csv").open(encoding="utf-8", newline="") as file:
            learned |= {row["text"]: row["topics"] for row in csv.DictReader(file)}
    assert len(learned) == 62
    assert (learned[TEXTS["b"]], learned[TEXTS["a"]]) == ('["regulation"]', "[]")
    path = str(bundles["topics"].path)
    texts, clauses = [TEXTS["c"], TEXTS["b"]], ["公司亏损收窄"]
    both = replace(application, settings=replace(settings, models=ModelSettings(sentiment=path, topics=path))).reader()
    one = replace(application, settings=replace(settings, models=ModelSettings(topics=path))).reader()
    assert isinstance(both, WithNewTopics)
    assert isinstance(one, WithNewTopics)
    assert (type(both.reader), type(one.reader)) == (AtOnce, Apart)
    said, alone = both.read(texts, clauses), one.read(texts, clauses)
    assert [len(part) for part in said] == [3, 2]
    assert [each.labels for each in said.topics] == [each.labels for each in alone.topics]
    assert said.sentiments[2].label == alone.sentiments[2].label == "positive"  # a firm phrase decides
