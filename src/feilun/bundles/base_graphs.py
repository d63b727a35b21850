"""Base graphs: the part that adapter bundles share, kept once in FEILUN_HOME under the hash of its content."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from feilun.bundles.content import check_models, table_of
from feilun.core.errors import BundleError
from feilun.core.files import atomic_file, sha256
from feilun.core.places import base_graphs
from feilun.core.remark import Remark, said_in

GRAPH = "base_graph"
"""Key of a manifest: the hashes of the graph that the bundle runs on (`sha256`) and of that in float32 (`float32`)."""


def keep(graph: Path) -> str:
    """Keep a graph, unless it is kept already.

    Args:
        graph: The ONNX file.

    Returns:
        Its SHA-256, by which it is found again.

    Raises:
        StorageError: If the disk is full.
    """
    digest = sha256(graph)
    place = path_of(digest)
    if not (place.is_file() and sha256(place) == digest):
        with atomic_file(place) as temporary:
            shutil.copyfile(graph, temporary)
    return digest


def path_of(digest: str) -> Path:
    """Return where a graph is kept, be it there or not."""
    return base_graphs() / f"{digest}.onnx"


def find(manifest: Mapping[str, Any], bundle: Path, form: str = "sha256") -> Path:
    """Return the graph that an adapter bundle stands on.

    Args:
        manifest: The bundle's manifest.
        bundle: Its folder, for messages.
        form: `sha256`, the one that it runs on, or `float32`.

    Raises:
        BundleError: If it is missing or is not what the bundle was made on; the message says how to get it.
    """
    named, base = table_of(manifest, GRAPH), table_of(manifest, "base").get("name")
    digest = str(named.get(form, ""))
    place = path_of(digest)
    options = f"--max-tokens {manifest.get('max_tokens')}{' --writes' * (manifest.get('task') == 'generate')}"
    remedy = Remark(
        f"Copy it from where the bundle was made, or, where torch is installed: feilun bases graph {base} {options}",
        f"请从制作模型包的机器上复制；或者在装有 torch 的机器上运行：feilun bases graph {base} {options}",
    )
    if not digest.isalnum() or not place.is_file():
        raise BundleError(
            Remark(
                f"The bundle {bundle} holds an adapter alone, and the graph of its base {base} is missing: {place}.",
                f"模型包 {bundle} 只含适配器，缺少基座 {base} 的计算图：{place}。",
            ),
            remedy,
        )
    if sha256(place) != digest:
        raise BundleError(
            Remark(
                f"The bundle {bundle} was made on another base: {place} has not the hash {digest[:12]}… that its "
                f"manifest names for {base}; the file was exchanged or damaged.",
                f"模型包 {bundle} 用的是另一个基座：{place} 的散列不是 manifest 为 {base} 记下的 {digest[:12]}…；"
                "文件被换过，或者已损坏。",
            ),
            Remark(f"Remove it. {remedy}", f"请删掉它。{said_in('zh', remedy)}"),
        )
    check_models(place.parent, [place.name])
    return place
