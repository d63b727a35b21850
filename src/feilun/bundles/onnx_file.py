"""A look into an ONNX file without the onnx package: does it point at other files, or run what no model of ours does?

ONNX lets a tensor live in a file of its own (`external_data`), at any path, knows operators of other makers, and loops
that never end. A bundle's model holds all its weights and needs neither, so one that has any of these was not written
by Feilun and is refused before ONNX Runtime sees it. The format is protobuf
(https://protobuf.dev/programming-guides/encoding); only the few messages that can hold these are entered.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path

from feilun.core.remark import Remark

INNER: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external"},
}
"""By message: the numbers of those fields (onnx.proto) that hold, or lead to, a tensor."""

EXTERNAL_FLAG = 14
"""The field `data_location` of a tensor; 0 means inside the file."""

ELSEWHERE = Remark("keeps weights in another file", "把权重放在另一个文件里")
OPERATOR, DOMAIN = 4, 7
"""The fields `op_type` and `domain` of a node."""

ENDLESS = frozenset((b"Loop", b"Scan"))
DOMAINS = frozenset((b"", b"ai.onnx", b"com.microsoft", b"com.microsoft.nchwc"))
"""Makers of operators: ONNX's own, and those inside of ONNX Runtime."""

DEEPEST = 64
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def why_refused(path: Path) -> str:
    """Say why a model may not be run.

    Args:
        path: An ONNX file.

    Returns:
        What it does that no bundle's model does, at any depth; empty where there is nothing.

    Raises:
        ValueError: If the file is not a protobuf message of ONNX's shape.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _fault(data, 0, len(data), "model", 0)


def _fault(data: mmap.mmap, start: int, end: int, message: str, depth: int) -> str:
    if depth > DEEPEST:
        raise ValueError("its graphs are nested too deeply")
    inner = INNER[message]
    for number, kind, value, stop in _fields(data, start, end):
        if message == "tensor" and number == EXTERNAL_FLAG and kind == VARINT and value:
            return ELSEWHERE
        if kind != BYTES:
            continue
        if message == "node" and number == OPERATOR and data[value:stop] in ENDLESS:
            operator = data[value:stop].decode()
            return Remark(f"has the operator {operator}, which may run for ever", f"带有可能永不结束的算子 {operator}")
        if message == "node" and number == DOMAIN and data[value:stop] not in DOMAINS:
            domain = data[value:stop][:80].decode("utf-8", "replace")
            return Remark(f"has operators of {domain!r}", f"带有 {domain!r} 的算子")
        if number not in inner:
            continue
        fault = ELSEWHERE if inner[number] == "external" else _fault(data, value, stop, inner[number], depth + 1)
        if fault:
            return fault
    return ""


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield number, wire type, value or start, and end of each field of a message."""
    at = start
    while at < end:
        key, at = _varint(data, at, end)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(data, at, end)
            yield number, kind, value, at
            continue
        if kind == BYTES:
            length, at = _varint(data, at, end)
        elif kind in {FIXED64, FIXED32}:
            length = 8 if kind == FIXED64 else 4
        else:
            raise ValueError(f"it has a field of the unknown wire type {kind}")
        if number == 0 or at + length > end:
            raise ValueError("a field reaches beyond its message")
        yield number, kind, at, at + length
        at += length


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("it ends in the middle of a number")
