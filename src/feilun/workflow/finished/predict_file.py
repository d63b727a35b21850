"""Predictions for a file or a stream of any length: read in pieces, answered in order, never held whole."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from feilun.core.corpus import Corpus, corpus_of
from feilun.core.errors import DataError, UsageError
from feilun.core.files import atomic_file
from feilun.core.ports import Predictor
from feilun.core.prediction import Prediction
from feilun.core.remark import Remark
from feilun.core.row_columns import RowColumns
from feilun.data.paths import no_column, shown

if TYPE_CHECKING:
    from polars import DataFrame

ADDED_COLUMNS = ("predicted_label", "predicted_score", "predicted_abstained")
TASK_COLUMNS = (
    "predicted_labels", "predicted_spans", "predicted_value", "predicted_low", "predicted_high", "predicted_similarity",
    "predicted_relevance", "predicted_text",
)  # fmt: skip
"""What only some tasks add."""

NUMBERED = ("predicted_value_", "predicted_low_", "predicted_high_", "predicted_label_", "predicted_score_")
"""How the columns begin where several numbers are predicted, or several tasks are answered."""

FIRST_PIECE, LARGEST_PIECE = 16, 4096


def predict_stream(predictor: Predictor, texts: Iterable[str]) -> Iterator[tuple[str, Prediction]]:
    """Answer texts in order; pieces grow, so that the first answers come at once and the many go fast.

    Args:
        predictor: What predicts.
        texts: Any number of texts.

    Yields:
        Each text with its prediction.
    """
    piece: list[str] = []
    size = FIRST_PIECE
    for text in texts:
        piece.append(text)
        if len(piece) == size:
            yield from zip(piece, predictor.predict(corpus_of(piece)), strict=True)
            piece, size = [], min(2 * size, LARGEST_PIECE)
    yield from zip(piece, predictor.predict(corpus_of(piece)), strict=True)


def predict_rows(
    predictor: Predictor, source: str, columns: RowColumns, query: str | None = None
) -> Iterator[tuple[DataFrame, list[Prediction]]]:
    """Answer the rows of a file or database in order.

    Args:
        predictor: What predicts.
        source: A path or database URL.
        columns: The columns to read, and as what.
        query: The SQL query of a database.

    Yields:
        A piece of the table with its predictions, one without rows where the table has none; a missing text is read
        as an empty one.

    Raises:
        DataError: If a column is missing.
    """
    from feilun.data.readers.sources import column_names, open_rows

    names = column_names(source, query=query)
    for wanted in columns.names:
        if wanted not in names:
            remedy = Remark("Name it with --text.", "请用 --text 指明。")
            raise DataError(no_column(source, wanted, names), "" if wanted in columns.features else remedy)
    taken = [name for name in names if name in (*ADDED_COLUMNS, *TASK_COLUMNS) or name.startswith(NUMBERED)]
    if taken:
        raise DataError(
            Remark(f"{shown(source)} already has the column {taken[0]!r}.", f"{shown(source)} 已经有列 {taken[0]!r}。"),
            Remark("Rename it: predictions would overwrite it.", "请把它改名：预测结果会覆盖它。"),
        )
    some = False
    for frame in open_rows(source, query=query):
        for piece in frame.iter_slices(LARGEST_PIECE):
            some = True
            yield piece, predictor.predict(_corpus(piece, columns))
    if not some:
        import polars

        yield polars.DataFrame(schema=dict.fromkeys(names, polars.String)), []


def with_predictions(frame: DataFrame, predictions: Sequence[Prediction]) -> DataFrame:
    """Return the rows with the predicted columns behind their own."""
    import polars

    added = [
        polars.Series("predicted_label", [prediction.label for prediction in predictions], polars.String),
        polars.Series("predicted_score", [round(prediction.score, 6) for prediction in predictions], polars.Float64),
        polars.Series("predicted_abstained", [prediction.abstained for prediction in predictions], polars.Boolean),
    ]
    if any(prediction.labels is not None for prediction in predictions):
        lists = [list(prediction.labels or ()) for prediction in predictions]
        added.append(polars.Series("predicted_labels", lists, polars.List(polars.String)))
    if any(prediction.spans is not None for prediction in predictions):
        tables = [prediction.to_json().get("spans", []) for prediction in predictions]
        added.append(polars.Series("predicted_spans", tables, polars.List(polars.Struct(_span_fields()))))
    if any(prediction.similarity is not None for prediction in predictions):
        cosines = [prediction.similarity for prediction in predictions]
        added.append(polars.Series("predicted_similarity", cosines, polars.Float64))
    if any(prediction.relevance is not None for prediction in predictions):
        relevances = [prediction.relevance for prediction in predictions]
        added.append(polars.Series("predicted_relevance", relevances, polars.Float64))
    if any(prediction.text is not None for prediction in predictions):
        added.append(polars.Series("predicted_text", [one.text for one in predictions], polars.String))
    for task in (predictions[0].answers or {}) if predictions else {}:
        own = [(prediction.answers or {})[task] for prediction in predictions]
        added.append(polars.Series(f"predicted_label_{task}", [answer.label for answer in own], polars.String))
        added.append(
            polars.Series(f"predicted_score_{task}", [round(answer.score, 6) for answer in own], polars.Float64)
        )
    for number in range(len(predictions[0].numbers or ()) if predictions else 0):
        told = [prediction.numbers[number] for prediction in predictions if prediction.numbers is not None]
        name = "" if predictions[0].numbers is None or len(predictions[0].numbers) == 1 else f"_{told[0].name}"
        for part, values in (
            ("value", [one.value for one in told]),
            ("low", [one.low if math.isfinite(one.low) else None for one in told]),
            ("high", [one.high if math.isfinite(one.high) else None for one in told]),
        ):
            added.append(polars.Series(f"predicted_{part}{name}", values, polars.Float64))
    return frame.with_columns(added)


def _span_fields() -> dict[str, Any]:
    """Return the columns of a span's table with their types."""
    import polars

    places, words = polars.Int64, polars.String
    return {"start": places, "end": places, "label": words, "text": words, "score": polars.Float64}


def saved_by_a_spreadsheet(source: str, query: str | None = None) -> bool:
    """Say whether a table is Excel's, or text that is no plain UTF-8, so that its owner will open the answers there."""
    from feilun.data.readers.sources import open_source

    facts = open_source(source, query=query).facts()
    return facts.get("kind") == "xlsx" or facts.get("encoding", "utf-8") != "utf-8"


def write_frames(frames: Iterable[DataFrame], path: Path, *, mark: bool = False) -> int:
    """Write pieces of a table as one file, atomically and without holding them.

    Args:
        frames: The pieces, in order.
        path: Where to; its ending picks csv, tsv, jsonl or parquet.
        mark: Begin csv and tsv with the byte order mark by which spreadsheets know UTF-8.

    Returns:
        Rows written.

    Raises:
        UsageError: If the ending is none of these.
    """
    write = WRITERS.get(path.suffix.lower())
    if write is None:
        raise UsageError(
            Remark(
                f"{path} has the ending {path.suffix!r}; valid: {', '.join(WRITERS)}.",
                f"{path} 的后缀是 {path.suffix!r}；可用：{'、'.join(WRITERS)}。",
            ),
            Remark("Rename the file given by --out.", "请给 --out 的文件换个名字。"),
        )
    with atomic_file(path) as temporary:
        if mark and path.suffix.lower() in MARKED:
            return write(frames, temporary, encoding="utf-8-sig")
        return write(frames, temporary)


def write_csv(frames: Iterable[DataFrame], file: TextIO, separator: str = ",") -> int:
    """Write pieces of a table as one CSV text with one header; return the rows."""
    rows = 0
    for number, frame in enumerate(frames):
        file.write(_flat(frame).write_csv(separator=separator, include_header=number == 0))
        file.flush()
        rows += len(frame)
    return rows


def _write_csv_file(frames: Iterable[DataFrame], path: Path, separator: str = ",", *, encoding: str = "utf-8") -> int:
    with path.open("w", encoding=encoding, newline="") as file:
        return write_csv(frames, file, separator)


def _write_tsv_file(frames: Iterable[DataFrame], path: Path, *, encoding: str = "utf-8") -> int:
    return _write_csv_file(frames, path, "\t", encoding=encoding)


def _write_jsonl(frames: Iterable[DataFrame], path: Path) -> int:
    rows = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        for frame in frames:
            file.write(frame.write_ndjson())
            rows += len(frame)
    return rows


def _write_parquet(frames: Iterable[DataFrame], path: Path) -> int:
    """Write each piece beside the target, then join them as a stream: a parquet file cannot be appended to."""
    import polars

    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".pieces.") as folder:
        rows = 0
        pieces = []
        for number, frame in enumerate(frames):
            pieces.append(Path(folder) / f"{number:08d}.parquet")
            frame.write_parquet(pieces[-1])
            rows += len(frame)
        if pieces:
            polars.scan_parquet(pieces).sink_parquet(path)
        else:
            polars.DataFrame().write_parquet(path)
        return rows


WRITERS: Mapping[str, Callable[..., int]] = {
    ".csv": _write_csv_file,
    ".tsv": _write_tsv_file,
    ".jsonl": _write_jsonl,
    ".parquet": _write_parquet,
}
MARKED = (".csv", ".tsv")


def _corpus(frame: DataFrame, columns: RowColumns) -> Corpus:
    from feilun.data.readers.tables import texts_of

    cells = {name: texts_of(frame, name) for name in columns.names}
    return columns.corpus([{name: cells[name][row] for name in cells} for row in range(len(frame))])


def _flat(frame: DataFrame) -> DataFrame:
    """Turn columns that CSV cannot hold, lists and tables within cells, into JSON text."""
    import json

    import polars

    nested = [name for name, kind in frame.schema.items() if kind.is_nested()]
    return frame.with_columns(
        polars.Series(name, [None if v is None else json.dumps(v, ensure_ascii=False, default=str)
                             for v in frame[name].to_list()], polars.String)
        for name in nested
    )  # fmt: skip
