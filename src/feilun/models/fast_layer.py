"""One transformer layer on packed tokens, its backward pass written out.

- Weights are cast once; query, key and value are one product; only what the backward pass reads is kept.
- Attention is three batched products around a float32 softmax: on heads this small PyTorch's fused kernel takes 10 to
  40 times longer backwards.
- Dropout takes one random byte an element: PyTorch's own takes ten times as long.

Sizes in comments: B rows, L their width in attention, T packed tokens, H hidden, I intermediate, A heads, D = H / A.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from feilun.models.token_layout import Layout

_aten = torch.ops.aten

_MATRICES = (0, 1, 2, 6, 8, 10)
"""Where the matrices of the six linear layers stand among the weights."""


class LayerSettings(NamedTuple):
    """What a layer needs beside its weights; shares of dropout are multiples of 1/256."""

    epsilon: float
    attention_share: float
    share: float
    scales: tuple[float, ...] = ()  # of the low-rank updates of its six linear layers, where it has any


class Layer(torch.autograd.Function):
    """One transformer layer (Devlin et al. 2018): attention, add and norm, feed-forward, add and norm."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layout: Layout, settings: LayerSettings, *weights: Tensor) -> Tensor:
        """Run the layer.

        Args:
            ctx: Autograd's notebook.
            x: Packed states, shape (T, H).
            layout: Where the tokens lie.
            settings: Beside the weights.
            weights: Of query, key and value first the matrices, then the biases; then matrix and bias of the attention
                output, of both feed-forward layers, and weight and bias of both norms. Any tensors that autograd knows.
                Where linear layers have updates of low rank, then of each of the six B (out, rank) and A (rank, in),
                or None twice.

        Returns:
            Packed states, shape (T, H).
        """
        g1, b1, g2, b2 = weights[12:16]
        updated = _updated(weights[:12], weights[16:], settings.scales)
        w_qkv, b_qkv, w_out, b_out, w_up, b_up, w_down, b_down = _cast(updated, x.dtype)
        mask0, mask1, mask2 = _masks(x, layout, settings)
        qkv = functional.linear(x, w_qkv, b_qkv)  # (T, 3H)
        context, heads = _attend(qkv, layout, mask0, settings.attention_share)  # (T, H)
        sum1 = _add(x, functional.linear(context, w_out, b_out), mask1, settings.share)
        y, *stats1 = _aten.native_layer_norm(sum1, g1.shape, g1, b1, settings.epsilon)  # (T, H)
        inner = functional.linear(y, w_up, b_up)  # (T, I)
        active = functional.gelu(inner)
        sum2 = _add(y, functional.linear(active, w_down, b_down), mask2, settings.share)
        z, *stats2 = _aten.native_layer_norm(sum2, g2.shape, g2, b2, settings.epsilon)  # (T, H)
        ctx.layout, ctx.settings = layout, settings
        ctx.save_for_backward(
            *(x, w_qkv, w_out, w_up, w_down, *heads, mask0, mask1, mask2),
            *(context, sum1, *stats1, y, inner, active, sum2, *stats2, g1, b1, g2, b2, *weights[16:]),
        )
        result: Tensor = z
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dz: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of x and of the weights, from that of the result, shape (T, H)."""
        x, w_qkv, w_out, w_up, w_down, q, k, v, p, dropped, mask0, mask1, mask2, *rest = ctx.saved_tensors
        context, sum1, mean1, rstd1, y, inner, active, sum2, mean2, rstd2, g1, b1, g2, b2, *updates = rest
        layout, settings = ctx.layout, ctx.settings
        learns_qkv, learns_out, learns_up, learns_down, *learns_norm = _which_learn(ctx.needs_input_grad[3:])
        wanted = [[True, learns, learns] for learns in learns_norm]
        dsum2, dg2, db2 = _aten.native_layer_norm_backward(dz, sum2, g2.shape, mean2, rstd2, g2, b2, wanted[1])
        dlowered = _drop(dsum2, mask2, settings.share)  # (T, H)
        dinner = _aten.gelu_backward(dlowered @ w_down, inner)  # (T, I)
        dy = torch.addmm(dsum2, dinner, w_up)  # (T, H)
        dsum1, dg1, db1 = _aten.native_layer_norm_backward(dy, sum1, g1.shape, mean1, rstd1, g1, b1, wanted[0])
        dprojected = _drop(dsum1, mask1, settings.share)  # (T, H)
        kept = (q, k, v, p, dropped, mask0)
        dqkv = _attend_backward(dprojected @ w_out, kept, layout, settings.attention_share)  # (T, 3H)
        dx = torch.addmm(dsum1, dqkv, w_qkv) if ctx.needs_input_grad[0] else None
        dw_qkv, db_qkv = _weight_gradients(dqkv, x) if learns_qkv else (None, None)
        return (
            *(dx, None, None, *_thirds(dw_qkv), *_thirds(db_qkv)),
            *(_weight_gradients(dprojected, context) if learns_out else (None, None)),
            *(_weight_gradients(dinner, y) if learns_up else (None, None)),
            *(_weight_gradients(dlowered, active) if learns_down else (None, None)),
            *(dg1, db1, dg2, db2),
            *_update_gradients(
                (*dqkv.chunk(3, 1), dprojected, dinner, dlowered),
                (x, x, x, context, y, active),
                updates,
                settings.scales,
            ),
        )


def _cast(weights: Sequence[Tensor], dtype: torch.dtype) -> tuple[Tensor, ...]:
    """Copy the weights of the linear layers in another type: query, key, value first, 3 matrices, then 3 biases.

    All copies lie in one buffer, so that the three matrices read as one of shape (3H, H), and the biases as (3H,).
    """
    sizes = [weight.numel() for weight in weights]
    buffer = torch.empty(sum(sizes), dtype=dtype)
    copies = [part.view(weight.shape) for part, weight in zip(torch.split(buffer, sizes), weights, strict=True)]
    torch._foreach_copy_(copies, list(weights))
    matrices, biases = sum(sizes[:3]), sum(sizes[3:6])
    return buffer[:matrices].view(biases, -1), buffer[matrices : matrices + biases], *copies[6:]


def _updated(weights: Sequence[Tensor], updates: Sequence[Tensor | None], scales: Sequence[float]) -> Sequence[Tensor]:
    """Add to the matrices their updates of low rank, where there are any: W + scale B A."""
    if not updates:
        return weights
    result = list(weights)
    for place, b, a, scale in zip(_MATRICES, updates[::2], updates[1::2], scales, strict=True):
        if b is not None and a is not None:
            result[place] = torch.addmm(weights[place], b, a, alpha=scale)  # one pass over the matrix
    return result


def _update_gradients(
    outputs: Sequence[Tensor], inputs: Sequence[Tensor], updates: Sequence[Tensor | None], scales: Sequence[float]
) -> list[Tensor | None]:
    """Return the gradients of every B and A from those of the layers' outputs; none of a whole matrix is formed."""
    gradients: list[Tensor | None] = []
    for dy, x, b, a, scale in zip(outputs, inputs, updates[::2], updates[1::2], scales, strict=True) if updates else ():
        if b is None or a is None:
            gradients += [None, None]
            continue
        reduced = x @ a.to(x.dtype).t()  # (T, rank)
        dreduced = dy @ b.to(x.dtype)  # (T, rank)
        gradients += [(dy.t() @ reduced).float() * scale, (dreduced.t() @ x).float() * scale]
    return gradients


def _which_learn(wanted: Sequence[bool]) -> list[bool]:
    """Say of query, key and value together, of each further linear layer and of both norms whether they learn."""
    return [any(wanted[:6]), *(any(wanted[i : i + 2]) for i in range(6, 16, 2))]


def _thirds(gradient: Tensor | None) -> Sequence[Tensor | None]:
    """Part the gradient of query, key and value."""
    return (None, None, None) if gradient is None else gradient.chunk(3)


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


def _attend_backward(dcontext: Tensor, kept: Sequence[Tensor], layout: Layout, share: float) -> Tensor:
    """Return the gradient (T, 3H) of query, key and value."""
    q, k, v, p, dropped, mask = kept
    dout = layout.split_gradient(dcontext)  # (B*A, L, D)
    dp = torch.bmm(dout, v.transpose(1, 2))  # (B*A, L, L)
    dp = (dp.mul_(mask) if share else dp).float().mul_(growth(share) * q.shape[2] ** -0.5)
    ds = _aten._softmax_backward_data(dp, p.float(), -1, torch.float32).to(q.dtype)
    dqkv = q.new_empty(3, *q.shape)  # (3, B*A, L, D)
    torch.bmm(ds, k, out=dqkv[0])
    torch.bmm(ds.transpose(1, 2), q, out=dqkv[1])
    torch.bmm(dropped.transpose(1, 2), dout, out=dqkv[2])
    return layout.silence(layout.join(dqkv, 3))


def _masks(x: Tensor, layout: Layout, settings: LayerSettings) -> tuple[Tensor, Tensor, Tensor]:
    """Draw a layer's dropout masks: of attention (B*A, L, L), of its output and of the feed-forward's (T, H)."""
    shape = (layout.rows * layout.heads, layout.width, layout.width)
    size = math.prod(shape) if settings.attention_share else 0
    random = random_bytes(size + (2 * x.numel() if settings.share else 0))
    attention = survivors(random[:size], shape, x.dtype, settings.attention_share)
    first, second = survivors(random[size:], (2, *x.shape), x.dtype, settings.share)
    return attention, first, second


def random_bytes(count: int) -> Tensor:
    """Return uniform random bytes, shape (count,), from torch's generator: one draw gives eight."""
    return torch.empty(-(-count // 8), dtype=torch.int64).random_(-(2**63), None).view(torch.uint8)[:count]


def survivors(random: Tensor, shape: Sequence[int], dtype: torch.dtype, share: float) -> Tensor:
    """Return 1 where an element survives dropout, else 0; nothing where there is no dropout."""
    if not share:
        return torch.empty(2, 0, dtype=dtype)
    return torch.ge(random.view(shape), round(share * 256), out=torch.empty(shape, dtype=dtype))


def rounded_share(dropout: Any) -> float:
    """Return the share that a dropout module takes, rounded to a 256th, never all."""
    return min(round(dropout.p * 256), 255) / 256 if dropout.training else 0.0


def growth(share: float) -> float:
    """Return the factor by which survivors of dropout grow."""
    return 1 / (1 - share)


def _drop(x: Tensor, mask: Tensor, share: float) -> Tensor:
    """Apply dropout; its backward pass is the same."""
    return (x * mask).mul_(growth(share)) if share else x


def _add(x: Tensor, y: Tensor, mask: Tensor, share: float) -> Tensor:
    """Return x + dropout(y)."""
    return torch.addcmul(x, y, mask, value=growth(share)) if share else x + y
