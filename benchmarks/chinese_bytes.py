"""Big5 told from GB 18030: the share of pieces of real texts that are read as they were written.

    python benchmarks/chinese_bytes.py --data ../shared/data [--pieces 2000] [--peer 100]

Pieces of 2 to 4,096 characters are cut out of traditional texts (esun_bank_faq), written in Big5 and in GB 18030, and
of simplified ones (zh_financial_news, thucnews_titles) in GB 18030; at least a third of each is Chinese, and those that
are valid UTF-8 by chance are left out. Beside ours stands charset-normalizer on the first pieces, once with all
encodings that it knows and once told these four: gb18030, big5, cp950, big5hkscs.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from charset_normalizer import from_bytes

from feilun.text.chinese_bytes import decode

LENGTHS = (2, 4, 8, 16, 32, 64, 256, 4096)
LONG = 300
"""Characters from which on a tenth of the pieces are enough."""

FAMILY = {"cp950": "big5", "big5hkscs": "big5", "gbk": "gb18030", "gb2312": "gb18030"}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pieces", type=int, default=2000)
    parser.add_argument("--peer", type=int, default=100)
    arguments = parser.parse_args()
    traditional, simplified = read_traditional(arguments.data), read_simplified(arguments.data)
    written = (
        ("traditional, Big5", traditional, "cp950", "big5"),
        ("traditional, GB 18030", traditional, "gb18030", "gb18030"),
        ("simplified, GB 18030", simplified, "gb18030", "gb18030"),
    )
    print("| characters | text | pieces | ours | charset-normalizer | told the four |\n|---|---|---|---|---|---|")
    for length in LENGTHS:
        for name, texts, codec, wanted in written:
            count = arguments.pieces if length < LONG else arguments.pieces // 10
            raws = [raw for piece in cut(texts, length, count) if not_utf8(raw := piece.encode(codec, "ignore"))]
            first = raws[: arguments.peer]
            shares = (right(ours, raws, wanted), right(peer, first, wanted), right(peer_told, first, wanted))
            print(f"| {length} | {name} | {len(raws)} | " + " | ".join(f"{share:.3f}" for share in shares) + " |")


def read_traditional(data: Path) -> list[str]:
    """Return questions and answers of the bank."""
    lines = (data / "esun_bank_faq" / "kb.jsonl").read_text(encoding="utf-8").splitlines()
    return [text for line in map(json.loads, lines) for text in (line["question"], *line["answers"])]


def read_simplified(data: Path) -> list[str]:
    """Return titles of news."""
    found = []
    for name in ("zh_financial_news", "thucnews_titles"):
        with (data / name / "test.csv").open(encoding="utf-8", newline="") as file:
            found += [row["text"] for row in csv.DictReader(file)]
    return found


def cut(texts: Sequence[str], length: int, count: int) -> list[str]:
    """Cut pieces out of texts that stand after each other, a third of each piece Chinese."""
    draw = random.Random(13)
    joined, found = "\n".join(draw.sample(texts, len(texts))), list[str]()
    while len(found) < count:
        start = draw.randrange(len(joined) - length)
        piece = joined[start : start + length]
        if sum("\u4e00" <= character <= "\u9fff" for character in piece) >= max(1, length // 3):
            found.append(piece)
    return found


def not_utf8(raw: bytes) -> bool:
    """Return whether bytes are no UTF-8 by themselves."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return True
    return False


def right(guess: Callable[[bytes], str], raws: Sequence[bytes], wanted: str) -> float:
    """Return the share of pieces that are told right."""
    return sum(guess(raw) == wanted for raw in raws) / max(1, len(raws))


def ours(raw: bytes) -> str:
    """Return what the product reads bytes as."""
    found = decode(raw)
    return found[1] if found else ""


def peer(raw: bytes) -> str:
    """Return what charset-normalizer reads bytes as."""
    best = from_bytes(raw).best()
    return FAMILY.get(best.encoding, best.encoding) if best else ""


def peer_told(raw: bytes) -> str:
    """Return what charset-normalizer reads bytes as, of four encodings."""
    best = from_bytes(raw, cp_isolation=["gb18030", "big5", "cp950", "big5hkscs"]).best()
    return FAMILY.get(best.encoding, best.encoding) if best else ""


if __name__ == "__main__":
    main()
