"""Layers that are left out: the kept ones are the base's own, and the choice is the best of those measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel

from feilun.compression.export import export_onnx
from feilun.core.errors import UsageError
from feilun.models.adaptations.full import Full
from feilun.models.bases.base import Base
from feilun.models.heads.classify import ClassifyHead, ClassifySettings
from feilun.models.layers import alignment, candidates, keep_layers
from feilun.models.text_model import TextModel
from tiny import LABELS, reviews, tiny_base, tiny_tokenizer

TEXTS = reviews(60, 4).text


def deep_base(idle: tuple[int, ...] = ()) -> Base:
    """A base of five layers, of which those in `idle` change next to nothing."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=20, hidden_size=32, num_hidden_layers=5, num_attention_heads=4, intermediate_size=64,
        max_position_embeddings=64, initializer_range=0.3,
    )  # fmt: skip
    model = BertModel(config, add_pooling_layer=False).eval()
    with torch.no_grad():
        for i in idle:
            layer = model.encoder.layer[i]
            layer.attention.output.dense.weight.mul_(1e-3)
            layer.output.dense.weight.mul_(1e-3)
    return Base(
        "deep", "encoder", "mean", "", 64, 0, ("en", "zh"), model=model, tokenizer=tiny_tokenizer(), sha256="deep"
    )


@pytest.mark.parametrize(("idle", "kept"), [((0, 1, 2), "4, 5"), ((2, 3, 4), "1, 2")])
def test_the_layers_that_do_the_work_are_kept(idle: tuple[int, ...], kept: str) -> None:
    base = deep_base(idle)
    layers = list(base.layers)
    smaller, said = keep_layers(base, 2, TEXTS)
    assert f"layers {kept} are kept" in said
    assert len(smaller.layers) == 2
    assert all(layer is layers[int(i) - 1] for layer, i in zip(smaller.layers, kept.split(", "), strict=True))
    assert smaller.sha256 != "deep"


def test_a_smaller_base_is_trained_and_exported_as_any_other(tmp_path: Path) -> None:
    smaller, _ = keep_layers(deep_base(), 3, TEXTS)
    model = TextModel(smaller, ClassifyHead(32, LABELS, ClassifySettings()), Full(), LABELS, 16).eval()
    assert export_onnx(model, tmp_path / "m.onnx") < 1e-3
    states = model.pooled_states(model.encoder.encode(TEXTS[:5]))
    model(*(torch.ones(1, 3, dtype=torch.long),) * 2)[0].sum().backward()
    assert states.shape == (5, 32)


def test_keeping_all_changes_nothing() -> None:
    base = deep_base()
    model = base.model
    ids = torch.tensor([[2, 5, 6, 3]])
    with torch.no_grad():
        before = model(input_ids=ids).last_hidden_state
        keep_layers(base, 5, TEXTS)
        assert torch.equal(before, model(input_ids=ids).last_hidden_state)


@pytest.mark.parametrize("depth", [1, 2, 6, 12])
def test_candidates_are_in_order_and_different(depth: int) -> None:
    for count in range(1, depth + 1):
        found = candidates(depth, count)
        assert len(set(found)) == len(found)
        for kept in found:
            assert len(kept) == count
            assert list(kept) == sorted(set(kept))
            assert kept[0] >= 0
            assert kept[-1] < depth


def test_alignment_is_blind_to_rotation_and_scale_alone() -> None:
    random = np.random.default_rng(0)
    states = random.normal(size=(200, 8)).astype(np.float32)
    turned = states @ np.linalg.qr(random.normal(size=(8, 8)))[0].astype(np.float32) * 3 + 1
    assert alignment(states, turned) == pytest.approx(1, abs=1e-4)
    assert alignment(states, random.normal(size=(200, 8)).astype(np.float32)) < 0.2


def test_what_cannot_be_kept_is_said() -> None:
    with pytest.raises(UsageError, match="it has 5"):
        keep_layers(deep_base(), 6, TEXTS)
    with pytest.raises(UsageError, match="only encoders"):
        keep_layers(tiny_base("causal"), 1, TEXTS)
