"""The demo's files, and which trained models may take the place of the rules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from feilun.bundles.bundle import open_bundle
from feilun.core.errors import DataError
from feilun.core.report import Figure
from feilun.workflow.applications.public_opinion_demo import demonstrate, write_application
from feilun.workflow.applications.public_opinion_file import read_application
from feilun.workflow.applications.public_opinion_train import worth_their_cost
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
