"""Runs a BERT encoder's own weights as fast as eager PyTorch can on a processor, forwards and backwards.

The stock forward spends most of its time beside the matrix products. Here
- tokens are packed: padding is computed only inside attention;
- each layer is one autograd function with its backward pass written out, so weights are cast once, query, key and
  value are one product, and nothing is kept that is not needed;
- activations stay in bfloat16 under autocast, with statistics, softmax and weights in float32;
- attention is three batched products around a float32 softmax (PyTorch's fused kernel is five times slower backwards
  on heads this small), its width rounded up to a multiple of 16, below which softmax is not vectorised;
- dropout draws one random byte an element: its share is rounded to a 256th.

Sizes in comments: B rows, L their width in attention, T packed tokens, H hidden, I intermediate, A heads, D = H / A.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

_aten = torch.ops.aten


def encode(model: nn.Module, input_ids: Tensor, attention_mask: Tensor, *, layers: int | None = None) -> Tensor:
    """Return the hidden states of a batch, as the model's own forward does, but faster where it can be.

    Any model that is not a plain BERT on a processor (another architecture, a GPU, wrapped linear layers, hooks) runs
    by its own forward. Both read autocast's type: float32 without autocast.

    Args:
        model: A headless transformers model; in training mode its dropout is applied.
        input_ids: Token ids, shape (batch, tokens).
        attention_mask: 1 where there is a token, 0 on padding, shape (batch, tokens).
        layers: Run only so many of the lowest layers; None runs all.

    Returns:
        Shape (batch, tokens, hidden); on padding it is zero (fast) or arbitrary (own forward).
    """
    if not supports(model):
        output = model(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=layers is not None)
        states: Tensor = output.last_hidden_state if layers is None else output.hidden_states[layers]
        return states
    layout = Layout.of(attention_mask, _type())
    hidden = _embed(model, input_ids, layout)  # (T, H)
    return layout.unpacked(_run(model, hidden, layout, model.encoder.layer[:layers]))  # type: ignore[union-attr, index]


def encode_from(model: nn.Module, hidden: Tensor, attention_mask: Tensor, first: int) -> Tensor:
    """Run the upper layers over states that the lower ones gave.

    Args:
        model: A model that `supports` accepts.
        hidden: Output of `encode(..., layers=first)`, shape (batch, tokens, hidden).
        attention_mask: Shape (batch, tokens).
        first: Index of the first layer to run.

    Returns:
        Shape (batch, tokens, hidden), zero on padding.
    """
    layout = Layout.of(attention_mask, _type())
    packed = _Pack.apply(hidden.to(_type()), layout)  # type: ignore[no-untyped-call]
    return layout.unpacked(_run(model, packed, layout, model.encoder.layer[first:]))  # type: ignore[union-attr, index]


def supports(model: nn.Module) -> bool:
    """Say whether the fast path computes what this model's own forward would."""
    config: Any = getattr(model, "config", None)
    if type(model).__name__ != "BertModel" or config.hidden_act != "gelu" or config.is_decoder:
        return False
    if getattr(config, "position_embedding_type", "absolute") != "absolute":
        return False
    parts = [model.embeddings, model.encoder]
    return all(
        type(module).__module__ in _PLAIN_MODULES and not module._forward_hooks and not module._forward_pre_hooks
        for part in parts
        for module in part.modules()  # type: ignore[union-attr]
    ) and next(model.parameters()).device.type == "cpu"


_PLAIN_MODULES = {
    "torch.nn.modules.linear", "torch.nn.modules.normalization", "torch.nn.modules.dropout",
    "torch.nn.modules.sparse", "torch.nn.modules.container",
    "transformers.models.bert.modeling_bert", "transformers.activations",
}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """Where each token of a batch lies: packed for matrices and norms, padded for attention.

    The number of packed tokens is rounded up, because the matrix library compiles a kernel for each new size; the
    surplus tokens repeat the first and receive no gradient.

    Args:
        rows: B.
        width: L, the longest row rounded up to a multiple of 16.
        shape: Shape of the attention mask.
        count: Real tokens.
        tokens: Slot of each packed token in the padded layout, shape (T,).
        slots: Packed token of each slot, 0 on padding, shape (B * L,).
        real: 1 on tokens, 0 on padding, shape (B * L, 1).
        bias: 0 on tokens, very negative on padding, for each query and key, shape (B, 1, L * L), float32.
    """

    rows: int
    width: int
    shape: tuple[int, int]
    count: int
    tokens: Tensor
    slots: Tensor
    real: Tensor
    bias: Tensor

    @staticmethod
    def of(mask: Tensor, dtype: torch.dtype) -> Layout:
        """Lay out the tokens of an attention mask of shape (batch, tokens)."""
        rows, width = mask.shape
        wide = -(-width // 16) * 16
        kept = functional.pad(mask != 0, (0, wide - width))  # (B, L)
        found = kept.view(-1).nonzero()[:, 0]
        count = len(found)
        step = max(8, 2 ** int(math.log2(max(count, 1)) - 4.5))  # wastes about 2 % at most
        tokens = functional.pad(found, (0, -count % step))
        slots = torch.zeros(rows * wide, dtype=torch.long)
        slots[found] = torch.arange(count)
        bias = torch.where(kept, 0.0, -1e9)[:, None, :].expand(rows, wide, wide).reshape(rows, 1, wide * wide)
        return Layout(rows, wide, (rows, width), count, tokens, slots, kept.view(-1, 1).to(dtype), bias)

    def pad(self, packed: Tensor) -> Tensor:
        """(T, n) to (B * L, n); arbitrary on padding."""
        return packed.index_select(0, self.slots)

    def pack(self, padded: Tensor) -> Tensor:
        """(B * L, n) to (T, n)."""
        return padded.index_select(0, self.tokens)

    def pad_gradient(self, packed: Tensor) -> Tensor:
        """(T, n) to (B * L, n); zero on padding."""
        return self.pad(packed).mul_(self.real)

    def pack_gradient(self, padded: Tensor) -> Tensor:
        """(B * L, n) to (T, n); zero on surplus tokens."""
        packed = self.pack(padded)
        packed[self.count :] = 0
        return packed

    def unpacked(self, packed: Tensor) -> Tensor:
        """(T, H) to (batch, tokens, H), zero on padding, with gradients."""
        hidden: Tensor = _Unpack.apply(packed, self)  # type: ignore[no-untyped-call]
        return hidden


class _Unpack(torch.autograd.Function):
    """Packed to padded at the width of the mask."""

    @staticmethod
    def forward(ctx: Any, packed: Tensor, layout: Layout) -> Tensor:
        ctx.layout = layout
        padded = layout.pad_gradient(packed).view(layout.rows, layout.width, -1)
        return padded[:, : layout.shape[1]]  # (batch, tokens, H)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        layout: Layout = ctx.layout
        wide = functional.pad(gradient, (0, 0, 0, layout.width - layout.shape[1]))
        return layout.pack_gradient(wide.reshape(-1, wide.shape[2])), None


class _Pack(torch.autograd.Function):
    """Padded at the width of the mask to packed."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, layout: Layout) -> Tensor:
        ctx.layout = layout
        wide = functional.pad(hidden, (0, 0, 0, layout.width - layout.shape[1]))
        return layout.pack(wide.reshape(-1, wide.shape[2]))  # (T, H)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        layout: Layout = ctx.layout
        return layout.pad_gradient(gradient).view(layout.rows, layout.width, -1)[:, : layout.shape[1]], None


def _embed(model: Any, input_ids: Tensor, layout: Layout) -> Tensor:
    """Return the packed output of the embedding layer, shape (T, H)."""
    embeddings = model.embeddings
    row, column = layout.tokens // layout.width, layout.tokens % layout.width  # (T,)
    total = embeddings.word_embeddings(input_ids[row, column])
    total = total + embeddings.position_embeddings(column) + embeddings.token_type_embeddings.weight[0]
    norm = embeddings.LayerNorm
    hidden = functional.layer_norm(total, norm.normalized_shape, norm.weight, norm.bias, norm.eps).to(_type())
    share = embeddings.dropout.p if model.training else 0.0
    return hidden if share == 0 else hidden * _kept(hidden.shape, share, hidden.dtype) * _raise(share)


def _run(model: Any, hidden: Tensor, layout: Layout, layers: Sequence[nn.Module]) -> Tensor:
    """Run some layers over packed states of shape (T, H)."""
    for layer in layers:
        attention, output = layer.attention, layer.output
        linears = [
            attention.self.query, attention.self.key, attention.self.value, attention.output.dense,
            layer.intermediate.dense, output.dense,
        ]  # fmt: skip
        norms = [attention.output.LayerNorm, output.LayerNorm]
        weights = [tensor for module in [*linears, *norms] for tensor in (module.weight, module.bias)]
        shares = (attention.self.dropout.p, attention.output.dropout.p, output.dropout.p) if model.training else (0.0,) * 3
        settings = _Settings(attention.self.num_attention_heads, norms[0].eps, *shares)
        hidden = _Layer.apply(hidden, layout, settings, *weights)  # type: ignore[no-untyped-call]
    return hidden


@dataclass(frozen=True)
class _Settings:
    heads: int
    epsilon: float
    attention_dropout: float
    projection_dropout: float
    output_dropout: float


class _Layer(torch.autograd.Function):
    """One transformer layer (Devlin et al. 2018): attention, add and norm, feed-forward, add and norm."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layout: Layout, settings: _Settings, *weights: Tensor) -> Tensor:
        d = x.dtype
        query, query_b, key, key_b, value, value_b, out, out_b, up, up_b, down, down_b, g1, b1, g2, b2 = weights
        w_qkv = torch.cat([query.to(d), key.to(d), value.to(d)])  # (3H, H)
        w_out, w_up, w_down = out.to(d), up.to(d), down.to(d)
        qkv = functional.linear(x, w_qkv, torch.cat([query_b, key_b, value_b]).to(d))  # (T, 3H)
        context, kept = _attend(qkv, layout, settings)  # (T, H)
        projected = functional.linear(context, w_out, out_b.to(d))
        mask1 = _kept(x.shape, settings.projection_dropout, d)
        sum1 = _add(x, projected, mask1, settings.projection_dropout)
        y, *stats1 = _aten.native_layer_norm(sum1, g1.shape, g1, b1, settings.epsilon)  # (T, H)
        inner = functional.linear(y, w_up, up_b.to(d))  # (T, I)
        active = functional.gelu(inner)
        lowered = functional.linear(active, w_down, down_b.to(d))  # (T, H)
        mask2 = _kept(x.shape, settings.output_dropout, d)
        sum2 = _add(y, lowered, mask2, settings.output_dropout)
        z, *stats2 = _aten.native_layer_norm(sum2, g2.shape, g2, b2, settings.epsilon)  # (T, H)
        ctx.layout, ctx.settings, ctx.types = layout, settings, [weight.dtype for weight in weights]
        ctx.save_for_backward(
            x, w_qkv, *kept, context, w_out, mask1, sum1, *stats1, y, w_up, inner, active, w_down, mask2, sum2, *stats2,
            g1, b1, g2, b2,
        )  # fmt: skip
        result: Tensor = z
        return result

    @staticmethod
    def backward(ctx: Any, dz: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        (
            x, w_qkv, q, k, v, p, mask0, context, w_out, mask1, sum1, mean1, rstd1, y, w_up, inner, active, w_down,
            mask2, sum2, mean2, rstd2, g1, b1, g2, b2,
        ) = ctx.saved_tensors  # fmt: skip
        layout, settings, wanted = ctx.layout, ctx.settings, any(ctx.needs_input_grad[3:])
        all_wanted = [True, wanted, wanted]
        dsum2, dg2, db2 = _aten.native_layer_norm_backward(dz, sum2, g2.shape, mean2, rstd2, g2, b2, all_wanted)
        dlowered = _drop(dsum2, mask2, settings.output_dropout)
        dinner = _aten.gelu_backward(dlowered @ w_down, inner)  # (T, I)
        dy = torch.addmm(dsum2, dinner, w_up)  # (T, H)
        dsum1, dg1, db1 = _aten.native_layer_norm_backward(dy, sum1, g1.shape, mean1, rstd1, g1, b1, all_wanted)
        dprojected = _drop(dsum1, mask1, settings.projection_dropout)
        dqkv = _attend_backward(dprojected @ w_out, (q, k, v, p, mask0), layout, settings)  # (T, 3H)
        dx = torch.addmm(dsum1, dqkv, w_qkv) if ctx.needs_input_grad[0] else None
        if not wanted:
            return dx, None, None, *[None] * 16
        d_qkv, d_qkv_b = _weight_gradients(dqkv, x)
        dw = d_qkv.chunk(3)
        db = d_qkv_b.chunk(3)
        return (
            dx, None, None, dw[0], db[0], dw[1], db[1], dw[2], db[2], *_weight_gradients(dprojected, context),
            *_weight_gradients(dinner, y), *_weight_gradients(dlowered, active), dg1, db1, dg2, db2,
        )  # fmt: skip


def _weight_gradients(dy: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the float32 gradients of weight and bias of y = x Wᵀ + b."""
    return (dy.t() @ x).float(), dy.sum(0).float()


def _attend(qkv: Tensor, layout: Layout, settings: _Settings) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return attention's output (T, H), and what its backward pass needs."""
    rows, width, heads = layout.rows, layout.width, settings.heads
    depth = qkv.shape[1] // (3 * heads)
    padded = layout.pad(qkv).view(rows, width, 3, heads, depth)
    q, k, v = padded.permute(2, 0, 3, 1, 4).reshape(3, rows * heads, width, depth)  # each (B*A, L, D)
    scores = torch.bmm(q, k.transpose(1, 2)).float().view(rows, heads, -1)  # (B, A, L*L)
    biased = torch.add(layout.bias, scores, alpha=depth**-0.5).view(-1, width, width)
    p = biased.softmax(-1).to(qkv.dtype)  # (B*A, L, L)
    mask = _kept(p.shape, settings.attention_dropout, p.dtype)
    context = torch.bmm(_drop(p, mask, settings.attention_dropout), v)  # (B*A, L, D)
    joined = context.view(rows, heads, width, depth).transpose(1, 2).reshape(rows * width, -1)
    return layout.pack(joined), (q, k, v, p, mask)


def _attend_backward(
    dcontext: Tensor, kept: tuple[Tensor, Tensor, Tensor, Tensor, Tensor], layout: Layout, settings: _Settings
) -> Tensor:
    """Return the gradient (T, 3H) of the joined query, key and value."""
    q, k, v, p, mask = kept
    rows, width, heads, depth = layout.rows, layout.width, settings.heads, q.shape[2]
    share = settings.attention_dropout
    padded = layout.pad_gradient(dcontext).view(rows, width, heads, depth)
    dout = padded.transpose(1, 2).reshape(rows * heads, width, depth)  # (B*A, L, D)
    dp = _drop(torch.bmm(dout, v.transpose(1, 2)), mask, share)  # (B*A, L, L)
    ds = _aten._softmax_backward_data(dp.float(), p.float(), -1, torch.float32).mul_(depth**-0.5).to(q.dtype)
    dqkv = torch.empty(3, *q.shape, dtype=q.dtype)  # (3, B*A, L, D)
    torch.bmm(ds, k, out=dqkv[0])
    torch.bmm(ds.transpose(1, 2), q, out=dqkv[1])
    torch.bmm(_drop(p, mask, share).transpose(1, 2), dout, out=dqkv[2])
    joined = dqkv.view(3, rows, heads, width, depth).permute(1, 3, 0, 2, 4).reshape(rows * width, -1)
    return layout.pack_gradient(joined)


def _kept(shape: torch.Size, share: float, dtype: torch.dtype) -> Tensor:
    """Return 1 where an element survives dropout, else 0, from one random byte an element."""
    threshold = round(share * 256)
    if threshold == 0:
        return torch.empty(0, dtype=dtype)
    size = math.prod(shape)
    random = torch.empty(-(-size // 8), dtype=torch.int64).random_(-(2**63), None)
    mask = torch.empty(shape, dtype=dtype)
    return torch.ge(random.view(torch.uint8)[:size].view(shape), threshold, out=mask)


def _raise(share: float) -> float:
    """Return the factor by which survivors of dropout grow."""
    return 256 / (256 - round(share * 256))


def _drop(x: Tensor, mask: Tensor, share: float) -> Tensor:
    """Apply dropout; its own backward pass too."""
    return x if mask.numel() == 0 else (x * mask).mul_(_raise(share))


def _add(x: Tensor, y: Tensor, mask: Tensor, share: float) -> Tensor:
    """Return x + dropout(y)."""
    return x + y if mask.numel() == 0 else torch.addcmul(x, y, mask, value=_raise(share))


def _type() -> torch.dtype:
    """Return the type of the activations: autocast's, else float32."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32
