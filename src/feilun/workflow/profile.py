"""What a bundle remembers of its validation rows, so that its traffic can be compared with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from feilun.bundles.generator import Generator
from feilun.bundles.runtime import Runtime
from feilun.core.corpus import corpus_of
from feilun.core.splits import Splits
from feilun.monitoring.redaction import kept
from feilun.monitoring.reference import KEY, ROWS, STATES, evenly, make_reference
from feilun.monitoring.sample import sample_of

UNKNOWN = ("[UNK]", "<unk>", "<UNK>", "[unk]")
"""How tokenizers call the token for what their vocabulary does not hold."""


PIECE = 64
"""Texts that are encoded in one go: meanwhile the tokenizer is not free for a service's answers."""


def with_reference(runtime: Runtime | Generator, splits: Splits, task: str = "classify") -> dict[str, Any]:
    """Return the profile of the data, and in it figures of what the model says about the validation rows.

    Args:
        runtime: The model as it will be served, calibrated.
        splits: For the profile and the validation rows.
        task: The recipe's; others than `classify` have no single label to compare, and rows without a
            text nothing that traffic is compared by: they get no such figures yet.
    """
    if task != "classify" or isinstance(runtime, Generator) or not any(splits.validation.text):
        return dict(splits.profile)
    rows = splits.validation.select(evenly(len(splits.validation), ROWS).tolist())
    predictions = runtime.predict(rows)
    texts = [kept(text) for text in rows.text]
    labels = [prediction.label for prediction in predictions]
    sample = sample_of(
        texts,
        labels,
        [prediction.score for prediction in predictions],
        unknown_shares(runtime, texts),
        runtime.embed(corpus_of([texts[i] for i in evenly(len(texts), 2 * STATES)])),
    )
    correct = np.array([label == right for label, right in zip(labels, rows.target or (), strict=True)], dtype=bool)
    return {**splits.profile, KEY: make_reference(sample, correct).to_json()}


def unknown_shares(runtime: Runtime | Generator, texts: Sequence[str]) -> NDArray[np.float64]:
    """Return the share of each text's tokens that the vocabulary does not hold, shape (texts,).

    Empty where the tokenizer has no token for them: it then spells everything out in bytes.
    """
    number = unknown_token(runtime.encoder.tokenizer)
    if number is None:
        return np.empty(0)
    shares: list[float] = []
    for start in range(0, len(texts), PIECE):
        rows = runtime.encode(corpus_of(list(texts[start : start + PIECE])))
        shares += [row.count(number) / max(1, len(row)) for row in rows]
    return np.array(shares, dtype=np.float64)


def unknown_token(tokenizer: Tokenizer) -> int | None:
    """Return the number of a tokenizer's unknown token, or None where it has none."""
    named = getattr(tokenizer.model, "unk_token", None)
    found = (tokenizer.token_to_id(name) for name in ((named,) if named else UNKNOWN))
    return next((number for number in found if number is not None), None)
