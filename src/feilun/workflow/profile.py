"""What a bundle remembers of its validation rows, so that its traffic can be compared with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from feilun.bundles.generator import Generator
from feilun.bundles.runtime import Runtime
from feilun.core.answers.table import ANSWERS
from feilun.core.corpus import Corpus
from feilun.core.decisions.rank import queries
from feilun.core.splits import Splits
from feilun.data.target_kinds.table import TARGET_KINDS
from feilun.monitoring.answer_signals import watched
from feilun.monitoring.redaction import kept_rows
from feilun.monitoring.reference import KEY, ROWS, STATES, evenly, make_reference
from feilun.monitoring.sample import sample_of

UNKNOWN = ("[UNK]", "<unk>", "<UNK>", "[unk]")
"""How tokenizers call the token for what their vocabulary does not hold."""


WRITTEN = 200
"""Most validation rows to which answers are written: that takes time."""

PIECE = 64
"""Texts that are encoded in one go: meanwhile the tokenizer is not free for a service's answers."""


def with_reference(runtime: Runtime | Generator, splits: Splits, task: str = "classify") -> dict[str, Any]:
    """Return the profile of the data, and in it figures of what the model says about the validation rows.

    Args:
        runtime: The model as it will be served, calibrated.
        splits: For the profile and the validation rows.
        task: The recipe's.
    """
    validation = _some(splits.validation, task, WRITTEN if isinstance(runtime, Generator) else ROWS)
    predictions = [prediction.to_json() for prediction in runtime.predict(validation)]
    looked = watched(validation, predictions)
    rows = kept_rows(validation, runtime.features, in_place=runtime.decision.reads == "tokens").select(
        looked.rows.tolist()
    )
    chosen = rows.select(evenly(len(rows), 2 * STATES).tolist())
    states = runtime.embed(chosen) if any(rows.text) else None
    sample = sample_of(rows, looked.signals, unknown_shares(runtime, rows), states, runtime.features)
    pairs = zip((predictions[row] for row in looked.rows), rows.target or (), strict=True)
    correct = np.array([ANSWERS[task].right(answer, target) for answer, target in pairs], dtype=bool)
    return {**splits.profile, KEY: make_reference(sample, correct).to_json()}


def _some(corpus: Corpus, task: str, rows: int) -> Corpus:
    """Return about so many rows, evenly spread; lists of candidates stay whole."""
    lists = queries(corpus) if TARGET_KINDS[task].lists else np.arange(len(corpus))
    count = int(lists.max(initial=-1)) + 1
    chosen = evenly(count, max(1, rows * count // max(1, len(corpus))))
    return corpus.select(np.flatnonzero(np.isin(lists, chosen)).tolist())


def unknown_shares(runtime: Runtime | Generator, rows: Corpus) -> NDArray[np.float64]:
    """Return the share of each row's tokens that the vocabulary does not hold, shape (rows,).

    Empty where the tokenizer has no token for them: it then spells everything out in bytes.
    """
    number = unknown_token(runtime.encoder.tokenizer)
    if number is None or not any(rows.text):
        return np.empty(0)
    shares: list[float] = []
    for start in range(0, len(rows), PIECE):
        encoded = runtime.encode(rows.select(range(start, min(start + PIECE, len(rows)))))
        shares += [row.count(number) / max(1, len(row)) for row in encoded]
    return np.array(shares, dtype=np.float64)


def unknown_token(tokenizer: Tokenizer) -> int | None:
    """Return the number of a tokenizer's unknown token, or None where it has none."""
    named = getattr(tokenizer.model, "unk_token", None)
    found = (tokenizer.token_to_id(name) for name in ((named,) if named else UNKNOWN))
    return next((number for number in found if number is not None), None)
