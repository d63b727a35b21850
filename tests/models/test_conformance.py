"""What must hold for every adaptation on every kind of base."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from feilun.models.adaptations.adalora import AdaLoRA
from feilun.models.adaptations.adaptation import Adaptation
from feilun.models.adaptations.adapter import Adapter
from feilun.models.adaptations.frozen import Frozen
from feilun.models.adaptations.full import Full
from feilun.models.adaptations.lora import LoRA
from feilun.models.adaptations.table import ADAPTATIONS
from feilun.models.pooling import pool
from feilun.models.text_model import TextModel
from feilun.training.fit import fit
from feilun.training.settings import TrainingSettings
from feilun.training.trackers.run_folder import RunFolder
from tiny import LABELS, reviews, tiny_model, tiny_splits

KINDS = ("encoder", "causal")
CASES: list[Adaptation] = [
    Full(), Full(word_embeddings=True), Frozen(), Frozen(layers=1), Adapter(4), LoRA(2), AdaLoRA(2, 3),
]  # fmt: skip
everywhere = pytest.mark.parametrize(("adaptation", "kind"), [(a, k) for a in CASES for k in KINDS])


def trained(adaptation: Adaptation, kind: str, folder: Path) -> TextModel:
    model = tiny_model(adaptation, kind)
    settings = TrainingSettings(epochs=1, batch_tokens=128, learning_rate=1e-3)
    fit(model, tiny_splits(), settings, RunFolder(folder), folder, identity="made")
    return model


def test_every_adaptation_is_tried_here() -> None:
    assert {type(case) for case in CASES} == set(ADAPTATIONS.values())


@everywhere
def test_batched_equals_single(adaptation: Adaptation, kind: str, tmp_path: Path) -> None:
    model = trained(adaptation, kind, tmp_path)
    corpus = reviews(30, 9)
    together = model.logits(corpus)
    alone = np.concatenate([model.logits(corpus.select([i])) for i in range(len(corpus))])
    assert np.allclose(together, alone, atol=1e-5)
    assert together.shape == (30, len(LABELS))


@everywhere
def test_saved_equals_loaded(adaptation: Adaptation, kind: str, tmp_path: Path) -> None:
    model = trained(adaptation, kind, tmp_path)
    other = tiny_model(adaptation, kind)
    other.load_trained_state({name: weight.clone() for name, weight in model.trained_state().items()})
    corpus = reviews(20, 4)
    assert np.array_equal(model.logits(corpus), other.logits(corpus))


@everywhere
def test_gradients_only_where_weights_may_move(adaptation: Adaptation, kind: str) -> None:
    model = tiny_model(adaptation, kind)
    corpus = reviews(8)
    pooled = model.pooled(model.encoder.encode(corpus.text))
    model.head.loss(model.head(pooled), model.head.targets(corpus)).mean().backward()
    for name, weight in model.named_parameters():
        assert (weight.grad is not None) == weight.requires_grad, name


@everywhere
def test_the_exported_forward_equals_the_fast_way(adaptation: Adaptation, kind: str) -> None:
    model = tiny_model(adaptation, kind).eval()
    rows = model.encoder.encode(reviews(12).text)
    from feilun.text.tokens import pad

    ids, mask = (torch.from_numpy(array) for array in pad(rows, model.base.pad_id))
    with torch.no_grad():
        _, pooled = model(ids, mask)
        assert torch.allclose(pooled, model.pooled(rows), atol=1e-5)


def test_texts_of_no_words_and_of_too_many_are_predicted() -> None:
    model = tiny_model()
    corpus = reviews(3)
    odd = type(corpus)(id=["a", "b", "c"], text=["", "bank " * 1000, "\U0001f600\u200b"])
    assert len(model.predict(odd)) == 3
    assert model.predict(odd.select([])) == []


def test_pooling_looks_at_tokens_only() -> None:
    hidden = torch.arange(12.0).reshape(1, 4, 3)
    mask = torch.tensor([[1, 1, 0, 0]])
    assert pool(hidden, mask, "mean").tolist() == [[1.5, 2.5, 3.5]]
    assert pool(hidden, mask, "last").tolist() == [[3.0, 4.0, 5.0]]
    assert pool(hidden, mask, "first").tolist() == [[0.0, 1.0, 2.0]]


def test_balanced_weights_make_each_class_count_the_same() -> None:
    model = tiny_model(class_weights="balanced")  # type: ignore[arg-type]
    corpus = reviews(50)
    model.head.observe(corpus)
    targets = model.head.targets(corpus)
    model.head.targets(corpus.select([0]))  # other rows, such as those of validation, change nothing
    weights = model.head.weights
    assert weights is not None
    counts = torch.bincount(targets, minlength=3)
    assert torch.allclose(weights * counts, torch.full((3,), 50 / 3))


def test_focal_loss_weighs_easy_rows_less() -> None:
    logits, targets = torch.tensor([[4.0, 0.0, 0.0], [0.1, 0.0, 0.0]]), torch.tensor([0, 0])
    plain = tiny_model().head.loss(logits, targets)
    focal = tiny_model(focal_gamma=2.0).head.loss(logits, targets)
    assert (focal / plain)[0] < 0.01 < (focal / plain)[1] < 1
