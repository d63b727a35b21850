"""The folder that a base is kept in: written with the hash of each file, verified when it is opened."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from feilun.core.decisions.generate import Turns
from feilun.core.errors import BaseModelError
from feilun.core.files import sha256, write_json
from feilun.core.remark import Remark
from feilun.models.bases.base import Base, BaseFacts
from feilun.models.bases.opening import open_model

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS, CONFIG, TOKENIZER, FACTS = "model.safetensors", "config.json", "tokenizer.json", "feilun_base.json"
OUTPUT = "output.safetensors"
"""Holds the matrix from states to logits, of language models that have one beside their word embeddings."""
PARTS = (WEIGHTS, CONFIG, TOKENIZER)
"""Files that every base has."""

SCHEMA = 1


def save(folder: Path, weights: Mapping[str, Any], config: Any, tokenizer: Tokenizer, facts: BaseFacts) -> None:
    """Write a base into an empty folder, with the hash of each file.

    Args:
        folder: Where; the caller makes it appear atomically.
        weights: Float32 tensors by the names of the headless model.
        config: The transformers configuration.
        tokenizer: The tokenizer.
        facts: What else is to be known.
    """
    _save(folder, weights, config, tokenizer, facts, {})


def save_tuned(folder: Path, base: Base, origin: Mapping[str, Any]) -> None:
    """Write an opened base whose weights moved into an empty folder, so that it opens as the base it is now.

    Args:
        folder: Where; the caller makes it appear atomically.
        base: The base.
        origin: What it was made of, for people; values that JSON holds.
    """
    from safetensors.torch import save_file

    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in base.model.state_dict().items()}
    if base.output is not None:
        save_file({OUTPUT: base.output.contiguous()}, folder / OUTPUT)
    more = {"origin": dict(origin), "turns": None if base.turns is None else asdict(base.turns)}
    _save(folder, weights, base.model.config, base.tokenizer, base.facts, more)


def _save(
    folder: Path,
    weights: Mapping[str, Any],
    config: Any,
    tokenizer: Tokenizer,
    facts: BaseFacts,
    more: Mapping[str, Any],
) -> None:
    from safetensors.torch import save_file

    save_file(dict(weights), folder / WEIGHTS, metadata={"format": "pt"})
    (folder / CONFIG).write_text(json.dumps(config.to_dict(), indent=2, default=str), encoding="utf-8")
    (folder / TOKENIZER).write_text(tokenizer.to_str(), encoding="utf-8")
    files = {name: _record(folder / name) for name in (*PARTS, OUTPUT) if (folder / name).is_file()}
    write_json(folder / FACTS, {"schema": SCHEMA, **asdict(facts), **more, "files": files})


def load(folder: Path, *, whole_hash: bool = False) -> Base:
    """Open a folder that `save` wrote.

    A file of the size and modification time of its record is taken for whole; any other is hashed first. Hashing half
    a gigabyte at every opening would take longer than the opening.

    Args:
        folder: The folder.
        whole_hash: Hash every file, whatever its size and time say.

    Returns:
        The base.

    Raises:
        BaseModelError: If a file is missing, cut short or altered.
    """
    record = verify(folder, whole_hash=whole_hash)
    known = {field.name: record[field.name] for field in fields(BaseFacts)}
    facts = BaseFacts(**{**known, "languages": tuple(record["languages"])})
    base = _opened(folder, facts, combined_hash(record["files"]))
    turns = record.get("turns")
    output = _output(folder) if OUTPUT in record["files"] else None
    return replace(base, turns=None if turns is None else Turns.from_table(turns), output=output)


def _output(folder: Path) -> Tensor:
    from safetensors.torch import load_file

    matrix: Tensor = load_file(folder / OUTPUT)[OUTPUT]
    return matrix


def _opened(folder: Path, facts: BaseFacts, content_hash: str) -> Base:
    """Open model and tokenizer of a verified folder."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:  # a quarter of a million pieces take most of a second to read
        reading = pool.submit(Tokenizer.from_file, str(folder / TOKENIZER))
        model = open_model(folder)
        tokenizer = reading.result()
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return Base(model=model, tokenizer=tokenizer, sha256=content_hash, **facts.fields())


def verify(folder: Path, *, whole_hash: bool = False) -> dict[str, Any]:
    """Compare the files of a folder with their record.

    Args:
        folder: The folder.
        whole_hash: Hash every file, whatever its size and time say.

    Returns:
        The record, `feilun_base.json`.

    Raises:
        BaseModelError: If a file is missing, cut short or altered; it is named.
    """
    try:
        record: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        files = record["files"]
    except (OSError, ValueError, KeyError) as error:
        raise _damaged(folder / FACTS, Remark("cannot be read", "无法读取")) from error
    if record.get("schema") != SCHEMA:
        raise _damaged(
            folder / FACTS,
            Remark(
                f"has schema {record.get('schema')!r}, not {SCHEMA}",
                f"的 schema 是 {record.get('schema')!r}，不是 {SCHEMA}",
            ),
        )
    for name in (*PARTS, *(name for name in files if name not in PARTS)):
        path = folder / name
        if not path.is_file():
            raise _damaged(path, Remark("is missing", "缺失"))
        found = path.stat()
        if found.st_size != files[name]["size"]:
            raise _damaged(
                path,
                Remark(
                    f"has {found.st_size:,} bytes instead of {files[name]['size']:,}",
                    f"有 {found.st_size:,} 字节，应为 {files[name]['size']:,} 字节",
                ),
            )
        untouched = found.st_mtime_ns == files[name]["modified"] and not whole_hash
        if not untouched and sha256(path) != files[name]["sha256"]:
            raise _damaged(path, Remark("is not what was written: its SHA-256 differs", "与写入时不同：SHA-256 不符"))
    return record


def combined_hash(files: Mapping[str, Mapping[str, Any]]) -> str:
    """Return one hash for weights and tokenizer; the configuration names library versions and stays out."""
    joined = "".join(files[name]["sha256"] for name in (WEIGHTS, TOKENIZER, OUTPUT) if name in files)
    return hashlib.sha256(joined.encode()).hexdigest()


def _record(path: Path) -> dict[str, Any]:
    found = path.stat()
    return {"sha256": sha256(path), "size": found.st_size, "modified": found.st_mtime_ns}


def _damaged(path: Path, what: Remark) -> BaseModelError:
    return BaseModelError(
        Remark(f"The base model's file {path} {what}.", f"基座模型的文件 {path} {what.chinese}。"),
        Remark(
            f"Remove the folder {path.parent}: a packaged base is converted anew at the next use; make another one "
            "anew.",
            f"请删除文件夹 {path.parent}：打包的基座会在下次使用时重新转换，其他基座请重新制作。",
        ),
    )
