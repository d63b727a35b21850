"""The graphs of a base that adapter bundles stand on, written anew where they are missing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from feilun.bundles.base_graphs import keep, path_of
from feilun.compression.adapter_form import can_share, keep_graph, open_graph
from feilun.compression.generation import BLOCKS
from feilun.compression.quantize import quantize_int8
from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.models.bases.catalogue import open_base
from feilun.models.heads.generate import refuse_unless_it_writes


def write_graphs(
    name: str, max_tokens: int | None = None, *, writes: bool = False, accept_licence: bool = False
) -> Iterator[dict[str, str]]:
    """Write the graphs of a base into FEILUN_HOME.

    Args:
        name: A packaged name, hub id or folder.
        max_tokens: Of a language model: that of the bundles, as it is part of the graph.
        writes: Whether the bundles write answers.
        accept_licence: Agree to the terms of a base that asks for consent.

    Yields:
        Precision, hash and path of each.

    Raises:
        UsageError: If the base is of a family without such graphs, or a language model and no context is named.
        FeilunError: If it cannot be opened.
    """
    base = open_base(name, accept_licence=accept_licence)
    if writes:
        refuse_unless_it_writes(base)
    if not can_share(base):
        raise UsageError(
            Remark(
                f"The base {name} is of a family whose graphs are not shared: no adapter bundle stands on it.",
                f"基座 {name} 所属的系列不共用计算图：没有只含适配器的模型包能建立在它上面。",
            )
        )
    if base.kind == "causal" and max_tokens is None:
        raise UsageError(
            Remark(
                f"The base {name} is a language model, whose graph depends on the context.",
                f"基座 {name} 是语言模型，它的计算图取决于上下文长度。",
            ),
            Remark(
                "Give --max-tokens: what the bundle's recipe sets as model.max_tokens.",
                "请给出 --max-tokens：即模型包的配方里 model.max_tokens 的值。",
            ),
        )
    with tempfile.TemporaryDirectory() as place:
        folder, context = Path(place), max_tokens or base.max_tokens
        plain = keep_graph(open_graph(base, context, writes=writes), folder)
        yield {"precision": "fp32", "sha256": plain, "path": str(path_of(plain))}
        if writes:
            graphs = (open_graph(base, context, writes=True, block=block) for block in BLOCKS)
            small = [keep_graph(graph, folder) for graph in graphs]
        else:
            quantize_int8(path_of(plain), folder / "int8.onnx")
            small = [keep(folder / "int8.onnx")]
        for digest in small:
            yield {"precision": "int8", "sha256": digest, "path": str(path_of(digest))}
