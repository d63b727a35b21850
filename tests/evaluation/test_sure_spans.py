"""From which score on spans are sure enough, by the rows on which a model is chosen."""

from __future__ import annotations

import numpy as np

from feilun.core.corpus import Corpus, corpus_of
from feilun.core.decisions.tag import TagDecision
from feilun.core.labels import LabelSet
from feilun.core.spans import Span, TokenLogits
from feilun.evaluation.judges.tag import TagJudge

LABELS = LabelSet(("name", "place"))


def rows(*kinds: tuple[float, bool]) -> tuple[list[TokenLogits], Corpus]:
    """Make texts of one character that a model takes for a name, each as strongly as said, truly one or not."""
    offsets = np.array([[0, 1]])
    logits = [TokenLogits("李", offsets, np.array([[0, weight, 0, 0, 0]], np.float32)) for weight, _ in kinds]
    made = corpus_of(["李"] * len(kinds))
    return logits, Corpus(made.id, made.text, target=[((Span(0, 1, "name"),) if true else ()) for _, true in kinds])


def test_the_score_that_parts_right_spans_from_wrong_ones_is_kept_in_the_decision() -> None:
    logits, corpus = rows(*[(4.0, True)] * 12, *[(1.5, False)] * 12)
    decision = TagJudge().calibrate(logits, corpus, LABELS, TagDecision(), None)
    ((label, score),) = decision.sure_from
    low, high = (decision.decide([logits[i]], LABELS.names)[0].spans[0].score for i in (-1, 0))
    assert label == "name"
    assert low < score < high


def test_a_label_of_few_spans_has_none_and_what_is_told_stays() -> None:
    logits, corpus = rows(*[(4.0, True)] * 9, (1.5, False))
    decision = TagJudge().calibrate(logits, corpus, LABELS, TagDecision(), None)
    assert decision.sure_from == ()
    assert decision.spans(logits, LABELS.names)[-1] == [Span(0, 1, "name")]


def test_missed_spans_count_so_that_one_sure_hit_is_not_enough() -> None:
    logits, corpus = rows((6.0, True), *[(2.0, True)] * 5, *[(2.0, False)] * 3, *[(-4.0, True)] * 6)
    ((_, score),) = TagJudge().calibrate(logits, corpus, LABELS, TagDecision(), None).sure_from
    assert score < TagDecision().decide([logits[1]], LABELS.names)[0].spans[0].score
