from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from judged import Fixed

from feilun.core.corpus import corpus_of
from feilun.core.decisions.table import DECISIONS
from feilun.core.errors import UsageError
from feilun.core.labels import LabelSet
from feilun.core.prediction import Decision
from feilun.evaluation.calibration import Abstention
from feilun.evaluation.evaluate import evaluate
from feilun.evaluation.judges.table import JUDGES
from feilun.models.heads.classify import ClassifyHead, ClassifySettings

LABELS = LabelSet(("card", "loan", "oos"))


def validation() -> tuple[np.ndarray, list[str]]:
    """200 texts within the scope, whose right label is the less likely the later they stand, and 40 out of it."""
    logits = np.zeros((240, 3), np.float32)
    logits[np.arange(200), np.arange(200) % 2] = np.linspace(6, 1, 200)
    logits[200:] = [0.6, 0.2, 0.5]
    return logits, [*(LABELS.names[i % 2] for i in range(200)), *["oos"] * 40]


@pytest.mark.parametrize("lost", [0.0, 0.02, 0.5])
def test_no_more_texts_lose_their_right_label_than_may(lost: float) -> None:
    logits, targets = validation()
    rows = corpus_of(["text"] * 240, targets)
    plain = Decision(out_of_scope="oos", scope_lost=lost)
    fitted = JUDGES["classify"].calibrate(logits, rows, LABELS, plain, None)
    answers = fitted.decide(logits, LABELS.names)
    wrong = sum(answer.label != target for answer, target in zip(answers[:200], targets[:200], strict=True))
    assert wrong == int(lost * 200)
    assert all(answer.label == "oos" for answer in answers[200:])
    assert all(0 <= answer.score <= 1 for answer in answers)
    assert DECISIONS["classify"].from_table(json.loads(json.dumps(asdict(fitted)))) == fitted


def test_the_report_says_what_is_kept_within_the_scope_and_found_out_of_it() -> None:
    logits, targets = validation()
    rows = corpus_of(["text"] * 240, targets)
    plain = Decision(out_of_scope="oos")
    strict = Decision(out_of_scope="oos", in_scope_from=0.8)
    figures = {}
    for name, decision in (("plain", plain), ("strict", strict)):
        report = evaluate(Fixed(logits, LABELS.names, decision), rows, resamples=20)
        assert report.metrics["oos_recall"].low is not None
        figures[name] = [report.value("in_scope_accuracy"), report.value("oos_recall")]
    assert figures["plain"] == [1.0, 0.0]
    assert figures["strict"][1] == 1.0
    assert 0.5 < figures["strict"][0] < 1
    without = evaluate(Fixed(logits, LABELS.names), rows, resamples=20)
    assert "oos_recall" not in without.metrics


def test_a_person_is_asked_by_the_score_of_the_label_that_was_chosen() -> None:
    logits, targets = validation()
    rows = corpus_of(["text"] * 240, targets)
    seen = []
    abstention = Abstention(lambda scores, correct: seen.append((scores, correct)) or 0.0)
    fitted = JUDGES["classify"].calibrate(
        logits, rows, LABELS, Decision(out_of_scope="oos", scope_lost=0.02), abstention
    )
    (scores, correct) = seen[0]
    assert correct.sum() == 240 - 4
    assert scores == pytest.approx([answer.score for answer in fitted.decide(logits, LABELS.names)])


def test_a_label_that_no_row_has_is_refused_with_its_neighbour() -> None:
    with pytest.raises(UsageError, match=r"model\.head\.out_of_scope is 'oo'.*'oos'"):
        ClassifyHead(8, LABELS, ClassifySettings(out_of_scope="oo"))
    head = ClassifyHead(8, LABELS, ClassifySettings(out_of_scope="oos", scope_lost=0.03))
    assert head.decision == Decision(out_of_scope="oos", scope_lost=0.03)
