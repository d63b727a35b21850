"""How the bytes of a text file are to be read: by its mark, by what is valid, else by what the bytes look like."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from feilun.core.errors import DataError, UnknownEncoding
from feilun.core.remark import Remark
from feilun.data.paths import shown
from feilun.text.chinese_bytes import CODECS, in_order, is_chinese

BLOCK = 1 << 20
SAMPLE = 1 << 18

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

DAMAGED_SHARE = 0.01
"""Invalid bytes per valid non-ASCII byte up to which a file is a damaged one of an encoding, rather than another's."""


@dataclass(frozen=True)
class Encoding:
    """How a file's bytes are read.

    Args:
        name: Python's name of the encoding.
        guessed: Whether nothing but statistics speaks for it.
        damaged: Byte sequences that are not valid in it and are read as U+FFFD.
        first_damaged_line: The line of the first of them.
    """

    name: str
    guessed: bool = False
    damaged: int = 0
    first_damaged_line: int | None = None


def detect(path: Path) -> Encoding:
    """Find a file's encoding by reading all of it once, in blocks.

    Args:
        path: A file of text.

    Returns:
        UTF-8, UTF-8 with mark, UTF-16, UTF-32, GB18030, Big5, or what charset-normalizer makes of the file's beginning.

    Raises:
        DataError: If the bytes are no text; an `UnknownEncoding` where nothing tells how to read them.
    """
    with path.open("rb") as file:
        head = file.read(SAMPLE)
    for mark, name in MARKS:
        if head.startswith(mark):
            return _checked(path, name)
    if wide := _utf16_without_mark(head):
        return _checked(path, wide)
    if _decodes(path, "utf-8"):
        return Encoding("utf-8")
    sample = _first_foreign(path) or head
    if known := _nearly(path, "utf-8") or _chinese(path, sample):
        return known
    return replace(_checked(path, _guessed(path, sample)), guessed=True)


def open_text(path: Path, encoding: Encoding) -> io.TextIOWrapper:
    """Open a file for reading as its encoding says; line ends are left as they are."""
    return path.open(encoding=encoding.name, errors="replace" if encoding.damaged else "strict", newline="")


def declared(path: Path, name: str) -> Encoding:
    """Check that a file can be read in the encoding that the user named.

    Raises:
        DataError: If there is no such encoding, or the file is not in it; the place is named.
    """
    try:
        codecs.lookup(name)
    except LookupError as error:
        raise DataError(
            Remark(f"There is no encoding {name!r}.", f"没有 {name!r} 这种编码。"),
            Remark(
                "Valid: utf-8, gb18030, utf-16, …; leave data.encoding out to detect it.",
                "可用：utf-8、gb18030、utf-16 等；不写 data.encoding 则自动识别。",
            ),
        ) from error
    found = _first_invalid(path, name)
    if found is None:
        return Encoding("utf-8-sig" if codecs.lookup(name).name == "utf-8" else name)
    line, byte = found
    readable = detect(path).name
    raise DataError(
        Remark(
            f"{shown(path)} is not {name}: line {line} holds the byte 0x{byte:02X}, which is not valid there.",
            f"{shown(path)} 不是 {name}：第 {line} 行的字节 0x{byte:02X} 在该编码中无效。",
        ),
        Remark(
            f"It reads as {readable}; leave data.encoding out, or set it to that.",
            f"它可以按 {readable} 读取；请不写 data.encoding，或设为该编码。",
        ),
    )


def facts(encoding: Encoding) -> dict[str, Any]:
    """Return what is to be said of a file's encoding."""
    notes, written = [], encoding.name.upper()
    if encoding.guessed:
        notes.append(
            Remark(
                f"read as {encoding.name}, which is a guess; where texts look wrong, save the file as UTF-8.",
                f"编码推测为 {encoding.name}；若文字显示不对，请把文件另存为 UTF-8。",
            )
        )
    if encoding.damaged:
        notes.append(
            Remark(
                f"{encoding.damaged} byte sequences are not {written}, the first in line "
                f"{encoding.first_damaged_line}; they are read as U+FFFD (\ufffd).",
                f"{encoding.damaged} 处字节不是 {written}，第一处在第 {encoding.first_damaged_line} 行；"
                "读作 U+FFFD (\ufffd)。",
            )
        )
    return {"encoding": encoding.name, **({"notes": notes} if notes else {})}


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block


def _decodes(path: Path, name: str) -> bool:
    return _first_invalid(path, name) is None


def _first_invalid(path: Path, name: str) -> tuple[int, int] | None:
    """Return line and value of the first byte that is not valid in an encoding, or None."""
    decoder = codecs.getincrementaldecoder(name)()
    line = 1
    try:
        for block in _blocks(path):
            line += decoder.decode(block).count("\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode(name, "ignore")
        return line + before.count("\n"), error.object[error.start]
    return None


def _nearly(path: Path, name: str) -> Encoding | None:
    """Return an encoding where all of a file's bytes beyond ASCII, or nearly all, are valid in it."""
    decoder = codecs.getincrementaldecoder(name)("replace")
    valid = damaged = 0
    line, first = 1, None
    for block in chain(_blocks(path), [b""]):
        text = decoder.decode(block, final=not block)
        invalid = text.count("\ufffd")
        if invalid and first is None:
            first = line + text[: text.index("\ufffd")].count("\n")
        damaged += invalid
        valid += len(text.encode()) - len(text)
        line += text.count("\n")
    if damaged <= max(1, valid * DAMAGED_SHARE) and valid > damaged:
        return Encoding(name, damaged=damaged, first_damaged_line=first)
    return None


def _utf16_without_mark(head: bytes) -> str | None:
    """Tell UTF-16 by its zero bytes, which stand at every second place of Latin letters, commas and line ends."""
    even, odd = head[0:4096:2].count(0), head[1:4096:2].count(0)
    most = len(head[:4096]) // 2
    if most >= 2 and max(even, odd) > 0.2 * most and min(even, odd) < 0.02 * most + 1:
        return "utf-16-le" if odd > even else "utf-16-be"
    return None


def _chinese(path: Path, sample: bytes) -> Encoding | None:
    """Return Big5 or GB 18030 where a sample is Chinese text in it, and nearly the whole file valid."""
    for kind in in_order(sample):
        read = [_nearly(path, name) for name in CODECS[kind] if is_chinese(sample.decode(name, "replace"))]
        if known := [encoding for encoding in read if encoding is not None]:
            return replace(min(known, key=lambda encoding: encoding.damaged), guessed=kind == "big5")
    return None


def _first_foreign(path: Path) -> bytes:
    """Return a sample that starts at the first byte that is not ASCII."""
    sample = b""
    for block in _blocks(path):
        if sample:
            return (sample + block)[:SAMPLE]
        start = next((i for i, byte in enumerate(block) if byte >= 0x80), None) if not block.isascii() else None
        if start is not None:
            sample = block[start : start + SAMPLE]
            if len(sample) == SAMPLE:
                return sample
    return sample


def _guessed(path: Path, sample: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    if best is None or best.encoding.startswith(("utf_16", "utf_32")):  # these have marks, and were looked for
        line, byte = _first_invalid(path, "utf-8") or (0, 0)
        raise UnknownEncoding(
            Remark(
                f"{shown(path)} is no text in any encoding that Feilun knows: it is not UTF-8 in line {line}, byte "
                f"0x{byte:02X}.",
                f"{shown(path)} 按飞轮所知的任何编码都不是文本：第 {line} 行的字节 0x{byte:02X} 不是 UTF-8。",
            ),
            Remark("Save it as UTF-8.", "请另存为 UTF-8。"),
        )
    return best.encoding


def _checked(path: Path, name: str) -> Encoding:
    found = _first_invalid(path, name)
    if found is None:
        return Encoding(name)
    line, byte = found
    raise DataError(
        Remark(
            f"{shown(path)} begins as {name}, but line {line} holds the byte 0x{byte:02X}, which is not valid there.",
            f"{shown(path)} 开头是 {name}，但第 {line} 行的字节 0x{byte:02X} 在该编码中无效。",
        ),
        Remark(
            "The file may be cut off or made of two: save it again as UTF-8.",
            "文件可能被截断，或由两个文件拼成：请重新另存为 UTF-8。",
        ),
    )
