"""The rows that a bundle reads, texts, pairs of them or cells by column, as they come in and as it is asked them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from feilun.bundles.bundle import Bundle
from feilun.core.corpus import Corpus, corpus_of
from feilun.core.errors import UsageError
from feilun.core.features import category_of
from feilun.core.remark import Remark
from feilun.serving.batcher import Predict
from feilun.serving.limits import Row


def check_kind(bundle: Bundle, rows: Sequence[Row]) -> None:
    """Refuse texts where a model compares two or reads features, and pairs where it reads one.

    Raises:
        UsageError: If it is so.
    """
    columns = bundle.columns
    if columns.reads_features:
        if not all(isinstance(row, Mapping) for row in rows):
            raise UsageError(
                Remark(
                    f"The model {bundle.name} reads the columns {', '.join(columns.names)}.",
                    f"模型 {bundle.name} 要读列 {'、'.join(columns.names)}。",
                ),
                Remark('Send "rows": [{column: value}].', '请发送 "rows": [{列名: 值}]。'),
            )
        return
    if columns.verbalise:
        rows = [row for row in rows if not isinstance(row, Mapping)]
    if bundle.pair is None and any(not isinstance(row, str) for row in rows):
        raise UsageError(
            Remark(f"The model {bundle.name} reads one text, not two.", f"模型 {bundle.name} 读一段文本，而不是两段。"),
            Remark('Send "texts", not "pairs".', '请发送 "texts"，而不是 "pairs"。'),
        )
    if bundle.pair is not None and any(isinstance(row, str) for row in rows):
        raise UsageError(
            Remark(f"The model {bundle.name} compares two texts.", f"模型 {bundle.name} 比较两段文本。"),
            Remark('Send "pairs": [["one", "other"]].', '请发送 "pairs": [["一段", "另一段"]]。'),
        )


def answerer(bundle: Bundle) -> Predict:
    """Return what predicts the rows that a bundle reads: texts, pairs of them, or cells by column."""
    return lambda rows: bundle.predict(asked_rows(bundle, rows))


def asked_rows(bundle: Bundle, rows: Sequence[Row]) -> Corpus:
    """Return what a bundle is asked about as a corpus; the rows must be of the kind that it reads."""
    if bundle.columns.reads_features:
        return bundle.columns.corpus([row for row in rows if isinstance(row, Mapping)])
    plain = [_told(bundle, row) if isinstance(row, Mapping) else row for row in rows]
    if bundle.pair is None:
        return corpus_of([str(row) for row in plain])
    pairs = [row for row in plain if isinstance(row, tuple)]
    numbers = [str(i) for i in range(len(pairs))]
    return Corpus(id=numbers, text=[one for one, _ in pairs], pair=[other for _, other in pairs])


def remembered_rows(bundle: Bundle, rows: Sequence[Row]) -> Corpus:
    """Return the rows of one request as they are remembered: cells as the numbers and categories that were read.

    Columns that are written into the text are remembered beside it, so that they can be told from it again.
    """
    corpus, features, columns = asked_rows(bundle, rows), bundle.predictor.features, bundle.columns
    cells = [row for row in rows if isinstance(row, Mapping)]
    if columns.verbalise and cells:
        told = {name: [category_of(row[name]) for row in cells] for name in columns.features}
        own = [str(row[columns.text] or "") if columns.text else "" for row in cells]
        return replace(corpus, text=own, features=told)
    return corpus if features is None else replace(corpus, features=features.plain(corpus.features))


def rows_of(bundle: Bundle, cells: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return cells by column as the rows that a bundle reads.

    Args:
        bundle: The bundle.
        cells: A row each.

    Returns:
        Texts or pairs; the cells themselves where the model reads columns beside them.

    Raises:
        UsageError: If a column is missing or unknown, or a cell is not what belongs there.
    """
    columns = bundle.columns
    columns.check(cells)
    if columns.features:
        if bundle.predictor.features is not None:
            bundle.predictor.features.matrix(columns.corpus(cells).features, len(cells))
        return list(cells)
    corpus = columns.corpus(cells)
    return list(corpus.text) if corpus.pair is None else list(zip(corpus.text, corpus.pair, strict=True))


def kind_of_rows(bundle: Bundle) -> tuple[bool, tuple[str, ...]]:
    """Return whether a bundle compares two texts, and the features that it reads."""
    return bundle.pair is None, bundle.columns.features


def blank_row(bundle: Bundle) -> Row:
    """Return a row of nothing, for a first run."""
    if bundle.columns.reads_features:
        return dict.fromkeys(bundle.columns.names)
    return "" if bundle.pair is None else ("", "")


def _told(bundle: Bundle, row: Mapping[str, Any]) -> Row:
    """Return cells whose columns are written into the text as a text, or two."""
    corpus = bundle.columns.corpus([row])
    return corpus.text[0] if corpus.pair is None else (corpus.text[0], corpus.pair[0])
