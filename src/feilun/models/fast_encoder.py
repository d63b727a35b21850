"""Runs a BERT encoder's own weights as fast as eager PyTorch can on a processor, forwards and backwards.

The stock forward spends much of its time beside the matrix products. Here tokens are packed, so that padding is
computed only inside attention (`token_layout`), and each layer is one autograd function (`fast_layer`). Under autocast
activations are bfloat16; softmax, the norms' statistics, weights and their gradients stay float32.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from feilun.models.adaptations.low_rank import comes_to_a_weight, factors, is_low_rank
from feilun.models.fast_layer import Layer, LayerSettings, growth, random_bytes, rounded_share, survivors
from feilun.models.gradient_checkpointing import is_recomputed, recomputed
from feilun.models.token_layout import Layout, Pack, Unpack

_FAMILIES = {"BertModel": "bert", "RobertaModel": "roberta", "XLMRobertaModel": "xlm_roberta"}
_STOCK = {nn.Linear, nn.LayerNorm, nn.Dropout, nn.Embedding, nn.ModuleList}


def encode(model: nn.Module, input_ids: Tensor, attention_mask: Tensor, *, layers: int | None = None) -> Tensor:
    """Return the hidden states of a batch, as the model's own forward does, but faster where `supports` says so.

    Both ways take their type from autocast: float32 without it. There are no second derivatives.

    Args:
        model: A headless transformers model; its dropout is applied in training mode.
        input_ids: Token ids, shape (batch, tokens).
        attention_mask: 1 where there is a token, 0 on padding, shape (batch, tokens).
        layers: Run only so many of the lowest layers; None runs all.

    Returns:
        Shape (batch, tokens, hidden). On padding it is zero (fast) or arbitrary (own forward).
    """
    if not supports(model):
        output = model(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=layers is not None)
        states: Tensor = output.last_hidden_state if layers is None else output.hidden_states[layers]
        return states
    bert: Any = model
    layout = Layout(attention_mask, bert.config.num_attention_heads, _type())
    with torch.autocast("cpu", enabled=False):  # every type is chosen here, and autocast's checks take time
        hidden = _run(_embed(bert, input_ids, layout), bert.encoder.layer[:layers], layout)  # (T, H)
        unpacked: Tensor = Unpack.apply(hidden, layout)  # type: ignore[no-untyped-call]
    return unpacked


def encode_from(model: nn.Module, hidden: Tensor, attention_mask: Tensor, first: int) -> Tensor:
    """Run the upper layers over states that the lower ones gave, as `encode` would have.

    Args:
        model: A model that `supports` accepts.
        hidden: Output of `encode(..., layers=first)`, shape (batch, tokens, hidden).
        attention_mask: 1 where there is a token, 0 on padding, shape (batch, tokens).
        first: Index of the first layer to run.

    Returns:
        Shape (batch, tokens, hidden), zero on padding.
    """
    bert: Any = model
    layout = Layout(attention_mask, bert.config.num_attention_heads, _type())
    with torch.autocast("cpu", enabled=False):
        packed = Pack.apply(hidden, layout)  # type: ignore[no-untyped-call]
        unpacked: Tensor = Unpack.apply(_run(packed, bert.encoder.layer[first:], layout), layout)  # type: ignore[no-untyped-call]
    return unpacked


def supports(model: nn.Module) -> bool:
    """Say whether the fast way computes what this model's own forward would.

    It does for BERT, RoBERTa and XLM-RoBERTa with float32 weights on a processor, as long as nothing in them was
    exchanged or hooked. Linear layers with a low-rank update (LoRA, AdaLoRA) do no harm.
    """
    stock: Any = model
    family = _FAMILIES.get(type(model).__name__)
    if family is None or stock.config.hidden_act != "gelu" or stock.config.is_decoder:
        return False
    known = {"transformers.activations", f"transformers.models.{family}.modeling_{family}"}
    plain = all(
        (type(module) in _STOCK or type(module).__module__ in known or comes_to_a_weight(module))
        and not (module._forward_hooks or module._forward_pre_hooks)
        for module in (model, *_parts(stock.embeddings), *_parts(stock.encoder))
    )
    first = next(model.parameters())
    return plain and first.device.type == "cpu" and first.dtype == torch.float32


def _parts(module: nn.Module) -> Iterator[nn.Module]:
    """Yield a module and what it is made of, except for the inside of low-rank updates."""
    yield module
    if not is_low_rank(module):
        for child in module.children():
            yield from _parts(child)


def _embed(model: Any, input_ids: Tensor, layout: Layout) -> Tensor:
    """Return the packed output of the embedding layer, shape (T, H)."""
    embeddings = model.embeddings
    if type(model).__name__ != "BertModel":  # others count positions from their padding id
        packed: Tensor = Pack.apply(embeddings(input_ids=input_ids), layout)  # type: ignore[no-untyped-call]
        return packed
    row, column = layout.tokens // layout.width, layout.tokens % layout.width  # (T,)
    words, norm = embeddings.word_embeddings(input_ids[row, column]), embeddings.LayerNorm
    total = words + embeddings.position_embeddings(column) + embeddings.token_type_embeddings.weight[0]
    hidden = functional.layer_norm(total, norm.normalized_shape, norm.weight, norm.bias, norm.eps).to(layout.dtype)
    share = rounded_share(embeddings.dropout)
    if not share:
        return hidden
    mask = survivors(random_bytes(hidden.numel()), hidden.shape, hidden.dtype, share)
    return hidden * mask * growth(share)


def _run(hidden: Tensor, layers: Iterable[Any], layout: Layout) -> Tensor:
    """Run some layers over packed states of shape (T, H); layers may differ in their number of heads."""
    layouts = {layout.heads: layout}
    for layer in layers:
        attention, output = layer.attention, layer.output
        heads = attention.self.num_attention_heads
        if heads not in layouts:
            layouts[heads] = layout.with_heads(heads)
        triple = (attention.self.query, attention.self.key, attention.self.value)
        others = (attention.output.dense, layer.intermediate.dense, output.dense)
        norms = (attention.output.LayerNorm, output.LayerNorm)
        weights = [module.weight for module in triple] + [module.bias for module in triple]
        weights += [weight for module in others + norms for weight in (module.weight, module.bias)]
        updates, scales = _updates(triple + others)
        settings = LayerSettings(
            norms[0].eps, rounded_share(attention.self.dropout), rounded_share(output.dropout), scales
        )
        run = partial(recomputed, Layer.apply) if is_recomputed(layer) else Layer.apply
        hidden = run(hidden, layouts[heads], settings, *weights, *updates)  # type: ignore[no-untyped-call]
    return hidden


def _updates(linear: Sequence[nn.Module]) -> tuple[list[Tensor | None], tuple[float, ...]]:
    """Return B and A of each layer's low-rank update, or None twice, and the scales; nothing where none has one."""
    if not any(is_low_rank(module) for module in linear):
        return [], ()
    found = [factors(module) if is_low_rank(module) else (None, None, 0.0) for module in linear]
    return [matrix for b, a, _ in found for matrix in (b, a)], tuple(scale for *_, scale in found)


def _type() -> torch.dtype:
    """Return the type of the activations: autocast's, else float32."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32
