"""How fast this machine trains a model, from a few real steps."""

from __future__ import annotations

import time

import torch

from feilun.core.corpus import Corpus
from feilun.models.text_model import TextModel
from feilun.text.tokens import batches_by_length
from feilun.training.inputs import token_inputs
from feilun.training.optimizer import make_optimizer
from feilun.training.process import settle
from feilun.training.settings import TrainingSettings

WARM_UP = 2

PATIENCE = 3
"""How many times as long as wanted is measured at the most, on a machine that is slow or busy."""


def tokens_per_second(
    model: TextModel, corpus: Corpus, settings: TrainingSettings, rows: int, seconds: float = 3
) -> float:
    """Measure whole steps on real rows, at a learning rate of zero: the weights stay as they are.

    Args:
        model: The model as it will be trained.
        corpus: Rows to measure on; their lengths decide.
        settings: Optimiser and batches of the run.
        rows: Training rows of the run, which its batches depend on.
        seconds: How long to measure.

    Returns:
        Tokens a second, padding not counted.
    """
    inputs = token_inputs(model, corpus)
    targets = model.head.targets(corpus).to(model.device)
    optimizer = make_optimizer(model, settings.optimizer, 0.0, 0.0, settings.weight_decay, settings.layer_decay)
    batches = batches_by_length(inputs.lengths, settings.batch_tokens, settings.largest_batch(rows))
    batches = batches[:: max(1, len(batches) // 8)]  # every length takes part
    settle(model, settings)
    random_state = torch.get_rng_state()
    model.train()
    tokens, began = 0, time.perf_counter()
    for number in range(10_000):
        if number == WARM_UP:
            tokens, began = 0, time.perf_counter()
        batch = batches[number % len(batches)]
        model.head.loss(model.head(inputs.pooled(batch)), targets[batch]).mean().backward()  # type: ignore[no-untyped-call]
        if number % settings.accumulate == 0:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        tokens += sum(inputs.lengths[i] for i in batch)
        elapsed, whole = time.perf_counter() - began, number % len(batches) == WARM_UP - 1
        if number >= WARM_UP and elapsed > (seconds if whole else PATIENCE * seconds):
            break
    model.zero_grad(set_to_none=True)
    model.eval()
    torch.set_rng_state(random_state)
    return tokens / elapsed
