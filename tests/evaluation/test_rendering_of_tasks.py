"""Reports of every task reach the terminal and the model card, in both languages."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from feilun.core.corpus import corpus_of
from feilun.core.decisions.generate import GenerateDecision
from feilun.core.decisions.multilabel import MultilabelDecision
from feilun.core.decisions.rank import RankDecision
from feilun.core.decisions.regress import RegressDecision
from feilun.core.decisions.tag import TagDecision
from feilun.core.labels import LabelSet
from feilun.core.report import Figure, Report
from feilun.core.spans import Span, TokenLogits
from feilun.evaluation.evaluate import evaluate
from feilun.evaluation.judges.table import JUDGES
from feilun.evaluation.presentation.card import model_card
from feilun.evaluation.presentation.plots import draw
from feilun.evaluation.presentation.remarks import remarks
from feilun.evaluation.presentation.terminal import render
from feilun.text.decoding import Written

NAMES = LabelSet(("a[b]", "人"))
TEXTS = ["李明 在 北京 " * (i % 4 + 1) for i in range(60)]
RANDOM = np.random.default_rng(0)


class Fixed:
    def __init__(self, decision, logits):
        self.decision, self.logits = decision, logits

    def predict(self, corpus):
        return self.decision.decide([self.logits[int(i)] for i in corpus.id], NAMES.names)


class Numbers(Fixed):
    def predict(self, corpus):
        return self.decision.decide(np.stack([self.logits[int(i)] for i in corpus.id]), NAMES.names)


class Writer:
    decision = GenerateDecision()

    def __init__(self, surprise):
        self.surprise = surprise

    def predict(self, corpus):
        return self.decision.decide([Written([], -0.5, 1, "stop", f"李明 b {i}") for i in corpus.id], ())

    def logits(self, corpus):
        return np.stack([self.surprise[int(i)] for i in corpus.id])


def report_of(task: str) -> Report:
    numbers = RANDOM.normal(size=(60, 2)).astype(np.float32)
    if task == "multilabel":
        targets: list = [tuple(name for name, v in zip(NAMES.names, row, strict=True) if v > 0) for row in numbers]
        predictor: Fixed = Numbers(MultilabelDecision(abstain_below=0.3), numbers)
    elif task == "generate":
        targets = [f"李明 a[b] {i}" for i in range(60)]
        predictor = Writer(numbers**2)
    elif task == "regress":
        targets = [(float(a) * 5000, float(b)) for a, b in numbers + 0.1]
        predictor = Numbers(RegressDecision((0.0, 0.0), (5000.0, 1.0), (900.0, 0.2)), numbers)
    elif task == "rank":
        targets = [float(a > 0) for a, _ in numbers]
        predictor = Numbers(RankDecision(), numbers[:, :1])
    else:
        places = np.array([[0, 2], [5, 7]])
        tags = [TokenLogits(text, places, RANDOM.normal(size=(2, 5)).astype(np.float32)) for text in TEXTS]
        targets = [(Span(0, 2, "人"),) for _ in TEXTS]
        predictor = Fixed(TagDecision(), tags)
    corpus = corpus_of(TEXTS, targets)
    if task == "rank":
        corpus = replace(corpus, pair=TEXTS, group=[str(i // 4) for i in range(60)])
    baselines = JUDGES[task].baselines(corpus, corpus, NAMES)
    return evaluate(predictor, corpus, slices=["length"], baselines=baselines, resamples=50)


@pytest.mark.parametrize("task", ["generate", "multilabel", "rank", "regress", "tag"])
def test_a_report_is_shown_and_written_and_comes_back_from_json(task, tmp_path):
    report = report_of(task)
    assert Report.from_json(report.to_json()).to_json() == report.to_json()
    for language in ("en", "zh"):
        file = StringIO()
        Console(file=file, width=140).print(render(report, language))
        shown = file.getvalue()
        first = JUDGES[task].metrics[0]
        assert f"{report.value(first):.3f}" in shown
        assert all(f"{row['n']}" in shown for row in report.slices["length"].values())
    card = model_card({"name": "m", "task": task, "max_tokens": 9}, report, {})
    assert task in {"generate", "rank"} or "a\\[b\\]" in card or "`a[b]`" in card
    assert all(len({line.count("|") for line in table.split("\n")}) == 1 for table in tables(card))
    assert all(path.is_file() for path in draw(report, [{"step": 1, first: 0.1}, {"step": 2, first: 0.2}], tmp_path))


def tables(card: str) -> list[str]:
    parts = [part.strip("\n") for part in card.replace("\\|", "").split("\n\n")]
    return [part for part in parts if part.startswith("|")]


@pytest.mark.parametrize(
    ("task", "metric", "english", "chinese"),
    [
        ("tag", "entity_f1", "the model has 5 and the baseline 4", "模型判对 5 条，基线判对 4 条"),
        (
            "regress",
            "r2",
            "nearer to the truth on 5 texts, the baseline on 4",
            "更接近真值的文本有 5 条，基线更接近的有 4",
        ),
        ("generate", "rouge_l", "nearer to the known answer on 5 texts", "更接近已知答案的文本有 5 条"),
        ("rank", "ndcg@10", "puts a relevant candidate first, the model has 5", "排在第一的查询中，模型有 5 个"),
    ],
)
def test_a_lead_by_chance_is_told_by_what_was_counted(task: str, metric: str, english: str, chinese: str) -> None:
    other = {metric: 0.4, "only_model_right": 5, "only_baseline_right": 4}
    report = Report(n=300, metrics={metric: Figure(0.5)}, baselines={"mean": other}, task=task)
    assert english in " ".join(remarks(report, "en"))
    assert chinese in " ".join(remarks(report, "zh"))


def test_the_card_counts_numbers_as_numbers() -> None:
    report = Report(n=300, metrics={"r2": Figure(0.5)}, labels=("cost", "days"), task="regress")
    assert "cost、days（共 2 个数）" in model_card({}, report, {})
