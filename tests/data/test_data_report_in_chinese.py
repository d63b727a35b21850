"""The data report speaks Chinese where its reader does: no English word is left but names and settings."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from feilun.data.prepare import prepare
from feilun.data.render import render
from feilun.data.settings import DataSettings
from feilun.data.split import SplitSettings
from feilun.text.segment import HAN

DIGITS = "一二三四五六七八九十"
ROWS = [
    *((f"很好吃，送得也快，第{DIGITS[i % 10] * (i // 10 + 1)}", "good", i % 7, "app") for i in range(40)),
    *((f"太难吃了，再也不来{DIGITS[i % 10] * (i // 10 + 1)}", "bad", i % 5, "web") for i in range(40)),
    ("一般", "Good ", 1, "app"),
    ("还行", "so-so", 2, "app"),
    ("一样的话", "good", 1, "app"),
    ("一样的话", "bad", 1, "app"),
    ("重复的话", "bad", 1, "app"),
    ("重复的话", "bad", 1, "app"),
    ("全角ＡＢＣ <b>粗</b>", "bad", 2, "web"),
    ("没有标签", "", 2, "web"),
]
EXPECTED = (
    "丢弃", "没有标签", "与前面某行相同", "已出现在测试文件中", "全角", "这些标签看起来一样", "被截断", "标签不一",
    "请补充", "都相同，已略去", "中位数", "指纹",
)  # fmt: skip
NAMES = re.compile(
    r"train\.csv|test\.csv|[\w]+\.[a-z_]+(?:\.[a-z_]+)?|'[^']*'|\b(?:p\d\d|JSON|HTML|Unicode|han|latin|zh|en|none)\b"
    r"|指纹 [0-9a-f]{12}|\b(?:amount|channel|same|app|web|good|bad|so-so|Good)\b"
)


def write(path: Path, rows: list[tuple[str, str, int, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label", "amount", "channel", "same"), *((*row, "x") for row in rows)])


def test_no_english_word_is_left(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", ROWS)
    write(tmp_path / "test.csv", [("很好吃，送得也快，第一", "good", 0, "app"), ("没见过的话", "bad", 2, "web")])
    settings = DataSettings(
        train=str(tmp_path / "train.csv"), test=str(tmp_path / "test.csv"), text="text", target="label",
        features=("amount", "channel", "same"), split=SplitSettings(validation=0.2),
    )  # fmt: skip

    def count(texts: Sequence[str], pairs: Sequence[str] | None) -> NDArray[np.int64]:
        return np.array([len(text) for text in texts])

    splits = prepare(settings, count_tokens=count, max_tokens=10)
    console = Console(width=300, file=io.StringIO(), record=True)
    console.print(render(splits.report, "zh"))
    page = console.export_text()
    for words in EXPECTED:
        assert words in page, words
    for line in page.splitlines():
        left = NAMES.sub("", line)
        assert not re.search(r"[A-Za-z]{2,}", left), line
        assert HAN.search(line) or re.fullmatch(r"[\s\w.,%()-]*", line)
    assert "同" not in "".join(map(str, splits.report["rows"]["dropped"]))  # JSON stays English
