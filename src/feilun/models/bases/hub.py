"""Base models from a hub, a local folder or a GGUF file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from feilun.core.errors import BaseModelError, nearest
from feilun.core.files import atomic_folder, sha256
from feilun.core.places import cache
from feilun.models.bases import gguf
from feilun.models.bases.base import (
    CONFIG,
    FACTS,
    TOKENIZER,
    WEIGHTS,
    Base,
    BaseFacts,
    Kind,
    Pooling,
    load,
    open_model,
    save,
)
from feilun.models.bases.languages import MULTILINGUAL, SCRIPTS
from feilun.models.bases.packaged import PACKAGED
from feilun.models.bases.safety import WHY_PICKLE, check_folder
from feilun.models.bases.turns import turns_of_folder

if TYPE_CHECKING:
    from torch import Tensor

SMALL_FILES = ("*.json", "*.jinja", "*.txt", "*.model", "README.md")
WEIGHT_FILES = ("*.safetensors",)
PICKLED_WEIGHTS = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack")

OUTPUT = "lm_head.weight"
"""How the families that write call the matrix from states to logits."""

INDEX = "model.safetensors.index.json"
PATIENCE = 10.0
"""Seconds until a hub that does not answer counts as out of reach."""

WITHOUT_LIMIT = 512
"""Longest sequence of models that state no limit of their own."""

OFFSET_POSITIONS = frozenset(("roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "longformer", "mpnet", "xlm"))
"""Kinds of models whose first positions, as many as the padding id plus one, are never used."""


def open_hub(name: str) -> Base:
    """Open a base by its hub id: from the hub's local cache where it is whole, else by downloading it.

    Args:
        name: Such as `org/model`; the environment's HF_ENDPOINT names a mirror.

    Returns:
        The base.

    Raises:
        BaseModelError: If the hub cannot be reached, has no such model, or the model is unsafe.
    """
    folder = _cached_snapshot(name) or _download(name)
    check_folder(folder, refuse_pickles=False)
    return _open_checked(folder, name)


def open_folder(path: Path) -> Base:
    """Open a base from a local folder or GGUF file.

    Raises:
        BaseModelError: If it is missing, unsafe, or no model that can be a base.
    """
    path = path.expanduser()
    if not path.exists():
        raise BaseModelError(
            f"There is no base model at {path}: the path does not exist.",
            "Give a folder with config.json and safetensors, a .gguf file, or a name that `feilun bases` lists.",
        )
    if path.is_file():
        return _open_gguf(path)
    check_folder(path)
    if (path / FACTS).is_file():
        return load(path)
    if not (path / CONFIG).is_file():
        files = sorted(path.glob("*.gguf"))
        if len(files) == 1:
            return _open_gguf(files[0])
        raise BaseModelError(
            f"The folder {path} holds no base model: it has no config.json, and {len(files)} GGUF files.",
            "Give a folder with config.json and safetensors, or the one .gguf file that is meant.",
        )
    return _open_checked(path, str(path))


def facts_of(folder: Path, name: str, tokenizer: Tokenizer) -> BaseFacts:
    """Read from a transformers folder what is to be known of a base.

    Raises:
        BaseModelError: If it is no encoder or causal language model of text.
    """
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # the checks of each architecture's configuration share no base class
        raise BaseModelError(
            f"The configuration of {name} cannot be read: {error}", "It must be of an architecture of transformers."
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
            f"{name} is a {config.model_type} model, neither an encoder nor a causal language model of text.",
            "Choose an encoder (BERT, RoBERTa, XLM-R, …) or a causal language model (Llama, Qwen, Gemma, …).",
        )
    return "encoder" if masked or getattr(config, "use_bidirectional_attention", False) is True else "causal"


def _open_checked(folder: Path, name: str) -> Base:
    if (folder / "adapter_config.json").is_file():
        raise BaseModelError(
            f"{name} is an adapter, not a whole model.", "Merge it into its base and save that as safetensors."
        )
    shards = sorted(folder.glob("*.safetensors"))
    if not shards:
        raise BaseModelError(
            f"{name} has no safetensors weights. {WHY_PICKLE}", "Take a copy of the model in safetensors."
        )
    tokenizer = _tokenizer(folder, name)
    facts = facts_of(folder, name, tokenizer)
    model = open_model(folder)
    if facts.kind == "causal":
        gguf.start_with(tokenizer, _start_token(model.config, tokenizer))
    elif not tokenizer.encode("").ids:
        raise BaseModelError(
            f"The tokenizer of {name} adds no special tokens, which its encoder needs.",
            "Fetch the model's own tokenizer.json.",
        )
    joined = "".join(sha256(shard) for shard in shards) + hashlib.sha256(tokenizer.to_str().encode()).hexdigest()
    return Base(
        name, facts.kind, model, tokenizer, facts.pooling, facts.prefix, facts.max_tokens, facts.pad_id,
        facts.languages, hashlib.sha256(joined.encode()).hexdigest(), facts.licence,
        turns_of_folder(folder) if facts.kind == "causal" else None,
        _output(shards, model.config) if facts.kind == "causal" else None,
    )  # fmt: skip


def _output(shards: Sequence[Path], config: Any) -> Tensor | None:
    """Return a language model's output matrix, where it has one beside its word embeddings."""
    from safetensors import safe_open

    for shard in () if config.tie_word_embeddings else shards:
        with safe_open(shard, "pt") as file:
            if OUTPUT in file.keys():  # noqa: SIM118 - a method of its own, not a dictionary's
                matrix: Tensor = file.get_tensor(OUTPUT).float()
                return matrix
    return None


def _open_gguf(file: Path) -> Base:
    """Open a GGUF file: converted into the cache at the first use, known there by its hash."""
    folder = cache() / f"{file.stem}-{sha256(file)[:12]}"
    if not (folder / FACTS).is_file():
        model, tokenizer = gguf.read(file)
        config: Any = model.config
        gguf.start_with(tokenizer, _start_token(config, tokenizer))
        limit = int(getattr(config, "max_position_embeddings", WITHOUT_LIMIT))
        kind = kind_of(config, str(file))
        pooling: Pooling = "last" if kind == "causal" else "mean"
        facts = BaseFacts(str(file), kind, pooling, "", limit, gguf.pad_id(config), (), "")
        with atomic_folder(folder) as temporary:
            save(temporary, gguf.weights(model), config, tokenizer, facts)
    return load(folder)


def _tokenizer(folder: Path, name: str) -> Tokenizer:
    try:
        if (folder / TOKENIZER).is_file():
            tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        else:
            from transformers import AutoTokenizer

            options = {"local_files_only": True, "trust_remote_code": False, "use_fast": True}
            tokenizer = AutoTokenizer.from_pretrained(folder, **options).backend_tokenizer
    except Exception as error:  # the tokenizers library raises bare Exception
        raise BaseModelError(
            f"The tokenizer of {name} cannot be read: {error}",
            "The model needs a tokenizer.json, or files that transformers can turn into one.",
        ) from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _start_token(config: Any, tokenizer: Tokenizer) -> str:
    for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
        value = getattr(config, name, None)
        value = value[0] if isinstance(value, list) and value else value
        if isinstance(value, int) and tokenizer.id_to_token(value):
            return str(tokenizer.id_to_token(value))
    return ""


def _pooling(folder: Path, kind: Kind) -> Pooling:
    described = _json(folder / "1_Pooling" / CONFIG)  # sentence-transformers says how its model was trained
    if described.get("pooling_mode_cls_token"):
        return "first"
    if described.get("pooling_mode_lasttoken"):
        return "last"
    if described.get("pooling_mode_mean_tokens"):
        return "mean"
    return "mean" if kind == "encoder" else "last"


def _max_tokens(folder: Path, config: Any, pad: int) -> int:
    limits = [_json(folder / "tokenizer_config.json").get("model_max_length")]
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


def _json(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found if isinstance(found, dict) else {}


def _cached_snapshot(name: str) -> Path | None:
    """Return the hub's local copy where configuration and every weight file of it are there."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        folder = Path(snapshot_download(name, local_files_only=True, allow_patterns=[CONFIG]))
    except HFValidationError as error:
        raise BaseModelError(
            f"{name!r} is no base model's name. {nearest(name, PACKAGED)}",
            "Give a packaged name, a hub id such as org/model, or the path of a folder.",
        ) from error
    except OSError:  # nothing there, or not all of it
        return None
    shards = set(_json(folder / INDEX).get("weight_map", {}).values()) or {WEIGHTS}
    whole = all((folder / str(shard)).is_file() for shard in (CONFIG, *shards))
    return folder if whole else None


def _download(name: str) -> Path:
    """Fetch a model: first the small files, which are checked, then the weights."""
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    try:
        siblings = HfApi().model_info(name, timeout=PATIENCE).siblings or []
        _need_safetensors(name, [sibling.rfilename for sibling in siblings])
        check_folder(Path(snapshot_download(name, allow_patterns=list(SMALL_FILES))), refuse_pickles=False)
        patterns = list(SMALL_FILES + WEIGHT_FILES)
        return Path(snapshot_download(name, allow_patterns=patterns, ignore_patterns=["*/*.safetensors"]))
    except BaseModelError:
        raise
    except GatedRepoError as error:
        raise BaseModelError(
            f"The hub gives {name} only to accounts that agreed to its terms.",
            "Agree on the model's page, set HF_TOKEN, and run the command again.",
        ) from error
    except RepositoryNotFoundError as error:
        raise BaseModelError(
            f"There is no base model {name!r}: neither packaged nor on the hub. {nearest(name, PACKAGED)}",
            "`feilun bases` lists the packaged ones; a hub id has the form org/model.",
        ) from error
    except Exception as error:  # the hub's client changed its HTTP library, and its errors, more than once
        raise _unreachable(name, error) from error


def _need_safetensors(name: str, files: list[str]) -> None:
    if any(file.endswith(".safetensors") for file in files):
        return
    pickled = sorted(file for file in files if file.endswith(PICKLED_WEIGHTS))
    has = f"only {', '.join(pickled[:3])}" if pickled else "no weights that Feilun reads"
    raise BaseModelError(
        f"The hub's model {name} has no safetensors: it has {has}. {WHY_PICKLE}",
        "Choose another copy of the model, or download a GGUF file of it and give its path.",
    )


def _unreachable(name: str, error: Exception) -> BaseModelError:
    from huggingface_hub import constants

    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    offline = " Networking is switched off by HF_HUB_OFFLINE." if os.environ.get("HF_HUB_OFFLINE") else ""
    return BaseModelError(
        f"The base model {name!r} is not packaged and not in the local cache, and the hub at {constants.ENDPOINT} "
        f"cannot be reached: {reason}.{offline} {nearest(name, PACKAGED)}",
        "Set HF_ENDPOINT to a mirror that you can reach, or download the model elsewhere (hub or ModelScope) and give "
        "its folder; the packaged bases need no hub (`feilun bases`).",
    )
