"""What drift is looked for in: a few figures of each row and of what was said about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feilun.core.corpus import Corpus
from feilun.core.features import CategoryColumn, FeatureColumns, NumberColumn
from feilun.monitoring.answer_signals import DIGITS
from feilun.monitoring.redaction import kept_cell
from feilun.monitoring.signals import Categories, Numbers, Values, numbers_of
from feilun.text.language import main_script

NOT_KNOWN, ANOTHER = "(not known)", "(another)"
"""How categories are called of which none is known, and which training did not see."""


@dataclass(frozen=True)
class Sample:
    """Figures of some predictions.

    Args:
        rows: How many.
        signals: What is compared, by name; each has a value a row.
        states: Pooled states of the model, reduced, shape (some rows, dimensions); None where they are not known.
    """

    rows: int
    signals: Mapping[str, Values]
    states: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return self.rows

    def select(self, rows: NDArray[np.int64]) -> Sample:
        """Return the rows at these indices."""
        signals = {name: values.select(rows) for name, values in self.signals.items()}
        return Sample(len(rows), signals, None if self.states is None else self.states[rows])


def sample_of(
    rows: Corpus,
    said: Mapping[str, Values],
    unknown: NDArray[np.float64],
    states: NDArray[np.float32] | None = None,
    columns: FeatureColumns | None = None,
) -> Sample:
    """Take the figures of predictions.

    Args:
        rows: What was asked about, as it is stored: on both sides of a comparison personal data must be replaced alike.
        said: What is compared of the answers to them, as `watched` takes it.
        unknown: Shares of unknown tokens, shape (rows,), or empty.
        states: Reduced pooled states, shape (rows, dimensions), or None.
        columns: The columns that the model reads beside the text, or None.
    """
    found = {**said, **_text_signals(rows)}
    for column in () if columns is None else columns.columns:
        found[f"column {column.name}"] = _column_signal(column, rows.features[column.name])
    if len(unknown):
        found["unknown"] = Numbers(unknown.round(DIGITS))
    return Sample(len(rows), found, states)


def _text_signals(rows: Corpus) -> dict[str, Values]:
    """Return lengths and scripts of the texts; of no text at all nothing."""
    texts = (
        rows.text if rows.pair is None else [f"{one} {other}" for one, other in zip(rows.text, rows.pair, strict=True)]
    )
    if not any(texts):
        return {}
    scripts = Categories(tuple(map(main_script, texts)))
    return {"characters": numbers_of([len(text) for text in texts]), "scripts": scripts}


def _column_signal(column: NumberColumn | CategoryColumn, cells: Sequence[Any]) -> Values:
    """Return the cells of a column in an order of their own, so that from several columns no row can be told."""
    if isinstance(column, NumberColumn):
        return Numbers(np.sort(numbers_of(cells).values))
    known = {kept_cell(category) for category in column.categories}
    return Categories(
        tuple(sorted(NOT_KNOWN if cell is None else cell if cell in known else ANOTHER for cell in cells))
    )
