"""Features beside the text: what must hold for every task that may read them, on every kind of base."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from feilun.bundles.runtime import Runtime
from feilun.compression.export import export_onnx
from feilun.core.errors import BundleError, UsageError
from feilun.models.adaptations.adaptation import Adaptation
from feilun.models.adaptations.frozen import Frozen
from feilun.models.adaptations.full import Full
from feilun.models.adaptations.lora import LoRA
from feilun.text.clean import Cleaning
from feilun.training.inputs import make_inputs, token_inputs
from feilun.workflow.rules.features import FEATURE_TASKS
from tiny import COLUMNS, tiny_head_model, tiny_task, with_columns

KINDS = ("encoder", "causal", "blank")
each = pytest.mark.parametrize(("task", "kind"), [(task, kind) for task in FEATURE_TASKS for kind in KINDS])
adapted = pytest.mark.parametrize("adaptation", [Full(), Frozen(), Frozen(layers=1), LoRA(2)])


@each
def test_alone_and_together_torch_and_onnx_say_the_same(task: str, kind: str, tmp_path: Path) -> None:
    model = tiny_head_model(task, kind=kind, features=True).eval()
    corpus, labels = tiny_task(task, 24, seed=4)
    corpus = with_columns(corpus)
    together = model.logits(corpus)
    alone = np.concatenate([model.logits(corpus.select([i])) for i in range(len(corpus))])
    assert np.allclose(together, alone, atol=1e-5)
    export_onnx(model, tmp_path / "model.onnx")
    runtime = Runtime(
        tmp_path / "model.onnx", model.encoder, labels,
        cleaning=Cleaning(), decision=model.decision, threads=1, features=COLUMNS,
    )  # fmt: skip
    assert np.allclose(runtime.logits(corpus), together, atol=1e-4)
    assert runtime.embed(replace(corpus, features={})).shape == (24, model.base.hidden)
    with pytest.raises(UsageError, match="lack columns"):
        runtime.predict(replace(corpus, features={}))
    with pytest.raises(BundleError, match="numbers of features"):
        Runtime(tmp_path / "model.onnx", model.encoder, labels, cleaning=Cleaning(), decision=model.decision)


@adapted
def test_gradients_flow_only_where_weights_may_move(adaptation: Adaptation) -> None:
    model = tiny_head_model("classify", adaptation, features=True)
    corpus = with_columns(tiny_task("classify", 8)[0])
    states = token_inputs(model, corpus).pooled(range(8))
    model.head.loss(model.head(states), model.head.targets(corpus)).mean().backward()
    for name, weight in model.named_parameters():
        assert (weight.grad is not None) == weight.requires_grad, name


@adapted
def test_rows_get_their_own_features_however_they_are_kept(adaptation: Adaptation) -> None:
    model = tiny_head_model("classify", adaptation, features=True).eval()
    corpus = with_columns(tiny_task("classify", 12)[0])
    rows = [7, 2, 9]
    with torch.no_grad():
        told = model.head(make_inputs(model, corpus).pooled(rows)).numpy()
        whole = model.head(make_inputs(model, corpus).all()).numpy()
    assert np.allclose(told, model.logits(corpus)[rows], atol=1e-4)
    assert np.allclose(whole, model.logits(corpus), atol=1e-4)


def test_features_move_the_answer_and_a_shut_gate_leaves_the_text_alone() -> None:
    model = tiny_head_model("classify", features=True).eval()
    plain = tiny_head_model("classify").eval()
    corpus = with_columns(tiny_task("classify", 12)[0])
    other = with_columns(corpus, seed=1)
    assert np.abs(model.logits(corpus) - model.logits(other)).max() > 1e-3
    assert model.fusion is not None
    torch.nn.init.constant_(model.fusion.gate.bias, -100)
    assert np.allclose(model.logits(corpus), plain.logits(corpus), atol=1e-6)


def test_a_frozen_base_learns_by_its_features() -> None:
    model = tiny_head_model("classify", Frozen(), features=True)
    assert all(name.startswith(("head.", "fusion.")) for name in model.moving)
    saved = {name: weight.clone() for name, weight in model.trained_state().items()}
    other = tiny_head_model("classify", Frozen(), features=True)
    other.load_trained_state(saved)
    corpus = with_columns(tiny_task("classify", 6)[0])
    assert np.array_equal(model.logits(corpus), other.logits(corpus))
