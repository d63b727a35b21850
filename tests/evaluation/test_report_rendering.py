"""The terminal's report opens with the business words and shows labels as they are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from judged import predictor_and_corpus
from rich.console import Console

from feilun.core.prediction import Decision
from feilun.core.report import Report
from feilun.evaluation.evaluate import evaluate
from feilun.evaluation.presentation.terminal import MOST_LABELS, render


def shown(report: Report, language: str = "en") -> str:
    console = Console(width=160, record=True, color_system=None, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(render(report, language))
    return console.export_text()


@pytest.fixture(scope="module")
def report() -> Report:
    predictor, corpus = predictor_and_corpus(300, 3, decision=Decision(abstain_below=0.5))
    strong, _ = predictor_and_corpus(300, 3, edge=5)
    return evaluate(
        predictor, corpus, slices=["length", "language"], baselines={"majority class": strong}, resamples=50
    )


def test_the_business_words_come_first_then_the_figures_beside_the_baselines(report):
    text = shown(report)
    assert text.startswith("Of 100 texts the machine decides")
    row = next(line for line in text.splitlines() if "macro-F1" in line)
    assert f"{report.value('macro_f1'):.3f}" in row
    assert f"{report.baselines['majority class']['macro_f1']:.3f}" in row
    assert "does not beat the baseline" in text


def test_the_chinese_report_is_chinese(report):
    text = shown(report, "zh")
    assert text.startswith("每 100 条文本")
    assert "模型没有超过基线“多数类”" in text
    assert "does not beat" not in text
    assert "长度" in text


def test_notes_that_others_added_are_kept_in_both_languages(report):
    noted = replace(report, notes=[*report.notes, "The int8 model missed its gate."])
    for language in ("en", "zh"):
        assert shown(noted, language).count("The int8 model missed its gate.") == 1


def test_labels_are_no_markup_and_give_the_terminal_no_orders(report):
    names = ("[red]x[/red]", "\x1b[31mz", "[/]")
    per_label = dict(zip(names, report.per_label.values(), strict=True))
    text = shown(replace(report, labels=names, per_label=per_label))
    assert "[red]x[/red]" in text
    assert "�[31mz" in text
    assert "\x1b" not in text


def test_of_many_labels_the_weakest_are_shown():
    predictor, corpus = predictor_and_corpus(900, 40)
    report = evaluate(predictor, corpus, resamples=0)
    text = shown(report)
    lowest = sorted(report.per_label, key=lambda name: report.per_label[name]["f1"])
    assert f"the {MOST_LABELS} lowest f1 of 40" in text
    assert f" {lowest[0]} " in text
    assert f" {lowest[-1]} " not in text


def test_a_slice_column_of_one_value_says_nothing_and_is_left_out(report):
    alone = replace(report, slices={"language": {"zh": next(iter(report.slices["language"].values()))}})
    assert "By language" in shown(report)
    assert "By language" not in shown(alone)
