"""The sentences say what the numbers say, in both languages, and their numbers add up."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged import predictor_and_corpus

from feilun.core.prediction import Decision
from feilun.core.report import Report
from feilun.evaluation.calibration import cheapest_threshold
from feilun.evaluation.evaluate import evaluate
from feilun.evaluation.presentation.words import best_trade_off, decision_sentences, shares_of


def report_of(n: int, decided: int, wrong: int, **more: float) -> Report:
    decisions = {"n": n, "decided": decided, "wrong": wrong, "to_person": n - decided, **more}
    return Report(n=n, metrics={}, decisions=decisions)


def said(report: Report) -> tuple[str, str]:
    return decision_sentences(report, "en")[0], decision_sentences(report, "zh")[0]


def test_the_sentences_of_the_design():
    english, chinese = said(report_of(1000, 830, 20, threshold=0.8))
    assert english == "Of 100 texts the machine decides 83 and errs on 2; 17 go to a person."
    assert chinese == "每 100 条文本，机器自动判定 83 条，其中约 2 条判错；17 条转人工。"


@settings(max_examples=300)
@given(st.integers(1, 100_000), st.data())
def test_the_numbers_add_up(n, data):
    decided = data.draw(st.integers(0, n))
    wrong = data.draw(st.integers(0, decided))
    scale, shown, errors, to_person = shares_of(n, decided, wrong)
    assert shown + to_person == scale
    assert 0 <= errors <= shown
    assert abs(shown - scale * decided / n) <= 0.5
    for sentence in said(report_of(n, decided, wrong)):
        numbers = [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", sentence)]
        assert numbers[0] == scale
        assert max(numbers) == scale


@pytest.mark.parametrize(
    ("n", "decided", "wrong", "english", "chinese"),
    [
        (50, 50, 0, "decides all 100 and errs on none; none goes to a person", "全部，无一判错；无需转人工"),
        (50, 0, 0, "decides none; all 100 go to a person", "一条也不判定；100 条全部转人工"),
        (
            500,
            400,
            1,
            "Of 1,000 texts the machine decides 800 and errs on 2; 200 go",
            "每 1000 条文本，机器自动判定 800 条",
        ),
        (100, 99, 3, "errs on 3; 1 goes to a person", "1 条转人工"),
        (100_000, 50_000, 1, "errs on fewer than 1;", "判错的不到 1 条"),
        (100_000, 99_999, 90, "fewer than 1 goes to a person", "转人工的不到 1 条"),
    ],
)
def test_edges_are_said_rightly(n, decided, wrong, english, chinese):
    sentences = said(report_of(n, decided, wrong))
    assert english in sentences[0]
    assert chinese in sentences[1]


def test_without_a_threshold_the_best_trade_off_is_told():
    predictor, corpus = predictor_and_corpus(500, 3)
    report = evaluate(predictor, corpus, resamples=0)
    english, chinese = decision_sentences(report, "en"), decision_sentences(report, "zh")
    assert len(english) == len(chinese) == 2
    assert english[1].startswith("No threshold is set. Were texts with a score below 0.")
    assert chinese[1].startswith("未设转人工阈值。若得分低于 0.")
    decided = evaluate(replace_decision(predictor, 0.6), corpus, resamples=0)
    assert len(decision_sentences(decided, "en")) == 1


def replace_decision(predictor, threshold):
    return type(predictor)(predictor.logits, predictor.names, Decision(abstain_below=threshold))


def test_the_trade_off_avoids_more_errors_than_right_answers_it_gives_up():
    predictor, corpus = predictor_and_corpus(500, 3)
    report = evaluate(predictor, corpus, resamples=0)
    point = best_trade_off(report.coverage)
    errors_kept = point["coverage"] * (1 - point["accuracy"]) / (1 - report.value("accuracy"))
    right_kept = point["coverage"] * point["accuracy"] / report.value("accuracy")
    assert right_kept > errors_kept


@pytest.mark.parametrize(("edge", "shuffled"), [(40, False), (0, True)])
def test_no_trade_off_is_told_where_there_is_none(edge, shuffled):
    predictor, corpus = predictor_and_corpus(300, 3, edge=edge)
    if shuffled:  # scores that say nothing: every row has the same
        predictor.logits[:] = np.eye(3)[predictor.logits.argmax(1)]
    assert len(decision_sentences(evaluate(predictor, corpus, resamples=0), "en")) == 1


def test_costs_are_compared_with_machine_and_people_alone():
    facts = {"cost_error": 50, "cost_review": 4, "cost": 520, "cost_decide_all": 1500, "cost_review_all": 800}
    english = decision_sentences(report_of(200, 150, 3, **facts), "en")[-1]
    assert english == (
        "With an error costing 50 and a review 4, 100 texts cost 260 (the machine alone 750, people alone 400): "
        "140 less than the cheaper of the two."
    )
    chinese = decision_sentences(report_of(200, 150, 3, **facts), "zh")[-1]
    assert "每 100 条的成本为 260（全部由机器判定为 750，全部由人工复核为 400）" in chinese
    assert "省 140" in chinese
    dearer = decision_sentences(report_of(200, 150, 3, **{**facts, "cost": 900}), "en")[-1]
    assert "50 more than the cheaper" in dearer


@settings(max_examples=100)
@given(st.floats(0, 1000), st.floats(0, 1000), st.integers(0, 99))
def test_what_a_threshold_saves_adds_up_to_the_last_digit(cost_error, cost_review, seed):
    generator = np.random.default_rng(seed)
    scores = generator.random(60)
    threshold = cheapest_threshold(scores, generator.random(60) < scores, cost_error, cost_review)
    costs = ("cost", "cost_error", "cost_review", "cost_decide_all", "cost_review_all")
    facts = {name: getattr(threshold, name) for name in costs}
    sentence = decision_sentences(report_of(threshold.n, threshold.decided, threshold.wrong, **facts), "en")[-1]
    told = re.search(
        r"texts cost ([\d,.]+) \(the machine alone ([\d,.]+), people alone ([\d,.]+)\): (.*) the", sentence
    )
    both, machine, person = (float(told[i].replace(",", "")) for i in (1, 2, 3))
    saving = 0.0 if told[4].startswith("as much as") else float(told[4].split()[0].replace(",", ""))
    assert both + saving == pytest.approx(min(machine, person), abs=1e-6)


def test_a_report_without_decisions_says_nothing():
    assert decision_sentences(Report(n=3, metrics={}), "en") == []
