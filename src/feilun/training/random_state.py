"""Where torch's random numbers stand: on the processor, and on the GPU where there is one."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def random_state() -> dict[str, Tensor]:
    """Return the state by the names that a checkpoint gives it."""
    state = {"random": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["random_gpu"] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: Mapping[str, Tensor]) -> None:
    """Go back to a state that `random_state` returned; of further tensors no notice is taken."""
    torch.set_rng_state(state["random"])
    if "random_gpu" in state:
        torch.cuda.set_rng_state(state["random_gpu"])
