"""What a recipe begins with beside its data, by task: the settings that a first training of its kind wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from feilun.models.bases.packaged import NO_BASE

ALL_LATIN = 0.98
"""Share of Latin letters from which on a base for English alone is taken."""

WITHOUT_TEXT = {
    "epochs": 40, "batch_rows": 32, "head_learning_rate": 3e-3,
    "early_stopping": {"metric": "log_loss", "patience": 30},
}  # fmt: skip
"""What trains well where columns are all there is (docs/features.md); the metric is that of `classify`."""

GATES = {
    "classify": "macro_f1 = 0.80", "multilabel": "micro_f1 = 0.75", "tag": "entity_f1 = 0.70",
    "match": "accuracy = 0.75", "rank": '"ndcg@10" = 0.70', "regress": "r2 = 0.30", "generate": "rouge_l = 0.30",
}  # fmt: skip
"""A gate to begin with; apart, texts are judged by finding one another."""
GATE_APART = '"mrr@10" = 0.30'

CHARACTERS_PER_TOKEN = {"han": 1.3, "latin": 3.5}
"""On the careful side: fewer than the packaged bases have on average, so that most texts are read whole."""

FEWEST_TOKENS, MOST_TOKENS = 64, 1024
FEWEST_WRITTEN, MOST_WRITTEN = 16, 256
ROWS_WRITTEN = 100
"""Of the test rows answers are written for so many: writing takes far longer than reading."""


def base_for(scripts: Mapping[str, float], task: str = "classify") -> str:
    """Return the packaged base for the scripts of a text: the English one only where all of it is Latin script."""
    english = scripts.get("latin", 0.0) > ALL_LATIN
    if task == "generate":
        return "smollm2-135m" if english else "gemma3-270m"
    return "minilm-l6-en" if english else "multilingual-e5-small"


def gate_for(task: str, *, labelled: bool) -> str:
    """Return a line of the table `[gate]` to begin with."""
    return GATE_APART if task == "match" and not labelled else GATES[task]


def top_layers(count: int) -> dict[str, Any]:
    """Return what a recipe's table `[model]` says for so many top layers of the base to learn; 0 for all of them.

    The lower layers run once, whatever the epochs, which is what counts where a run has minutes.
    """
    return {"adaptation": {"kind": "frozen", "layers": count}} if count else {}


def settings_for(
    task: str, base: str, texts: Sequence[str], answers: Sequence[str], scripts: Mapping[str, float], labelled: bool
) -> dict[str, Any]:
    """Return the tables of a recipe beside `[data]`.

    Args:
        task: What the model is to do.
        base: The base model.
        texts: Texts of the sample.
        answers: What is to be written for each, where the task writes.
        scripts: Share of each script in the texts.
        labelled: Whether a column says what is to be predicted.

    Returns:
        Tables by name.
    """
    model: dict[str, Any] = {"base": base}
    if base == NO_BASE:
        training = dict(WITHOUT_TEXT)
        if task != "classify":
            del training["early_stopping"]
        return {"model": model, "training": training}
    if task == "match" and not labelled:
        return {"model": {"encoder": "bi", **model}}
    if task == "generate":
        return _writing(model, texts, answers, scripts)
    return {"model": model}


def _writing(
    model: Mapping[str, Any], texts: Sequence[str], answers: Sequence[str], scripts: Mapping[str, float]
) -> dict[str, Any]:
    """Return the settings of a model that writes: tuned by LoRA, with room for most prompts and answers."""
    per_token = CHARACTERS_PER_TOKEN["latin" if scripts.get("latin", 0.0) > ALL_LATIN else "han"]
    written = _rounded(_long(answers) / per_token, FEWEST_WRITTEN, MOST_WRITTEN)
    read = _rounded(_long(texts) / per_token + written, FEWEST_TOKENS, MOST_TOKENS)
    return {
        "model": {
            **model,
            "max_tokens": read,
            "head": {"max_new_tokens": written},
            "adaptation": {"kind": "lora", "rank": 16, "alpha": 32, "targets": ["all"]},
        },
        "training": {"epochs": 2, "batch_rows": 8},
        "evaluation": {"rows": ROWS_WRITTEN},
    }


def _long(texts: Sequence[str]) -> int:
    """Return the characters that all but one text in twenty stay within."""
    lengths = sorted(map(len, texts))
    return lengths[int(0.95 * (len(lengths) - 1))] if lengths else 0


def _rounded(tokens: float, fewest: int, most: int) -> int:
    """Round up to a multiple of the fewest, at most `most`."""
    return min(most, fewest * (1 + int(tokens) // fewest))
