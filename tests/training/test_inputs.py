"""Kept outputs are what the base gives when it is run anew."""

from __future__ import annotations

import pytest
import torch

from feilun.models.adaptations.frozen import Frozen
from feilun.models.adaptations.full import Full
from feilun.training.inputs import KeptInputs, KeptLayers, TokenInputs, make_inputs
from tiny import reviews, tiny_model


@pytest.mark.parametrize(
    ("adaptation", "kind", "expected"),
    [
        (Full(), "encoder", TokenInputs),
        (Frozen(), "encoder", KeptInputs),
        (Frozen(layers=1), "encoder", KeptLayers),
        (Frozen(layers=2), "encoder", TokenInputs),
        (Frozen(), "causal", KeptInputs),
        (Frozen(layers=1), "causal", TokenInputs),
    ],
)
def test_inputs_follow_from_what_stands_still(adaptation: Full | Frozen, kind: str, expected: type) -> None:
    assert type(make_inputs(tiny_model(adaptation, kind), reviews(8))) is expected


def test_kept_layers_give_states_and_gradients_of_the_whole_base() -> None:
    model, corpus = tiny_model(Frozen(layers=1)).eval(), reviews(40)
    kept = make_inputs(model, corpus)
    anew = TokenInputs(model, model.encoder.encode(corpus.text))
    assert kept.lengths == anew.lengths
    torch.testing.assert_close(kept.all(), anew.all())
    rows, gradients = [3, 17, 5, 39], []
    for inputs in (kept, anew):
        model.zero_grad()
        inputs.pooled(rows).square().sum().backward()
        gradients.append({n: w.grad.clone() for n, w in model.named_parameters() if w.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name])
    assert any(name.startswith("body.encoder.layer.1") for name in gradients[0])


def test_kept_layers_are_not_kept_where_they_would_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feilun.training.inputs.MOST_KEPT_BYTES", 100)
    assert type(make_inputs(tiny_model(Frozen(layers=1)), reviews(8))) is TokenInputs
