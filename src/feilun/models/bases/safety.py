"""Refuses base models that could run code: only safetensors and GGUF are ever opened."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from feilun.core.errors import BaseModelError
from feilun.core.files import read_json

PICKLED = frozenset(
    (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".dill", ".npy", ".npz", ".msgpack", ".h5")
)
"""Endings of files that are pickles, or that can hold some; `.h5` can hold code of layers."""

CODE_KEYS = ("auto_map", "trust_remote_code")
"""Configuration keys that make transformers import Python code from beside the weights."""

DATA_NAMES = frozenset(("tokenizer.json", "vocab.json", "added_tokens.json"))
"""JSON files whose keys are words of a vocabulary, in which no configuration is ever looked for."""

SHARD = re.compile(r"[\w.-]+\.safetensors", re.ASCII)
"""A weights file beside its index: no separator of any system, and nothing that decodes to one."""

MOST_LAYERS = 1000
"""Making the layers that a configuration wants takes time before any weight is missed."""

WHY_PICKLE = "A pickle can run any code when it is opened, so Feilun opens safetensors and GGUF only."
WHY_CODE = "Code from a model's folder would run with your rights, so Feilun never does it."


def check_folder(folder: Path, *, refuse_pickles: bool = True) -> None:
    """Refuse a folder that holds pickled weights or asks for code of its own, at any depth.

    Args:
        folder: The base's folder.
        refuse_pickles: False for a hub's cache, where other programs may have put pickles that are never opened here.

    Raises:
        BaseModelError: With the file and the reason.
    """
    files = list(_files(folder))
    for path in files:
        if not path.is_file():
            raise BaseModelError(f"{path} is a broken link or a special file.", "Remove it, or fetch the model anew.")
        if refuse_pickles:
            refuse_pickle(path)
    for path in files:
        if path.suffix == ".safetensors":
            check_header(path)
        elif path.suffix == ".json" and path.name not in DATA_NAMES:
            check_configuration(path)


def refuse_pickle(path: Path) -> None:
    """Refuse a file whose ending marks it, or whatever it links to, as a pickle.

    Raises:
        BaseModelError: If so.
    """
    if PICKLED & {suffix.lower() for suffix in (path.suffix, path.resolve().suffix)}:
        raise BaseModelError(
            f"{path} may be a pickle. {WHY_PICKLE}",
            "Take a copy of the model in safetensors; where the folder has both, delete this file.",
        )


def check_header(path: Path) -> None:
    """Refuse a file that calls itself safetensors and is not.

    Raises:
        BaseModelError: If so.
    """
    with path.open("rb") as file:
        start = file.read(9)
    if start[8:9] == b"{":
        return
    pickle = start[:2] == b"PK" or (start[:1] == b"\x80" and start[1:2] in {b"\x02", b"\x03", b"\x04", b"\x05"})
    reason = f"It is a pickle under another name. {WHY_PICKLE}" if pickle else "It is damaged, or something else."
    raise BaseModelError(f"{path} is not a safetensors file. {reason}", "Fetch the model anew.")


def check_configuration(path: Path) -> None:
    """Refuse a JSON file that asks for code, or an index that names files other than safetensors beside it.

    Raises:
        BaseModelError: If so, or if it is no JSON.
    """
    try:
        content = read_json(path)
    except ValueError as error:
        raise BaseModelError(f"{path} is not valid JSON: {error}.", "Fetch the model anew.") from error
    for key in _code_keys(content):
        raise BaseModelError(
            f"{path} asks for code of its own: it has the key {key!r}. {WHY_CODE}",
            "Choose a base whose architecture is part of transformers.",
        )
    for key in ("num_hidden_layers", "n_layer", "num_layers", "n_layers"):
        depth = content.get(key) if isinstance(content, dict) else None
        if isinstance(depth, int) and depth > MOST_LAYERS:
            raise BaseModelError(f"{path} wants {depth:,} layers ({key}); at most {MOST_LAYERS:,} are made.")
    if path.name.endswith(".index.json"):
        shards = content.get("weight_map") if isinstance(content, dict) else None
        if not isinstance(shards, dict):
            raise BaseModelError(f"{path} is no index of weights: it has no table weight_map.", "Fetch the model anew.")
        for shard in shards.values():
            if not isinstance(shard, str) or not SHARD.fullmatch(shard):
                raise BaseModelError(f"{path} names the weights file {shard!r}. {WHY_PICKLE}")


def _code_keys(content: Any) -> Iterator[str]:
    pending = [content]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            yield from (key for key in CODE_KEYS if node.get(key))
            pending += node.values()
        elif isinstance(node, list):
            pending += node


def _files(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield Path(where) / name
