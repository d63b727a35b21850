"""Refuses base models that could run code: only safetensors and GGUF are ever opened."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from feilun.core.errors import BaseModelError
from feilun.core.files import read_json
from feilun.core.remark import Remark, said_in

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

WHY_PICKLE = Remark(
    "A pickle can run any code when it is opened, so Feilun opens safetensors and GGUF only.",
    "打开 pickle 文件时可能执行任意代码，因此飞轮只打开 safetensors 和 GGUF。",
)
FETCH_ANEW = Remark("Fetch the model anew.", "请重新获取模型。")
WHY_CODE = Remark(
    "Code from a model's folder would run with your rights, so Feilun never does it.",
    "模型文件夹中的代码会以你的权限运行，因此飞轮从不执行。",
)


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
            raise BaseModelError(
                Remark(f"{path} is a broken link or a special file.", f"{path} 是失效的链接或特殊文件。"),
                Remark("Remove it, or fetch the model anew.", "请删除它，或重新获取模型。"),
            )
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
            Remark(f"{path} may be a pickle. {WHY_PICKLE}", f"{path} 可能是 pickle 文件。{WHY_PICKLE.chinese}"),
            Remark(
                "Take a copy of the model in safetensors; where the folder has both, delete this file.",
                "请换用 safetensors 格式的模型；若文件夹中两种都有，请删除这个文件。",
            ),
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
    reason = (
        Remark(f"It is a pickle under another name. {WHY_PICKLE}", f"它是改了名的 pickle 文件。{WHY_PICKLE.chinese}")
        if pickle
        else Remark("It is damaged, or something else.", "它已损坏，或是别的东西。")
    )
    raise BaseModelError(
        Remark(f"{path} is not a safetensors file. {reason}", f"{path} 不是 safetensors 文件。{reason.chinese}"),
        FETCH_ANEW,
    )


def check_configuration(path: Path) -> None:
    """Refuse a JSON file that asks for code, or an index that names files other than safetensors beside it.

    Raises:
        BaseModelError: If so, or if it is no JSON.
    """
    try:
        content = read_json(path)
    except ValueError as error:
        raise BaseModelError(
            Remark(f"{path} is not valid JSON: {error}.", f"{path} 不是合法的 JSON：{said_in('zh', error.args[0])}。"),
            FETCH_ANEW,
        ) from error
    for key in _code_keys(content):
        raise BaseModelError(
            Remark(
                f"{path} asks for code of its own: it has the key {key!r}. {WHY_CODE}",
                f"{path} 要求运行自带的代码：其中有键 {key!r}。{WHY_CODE.chinese}",
            ),
            Remark("Choose a base whose architecture is part of transformers.", "请选择架构属于 transformers 的基座。"),
        )
    for key in ("num_hidden_layers", "n_layer", "num_layers", "n_layers"):
        depth = content.get(key) if isinstance(content, dict) else None
        if isinstance(depth, int) and depth > MOST_LAYERS:
            raise BaseModelError(
                Remark(
                    f"{path} wants {depth:,} layers ({key}); at most {MOST_LAYERS:,} are made.",
                    f"{path} 要 {depth:,} 层（{key}）；最多 {MOST_LAYERS:,} 层。",
                )
            )
    if path.name.endswith(".index.json"):
        shards = content.get("weight_map") if isinstance(content, dict) else None
        if not isinstance(shards, dict):
            raise BaseModelError(
                Remark(
                    f"{path} is no index of weights: it has no table weight_map.",
                    f"{path} 不是权重索引：没有 weight_map 表。",
                ),
                FETCH_ANEW,
            )
        for shard in shards.values():
            if not isinstance(shard, str) or not SHARD.fullmatch(shard):
                raise BaseModelError(
                    Remark(
                        f"{path} names the weights file {shard!r}. {WHY_PICKLE}",
                        f"{path} 指向权重文件 {shard!r}。{WHY_PICKLE.chinese}",
                    )
                )


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
