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
from torch.autograd.function import once_differentiable
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
    dtype = _type()
    layout = Layout(attention_mask, model.config.num_attention_heads, dtype)
    with torch.autocast("cpu", enabled=False):  # all types are chosen here, and each check costs time
        hidden = _embed(model, input_ids, layout, dtype)  # (T, H)
        return _Unpack.apply(_run(model, hidden, layout, model.encoder.layer[:layers]), layout)


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
    dtype = _type()
    layout = Layout(attention_mask, model.config.num_attention_heads, dtype)
    with torch.autocast("cpu", enabled=False):
        packed = _Pack.apply(hidden.to(dtype), layout)
        return _Unpack.apply(_run(model, packed, layout, model.encoder.layer[first:]), layout)


def supports(model: nn.Module) -> bool:
    """Say whether the fast path computes what this model's own forward would."""
    config: Any = getattr(model, "config", None)
    if type(model).__name__ != "BertModel" or config.hidden_act != "gelu" or config.is_decoder:
        return False
    if getattr(config, "position_embedding_type", "absolute") != "absolute":
        return False
    parts = [model.embeddings, model.encoder]
    return (
        all(
            type(module).__module__ in _PLAIN_MODULES and not module._forward_hooks and not module._forward_pre_hooks
            for part in parts
            for module in part.modules()  # type: ignore[union-attr]
        )
        and next(model.parameters()).device.type == "cpu"
    )


_PLAIN_MODULES = {
    "torch.nn.modules.linear", "torch.nn.modules.normalization", "torch.nn.modules.dropout",
    "torch.nn.modules.sparse", "torch.nn.modules.container",
    "transformers.models.bert.modeling_bert", "transformers.activations",
}  # fmt: skip


class Layout:
    """Where each token of a batch lies: packed for matrices and norms, padded and split by heads for attention.

    The number of packed tokens is rounded up, because the matrix library compiles a kernel for each new size; the
    surplus tokens repeat the first and receive no gradient. Splitting and joining heads move vectors of D elements by
    one index, where padding and transposing would pass over the data twice.

    Args:
        mask: Attention mask, shape (batch, tokens).
        heads: A.
        dtype: Type of the activations.
    """

    def __init__(self, mask: Tensor, heads: int, dtype: torch.dtype) -> None:
        rows, longest = mask.shape
        self.rows, self.longest, self.heads = rows, longest, heads
        self.width = width = -(-longest // 16) * 16
        kept = functional.pad(mask != 0, (0, width - longest))  # (B, L)
        found = kept.view(-1).nonzero()[:, 0]
        self.count = count = len(found)
        step = max(8, 2 ** int(math.log2(max(count, 1)) - 4.5))  # wastes 2 % at most, beyond 8
        self.tokens = functional.pad(found, (0, -count % step))  # (T,): the slot of each packed token
        self.slots = torch.zeros(rows * width, dtype=torch.long)  # (B*L,): the packed token of each slot
        self.slots[found] = torch.arange(count)
        self.real = kept.to(dtype)  # (B, L): 0 on padding
        self.bias = torch.where(kept, 0.0, -1e9)[:, None, :].expand(rows, width, width).reshape(rows, 1, -1)
        self.to_heads = {parts: self._to_heads(parts) for parts in (1, 3)}
        self.to_tokens = {parts: self._to_tokens(parts) for parts in (1, 3)}

    def _to_heads(self, parts: int) -> Tensor:
        vectors = torch.arange(len(self.tokens) * parts * self.heads).view(-1, parts * self.heads)
        padded = vectors.index_select(0, self.slots).view(self.rows, self.width, parts, self.heads)
        return padded.permute(2, 0, 3, 1).reshape(-1)  # (parts * B * A * L,)

    def _to_tokens(self, parts: int) -> Tensor:
        vectors = torch.arange(parts * self.rows * self.heads * self.width)
        by_slot = vectors.view(parts, self.rows, self.heads, self.width).permute(1, 3, 0, 2)  # (B, L, parts, A)
        return by_slot.reshape(len(self.slots), -1).index_select(0, self.tokens).view(-1)  # (T * parts * A,)

    def split(self, packed: Tensor, parts: int = 1) -> Tensor:
        """(T, parts*H) to (parts, B*A, L, D); arbitrary on padding."""
        depth = packed.shape[1] // (parts * self.heads)
        vectors = packed.view(-1, depth).index_select(0, self.to_heads[parts])
        return vectors.view(parts, self.rows * self.heads, self.width, depth)

    def split_gradient(self, packed: Tensor) -> Tensor:
        """(T, H) to (B*A, L, D); zero on padding."""
        split = self.split(packed)
        split.view(self.rows, self.heads, self.width, -1).mul_(self.real[:, None, :, None])
        return split[0]

    def join(self, split: Tensor, parts: int = 1) -> Tensor:
        """(parts, B*A, L, D) to (T, parts*H)."""
        vectors = split.view(-1, split.shape[-1]).index_select(0, self.to_tokens[parts])
        return vectors.view(len(self.tokens), -1)

    def join_gradient(self, split: Tensor, parts: int) -> Tensor:
        """(parts, B*A, L, D) to (T, parts*H); zero on surplus tokens."""
        return self.silenced(self.join(split, parts))

    def silenced(self, packed: Tensor) -> Tensor:
        """Set the surplus tokens of (T, n) to zero."""
        packed[self.count :] = 0
        return packed

    def unpack(self, packed: Tensor) -> Tensor:
        """(T, H) to (batch, tokens, H); zero on padding."""
        padded = packed.index_select(0, self.slots).view(self.rows, self.width, -1)
        return padded.mul_(self.real[:, :, None])[:, : self.longest]

    def pack(self, padded: Tensor) -> Tensor:
        """(batch, tokens, H) to (T, H); zero on surplus tokens."""
        wide = functional.pad(padded, (0, 0, 0, self.width - self.longest))  # (B, L, H)
        return self.silenced(wide.reshape(len(self.slots), -1).index_select(0, self.tokens))


class _Unpack(torch.autograd.Function):
    """`Layout.unpack` with its gradient."""

    @staticmethod
    def forward(ctx: Any, packed: Tensor, layout: Layout) -> Tensor:
        ctx.layout = layout
        return layout.unpack(packed)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.layout.pack(gradient), None


class _Pack(torch.autograd.Function):
    """`Layout.pack` with its gradient."""

    @staticmethod
    def forward(ctx: Any, padded: Tensor, layout: Layout) -> Tensor:
        ctx.layout = layout
        return layout.pack(padded)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.layout.unpack(gradient), None


def _embed(model: Any, input_ids: Tensor, layout: Layout, dtype: torch.dtype) -> Tensor:
    """Return the packed output of the embedding layer, shape (T, H)."""
    embeddings, norm = model.embeddings, model.embeddings.LayerNorm
    row, column = layout.tokens // layout.width, layout.tokens % layout.width  # (T,)
    total = embeddings.word_embeddings(input_ids[row, column])
    total = total + embeddings.position_embeddings(column) + embeddings.token_type_embeddings.weight[0]
    hidden = functional.layer_norm(total, norm.normalized_shape, norm.weight, norm.bias, norm.eps).to(dtype)
    share = _rounded(embeddings.dropout, model.training)
    if share == 0:
        return hidden
    mask = _survivors(_random_bytes(hidden.numel()), hidden.shape, share, dtype)
    return hidden * (mask * _raise(share))


def _run(model: Any, hidden: Tensor, layout: Layout, layers: Sequence[nn.Module]) -> Tensor:
    """Run some layers over packed states of shape (T, H)."""
    for layer in layers:
        attention: Any = layer.attention
        linears = [attention.output.dense, layer.intermediate.dense, layer.output.dense]  # type: ignore[union-attr]
        norms = [attention.output.LayerNorm, layer.output.LayerNorm]  # type: ignore[union-attr]
        three = [attention.self.query, attention.self.key, attention.self.value]
        weights = [module.weight for module in three] + [module.bias for module in three]
        weights += [weight for module in (*linears, *norms) for weight in (module.weight, module.bias)]
        settings = _Settings(
            norms[0].eps,
            _rounded(attention.self.dropout, model.training),
            _rounded(attention.output.dropout, model.training),
        )
        hidden = _Layer.apply(hidden, layout, settings, *weights)  # type: ignore[no-untyped-call]
    return hidden


@dataclass(frozen=True)
class _Settings:
    epsilon: float
    attention_dropout: float
    hidden_dropout: float


class _Layer(torch.autograd.Function):
    """One transformer layer (Devlin et al. 2018): attention, add and norm, feed-forward, add and norm."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layout: Layout, settings: _Settings, *weights: Tensor) -> Tensor:
        share = settings.hidden_dropout
        g1, b1, g2, b2 = weights[12:]
        w_qkv, b_qkv, w_out, b_out, w_up, b_up, w_down, b_down = _cast(weights[:12], x.dtype)
        mask0, mask1, mask2 = _masks(x, layout, settings)
        qkv = functional.linear(x, w_qkv, b_qkv)  # (T, 3H)
        context, kept = _attend(qkv, layout, mask0, settings.attention_dropout)  # (T, H)
        sum1 = _add(x, functional.linear(context, w_out, b_out), mask1, share)
        y, *stats1 = _aten.native_layer_norm(sum1, g1.shape, g1, b1, settings.epsilon)  # (T, H)
        inner = functional.linear(y, w_up, b_up)  # (T, I)
        active = functional.gelu(inner)
        sum2 = _add(y, functional.linear(active, w_down, b_down), mask2, share)
        z, *stats2 = _aten.native_layer_norm(sum2, g2.shape, g2, b2, settings.epsilon)  # (T, H)
        ctx.layout, ctx.settings = layout, settings
        ctx.save_for_backward(
            *(x, w_qkv, w_out, w_up, w_down, *kept, mask0, mask1, mask2, context, sum1, *stats1, y, inner, active),
            *(sum2, *stats2, g1, b1, g2, b2),
        )
        result: Tensor = z
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dz: Tensor) -> tuple[Tensor | None, ...]:
        x, w_qkv, w_out, w_up, w_down, q, k, v, p, dropped, mask0, mask1, mask2, *rest = ctx.saved_tensors
        context, sum1, mean1, rstd1, y, inner, active, sum2, mean2, rstd2, g1, b1, g2, b2 = rest
        layout, settings, moves = ctx.layout, ctx.settings, any(ctx.needs_input_grad[3:])
        share, parts = settings.hidden_dropout, [True, moves, moves]
        dsum2, dg2, db2 = _aten.native_layer_norm_backward(dz, sum2, g2.shape, mean2, rstd2, g2, b2, parts)
        dlowered = _drop(dsum2, mask2, share)
        dinner = _aten.gelu_backward(dlowered @ w_down, inner)  # (T, I)
        dy = torch.addmm(dsum2, dinner, w_up)  # (T, H)
        dsum1, dg1, db1 = _aten.native_layer_norm_backward(dy, sum1, g1.shape, mean1, rstd1, g1, b1, parts)
        dprojected = _drop(dsum1, mask1, share)
        heads = (q, k, v, p, dropped, mask0)
        dqkv = _attend_backward(dprojected @ w_out, heads, layout, settings.attention_dropout)  # (T, 3H)
        dx = torch.addmm(dsum1, dqkv, w_qkv) if ctx.needs_input_grad[0] else None
        if not moves:
            return dx, *[None] * 18
        dw_qkv, db_qkv = _weight_gradients(dqkv, x)
        return (
            *(dx, None, None, *dw_qkv.chunk(3), *db_qkv.chunk(3), *_weight_gradients(dprojected, context)),
            *(*_weight_gradients(dinner, y), *_weight_gradients(dlowered, active), dg1, db1, dg2, db2),
        )


def _cast(weights: Sequence[Tensor], dtype: torch.dtype) -> tuple[Tensor, ...]:
    """Copy query, key, value (3 matrices, then 3 biases) and the other linear layers' weights in another type.

    All copies lie in one buffer, so the first three matrices are one of shape (3H, H) without a further copy.
    """
    sizes = [weight.numel() for weight in weights]
    buffer = torch.empty(sum(sizes), dtype=dtype)
    copies = [part.view(weight.shape) for part, weight in zip(buffer.split(sizes), weights, strict=True)]
    torch._foreach_copy_(copies, list(weights))
    hidden = weights[0].shape[1]
    matrix = buffer[: 3 * sizes[0]].view(-1, hidden)
    return matrix, buffer[3 * sizes[0] : 3 * (sizes[0] + sizes[3])], *copies[6:]


def _weight_gradients(dy: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the float32 gradients of weight and bias of y = x Wᵀ + b."""
    return (dy.t() @ x).float(), dy.sum(0).float()


def _attend(qkv: Tensor, layout: Layout, mask: Tensor, share: float) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return attention's output (T, H), and what its backward pass needs."""
    q, k, v = layout.split(qkv, 3)  # each (B*A, L, D)
    scores = torch.bmm(q, k.transpose(1, 2)).float()  # (B*A, L, L)
    biased = torch.add(layout.bias, scores.view(layout.rows, layout.heads, -1), alpha=q.shape[2] ** -0.5)
    p = biased.view(scores.shape).softmax(-1).to(q.dtype)
    dropped = _drop(p, mask, share)
    return layout.join(torch.bmm(dropped, v)), (q, k, v, p, dropped)


def _attend_backward(dcontext: Tensor, kept: tuple[Tensor, ...], layout: Layout, share: float) -> Tensor:
    """Return the gradient (T, 3H) of the joined query, key and value."""
    q, k, v, p, dropped, mask = kept
    dout = layout.split_gradient(dcontext)  # (B*A, L, D)
    dp = torch.bmm(dout, v.transpose(1, 2))  # (B*A, L, L)
    dp = (dp if share == 0 else dp.mul_(mask)).float().mul_(_raise(share) * q.shape[2] ** -0.5)
    ds = _aten._softmax_backward_data(dp, p.float(), -1, torch.float32).to(q.dtype)
    dqkv = q.new_empty(3, *q.shape)  # (3, B*A, L, D)
    torch.bmm(ds, k, out=dqkv[0])
    torch.bmm(ds.transpose(1, 2), q, out=dqkv[1])
    torch.bmm(dropped.transpose(1, 2), dout, out=dqkv[2])
    return layout.join_gradient(dqkv, 3)


def _masks(x: Tensor, layout: Layout, settings: _Settings) -> tuple[Tensor, Tensor, Tensor]:
    """Draw the dropout masks of a layer: of attention (B*A, L, L), and two of hidden states (T, H); empty without."""
    shape = (layout.rows * layout.heads, layout.width, layout.width)
    size = math.prod(shape) if settings.attention_dropout else 0
    random = _random_bytes(size + (2 * x.numel() if settings.hidden_dropout else 0))
    attention = _survivors(random[:size], shape, settings.attention_dropout, x.dtype)
    first, second = _survivors(random[size:], (2, *x.shape), settings.hidden_dropout, x.dtype)
    return attention, first, second


def _random_bytes(count: int) -> Tensor:
    """Return uniform random bytes, shape (count,), from torch's generator; eight come from one draw."""
    return torch.empty(-(-count // 8), dtype=torch.int64).random_(-(2**63), None).view(torch.uint8)[:count]


def _survivors(random: Tensor, shape: Sequence[int], share: float, dtype: torch.dtype) -> Tensor:
    """Return 1 where an element survives dropout, else 0; without dropout a tensor of no elements."""
    if share == 0:
        return torch.empty(2, 0, dtype=dtype)
    return torch.ge(random.view(shape), round(share * 256), out=torch.empty(shape, dtype=dtype))


def _rounded(dropout: Any, training: bool) -> float:
    """Return the share that dropout takes, rounded to a 256th."""
    return round(dropout.p * 256) / 256 if training else 0.0


def _raise(share: float) -> float:
    """Return the factor by which survivors of dropout grow."""
    return 1 / (1 - share)


def _drop(x: Tensor, mask: Tensor, share: float) -> Tensor:
    """Apply dropout; its own backward pass too."""
    return x if share == 0 else (x * mask).mul_(_raise(share))


def _add(x: Tensor, y: Tensor, mask: Tensor, share: float) -> Tensor:
    """Return x + dropout(y)."""
    return x + y if share == 0 else torch.addcmul(x, y, mask, value=_raise(share))


def _type() -> torch.dtype:
    """Return the type of the activations: autocast's, else float32."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32
