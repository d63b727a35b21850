"""What is wanted of a report, and the checks of rows and predictions that every judge makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from feilun.core.corpus import Corpus
from feilun.core.errors import DataError, counted, nearest
from feilun.core.ports import Predictor
from feilun.core.prediction import Prediction
from feilun.core.remark import Remark, joined

MOST_NAMED = 5
"""Rows and labels that a message names."""


@dataclass(frozen=True)
class ReportRequest:
    """What is wanted of a report.

    Args:
        example: The prediction of the first row, which tells the predictor's labels before the long work.
        slices: Columns to break the figures down by.
        baselines: Predictors to judge on the same rows, by name.
        resamples: Bootstrap resamples behind the intervals; 0 gives none.
        seed: Seed of the resamples.
        cost_error: Cost of one wrong decision, or None.
        cost_review: Cost of one text read by a person, or None.
    """

    example: Prediction
    slices: Sequence[str] = ()
    baselines: Mapping[str, Predictor] = field(default_factory=dict)
    resamples: int = 1000
    seed: int = 13
    cost_error: float | None = None
    cost_review: float | None = None


def checked(predictor: Predictor, corpus: Corpus) -> list[Prediction]:
    """Predict, and hold the predictor to one prediction a row."""
    predictions = predictor.predict(corpus)
    if len(predictions) != len(corpus):
        raise ValueError(f"a predictor returned {len(predictions)} predictions for {len(corpus)} rows")
    return predictions


def check_known(targets: Sequence[Sequence[str]], corpus: Corpus, names: Sequence[str]) -> None:
    """Refuse labels that a predictor does not know.

    Args:
        targets: The label names of each row.
        corpus: The rows.
        names: The labels that the predictor knows.

    Raises:
        DataError: Naming each unknown label with its rows.
    """
    first_rows: dict[str, int] = {}
    counts: Counter[str] = Counter()
    for row, own in enumerate(targets):
        counts.update(own)
        for name in own:
            first_rows.setdefault(name, row)
    unseen = sorted(first_rows.keys() - set(names))
    if unseen:
        shown = [
            Remark(
                f"{name!r} ({counted(counts[name], 'row')}, first {corpus.id[first_rows[name]]!r})",
                f"{name!r}（{counts[name]:,} 行，首见于 {corpus.id[first_rows[name]]!r}）",
            )
            for name in unseen
        ]
        raise DataError(
            Remark(
                f"These rows have {counted(len(unseen), 'label')} that the model does not know: {some(shown)}. "
                f"{_suggestion(unseen[0], names)}",
                f"这些行有 {len(unseen):,} 个标签是模型不认识的：{some(shown).chinese}。"
                f"{_suggestion(unseen[0], names).chinese}",
            ),
            Remark(
                "Correct the labels, leave these rows out, or train again with such rows.",
                "请改正标签，或去掉这些行，或加入这样的行重新训练。",
            ),
        )


def some(names: Sequence[str]) -> Remark:
    """List the first of many names."""
    shown, more = joined(names[:MOST_NAMED], ", ", "、"), len(names) - MOST_NAMED
    return shown if more <= 0 else Remark(f"{shown} and {more} more", f"{shown.chinese} 等，另有 {more} 个")


def _suggestion(name: str, names: Sequence[str]) -> Remark:
    """Say which label was probably meant: spaces around it and the case of its letters often differ."""
    folded = {valid.strip().casefold(): valid for valid in names}
    same = folded.get(name.strip().casefold())
    if same is not None:
        return Remark(f"Did you mean {same!r}?", f"是不是 {same!r}？")
    hint = nearest(name, names)
    return hint if len(names) <= MOST_NAMED or not hint.startswith("Valid:") else Remark("", "")
