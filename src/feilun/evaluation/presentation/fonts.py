"""Fonts for plots: one that holds Chinese, and no box where a character is missing."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any

from feilun.core.errors import MissingExtra
from feilun.core.remark import Remark

PACKAGED = "pylopdf_fonts_zh_cn"
"""A package that carries Noto Sans SC under the SIL Open Font License; it comes with the extra `data`."""

KNOWN = (
    "Noto Sans SC",
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "Microsoft YaHei",
    "SimHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "LXGW WenKai",
    "Droid Sans Fallback",
    "Noto Sans CJK JP",
    "Noto Sans CJK TC",
    "Arial Unicode MS",
)
"""Families with Chinese characters that systems come with, the best first."""

LATIN = "DejaVu Sans"
"""Comes with matplotlib."""

PROBE = "图中文字"


def families() -> tuple[str, ...]:
    """Return the font families to draw with: one that holds Chinese where there is any, then matplotlib's own.

    Raises:
        MissingExtra: If matplotlib is not installed.
    """
    return tuple(family for family, _ in _fonts())


def holds_chinese() -> bool:
    """Say whether a font with Chinese characters was found."""
    return not missing(PROBE)


def missing(text: str) -> set[str]:
    """Return the characters of `text` that none of the fonts holds."""
    known = _characters()
    return {character for character in text if ord(character) not in known}


def drawable(name: str, widest: int = 28) -> str:
    """Return a name that can be drawn without a box.

    Args:
        name: A label's name, any text.
        widest: Most columns, of which a Chinese character takes two; a wider name is cut and ends with an ellipsis.

    Returns:
        The name on one line, with code points such as `U+D55C` for characters that no font holds.
    """
    flat = " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in name).split())
    unknown = missing(flat)
    spelled = " ".join("".join(f" U+{ord(c):04X} " if c in unknown else c for c in flat).split())
    if columns(spelled) <= widest:
        return spelled or "(blank)"
    while columns(spelled) > widest - 1:
        spelled = spelled[:-1]
    return spelled + "…"


def columns(text: str) -> int:
    """Return how many columns of Latin letters a text is wide."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


@lru_cache(maxsize=1)
def _fonts() -> tuple[tuple[str, str], ...]:
    """Return family and file of each font to draw with."""
    try:
        from matplotlib import font_manager
    except ImportError as error:
        raise MissingExtra("matplotlib", "data", Remark("Drawing plots", "绘图")) from error
    manager: Any = font_manager.fontManager
    packaged = _packaged()
    if packaged is not None and "Noto Sans SC" not in {font.name for font in manager.ttflist}:
        manager.addfont(str(packaged))
    files = {font.name: str(font.fname) for font in manager.ttflist if font.style == "normal"}
    chosen = next((family for family in KNOWN if family in files), None)
    latin = str(Path(font_manager.findfont(LATIN)))
    return ((chosen, files[chosen]), (LATIN, latin)) if chosen else ((LATIN, latin),)


def _packaged() -> Path | None:
    try:
        import pylopdf_fonts_zh_cn
    except ImportError:
        return None
    path: Path = pylopdf_fonts_zh_cn.sans_path()
    return path if path.is_file() else None


@lru_cache(maxsize=1)
def _characters() -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(code for _, file in _fonts() for code in FT2Font(file).get_charmap())
