"""Base models from a local folder or a GGUF file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from feilun.core.errors import BaseModelError
from feilun.core.files import atomic_folder, sha256
from feilun.core.places import cache
from feilun.core.remark import Remark
from feilun.models.bases import gguf
from feilun.models.bases.base import Base, BaseFacts, Pooling
from feilun.models.bases.chat_template import turns_of_folder
from feilun.models.bases.folder_facts import WITHOUT_LIMIT, facts_of, kind_of
from feilun.models.bases.opening import open_model
from feilun.models.bases.safety import WHY_PICKLE, check_folder
from feilun.models.bases.stored import CONFIG, FACTS, TOKENIZER, load, save

if TYPE_CHECKING:
    from torch import Tensor

OUTPUT = "lm_head.weight"
"""How the families that write call the matrix from states to logits."""


def open_folder(path: Path) -> Base:
    """Open a base from a local folder or GGUF file.

    Raises:
        BaseModelError: If it is missing, unsafe, or no model that can be a base.
    """
    path = path.expanduser()
    if not path.exists():
        raise BaseModelError(
            Remark(
                f"There is no base model at {path}: the path does not exist.", f"{path} 处没有基座模型：路径不存在。"
            ),
            Remark(
                "Give a folder with config.json and safetensors, a .gguf file, or a name that `feilun bases` lists.",
                "请给出含 config.json 和 safetensors 的文件夹、一个 .gguf 文件，或 `feilun bases` 列出的名称。",
            ),
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
            Remark(
                f"The folder {path} holds no base model: it has no config.json, and {len(files)} GGUF files.",
                f"文件夹 {path} 中没有基座模型：没有 config.json，GGUF 文件有 {len(files)} 个。",
            ),
            Remark(
                "Give a folder with config.json and safetensors, or the one .gguf file that is meant.",
                "请给出含 config.json 和 safetensors 的文件夹，或指明其中一个 .gguf 文件。",
            ),
        )
    return open_checked(path, str(path))


def open_checked(folder: Path, name: str) -> Base:
    """Open a base from a folder that was found safe, under the name that the user gave.

    Raises:
        BaseModelError: If it is no model that can be a base.
    """
    if (folder / "adapter_config.json").is_file():
        raise BaseModelError(
            Remark(f"{name} is an adapter, not a whole model.", f"{name} 是适配器，不是完整的模型。"),
            Remark("Merge it into its base and save that as safetensors.", "请把它合并进基座，并保存为 safetensors。"),
        )
    shards = sorted(folder.glob("*.safetensors"))
    if not shards:
        raise BaseModelError(
            Remark(
                f"{name} has no safetensors weights. {WHY_PICKLE}",
                f"{name} 没有 safetensors 权重。{WHY_PICKLE.chinese}",
            ),
            Remark("Take a copy of the model in safetensors.", "请换用 safetensors 格式的模型。"),
        )
    tokenizer = _tokenizer(folder, name)
    facts = facts_of(folder, name)
    model = open_model(folder)
    if facts.kind == "causal":
        gguf.start_with(tokenizer, _start_token(model.config, tokenizer))
    elif not tokenizer.encode("").ids:
        raise BaseModelError(
            Remark(
                f"The tokenizer of {name} adds no special tokens, which its encoder needs.",
                f"{name} 的分词器不加特殊词元，而它的编码器需要。",
            ),
            Remark("Fetch the model's own tokenizer.json.", "请获取该模型自己的 tokenizer.json。"),
        )
    joined = "".join(sha256(shard) for shard in shards) + hashlib.sha256(tokenizer.to_str().encode()).hexdigest()
    return Base(
        **facts.fields(),
        model=model,
        tokenizer=tokenizer,
        sha256=hashlib.sha256(joined.encode()).hexdigest(),
        turns=turns_of_folder(folder) if facts.kind == "causal" else None,
        output=_output(shards, model.config) if facts.kind == "causal" else None,
    )


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
            Remark(f"The tokenizer of {name} cannot be read: {error}", f"无法读取 {name} 的分词器：{error}"),
            Remark(
                "The model needs a tokenizer.json, or files that transformers can turn into one.",
                "模型需要 tokenizer.json，或 transformers 能转换成它的文件。",
            ),
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
