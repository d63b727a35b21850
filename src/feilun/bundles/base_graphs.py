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
    remedy = (
        f"Copy it from where the bundle was made, or, where torch is installed: feilun bases graph {base} {options}"
    )
    if not digest.isalnum() or not place.is_file():
        raise BundleError(
            f"The bundle {bundle} holds an adapter alone, and the graph of its base {base} is missing: {place}.", remedy
        )
    if sha256(place) != digest:
        raise BundleError(
            f"The bundle {bundle} was made on another base: {place} has not the hash {digest[:12]}… that its manifest "
            f"names for {base}; the file was exchanged or damaged.",
            f"Remove it. {remedy}",
        )
    check_models(place.parent, [place.name])
    return place
