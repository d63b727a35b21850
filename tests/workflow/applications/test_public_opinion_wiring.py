"""The demo's files, and which trained models may take the place of the rules."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from feilun.apps.public_opinion.corrected import Corrected
from feilun.bundles.bundle import open_bundle
from feilun.core.errors import DataError
from feilun.core.report import Figure
from feilun.workflow.applications.public_opinion.demo import demonstrate, write_application
from feilun.workflow.applications.public_opinion.file import read_application
from feilun.workflow.applications.public_opinion.labelled import write_labelled
from feilun.workflow.applications.public_opinion.training import worth_their_cost
from feilun.workflow.screen import Screen
from tiny_bundle import made_bundle


class Heard(Screen):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def test_a_model_that_a_baseline_beats_beyond_chance_does_not_take_the_rules_place(tmp_path: Path) -> None:
    bundle = open_bundle(made_bundle(tmp_path / "b"), threads=1)
    judged = {
        name: replace(
            bundle.report,
            metrics={"macro_f1": Figure(own)},
            baselines={"TF-IDF": {"macro_f1": 0.8, "only_model_right": 2, "only_baseline_right": lost}},
        )
        for name, own, lost in (("equal", 0.8, 2), ("sentiment", 0.79, 3), ("topics", 0.79, 12))
    }
    bundles = {name: replace(bundle) for name in judged}
    for name, report in judged.items():
        bundles[name].__dict__["report"] = report
    screen = Heard()
    assert worth_their_cost(bundles, screen) == ["equal", "sentiment"]
    (said,) = screen.said
    assert "topics: macro-F1 0.790 is below 0.800 of the baseline TF-IDF" in said


def test_each_task_of_one_model_is_held_against_the_baselines_of_that_task(tmp_path: Path) -> None:
    bundle = open_bundle(made_bundle(tmp_path / "b"), threads=1)
    row = {"sentiment.macro_f1": 0.7, "sentiment.only_model_right": 1, "sentiment.only_baseline_right": 0,
           "topics.macro_f1": 0.9, "topics.only_model_right": 1, "topics.only_baseline_right": 12,
           "only_model_right": 2, "only_baseline_right": 12}  # fmt: skip
    metrics = {"sentiment.macro_f1": Figure(0.8), "topics.macro_f1": Figure(0.8)}
    both = replace(bundle, manifest={**bundle.manifest, "task": "multitask"})
    both.__dict__["report"] = replace(bundle.report, metrics=metrics, baselines={"TF-IDF + linear model": row})
    assert worth_their_cost(dict.fromkeys(("sentiment", "topics"), both)) == ["sentiment"]


def test_all_texts_are_parted_once_and_no_label_is_judged_that_is_not_learned(tmp_path: Path) -> None:
    with (tmp_path / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("text", "sentiment", "topics"))
        for number in range(200):
            topics = [f"t{number % 3}", *(["rare"] if number in {5, 6, 7} else [])]
            body = f"第{number}号公告 {number * 7919 % 10007}"
            table.writerow((body, ("negative", "positive")[number % 2], json.dumps(topics)))
    right = Corrected({"第0号公告 0": "neutral", "新文一": "negative"}, {"新文二": ["t0"]})
    files = write_labelled(tmp_path / "labels.csv", right, tmp_path / "out")
    read: dict[str, dict[str, dict[str, str]]] = {}
    for task, own in files.items():
        for name, path in own.items():
            with Path(path).open(encoding="utf-8", newline="") as file:
                read.setdefault(task, {})[name] = {row["text"]: row[task] for row in csv.DictReader(file)}
    sentiment, topics = read["sentiment"], read["topics"]
    for name in ("train", "validation", "test"):
        assert len({*sentiment[name], "新文一", "新文二"} ^ {*topics[name], "新文一", "新文二"}) == 0
    assert sum(len(own) for own in sentiment.values()) == sum(len(own) for own in topics.values()) == 201
    assert 15 <= len(topics["test"]) <= 25
    learned = {label for cell in topics["train"].values() for label in json.loads(cell)}
    assert {label for own in topics.values() for cell in own.values() for label in json.loads(cell)} == learned
    everything = {text: label for own in sentiment.values() for text, label in own.items()}
    assert (everything["第0号公告 0"], everything["新文一"]) == ("neutral", "negative")
    assert "新文二" not in everything


def test_the_application_file_names_the_models_that_are_used(tmp_path: Path) -> None:
    for models in ({}, {"sentiment": "models/a"}, {"sentiment": "models/a", "topics": "models/b"}):
        settings = read_application(write_application(tmp_path, None, models)).models
        assert (settings.sentiment, settings.topics) == (models.get("sentiment", ""), models.get("topics", ""))


def test_documents_that_are_not_there_are_named_before_anything_is_trained(own_home: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no file"):
        demonstrate(tmp_path / "无.jsonl")
    assert not (own_home / "public-opinion-demo").exists()


def test_the_rules_alone_find_the_planted_crises_and_no_other(own_home: Path) -> None:
    outcome = demonstrate(train=False)
    assert len(outcome.found) == 3
    assert outcome.others == ()
    assert all(file.stat().st_size for file in outcome.files)


def test_records_that_are_no_documents_are_told_with_their_reasons(own_home: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("q,a\n1,2\n3,4\n", encoding="utf-8")
    said: list[str] = []

    class Heard(Screen):
        def say(self, text: str) -> None:
            said.append(text)

    outcome = demonstrate(tmp_path / "a.csv", train=False, screen=Heard())
    assert outcome.documents == 0
    assert any(line.startswith("  2 ×  The document has neither title nor body.") for line in said)
    assert any("No incident" in line for line in said)
