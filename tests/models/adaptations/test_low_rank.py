"""Low-rank updates on the fast way, on the layers that they name, and merged."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from transformers import BertConfig, BertModel

from feilun.core.errors import UsageError
from feilun.models.adaptations.adalora import AdaLoRA
from feilun.models.adaptations.adaptation import Adaptation
from feilun.models.adaptations.lora import LoRA
from feilun.models.adaptations.low_rank import find_targets, low_rank_modules
from feilun.models.fast_encoder import encode, supports
from feilun.models.text_model import TextModel
from tiny import tiny_base, tiny_model
from tiny_architectures import SIZES, TRACED, architecture

UPDATES: list[Adaptation] = [LoRA(2), LoRA(2, targets=("all",)), AdaLoRA(2, 3)]


def moved(adaptation: Adaptation) -> TextModel:
    model = tiny_model(adaptation).eval()
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(0.1 * torch.randn_like(weight))
    return model


def gradients(model: TextModel, hidden: torch.Tensor) -> dict[str, torch.Tensor]:
    model.zero_grad()
    (hidden * torch.randn(hidden.shape, generator=torch.Generator().manual_seed(2))).sum().backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}


@pytest.mark.parametrize("adaptation", UPDATES, ids=str)
def test_the_fast_way_computes_what_peft_does_with_its_gradients(adaptation: Adaptation) -> None:
    model = moved(adaptation)
    assert supports(model.body)
    ids, mask = torch.randint(4, 20, (3, 7)), torch.ones(3, 7, dtype=torch.long)
    theirs, ours = model.body(input_ids=ids, attention_mask=mask).last_hidden_state, encode(model.body, ids, mask)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    expected, found = gradients(model, theirs), gradients(model, ours)
    assert found.keys() == expected.keys() == set(model.moving) - {"head.linear.weight", "head.linear.bias"}
    largest = max(gradient.abs().max() for gradient in expected.values())
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-5 * largest, rtol=1e-4, msg=name)


@pytest.mark.parametrize("adaptation", UPDATES, ids=str)
def test_bfloat16_is_about_as_near_to_float32_as_autocast_is(adaptation: Adaptation) -> None:
    model = moved(adaptation)
    ids, mask = torch.randint(4, 20, (3, 7)), torch.ones(3, 7, dtype=torch.long)
    exact = gradients(model, encode(model.body, ids, mask))
    far = []
    for forward in (encode, lambda body, ids, mask: body(input_ids=ids, attention_mask=mask).last_hidden_state):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = forward(model.body, ids, mask)
        found = gradients(model, hidden.float())
        assert all(gradient.dtype == torch.float32 for gradient in found.values())
        far.append(torch.stack([(found[name] - exact[name]).norm() for name in exact]).norm())
    assert far[0] < 2 * far[1]


def test_every_layer_of_a_deep_base_gets_its_update_and_no_other() -> None:
    model = BertModel(BertConfig(**{**SIZES, "num_hidden_layers": 12}))  # with a pooler, which is none of the layers
    base = replace(tiny_base(), model=model)
    LoRA(2, targets=("all",)).apply(base)
    updated = [name for name, _ in low_rank_modules(model)]
    assert len(updated) == 12 * 6
    assert all(name.startswith("encoder.layer.") for name in updated)


def test_dropout_before_an_update_takes_the_own_forward_while_training() -> None:
    model = tiny_model(LoRA(2, dropout=0.5))
    assert not supports(model.train().body)
    assert supports(model.eval().body)


@pytest.mark.parametrize(
    ("wanted", "kind", "found"),
    [
        ((), "encoder", {"query", "value"}),
        ((), "causal", {"q_proj", "v_proj"}),
        (("output.dense",), "encoder", {"dense"}),
        (("all",), "causal", {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}),
    ],
)
def test_targets_by_default_by_name_and_all(wanted: tuple[str, ...], kind: str, found: set[str]) -> None:
    names = find_targets(tiny_base(kind), wanted)
    assert {name.rpartition(".")[2] for name in names} == found
    per_layer = len(names) / 2
    assert per_layer == (2 if wanted == ("output.dense",) else len(found))  # after attention and after feed-forward


@pytest.mark.parametrize("kind", TRACED)
def test_every_architecture_has_targets(kind: str) -> None:
    assert len(find_targets(architecture(kind), ())) == 4


@pytest.mark.parametrize("adaptation", [LoRA(targets=("query", "qeury")), AdaLoRA(targets=("embeddings",))], ids=str)
def test_an_unknown_target_lists_the_valid_ones(adaptation: Adaptation) -> None:
    with pytest.raises(UsageError, match=r"no such linear layer.*attention\.self\.query.*output\.dense.*'all'"):
        tiny_model(adaptation)


@pytest.mark.parametrize("adaptation", [LoRA(33), AdaLoRA(8, 1_000_000)], ids=str)
def test_a_rank_that_no_weight_has_is_refused_before_matrices_of_it_are_made(adaptation: Adaptation) -> None:
    with pytest.raises(UsageError, match=r"rank is [\d,]+, but the smallest .* has rank 32\. Set .* at most 32"):
        tiny_model(adaptation)
