from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from feilun.core.corpus import Corpus, corpus_of
from feilun.core.labels import LabelSet
from feilun.models.adaptations.frozen import Frozen
from feilun.models.adaptations.full import Full
from feilun.models.adaptations.table import Adaptation
from feilun.models.heads.contrastive import contrastive_loss, no_negatives, ranking_loss
from feilun.models.heads.similarity import SimilarityHead, SimilaritySettings
from feilun.training.hard_negatives import hard_negatives, known_positives, valid_negatives
from feilun.training.inputs import make_inputs
from tiny import tiny_head_model, tiny_task

LABELS = LabelSet(("0", "1"))


def pairs(rows: list[tuple[str, str, str]], groups: list[str] | None = None) -> Corpus:
    first, second, labels = zip(*rows, strict=True)
    return replace(corpus_of(first, labels), pair=second, group=groups)


def head(**settings: object) -> SimilarityHead:
    return SimilarityHead(8, LABELS, SimilaritySettings(**settings))  # type: ignore[arg-type]


def test_texts_that_may_say_the_same_are_no_negatives_of_each_other() -> None:
    corpus = pairs(
        [("a", "b", "1"), ("a", "c", "1"), ("d", "b", "1"), ("b", "a", "0"), ("e", "f", "1"), ("a", "g", "0")]
    )
    ignored = no_negatives(head().targets(corpus))
    assert not ignored.diagonal().any()
    assert ignored[0].tolist() == [False, True, True, True, False, False]  # c and b are right, a is the text itself
    assert ignored[4].tolist() == [False] * 6
    grouped = no_negatives(head().targets(pairs([("a", "b", "1"), ("c", "d", "1"), ("e", "f", "1")], ["x", "x", ""])))
    assert grouped.tolist() == [[False, True, False], [True, False, False], [False, False, False]]


def test_a_text_is_drawn_to_its_own_second_text_and_away_from_the_others() -> None:
    corpus = pairs([("a", "b", "1"), ("c", "d", "1"), ("e", "f", "0")])
    targets = head().targets(corpus)
    torch.manual_seed(0)
    vectors = torch.randn(3, 2, 8)
    right = vectors.clone()
    right[:2, 1] = right[:2, 0]
    right[2, 1] = -right[2, 0]
    for loss in ("both", "contrastive", "ranking"):
        own = head(loss=loss)
        assert own.loss(right, targets).sum() < own.loss(vectors, targets).sum()
    assert head(loss="contrastive").loss(vectors, targets)[2] == 0
    scores = functional.normalize(vectors, dim=-1)[:, 0] @ functional.normalize(vectors, dim=-1)[:, 1].T / 0.05
    one_way = head(loss="contrastive", symmetric=False).loss(vectors, targets)
    assert torch.allclose(
        one_way[:2], functional.cross_entropy(scores, torch.arange(3), reduction="none")[:2], atol=1e-5
    )


def test_a_hard_negative_raises_the_loss_and_the_text_itself_in_its_place_moves_nothing() -> None:
    same, ignored = torch.tensor([True]), torch.tensor([[False]])
    plain = contrastive_loss(torch.tensor([[3.0]]), torch.empty(1, 0), same, ignored)
    near = contrastive_loss(torch.tensor([[3.0]]), torch.tensor([[2.0]]), same, ignored)
    assert plain == 0 < near
    cosine = torch.tensor([[3.0]], requires_grad=True)
    contrastive_loss(cosine, cosine * 1, same, ignored).sum().backward()
    assert cosine.grad is not None
    assert cosine.grad.abs().max() < 1e-6


def test_a_batch_of_one_kind_of_pairs_has_no_order_to_learn() -> None:
    similarities = torch.tensor([1.0, 2.0], requires_grad=True)
    losses = ranking_loss(similarities, torch.tensor([True, True]))
    losses.sum().backward()
    assert losses.tolist() == [0, 0]
    assert similarities.grad is not None
    assert torch.isfinite(similarities.grad).all()


@pytest.mark.parametrize("adaptation", [Full(), Frozen(), Frozen(layers=1)])
def test_both_texts_of_the_rows_asked_for_come_side_by_side_however_they_are_kept(adaptation: Adaptation) -> None:
    model = tiny_head_model("similarity", adaptation).eval()
    corpus, _ = tiny_task("similarity", 12)
    vectors = torch.from_numpy(model.logits(corpus))
    inputs = make_inputs(model, corpus)
    assert torch.allclose(inputs.pooled([7, 2]), vectors[[7, 2]], atol=1e-5)
    assert torch.allclose(inputs.all(), vectors, atol=1e-5)
    assert torch.allclose(torch.from_numpy(model.logits(replace(corpus, pair=None)))[:, 0], vectors[:, 0], atol=1e-5)


@pytest.mark.parametrize("mined_by", ["words", "model", "both"])
def test_hard_negatives_are_texts_of_others_that_no_row_calls_the_same(mined_by: str) -> None:
    model = tiny_head_model("similarity")
    corpus, _ = tiny_task("similarity", 40)
    model.head.hard_negatives, model.head.mined_by = 3, mined_by  # type: ignore[assignment]
    found = hard_negatives(model, corpus)
    assert found.shape == (40, 3)
    targets = model.head.targets(corpus).numpy()
    valid = valid_negatives(targets, known_positives(targets), np.arange(40))
    mined = found != np.arange(40)[:, None]
    assert mined.any()
    for row, negative in zip(*np.nonzero(mined), strict=True):
        assert corpus.target is not None
        assert corpus.target[row] == "1"
        assert valid[row, found[row, negative]]
    inputs = make_inputs(model, corpus, learning=True)
    assert inputs.pooled([0, 5]).shape == (2, 5, 32)
    assert make_inputs(model, corpus).pooled([0, 5]).shape == (2, 2, 32)


def test_vectors_have_the_width_that_is_asked_for() -> None:
    own = head(projection=3)
    assert own(torch.randn(4, 2, 8)).shape == (4, 2, 3)
    assert own.decision.width(2) == 3
