"""The card tells all it must, in both languages, and text from the data stays text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from judged import predictor_and_corpus

from feilun.core.prediction import Decision
from feilun.core.report import Report
from feilun.evaluation.evaluate import evaluate
from feilun.evaluation.presentation.card import model_card

MANIFEST = {
    "name": "reviews",
    "task": "classify",
    "max_tokens": 128,
    "recipe": {"model": {"base": "multilingual-e5-small"}},
    "fingerprints": {"data": "abc123", "base": "def"},
    "libraries": {"numpy": "2.4.6"},
}


DATA = {
    "rows": {"in": 400, "kept": 390},
    "sources": {"train": {"name": "/home/someone/reviews.csv"}},
    "language": {"languages": ["zh", "en"]},
    "notes": ["3 labels have few rows."],
}


@pytest.fixture(scope="module")
def report() -> Report:
    predictor, corpus = predictor_and_corpus(300, 3, decision=Decision(abstain_below=0.5))
    baseline, _ = predictor_and_corpus(300, 3, edge=0.1)
    return evaluate(predictor, corpus, slices=["length"], baselines={"majority class": baseline}, resamples=50)


def test_the_card_holds_every_section_and_figure(report):
    card = model_card(MANIFEST, report, DATA)
    titles = re.findall(r"^## (.+)$", card, flags=re.MULTILINE)
    assert titles == [
        "中文摘要", "Intended use", "Data", "Figures", "By label", "By group of texts", "Calibration", "Limits",
        "Base model and licence", "How to run it",
    ]  # fmt: skip
    accuracy = report.metrics["accuracy"]
    assert f"{accuracy.value:.3f} ({accuracy.low:.3f}–{accuracy.high:.3f})" in card
    assert "每 100 条文本" in card
    assert "Of 100 texts the machine decides" in card
    assert "多数类" in card
    assert "rows · kept: 390" in card
    assert "abc123" in card
    assert "Trained on text in: zh, en." in card
    assert "3 labels have few rows." in card
    assert "/home/someone" not in card
    assert "multilingual-e5-small" in card
    assert "first 128 tokens" in card


def test_the_licence_of_the_base_is_told_where_it_is_known(report):
    card = model_card({**MANIFEST, "base": {"name": "minilm-l6-en", "licence": "Apache-2.0"}}, report, {})
    assert "minilm-l6-en. Licence of the base: Apache-2.0" in card
    assert "许可：Apache-2.0" in card


def test_labels_cannot_break_out_of_their_cell(report):
    names = ("a|b\nc", "<script>alert(1)</script>", "**bold** `x` [l](http://x)")
    per_label = dict(zip(names, report.per_label.values(), strict=True))
    card = model_card(
        {**MANIFEST, "name": "# x\n## y"}, replace(report, labels=names, per_label=per_label), {"<b>": "|"}
    )
    assert "<script>" not in card.replace("`<script>alert(1)</script>`", "")
    table = card.split("## By label")[1].split("##")[0].strip().splitlines()
    assert len(table) == 2 + len(names)
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {6}
    assert "\n## y" not in card


def test_a_bare_report_and_manifest_still_make_a_card(report):
    bare = Report(n=3, metrics={}, labels=("a", "b"))
    assert model_card({}, bare, {}).startswith("# model\n")
    assert "unknown" in model_card({}, bare, {})


def test_equal_values_give_equal_cards(report):
    again = Report.from_json(report.to_json())
    assert model_card(MANIFEST, report, {}) == model_card(MANIFEST, again, {})
