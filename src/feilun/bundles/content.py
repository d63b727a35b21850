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

REPLACE = "Copy the bundle again from where it was made, or train it again; a bundle must not be edited."


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
            problem = f"The bundle {folder} is damaged: {name} is not an ONNX file ({error})."
            raise BundleError(problem, REPLACE) from error
        if reason:
            raise BundleError(
                f"The bundle {folder} is refused: {name} {reason}, which no bundle's model does.",
                "Export it again with its weights inside the file, and with ONNX Runtime's own operators.",
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
            raise BundleError(f"{folder / MANIFEST} lists {name!r}, which is outside of the bundle.", REPLACE)
    for name in (*required(manifest), *listed):
        if not os.path.lexists(folder / name):
            raise BundleError(f"The bundle {folder} is damaged: {name} is missing.", REPLACE)
    for name, digest in file_hashes(folder).items():
        if name not in listed:
            raise BundleError(
                f"The bundle {folder} holds {name}, which its manifest does not list.",
                "Remove the file if you know it; else do not trust the bundle.",
            )
        if digest != listed[name]:
            raise BundleError(
                f"The bundle {folder} is damaged: {name} was truncated or altered after it was written.", REPLACE
            )
    facts = {key: value for key, value in manifest.items() if key not in {"files", "hash"}}
    check_models(folder, listed)
    if content_hash(folder, facts, listed) != manifest["hash"]:
        raise BundleError(f"The bundle {folder} is damaged: {MANIFEST} was altered after it was written.", REPLACE)
    return manifest


def read_value(folder: Path, name: str) -> Any:
    """Read a JSON file of a bundle.

    Raises:
        BundleError: If it cannot be read.
    """
    try:
        return read_json(folder / name)
    except (OSError, ValueError) as error:
        raise BundleError(f"The bundle {folder} is damaged: {name} is not readable JSON.", REPLACE) from error


def read_table(folder: Path, name: str) -> dict[str, Any]:
    """Read a JSON file of a bundle that holds a table.

    Raises:
        BundleError: If it holds anything else.
    """
    value = read_value(folder, name)
    if not isinstance(value, dict):
        raise BundleError(f"The bundle {folder} is damaged: {name} does not hold a table.", REPLACE)
    return value


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not folder.is_dir() or not path.is_file():
        raise BundleError(
            f"{folder} is not a bundle: {f'it has no {MANIFEST}' if folder.is_dir() else 'it is not a folder'}.",
            "Give the folder that `feilun train` wrote, or the name of a registered model.",
        )
    manifest = read_table(folder, MANIFEST)
    schema = manifest.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise BundleError(
            f"The bundle {folder} was written by a newer Feilun: its schema is {schema}, this one reads {SCHEMA}.",
            "Upgrade: pip install --upgrade feilun",
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
        raise BundleError(
            f"The bundle {folder} is damaged: {MANIFEST} lacks a valid schema, name, files, hash or fact.", REPLACE
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
                raise BundleError(f"The bundle {folder} is refused: {inside} is a link or a special file.", REPLACE)
            if path.suffix.lower() not in SUFFIXES:
                raise BundleError(
                    f"The bundle {folder} is refused: {inside} is of a kind that no bundle has; "
                    f"valid: {', '.join(SUFFIXES)}.",
                    "Remove the file if you know it; else do not trust the bundle.",
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
