"""The fast way computes what the model's own forward computes, with gradients, and nothing depends on padding."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from feilun.models.fast_encoder import encode, encode_from, supports
from feilun.models.fast_layer import random_bytes, survivors
from feilun.models.token_layout import Layout

SIZES = {"vocab_size": 50, "hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 3,
         "intermediate_size": 96, "max_position_embeddings": 80, "pad_token_id": 0}  # fmt: skip
FAMILIES = {
    "bert": (BertModel, BertConfig),
    "roberta": (RobertaModel, RobertaConfig),
    "xlm-roberta": (XLMRobertaModel, XLMRobertaConfig),
}


def made(family: str = "bert", seed: int = 0) -> nn.Module:
    model_class, config_class = FAMILIES[family]
    torch.manual_seed(seed)
    model = model_class(config_class(**SIZES), add_pooling_layer=False).eval()
    with torch.no_grad():  # fresh norms and biases are ones and zeros: move them, so that an error in them shows
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    return model


def batch(lengths: list[int], seed: int = 1) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    mask = (torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]).long()
    ids = torch.randint(1, 50, mask.shape, generator=random) * mask  # padding is id 0
    return ids, mask


def own(model: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
    return model(input_ids=ids, attention_mask=mask).last_hidden_state


def gradients(model: nn.Module, hidden: Tensor, mask: Tensor) -> dict[str, Tensor]:
    direction = torch.randn(hidden.shape, generator=torch.Generator().manual_seed(2))
    model.zero_grad()
    (hidden.float() * direction * mask[:, :, None]).sum().backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}


LENGTHS = [[5, 3, 1], [16, 16], [17, 2, 9, 40, 16], [1], list(range(1, 60, 3))]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
def test_equals_the_own_forward_and_its_gradients(family: str, lengths: list[int]) -> None:
    model, (ids, mask) = made(family), batch(lengths)
    assert supports(model)
    expected, found = own(model, ids, mask), encode(model, ids, mask)
    torch.testing.assert_close(found * mask[:, :, None], expected * mask[:, :, None], atol=1e-5, rtol=1e-5)
    expected_gradients, found_gradients = gradients(model, expected, mask), gradients(model, found, mask)
    assert found_gradients.keys() == expected_gradients.keys()
    largest = max(gradient.abs().max() for gradient in expected_gradients.values())
    for name, gradient in expected_gradients.items():
        torch.testing.assert_close(found_gradients[name], gradient, atol=1e-5 * largest, rtol=1e-4, msg=name)


def test_bfloat16_is_about_as_near_to_float32_as_autocast_is() -> None:
    model, (ids, mask) = made(), batch([17, 2, 9, 40, 16])
    exact = encode(model, ids, mask)
    exact_gradients = gradients(model, exact, mask)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        theirs, ours = own(model, ids, mask), encode(model, ids, mask)
    assert ours.dtype == torch.bfloat16

    def far(hidden: Tensor) -> Tensor:
        found = gradients(model, hidden, mask)
        assert all(gradient.dtype == torch.float32 for gradient in found.values())
        return torch.stack([(found[n] - exact_gradients[n]).norm() for n in found if "key.bias" not in n]).norm()

    assert far(ours) < 2 * far(theirs)  # the residual stream is bfloat16 here, float32 there


def test_a_pooler_is_no_hindrance() -> None:
    assert supports(BertModel(BertConfig(**SIZES)))


def test_padding_never_matters() -> None:
    model, (ids, mask) = made(), batch([12, 7, 3])
    alone = torch.cat([encode(model, ids[i : i + 1, :n], mask[i : i + 1, :n])[0] for i, n in enumerate([12, 7, 3])])
    wider = torch.zeros(3, 31, dtype=torch.long)
    wider_mask = wider.clone()
    wider[:, :12], wider_mask[:, :12] = ids + 9 * (1 - mask), mask  # other ids on padding, and more of it
    together = encode(model, wider, wider_mask)
    torch.testing.assert_close(together[wider_mask.bool()], alone, atol=1e-5, rtol=1e-5)
    assert not together[~wider_mask.bool()].any()


def test_padding_on_the_left_is_read_like_the_own_forward_reads_it() -> None:
    model, (ids, mask) = made(), batch([9, 4])
    ids, mask = ids.flip(1), mask.flip(1)
    expected = own(model, ids, mask) * mask[:, :, None]
    torch.testing.assert_close(encode(model, ids, mask), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("first", [0, 1, 2, 3])
def test_lower_then_upper_layers_equal_all(first: int) -> None:
    model, (ids, mask) = made(), batch([12, 7, 3])
    lower = encode(model, ids, mask, layers=first)
    whole = encode(model, ids, mask)
    both = encode_from(model, lower, mask, first)
    torch.testing.assert_close(both, whole)
    whole_gradients, both_gradients = gradients(model, whole, mask), gradients(model, both, mask)
    for name, gradient in whole_gradients.items():
        torch.testing.assert_close(both_gradients[name], gradient, msg=name)


def test_frozen_weights_get_no_gradient_and_change_no_other() -> None:
    model, (ids, mask) = made(), batch([12, 7, 3])
    everything = gradients(model, encode(model, ids, mask), mask)
    model.embeddings.requires_grad_(False)
    model.encoder.layer[0].requires_grad_(False)
    model.encoder.layer[1].attention.self.key.requires_grad_(False)
    some = gradients(model, encode(model, ids, mask), mask)
    assert some.keys() == {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert all(torch.equal(some[name], everything[name]) for name in some)


def test_without_gradients_nothing_is_kept() -> None:
    model, (ids, mask) = made(), batch([12, 7, 3])
    with torch.no_grad():
        hidden = encode(model, ids, mask)
    assert hidden.grad_fn is None
    torch.testing.assert_close(hidden, encode(model, ids, mask).detach(), atol=0, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_same_seed_gives_bitwise_the_same(dtype: torch.dtype) -> None:
    model, (ids, mask) = made().train(), batch([17, 2, 9, 40, 16])

    def run(seed: int) -> dict[str, Tensor]:
        torch.manual_seed(seed)
        with torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
            hidden = encode(model, ids, mask)
        return {"hidden": hidden.detach(), **gradients(model, hidden, mask)}

    first, again, other = run(5), run(5), run(6)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["hidden"], other["hidden"])


@pytest.mark.parametrize("where", ["embeddings", "attention", "hidden"])
def test_gradients_see_the_same_dropout_as_the_states(where: str) -> None:
    """A step along the gradient changes the loss, under the same masks, by as much as the gradient says."""
    model, (ids, mask) = made().train(), batch([9, 5])
    for name, module in model.named_modules():
        if isinstance(module, nn.Dropout):
            kind = "attention" if name.endswith("self.dropout") else name.split(".")[0].replace("encoder", "hidden")
            module.p = 0.3 if kind == where else 0.0
    direction = torch.randn(2, 9, 48)

    def loss() -> Tensor:
        torch.manual_seed(3)
        return (encode(model, ids, mask) * direction).double().sum()

    loss().backward()
    names = "query" if where == "attention" else ""  # whose gradient goes through attention's dropout alone
    weights = [weight for name, weight in model.named_parameters() if weight.grad is not None and names in name]
    slope = sum((weight.grad.double() ** 2).sum() for weight in weights)
    step = 1e-2 / slope.sqrt()
    moved = []
    for sign in (1, -1):
        with torch.no_grad():
            for weight in weights:
                weight.add_(sign * step * weight.grad)
            moved.append(loss())
            for weight in weights:
                weight.sub_(sign * step * weight.grad)
    torch.testing.assert_close((moved[0] - moved[1]) / (2 * step), slope, rtol=0.02, atol=0)


def test_dropout_takes_its_share_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    kept = survivors(random_bytes(1_000_000), (1000, 1000), torch.bfloat16, 26 / 256).float()
    assert set(kept.unique().tolist()) == {0.0, 1.0}
    assert kept.mean().item() == pytest.approx(1 - 26 / 256, abs=0.002)
    assert kept.view(-1, 8).mean(0).sub(1 - 26 / 256).abs().max() < 0.004  # each of the eight bytes of a draw
    model, (ids, mask) = made(), batch([9, 5])
    expected = encode(model, ids, mask)
    model.train()
    with torch.no_grad():
        mean = torch.stack([encode(model, ids, mask) for _ in range(300)]).mean(0)
    assert (mean - expected).norm() < 0.35 * expected.norm()


@pytest.mark.parametrize(
    "change",
    [
        lambda model: setattr(model.config, "hidden_act", "gelu_new"),
        lambda model: setattr(model.encoder.layer[1].attention.self, "query", nn.Sequential(nn.Linear(48, 48))),
        lambda model: setattr(model.encoder.layer[1].output, "dense", Scaled(96, 48)),
        lambda model: model.register_forward_pre_hook(lambda *_: None),
        lambda model: model.encoder.layer[0].register_forward_hook(lambda *_: None),
        lambda model: model.encoder.layer[0].output.dense.register_forward_pre_hook(lambda *_: None),
    ],
)
def test_changed_models_run_by_their_own_forward(change) -> None:
    model, (ids, mask) = made(), batch([9, 5])
    change(model)
    assert not supports(model)
    assert torch.equal(encode(model, ids, mask), own(model, ids, mask))


class Scaled(nn.Linear):
    """A linear layer that someone changed."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


def test_another_architecture_runs_by_its_own_forward() -> None:
    model = DistilBertModel(DistilBertConfig(vocab_size=50, dim=48, n_layers=2, n_heads=3, hidden_dim=96)).eval()
    ids, mask = batch([9, 5])
    assert torch.equal(encode(model, ids, mask), own(model, ids, mask))
    states = model(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
    assert torch.equal(encode(model, ids, mask, layers=1), states[1])


def test_a_row_without_tokens_does_no_harm() -> None:
    model, (ids, mask) = made(), batch([9, 5])
    empty = torch.cat([mask, torch.zeros(1, 9, dtype=torch.long)])
    hidden = encode(model, torch.cat([ids, ids[:1]]), empty)
    torch.testing.assert_close(hidden[:2], encode(model, ids, mask), atol=1e-5, rtol=1e-5)
    assert not hidden[2].any()
    assert not encode(model, ids, torch.zeros_like(mask)).any()


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
def test_layout_loses_no_token(lengths: list[int]) -> None:
    _, mask = batch(lengths)
    layout = Layout(mask, 3, torch.float32)
    values = torch.randn(*mask.shape, 6) * mask[:, :, None]
    packed = layout.pack(values)
    assert torch.equal(layout.unpack(packed), values)
    assert layout.count == mask.sum()
    assert 0 <= len(packed) - layout.count < max(8, 0.05 * layout.count)
    assert torch.equal(layout.join(layout.split(packed, 1), 1)[: layout.count], packed[: layout.count])
    triple = torch.randn(len(packed), 18)
    assert torch.equal(layout.join(layout.split(triple, 3), 3)[: layout.count], triple[: layout.count])
