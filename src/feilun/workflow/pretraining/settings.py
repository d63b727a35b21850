"""What is pretrained on what: the tables of a recipe as far as texts without labels need them, and how they begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feilun.core.errors import RecipeError
from feilun.core.remark import Remark
from feilun.core.settings import read, table
from feilun.data.settings import DataSettings
from feilun.models.build import ModelSettings
from feilun.models.masking import MaskSettings
from feilun.training.settings import TrainingSettings
from feilun.workflow.settings_files.overrides import put
from feilun.workflow.settings_files.recipe_file import parse, placed, read_text, resolve

DEFAULTS: Mapping[str, Any] = {
    "data": {"split": {"validation": 0.05, "test": 0.05}},
    "training": {"epochs": 3, "layer_decay": 1.0, "early_stopping": {"metric": "perplexity"}},
}
"""Where pretraining wants something else than the tables do by themselves."""

WORD_EMBEDDINGS: Mapping[str, Any] = {"model": {"adaptation": {"word_embeddings": True}}}
"""What it wants where all weights move: the words of a domain are what is to be learned."""


@dataclass(frozen=True)
class PretrainSettings:
    """What is pretrained on what; the keys that `--set` takes."""

    data: DataSettings = table(DataSettings, "the texts")
    model: ModelSettings = table(ModelSettings, "the base")
    masking: MaskSettings = table(MaskSettings, "what is hidden from an encoder")
    training: TrainingSettings = table(TrainingSettings, "how the base learns")

    def contradictions(self) -> list[Remark]:
        """Say which settings have no meaning without labels."""
        data, model, training = self.data, self.model, self.training
        given = {
            "data.pair": data.pair, "data.features": data.features, "data.unlabelled": data.unlabelled,
            "model.layers": model.layers, "training.distil.teachers": training.distil.teachers,
            "training.semi_supervised": training.semi_supervised != "none",
        }  # fmt: skip
        return [
            Remark(
                f"{key} has no meaning here: a base is pretrained on texts alone.",
                f"{key} 在这里没有意义：基座只用文本预训练。",
            )
            for key, value in given.items()
            if value
        ]


def settings_of(source: str, text: str | None, base: str | None, overrides: Sequence[str] = ()) -> PretrainSettings:
    """Put the settings together.

    Args:
        source: The table of texts, or a TOML file that names it in `data.train`.
        text: Its column of texts; None: the file's, or `text`.
        base: The base; None: the file's, or the default one.
        overrides: Settings, each `key=value` with a dotted key, as `--set` takes them.

    Raises:
        UsageError: If there is no such TOML file.
        RecipeError: With every fault, those of a file with their lines.
    """
    written = source.lower().endswith(".toml")
    content = read_text(Path(source)) if written else ""
    values: dict[str, Any] = parse(content, Path(source)) if written else {"data": {"train": source}}
    if written:
        resolve(values, Path(source).absolute().parent)
    for room, key, value in (("data", "text", text), ("model", "base", base)):
        if value is not None and isinstance(values.setdefault(room, {}), dict):
            values[room] = {**values[room], key: value}
    overridden, faults = put(PretrainSettings, values, overrides)
    values = _with(values, DEFAULTS)
    if _moves_all(values.get("model", {})):
        values = _with(values, WORD_EMBEDDINGS)
    settings, more = read(PretrainSettings, values)
    if settings is None or faults:
        faults += placed(more, content, overridden)
        raise RecipeError(faults, source if written else Remark("feilun pretrain", "feilun pretrain 的设置"))
    return settings


def _moves_all(model: Any) -> bool:
    """Say whether a table `[model]` lets every weight move."""
    adaptation = model.get("adaptation", {}) if isinstance(model, Mapping) else None
    return isinstance(adaptation, Mapping) and adaptation.get("kind", "full") == "full"


def _with(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table with what it does not say taken from another one, at any depth."""
    merged = {**defaults, **values}
    for key, default in defaults.items():
        if isinstance(default, Mapping) and isinstance(merged[key], Mapping):
            merged[key] = _with(merged[key], default)
    return merged
