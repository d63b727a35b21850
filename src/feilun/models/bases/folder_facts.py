"""What a folder of transformers tells of a base: its kind, limits, pooling, languages and licence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from feilun.core.errors import BaseModelError
from feilun.core.remark import Remark
from feilun.models.bases import gguf
from feilun.models.bases.base import BaseFacts, Kind, Pooling
from feilun.models.bases.languages import MULTILINGUAL, SCRIPTS
from feilun.models.bases.stored import CONFIG

WITHOUT_LIMIT = 512
"""Longest sequence of models that state no limit of their own."""

OFFSET_POSITIONS = frozenset(("roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "longformer", "mpnet", "xlm"))
"""Kinds of models whose first positions, as many as the padding id plus one, are never used."""


def facts_of(folder: Path, name: str) -> BaseFacts:
    """Read from a transformers folder what is to be known of a base.

    Raises:
        BaseModelError: If it is no encoder or causal language model of text.
    """
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # the checks of each architecture's configuration share no base class
        raise BaseModelError(
            Remark(f"The configuration of {name} cannot be read: {error}", f"无法读取 {name} 的配置：{error}"),
            Remark("It must be of an architecture of transformers.", "它的架构必须是 transformers 支持的。"),
        ) from error
    kind = kind_of(config, name)
    pad = gguf.pad_id(config)
    return BaseFacts(
        name=name,
        kind=kind,
        pooling=_pooling(folder, kind),
        prefix="query: " if "-e5-" in f"-{name.rpartition('/')[2].lower()}-" else "",
        max_tokens=_max_tokens(folder, config, pad),
        pad_id=pad,
        languages=_languages(folder),
        licence=_card(folder).get("license", [""])[0],
    )


def kind_of(config: Any, name: str) -> Kind:
    """Say whether a configuration is of an encoder or of a causal language model.

    Raises:
        BaseModelError: If it is of neither.
    """
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    )

    masked, causal = (
        config.model_type in names for names in (MODEL_FOR_MASKED_LM_MAPPING_NAMES, MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)
    )
    if getattr(config, "is_encoder_decoder", False) or not (masked or causal):
        raise BaseModelError(
            Remark(
                f"{name} is a {config.model_type} model, neither an encoder nor a causal language model of text.",
                f"{name} 是 {config.model_type} 模型，既不是编码器，也不是文本的因果语言模型。",
            ),
            Remark(
                "Choose an encoder (BERT, RoBERTa, XLM-R, …) or a causal language model (Llama, Qwen, Gemma, …).",
                "请选择编码器（BERT、RoBERTa、XLM-R 等）或因果语言模型（Llama、Qwen、Gemma 等）。",
            ),
        )
    return "encoder" if masked or getattr(config, "use_bidirectional_attention", False) is True else "causal"


def _pooling(folder: Path, kind: Kind) -> Pooling:
    described = read_json(folder / "1_Pooling" / CONFIG)  # sentence-transformers says how its model was trained
    if described.get("pooling_mode_cls_token"):
        return "first"
    if described.get("pooling_mode_lasttoken"):
        return "last"
    if described.get("pooling_mode_mean_tokens"):
        return "mean"
    return "mean" if kind == "encoder" else "last"


def _max_tokens(folder: Path, config: Any, pad: int) -> int:
    limits = [read_json(folder / "tokenizer_config.json").get("model_max_length")]
    positions = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None)
    if isinstance(positions, int) and positions > 0:
        limits.append(positions - pad - 1 if config.model_type in OFFSET_POSITIONS else positions)
    real = [int(limit) for limit in limits if isinstance(limit, (int, float)) and 0 < limit < 10_000_000]
    return min(real, default=WITHOUT_LIMIT)


def _languages(folder: Path) -> tuple[str, ...]:
    named = [value.lower() for value in _card(folder).get("language", [])]
    known = [value[:2] for value in named if value[:2] in SCRIPTS and len(value.split("-")[0]) == 2]
    return tuple(dict.fromkeys([*known, *([MULTILINGUAL] if MULTILINGUAL in named else [])]))


def _card(folder: Path) -> dict[str, list[str]]:
    """Return the lists and single values at the head of a model card; YAML's simplest forms, all that cards use."""
    path = folder / "README.md"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    if not lines or lines[0].strip() != "---":
        return {}
    card: dict[str, list[str]] = {}
    key = ""
    for line in lines[1:]:
        if line.strip() == "---":
            break
        if line.lstrip().startswith("- ") and key:
            card[key].append(line.strip()[2:].strip().strip("'\""))
        elif ":" in line and not line[0].isspace():
            key, _, value = line.partition(":")
            values = value.strip().strip("[]").split(",")
            card[key] = [item.strip().strip("'\"") for item in values if item.strip()]
    return {key: values for key, values in card.items() if values}


def read_json(path: Path) -> dict[str, Any]:
    """Return a table of a JSON file; an empty one where there is none."""
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found if isinstance(found, dict) else {}
