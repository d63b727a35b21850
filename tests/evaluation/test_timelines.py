"""Pictures over time: called by their titles, and on pages of one size with margins, no word of them broken."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from feilun.evaluation.fonts import columns
from feilun.evaluation.timelines import PAGE_COLUMNS, _broken, bars, image, write_pdf


@pytest.mark.parametrize(
    "line", ["", "words " * 60, "汉字，" * 60, "预期 0.0005 篇（Bonds of Haiyue），" * 12, "x" * 300]
)
def test_a_line_is_broken_at_blanks_and_between_chinese_characters(line: str) -> None:
    parts = _broken(line)
    assert all(columns(part) <= PAGE_COLUMNS for part in parts)
    assert "".join("".join(parts).split()) == "".join(line.split())
    assert not [part for part in parts if part.startswith(("，", "）"))]
    if "x" not in line:
        words = re.findall(r"[\w.]+", line, re.ASCII)
        assert [word for part in parts for word in re.findall(r"[\w.]+", part, re.ASCII)] == words


def test_all_pages_of_a_pdf_have_one_size(tmp_path: Path) -> None:
    figures = [bars(f"图 {number}", {"一": 1.0, "二": 2.0}) for number in range(8)]
    write_pdf(tmp_path / "a.pdf", figures, "一行\n" * 70)
    sizes = re.findall(rb"/MediaBox \[ ([\d. ]+) \]", (tmp_path / "a.pdf").read_bytes())
    assert len(sizes) == 4  # two of text, two of figures
    assert len(set(sizes)) == 1


def test_a_picture_is_called_by_its_title() -> None:
    assert 'alt="甲 &amp; &quot;乙&quot;"' in image(bars('甲 & "乙"', {"a": 1.0}))
