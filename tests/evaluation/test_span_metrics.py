from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feilun.core.corpus import corpus_of
from feilun.core.errors import DataError
from feilun.core.prediction import Prediction, Ranking
from feilun.core.spans import PredictedSpan, Span
from feilun.evaluation.baselines.spans import MENTIONS, fit_span_baselines
from feilun.evaluation.evaluate import evaluate
from feilun.evaluation.metrics.spans import SpanJudgement, figures, overlapping

NAMES = ("name", "place")
SPANS = st.lists(
    st.builds(lambda s, n, label: Span(s, s + n, label), st.integers(0, 20), st.integers(1, 5), st.sampled_from(NAMES)),
    max_size=5, unique=True,
)  # fmt: skip


class Told:
    """A predictor that is told its answers."""

    def __init__(self, spans):
        self.spans = spans

    def predict(self, corpus):
        nothing = Ranking(NAMES, np.zeros(2, np.float32))
        found = [self.spans[int(i)] for i in corpus.id]
        return [
            Prediction("", 1.0, nothing, spans=tuple(PredictedSpan(*span, "", 1.0) for span in own)) for own in found
        ]


def test_figures_against_hand_counts():
    true = [[Span(0, 2, "name"), Span(5, 7, "place")], [Span(1, 3, "name")], []]
    found = [[Span(0, 2, "name"), Span(5, 8, "place")], [Span(1, 3, "place")], [Span(0, 1, "name")]]
    judged = SpanJudgement(NAMES, true, found)
    counted = {name: float(value) for name, value in figures(judged.counts.sum(0)).items()}
    assert counted["entity_precision"] == pytest.approx(1 / 4)
    assert counted["entity_recall"] == pytest.approx(1 / 3)
    assert counted["entity_f1"] == pytest.approx(2 / 7)
    assert counted["partial_f1"] == pytest.approx(4 / 7)  # the place that ends one too late counts here
    assert judged.correct.tolist() == [False, False, False]


@given(SPANS, SPANS)
def test_strict_hits_are_never_more_than_those_by_overlap(true, found):
    counts = SpanJudgement(NAMES, [true], [found]).counts.sum((0, 2))
    hits, actual, chosen, partial = counts.tolist()
    assert hits <= min(actual, chosen)
    assert partial <= min(actual, chosen)
    assert len(overlapping(true, true)) == len(true)


def test_a_report_of_spans_has_intervals_labels_and_slices():
    true = [[Span(0, 2, NAMES[i % 2])] for i in range(60)]
    found = [own if i % 3 else [] for i, own in enumerate(true)]
    report = evaluate(Told(found), corpus_of(["李明 在" * (i % 5 + 1) for i in range(60)], true), slices=["length"])
    assert report.task == "tag"
    assert report.value("entity_recall") == pytest.approx(2 / 3)
    assert report.value("entity_precision") == 1
    assert report.metrics["entity_f1"].low < report.value("entity_f1") < report.metrics["entity_f1"].high
    assert {row["support"] for row in report.per_label.values()} == {30}
    assert sum(row["n"] for row in report.slices["length"].values()) == 60
    with pytest.raises(DataError, match="'city'"):
        evaluate(Told(true), corpus_of(["李明"] * 60, [[Span(0, 2, "city")]] * 60))
    with pytest.raises(DataError, match="not a list of spans"):
        evaluate(Told(true), corpus_of(["李明"] * 60, ["name"] * 60))


def test_the_dictionary_finds_whole_words_that_are_marked_more_often_than_not():
    texts = ["May joined Acme", "it may rain, May", "Acme and Acmeville", "李明去了", "May or not", "maybe May"]
    spans = [[Span(0, 3, "name"), Span(11, 15, "place")], [], [Span(0, 4, "place")], [Span(0, 2, "name")], [], []]
    (model,) = fit_span_baselines(corpus_of(texts), spans, NAMES).values()
    (found,) = model.predict(corpus_of(["May saw Acmeville, Acme and 李明"]))
    assert [span.text for span in found.spans or ()] == ["Acme", "李明"]
    assert MENTIONS in fit_span_baselines(corpus_of([""]), [[]], NAMES)
