"""What several people said of the same texts: how far they agree, and one table of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from feilun.core.errors import DataError
from feilun.core.remark import Remark
from feilun.labelling.agreement import (
    cohen_kappa,
    confused,
    fleiss_kappa,
    krippendorff_alpha,
    majority,
    pairs_of_people,
)
from feilun.labelling.label_studio import Answer
from feilun.workflow.finished.predict_file import write_frames
from feilun.workflow.labelling.label_files import read_answers

CONFUSED_SHOWN = 10


@dataclass
class Told:
    """What people said.

    Args:
        ratings: Labels by text and person; of a person's two labels for a text the last counts.
        texts: The texts themselves, by the same keys.
    """

    ratings: dict[str, dict[str, str]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


def read_ratings(files: Sequence[Path]) -> Told:
    """Read the tables that people filled in, or exports of Label Studio.

    Args:
        files: They; where two have the same name, the folder tells their people apart.

    Raises:
        DataError: If one cannot be read, or none holds a label.
    """
    told = Told()
    stems = [path.stem for path in files]
    for path in files:
        person = path.stem if stems.count(path.stem) == 1 else str(path.with_suffix(""))
        for answer in read_answers(path, person):
            key = _key(answer, told.texts)
            told.ratings.setdefault(key, {})[answer.person] = answer.label
            told.texts[key] = answer.text or told.texts.get(key, "")
    if not told.ratings:
        raise DataError(
            Remark(
                f"No label is filled in in {', '.join(map(str, files))}.",
                f"{'、'.join(map(str, files))} 里一个标签也没有填。",
            ),
            Remark("Fill in the column `label`.", "请填写 `label` 列。"),
        )
    return told


def _key(answer: Answer, texts: Mapping[str, str]) -> str:
    """Return what names a text: its identity, and where another table gave that to another text, its own words too."""
    words, others = _words(answer.text), _words(texts.get(answer.identity, ""))
    return f"{answer.identity} {words}" if words and others and words != others else answer.identity


def _words(text: str) -> str:
    """Return what a spreadsheet leaves of a text however it saves it: letters and digits; else all of it."""
    return "".join(filter(str.isalnum, text)) or text.strip()


def agreement_of(told: Told) -> dict[str, Any]:
    """Return how far people agree, as JSON; what cannot be said is null.

    Raises:
        DataError: If no text was labelled by two people.
    """
    shared = sum(len(given) > 1 for given in told.ratings.values())
    if not shared:
        raise DataError(
            Remark(
                f"None of the {len(told.ratings):,} texts was labelled by two people.",
                f"{len(told.ratings):,} 条文本中，没有一条由两个人标注。",
            ),
            Remark(
                "Give a table of each person; texts are matched by the column observation, row or id, else by the "
                "text.",
                "请给出每个人的表；文本按 observation、row 或 id 列对应，没有这些列就按文本对应。",
            ),
        )
    pairs = [
        {"people": [one, other], "texts": len(first), "cohen_kappa": _known(cohen_kappa(first, second)),
         "agree": sum(a == b for a, b in zip(first, second, strict=True)) / len(first)}
        for one, other, first, second in pairs_of_people(told.ratings) if first
    ]  # fmt: skip
    return {
        "texts": len(told.ratings), "shared": shared, "krippendorff_alpha": _known(krippendorff_alpha(told.ratings)),
        "fleiss_kappa": _known(fleiss_kappa(told.ratings)), "pairs": pairs,
        "confused": [{"labels": [a, b], "texts": n} for a, b, n in confused(told.ratings)[:CONFUSED_SHOWN]],
    }  # fmt: skip


def write_labelled(told: Told, path: Path) -> tuple[int, int]:
    """Write texts with the label that most people gave them.

    Args:
        told: What they said.
        path: The file; its ending picks csv, tsv, jsonl or parquet.

    Returns:
        Rows written, and texts left out as people disagree evenly.

    Raises:
        DataError: If of a label the text is in none of the tables.
    """
    import polars

    bare = next((identity for identity, text in told.texts.items() if not text.strip()), None)
    if bare is not None:
        raise DataError(
            Remark(f"No table has the text {bare!r} in a column `text`.", f"没有表格在 `text` 列给出文本 {bare!r}。"),
            Remark("Keep that column when you fill in a table.", "填写表格时请保留这一列。"),
        )
    labels = {identity: majority(given) for identity, given in told.ratings.items()}
    kept = [identity for identity, label in labels.items() if label is not None]
    columns = {"text": [told.texts[one] for one in kept], "label": [labels[one] for one in kept]}
    return write_frames([polars.DataFrame(columns)], path), len(labels) - len(kept)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)
