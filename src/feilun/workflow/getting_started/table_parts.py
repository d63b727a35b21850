"""The tables that a user gives: one, or a folder with one for training and others to validate and to test with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from feilun.core.errors import UsageError
from feilun.core.remark import Remark
from feilun.data.readers.sources import READERS

PARTS = {"train": ("train",), "validation": ("dev", "validation", "valid"), "test": ("test",)}
"""How the tables of a folder are named, by what they are for."""


def tables_of(data: str) -> dict[str, str]:
    """Return the user's tables by part: train, and where a folder has them validation and test.

    Args:
        data: A table, the URL of a database, or a folder with train, dev and test.

    Raises:
        UsageError: If the folder has no train table.
    """
    folder = Path(data)
    if "://" in data or not folder.is_dir():
        return {"train": data}
    tables = {part: str(path) for part, names in PARTS.items() if (path := _table(folder, names))}
    if "train" not in tables:
        found = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in READERS)
        some = Remark(f"Name one of its tables: {', '.join(found[:8])}.", f"请指明其中一张表：{'、'.join(found[:8])}。")
        named = some if found else Remark("There is no table in it either.", "里面也没有别的表。")
        raise UsageError(
            Remark(
                f"{data} is a folder without a train table, such as train.csv or train.jsonl.",
                f"文件夹 {data} 里没有训练表，例如 train.csv 或 train.jsonl。",
            ),
            named,
        )
    return tables


def _table(folder: Path, names: Sequence[str]) -> Path | None:
    candidates = [folder / f"{name}{ending}" for name in names for ending in READERS]
    return next((path for path in candidates if path.is_file()), None)
