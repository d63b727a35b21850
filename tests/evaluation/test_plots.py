"""Pictures are complete, the same every time, and show a character or its code point, never a box."""

from __future__ import annotations

import warnings
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from judged import predictor_and_corpus

from feilun.core.prediction import Decision
from feilun.core.report import Report
from feilun.evaluation.evaluate import evaluate
from feilun.evaluation.presentation import fonts, plots
from feilun.evaluation.presentation.fonts import columns, drawable, holds_chinese, missing
from feilun.evaluation.presentation.plots import draw

CURVE = [{"step": 10 * i, "loss": 2 / (i + 1)} for i in range(9)] + [
    {"step": 40, "validation_loss": 0.9, "macro_f1": 0.6},
    {"step": 80, "validation_loss": 0.7, "macro_f1": 0.7},
]

ODD = ("$5 fee $x^2", "emoji 😀", "한국어", "two\nlines", "标签" * 30, "nul\x00", "", "<b>&amp;", "سعر", "_{x}")


def made_report(labels: int) -> Report:
    predictor, corpus = predictor_and_corpus(400, labels, decision=Decision(abstain_below=0.4))
    baseline, _ = predictor_and_corpus(400, labels, edge=1.3)
    return evaluate(predictor, corpus, baselines={"weak": baseline}, resamples=0)


@pytest.fixture(autouse=True)
def _no_missing_glyph():
    """Matplotlib warns where it draws a box; here that fails the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield


def test_every_picture_is_there_as_png_and_svg(tmp_path):
    files = draw(made_report(3), CURVE, tmp_path / "plots")
    names = {"confusion", "reliability", "coverage", "learning_curve"}
    assert {path.name for path in files} == {f"{name}.{kind}" for name in names for kind in ("png", "svg")}
    assert set((tmp_path / "plots").iterdir()) == set(files)
    for path in files:
        if path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG")
        else:
            assert ElementTree.parse(path).getroot().tag.endswith("svg")  # noqa: S314  # our own file


def test_any_label_can_be_drawn(tmp_path):
    report = made_report(len(ODD))
    draw(replace(report, labels=ODD), [], tmp_path)
    for name in ODD:
        shown = drawable(name)
        assert shown
        assert not missing(shown)
        assert "\n" not in shown
        assert columns(shown) <= 28


def test_a_font_with_chinese_comes_with_the_installation():
    assert holds_chinese()
    assert drawable("消化科") == "消化科"
    assert drawable("한") == "U+D55C"


def test_without_such_a_font_there_are_code_points_and_no_boxes(tmp_path, monkeypatch):
    monkeypatch.setattr(fonts, "KNOWN", ())
    monkeypatch.setattr(fonts, "_packaged", lambda: None)
    fonts._fonts.cache_clear()
    fonts._characters.cache_clear()
    try:
        assert not holds_chinese()
        assert drawable("科a") == "U+79D1 a"
        draw(made_report(3), CURVE, tmp_path)
    finally:
        fonts._fonts.cache_clear()
        fonts._characters.cache_clear()


def test_equal_reports_give_equal_files(tmp_path):
    report = made_report(3)
    first, second = (draw(report, CURVE, tmp_path / name) for name in ("first", "second"))
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_of_many_labels_the_most_confused_are_shown_and_no_row_is_lost(monkeypatch):
    drawn = {}
    monkeypatch.setattr(plots, "_confusion", lambda counts, names, title: drawn.update({title: (counts, names)}))
    report = made_report(60)
    for _, make in plots._confusions(report):
        make()
    (some, names), (everything, _) = drawn.values()
    assert everything.tolist() == [list(row) for row in report.confusion]
    assert some.sum() == everything.sum() == report.n
    assert len(names) == len(some) == plots.MOST_CONFUSED + 1
    errors = {
        name: sum(report.confusion[i]) + sum(row[i] for row in report.confusion) - 2 * report.confusion[i][i]
        for i, name in enumerate(report.labels)
    }
    assert min(errors[name] for name in names[:-1]) >= max(errors[name] for name in set(errors) - set(names))


def test_a_picture_of_many_labels_is_drawn(tmp_path):
    files = draw(replace(made_report(41), coverage=[], calibration=[]), [], tmp_path)
    assert {path.name for path in files} == {f"{n}.{k}" for n in ("confusion", "confusion_all") for k in ("png", "svg")}


def test_thousands_of_labels_are_not_drawn_at_all_sizes():
    report = Report(n=300, metrics={}, labels=[str(i) for i in range(300)], confusion=np.eye(300, dtype=int).tolist())
    assert [name for name, _ in plots._confusions(report)] == ["confusion"]


def test_what_a_report_lacks_is_not_drawn(tmp_path):
    assert draw(Report(n=0, metrics={}), [], tmp_path) == []


@pytest.mark.parametrize(
    "curve", [[{"epoch": 1, "accuracy": 0.5}], [{"loss": 1.0}, {"loss": 0.5}], [{"perplexity": 9.0}]]
)
def test_a_learning_curve_may_hold_little(curve, tmp_path):
    assert len(draw(Report(n=0, metrics={}), curve, tmp_path)) == 2


def test_a_learning_curve_without_figures_is_not_drawn(tmp_path):
    assert not draw(Report(n=0, metrics={}), [{"step": 1}], tmp_path)


def test_figures_that_are_equal_are_one_line_of_the_learning_curve():
    curve = [{"step": i, "accuracy": 0.5 + i / 10, "micro_f1": 0.5 + i / 10, "macro_f1": 0.4} for i in range(3)]
    (legend,) = plots._learning_curve(curve).legends
    assert [text.get_text() for text in legend.get_texts()] == ["accuracy, micro_f1", "macro_f1"]
