"""Memory and threads of a process that trains."""

from __future__ import annotations

import ctypes

import torch

from feilun.models.recomputing import recompute_layers
from feilun.models.text_model import TextModel
from feilun.training.settings import TrainingSettings

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # names of glibc's mallopt(3)


def settle(model: TextModel, settings: TrainingSettings) -> None:
    """Give a process the threads and the ways of memory that a run wants."""
    if settings.threads:
        torch.set_num_threads(settings.threads)
    keep_freed_memory()
    if settings.gradient_checkpointing:
        recompute_layers(model.base)


def keep_freed_memory() -> bool:
    """Tell the C library to keep freed memory for the next step instead of giving it back to the system.

    Every step frees and asks anew for its gradients and activations; otherwise the system clears each page again,
    which costs small batches up to a fifth of their time. The process's peak grows by about 2 %.

    Returns:
        Whether it took effect: only glibc (most Linux distributions) can be told.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):
        return False
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, 2**31 - 1))


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an error tells that an allocation failed: on a GPU, by torch on the processor, or by Python."""
    said = str(error)
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError) and ("DefaultCPUAllocator" in said or "std::bad_alloc" in said)
    )
