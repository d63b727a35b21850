"""What is in a bundle's folder, and the proof that it is what was written."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from feilun.bundles.onnx_file import why_refused
from feilun.core.errors import BundleError
from feilun.core.files import read_json, sha256
from feilun.core.remark import Remark, said_in

MANIFEST = "manifest.json"
FEATURES = "features.json"
"""Kept where the model reads columns beside the text: their kinds and the statistics of the training rows."""

SCHEMA = 1
NAME = re.compile(r"\w[\w .+-]*", re.UNICODE)
"""Names of models in any script; nothing that a path or an address reads otherwise."""

REQUIRED = (
    "model.onnx", "tokenizer.json", "labels.json", "calibration.json", "preparation.json", "profile.json",
    "report.json", "CARD.md",
)  # fmt: skip
ADAPTER_FORM = "adapter"
"""The form of a bundle that has no `model.onnx`: what its base learnt stands on a graph that several bundles share."""

SUFFIXES = (".onnx", ".onnx_adapter", ".safetensors", ".gguf", ".json", ".toml", ".md", ".txt", ".png", ".svg")
"""Kinds of files of which none can execute anything."""

RENDERED = (".md", ".png", ".svg")
"""Drawn from the others, with dates in them: they are verified, but are not part of the bundle's identity."""

REPLACE = Remark(
    "Copy the bundle again from where it was made, or train it again; a bundle must not be edited.",
    "请从制作它的地方重新复制，或者重新训练；模型包不能改动。",
)
TRUST = Remark(
    "Remove the file if you know it; else do not trust the bundle.",
    "如果认得这个文件就删掉它；否则不要信任这个模型包。",
)


def damaged(folder: Path, what: str) -> BundleError:
    """Return the error of a bundle that is not what was written; `what` is a clause, a remark."""
    return BundleError(
        Remark(f"The bundle {folder} is damaged: {what}.", f"模型包 {folder} 已损坏：{said_in('zh', what)}。"), REPLACE
    )


def required(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the files that a bundle has at least, by what its manifest says."""
    return REQUIRED[1:] if facts.get("form") == ADAPTER_FORM else REQUIRED


def file_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a bundle, by its path inside the folder.

    Args:
        folder: The bundle's folder; its manifest is left out.

    Raises:
        BundleError: If it holds a link, a special file, or a kind of file that no bundle has.
    """
    return {name: sha256(folder / name) for name in sorted(_checked_files(folder))}


def check_models(folder: Path, names: Iterable[str]) -> None:
    """Refuse a model that keeps its weights in another file, has operators of others, or may run for ever.

    Args:
        folder: The bundle's folder.
        names: The files in it.

    Raises:
        BundleError: If one does, or is no ONNX file.
    """
    for name in names:
        if not name.lower().endswith(".onnx"):
            continue
        try:
            reason = why_refused(folder / name)
        except ValueError as error:
            raise damaged(
                folder, Remark(f"{name} is not an ONNX file ({error})", f"{name} 不是 ONNX 文件（{error}）")
            ) from error
        if reason:
            raise BundleError(
                Remark(
                    f"The bundle {folder} is refused: {name} {reason}, which no bundle's model does.",
                    f"拒绝使用模型包 {folder}：{name} {said_in('zh', reason)}，而模型包里的模型都不会这样。",
                ),
                Remark(
                    "Export it again with its weights inside the file, and with ONNX Runtime's own operators.",
                    "请重新导出：权重放在文件里面，只用 ONNX Runtime 自带的算子。",
                ),
            )


def content_hash(folder: Path, facts: Mapping[str, Any], hashes: Mapping[str, str]) -> str:
    """Return the identity of a bundle: equal for two trainings with the same recipe, data, seed, machine and threads.

    Times, costs and paths are left out: when it was made, what it cost, where its tables and its base lie.

    Args:
        folder: The bundle's folder.
        facts: The manifest without `files` and `hash`.
        hashes: SHA-256 by file name.

    Returns:
        A SHA-256 in hexadecimal.
    """
    kept = {name: digest for name, digest in hashes.items() if not name.endswith((*RENDERED, "report.json"))}
    report = read_table(folder, "report.json")
    report.pop("cost", None)
    table = {"facts": _without_times_and_paths(facts), "files": kept, "report": report}
    return hashlib.sha256(json.dumps(table, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def verified_manifest(folder: Path) -> dict[str, Any]:
    """Read a bundle's manifest and hold the folder to it.

    Args:
        folder: The bundle's folder.

    Returns:
        The manifest.

    Raises:
        BundleError: If it is of a newer schema, or if a file is missing, added, truncated, altered, linked or of a
            kind that no bundle has; the message names the file.
    """
    manifest = _read_manifest(folder)
    listed: dict[str, str] = manifest["files"]
    for name in listed:
        if name != _plain(name):
            raise BundleError(
                Remark(
                    f"{folder / MANIFEST} lists {name!r}, which is outside of the bundle.",
                    f"{folder / MANIFEST} 列出了 {name!r}，它在模型包之外。",
                ),
                REPLACE,
            )
    for name in (*required(manifest), *listed):
        if not os.path.lexists(folder / name):
            raise damaged(folder, Remark(f"{name} is missing", f"缺少 {name}"))
    for name, digest in file_hashes(folder).items():
        if name not in listed:
            raise BundleError(
                Remark(
                    f"The bundle {folder} holds {name}, which its manifest does not list.",
                    f"模型包 {folder} 里有 {name}，而 manifest 没有列出它。",
                ),
                TRUST,
            )
        if digest != listed[name]:
            raise damaged(
                folder,
                Remark(f"{name} was truncated or altered after it was written", f"{name} 在写入之后被截断或改动"),
            )
    facts = {key: value for key, value in manifest.items() if key not in {"files", "hash"}}
    check_models(folder, listed)
    if content_hash(folder, facts, listed) != manifest["hash"]:
        raise damaged(folder, Remark(f"{MANIFEST} was altered after it was written", f"{MANIFEST} 在写入之后被改动"))
    return manifest


def read_value(folder: Path, name: str) -> Any:
    """Read a JSON file of a bundle.

    Raises:
        BundleError: If it cannot be read.
    """
    try:
        return read_json(folder / name)
    except (OSError, ValueError) as error:
        raise damaged(folder, Remark(f"{name} is not readable JSON", f"{name} 不是可读的 JSON")) from error


def read_table(folder: Path, name: str) -> dict[str, Any]:
    """Read a JSON file of a bundle that holds a table.

    Raises:
        BundleError: If it holds anything else.
    """
    value = read_value(folder, name)
    if not isinstance(value, dict):
        raise damaged(folder, Remark(f"{name} does not hold a table", f"{name} 里不是一张表"))
    return value


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not folder.is_dir() or not path.is_file():
        raise BundleError(
            Remark(
                f"{folder} is not a bundle: {f'it has no {MANIFEST}' if folder.is_dir() else 'it is not a folder'}.",
                f"{folder} 不是模型包：{f'里面没有 {MANIFEST}' if folder.is_dir() else '它不是文件夹'}。",
            ),
            Remark(
                "Give the folder that `feilun train` wrote, or the name of a registered model.",
                "请给出 `feilun train` 写出的文件夹，或者已登记模型的名称。",
            ),
        )
    manifest = read_table(folder, MANIFEST)
    schema = manifest.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise BundleError(
            Remark(
                f"The bundle {folder} was written by a newer Feilun: its schema is {schema}, this one reads {SCHEMA}.",
                f"模型包 {folder} 由更新的飞轮写成：它的 schema 是 {schema}，这个版本能读的是 {SCHEMA}。",
            ),
            Remark("Upgrade: pip install --upgrade feilun", "请升级：pip install --upgrade feilun"),
        )
    whole = (
        schema == SCHEMA
        and isinstance(manifest.get("hash"), str)
        and isinstance(manifest.get("name"), str)
        and bool(NAME.fullmatch(manifest["name"]))
        and all(isinstance(manifest.get(fact, ""), str) for fact in ("task", "precision", "created", "prefix"))
        and isinstance(manifest.get("languages", []), list)
        and isinstance(manifest.get("files"), dict)
        and all(isinstance(digest, str) for digest in manifest["files"].values())
    )
    if not whole:
        raise damaged(
            folder,
            Remark(
                f"{MANIFEST} lacks a valid schema, name, files, hash or fact",
                f"{MANIFEST} 缺少有效的 schema、name、files、hash 或其他字段",
            ),
        )
    return manifest


def _plain(name: str) -> str:
    """Return a file's name as it may stand in a manifest: relative, forward slashes, no step upwards."""
    parts = [part for part in re.split(r"[/\\]", name) if part not in {"", ".", ".."} and ":" not in part]
    return "/".join(parts)


def _checked_files(folder: Path) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place) / name
            inside = path.relative_to(folder).as_posix()
            mode = path.lstat().st_mode
            if inside == MANIFEST and stat.S_ISREG(mode):
                continue
            if stat.S_ISDIR(mode):
                continue
            if not stat.S_ISREG(mode):
                raise BundleError(
                    Remark(
                        f"The bundle {folder} is refused: {inside} is a link or a special file.",
                        f"拒绝使用模型包 {folder}：{inside} 是链接或特殊文件。",
                    ),
                    REPLACE,
                )
            if path.suffix.lower() not in SUFFIXES:
                raise BundleError(
                    Remark(
                        f"The bundle {folder} is refused: {inside} is of a kind that no bundle has; "
                        f"valid: {', '.join(SUFFIXES)}.",
                        f"拒绝使用模型包 {folder}：模型包里不会有 {inside} 这类文件；可用的后缀："
                        f"{'、'.join(SUFFIXES)}。",
                    ),
                    TRUST,
                )
            yield inside


def _without_times_and_paths(facts: Mapping[str, Any]) -> dict[str, Any]:
    recipe = table_of(facts, "recipe")
    data = {
        k: v
        for k, v in table_of(recipe, "data").items()
        if k not in {"train", "validation", "test", "unlabelled", "query"}
    }
    model = {k: v for k, v in table_of(recipe, "model").items() if k != "base"}  # a folder, maybe; its hash is kept
    kept = {key: value for key, value in facts.items() if key not in {"created", "base"}}
    return {**kept, "recipe": {**recipe, "data": data, "model": model}}


def table_of(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return an inner table of a manifest; empty where there is none."""
    value = values.get(key)
    return value if isinstance(value, Mapping) else {}
