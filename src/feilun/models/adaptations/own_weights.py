"""A model's weights parted in two: those of its base as it came, and what an adaptation put beside or in place of them.

Both go by the names that they have in a written graph (`compression/graphs/open_graph.py`): a module's path in the
bare base; below it `low_rank.a` and `low_rank.b` for an update, `bottleneck.gelu.down` and the like for an adapter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from feilun.models.adaptations.adapter import FIRST, Bottleneck
from feilun.models.adaptations.low_rank import factors, low_rank_modules

Weights = dict[str, NDArray[np.float32]]

_ADDED = re.compile(r"\.(lora_\w+|sensitivity_\w+|uncertainty_\w+|kept)(\.|$)")


def graph_weights(body: nn.Module) -> Weights:
    """Return what a graph of the model as it is now holds, low-rank updates left out.

    Args:
        body: The transformers model, adapted or not.

    Returns:
        Arrays as torch keeps them: a linear layer's weight has the shape (out, in).
    """
    places = _bottlenecks(body)
    named = {name: tensor for name, tensor in body.state_dict().items() if not _ADDED.search(name)}
    return {_graph_name(name, places): _array(tensor) for name, tensor in named.items()}


def base_weights(body: nn.Module) -> Weights:
    """Return the weights of the bare base as it was before anything moved, but for what moves in place for good.

    Norms that learn beside adapters are remembered as they were (`adapter.FIRST`).
    """
    first = {
        f"{name}.{own}": _array(getattr(module, FIRST.format(own)))
        for name, module in body.named_modules()
        for own, _ in module.named_parameters(recurse=False)
        if hasattr(module, FIRST.format(own))
    }
    places = _bottlenecks(body)
    weights = {name: array for name, array in graph_weights(body).items() if ".bottleneck." not in name}
    return {**weights, **{_graph_name(name, places): array for name, array in first.items()}}


def own_weights(body: nn.Module, moving: Iterable[str]) -> Weights:
    """Return what an adaptation added to a base or moved in it.

    Args:
        body: The adapted model.
        moving: Names of those of its weights that may move.

    Returns:
        Arrays as a graph multiplies by them: matrices have the shape (in, out); of an update the scale is in `b`, and
        ranks that were set to zero are left out.
    """
    found = dict(_updates(body))
    weights, places = graph_weights(body), _bottlenecks(body)
    for name in moving:
        if not _ADDED.search(f".{name}"):
            own = _graph_name(name, places)
            array = weights[own]
            found[own.removesuffix(".weight") if array.ndim == 2 else own] = np.ascontiguousarray(array.T)
    return found


def _updates(body: nn.Module) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for name, module in low_rank_modules(body):
        outer, inner, scale = factors(module)
        b, a = _array(outer), _array(inner)
        left = np.flatnonzero(np.abs(a).sum(1) > 0)  # AdaLoRA sets the others to zero
        yield f"{name}.low_rank.a", np.ascontiguousarray(a[left].T)
        yield f"{name}.low_rank.b", np.ascontiguousarray((b[:, left] * np.float32(scale)).T)


def _bottlenecks(body: nn.Module) -> dict[str, str]:
    """Return the activations of the bottlenecks by their paths."""
    return {
        name: type(module.activation).__name__.lower()
        for name, module in body.named_modules()
        if isinstance(module, Bottleneck)
    }


def _graph_name(name: str, places: dict[str, str]) -> str:
    """Return the name in a graph of a tensor of an adapted model."""
    owner, found, own = name.partition(".bottleneck.")
    if found:
        return f"{owner}.bottleneck.{places[f'{owner}.bottleneck']}.{own}"
    return name.replace(".base_layer.", ".").replace(".inner.", ".")


def _array(tensor: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.detach().float().cpu().numpy()
    return array
