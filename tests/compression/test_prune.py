"""What is pruned is what matters least, the matrices do become smaller, and every way to run them agrees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_export import answer, rows_of_all_lengths, session

from feilun.compression.export import export_onnx
from feilun.compression.prune import STEP, importance, kept, prune
from feilun.compression.quantize import quantize_int8
from feilun.core.corpus import Corpus
from feilun.core.errors import UsageError
from feilun.models.fast_encoder import encode, supports
from feilun.models.text_model import TextModel
from feilun.text.tokens import pad
from tiny import reviews, tiny_head_model, tiny_model, tiny_task
from tiny_architectures import WRITTEN, tiny_text_model


def silence(model: TextModel, layer: int, heads: list[int], units: list[int]) -> None:
    """Let nothing read the outputs of some heads and units."""
    own: Any = model.base.layers[layer]
    size = own.attention.self.attention_head_size
    with torch.no_grad():
        for head in heads:
            own.attention.output.dense.weight[:, head * size : (head + 1) * size] = 0
        own.output.dense.weight[:, units] = 0


@pytest.mark.parametrize("kind", [kind for kind in WRITTEN if kind != "bert-relu"])
def test_what_nothing_reads_goes_first_and_changes_nothing(kind: str, tmp_path: Path) -> None:
    model = tiny_text_model(kind)
    silence(model, 0, [0, 1, 2], list(range(0, 64, 2)))
    silence(model, 1, [3], list(range(16)) + list(range(48, 64)))
    rows = rows_of_all_lengths()
    ids, mask = (torch.from_numpy(array) for array in pad(rows, model.base.pad_id))
    with torch.no_grad():
        before = model(ids, mask)[0]
    left = prune(model, reviews(40), 0.5)
    assert left.heads == [(1, 4), (3, 4)]
    assert left.units == [(32, 64), (32, 64)]
    assert supports(model.body)
    with torch.no_grad():
        torch.testing.assert_close(model(ids, mask)[0], before, atol=1e-4, rtol=1e-4)
        fast = encode(model.body, ids, mask) * mask[:, :, None]
        own = model.body(input_ids=ids, attention_mask=mask).last_hidden_state * mask[:, :, None]
    torch.testing.assert_close(fast, own, atol=1e-4, rtol=1e-4)
    assert export_onnx(model, tmp_path / "plain.onnx") < 1e-4  # compared with torch inside
    assert quantize_int8(tmp_path / "plain.onnx", tmp_path / "int8.onnx") >= 12
    found = answer(session(tmp_path / "int8.onnx"), rows, model.base.pad_id)[0]
    np.testing.assert_allclose(found, before.numpy(), atol=0.25 * max(1, float(before.abs().max())))


def test_the_fast_way_has_the_gradients_of_layers_of_unequal_widths() -> None:
    model = tiny_text_model("bert")
    silence(model, 0, [0, 1, 2], list(range(48)))
    prune(model, reviews(40), 0.4)
    assert [layer.attention.self.num_attention_heads for layer in model.base.layers] == [1, 4]
    ids, mask = (torch.from_numpy(array) for array in pad([[2, 5, 3], [2, 4, 6, 7, 3], [2, 3]], 0))
    found = []
    for states in (encode(model.body, ids, mask), model.body(input_ids=ids, attention_mask=mask).last_hidden_state):
        model.zero_grad()
        (states * mask[:, :, None]).pow(2).sum().backward()
        found.append(
            {name: weight.grad.clone() for name, weight in model.body.named_parameters() if weight.requires_grad}
        )
    for name, gradient in found[0].items():
        torch.testing.assert_close(gradient, found[1][name], atol=1e-3, rtol=1e-3)


def test_a_score_is_the_change_of_the_loss_that_a_smaller_output_brings() -> None:
    model, corpus = tiny_text_model("bert"), reviews(1)
    _, scores = importance(model, corpus)[1]
    own: Any = model.base.layers[1]
    for unit in range(8):
        weight, slopes = own.output.dense.weight[:, unit].clone(), []
        for scale in (1.05, 0.95):
            with torch.no_grad():
                own.output.dense.weight[:, unit] = weight * scale
            slopes.append(loss(model, corpus))
        with torch.no_grad():
            own.output.dense.weight[:, unit] = weight
        assert abs(slopes[0] - slopes[1]) / 0.1 == pytest.approx(scores[unit], rel=0.02, abs=1e-4)


def loss(model: TextModel, corpus: Corpus) -> float:
    with torch.no_grad():
        return float(model.head.loss(model.head(model.pooled(model.encode(corpus))), model.head.targets(corpus)).sum())


def test_the_best_stay_wherever_they_are_and_each_layer_keeps_some() -> None:
    random = np.random.default_rng(0)
    scores = [random.random(64), random.random(64), np.full(64, 1e-9)]
    scores[2][5] = 1
    chosen = kept(scores, 0.6, STEP)
    assert [len(places) % STEP for places in chosen] == [0, 0, 0]
    assert all(len(places) >= STEP for places in chosen)
    assert sum(map(len, chosen)) == pytest.approx(0.4 * 192, abs=3 * STEP)
    for own, places in zip(scores, chosen, strict=True):
        others = np.setdiff1d(np.arange(64), places)
        assert own[places].min() >= own[others].max()
    assert [len(places) for places in kept([np.ones(4), np.ones(4)], 0.0)] == [4, 4]


@pytest.mark.parametrize("task", ["classify", "multilabel", "tag", "rank", "regress", "similarity", "multitask"])
def test_every_task_can_be_pruned(task: str) -> None:
    model, (corpus, _) = tiny_head_model(task), tiny_task(task)
    left = prune(model, corpus, 0.5)
    assert sum(heads for heads, _ in left.heads) == 4
    assert sum(units for units, _ in left.units) == 64
    with torch.no_grad():
        assert torch.isfinite(model.pooled(model.encode(corpus))).all()


def test_other_architectures_are_refused_by_name() -> None:
    with pytest.raises(UsageError, match="family llama"):
        prune(tiny_model(kind="causal"), reviews(10), 0.3)
