import codecs
import csv
import itertools

import numpy as np
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feilun.core.decisions.regress import RegressDecision
from feilun.core.errors import DataError, UsageError
from feilun.core.prediction import Prediction, Ranking
from feilun.core.row_columns import RowColumns
from feilun.interfaces.cli import predict as predict_verb
from feilun.workflow.finished.predict_file import (
    ADDED_COLUMNS,
    LARGEST_PIECE,
    WRITERS,
    predict_rows,
    predict_stream,
    saved_by_a_spreadsheet,
    with_predictions,
    write_frames,
)


class Lengths:
    """Predicts whether a text is long, and remembers how many it was asked at once."""

    def __init__(self):
        self.asked = []

    def predict(self, corpus):
        self.asked.append(len(corpus))
        names = ("long", "short")
        scores = np.array([0.75, 0.25], dtype=np.float32)
        return [Prediction("long" if len(t) > 9 else "short", 0.75, Ranking(names, scores)) for t in corpus.text]


@given(st.lists(st.text(max_size=20), max_size=100))
def test_a_stream_is_answered_in_order_and_none_is_lost(texts):
    answers = list(predict_stream(Lengths(), texts))
    assert [text for text, _ in answers] == texts
    assert all((prediction.label == "long") == (len(text) > 9) for text, prediction in answers)


def test_a_stream_without_end_is_answered_at_once_and_in_bounded_pieces():
    lengths = Lengths()
    endless = predict_stream(lengths, map(str, itertools.count()))
    next(endless)
    assert lengths.asked == [16]
    for _ in range(3 * LARGEST_PIECE):
        next(endless)
    assert max(lengths.asked) == LARGEST_PIECE


@pytest.fixture
def table():
    texts = [
        "很好，下次再来",
        'with "quotes", commas\nand a line break',
        "",
        None,
        "一段比较长的文本，超过九个字",
        "=1+1",
    ]
    return polars.DataFrame({"id": range(6), "text": texts, "note": [None, "a", "b", "", "e", "f"]})


def read(path):
    if path.suffix == ".parquet":
        return polars.read_parquet(path)
    if path.suffix == ".jsonl":
        return polars.read_ndjson(path)
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, delimiter="\t" if path.suffix == ".tsv" else ",")
    return polars.DataFrame(rows, schema=header, orient="row")


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("source_ending", [".csv", ".jsonl", ".parquet"])
def test_rows_come_back_in_order_with_their_columns_and_the_predicted_ones(tmp_path, table, source_ending, ending):
    source, target = tmp_path / f"in{source_ending}", tmp_path / f"out{ending}"
    {".csv": table.write_csv, ".jsonl": table.write_ndjson, ".parquet": table.write_parquet}[source_ending](source)
    pieces = predict_rows(Lengths(), str(source), RowColumns())
    assert write_frames((with_predictions(*piece) for piece in pieces), target) == len(table)
    result = read(target)
    assert result.columns == [*table.columns, *ADDED_COLUMNS]
    assert [str(i) for i in result["id"]] == [str(i) for i in table["id"]]
    assert [t or "" for t in result["text"]] == [t or "" for t in table["text"]]
    assert result["predicted_label"].to_list() == ["short", "long", "short", "short", "long", "short"]


@pytest.mark.parametrize(("encoding", "marked"), [("utf-8", False), ("utf-8-sig", True), ("gb18030", True)])
def test_answers_to_what_a_spreadsheet_saved_open_there_as_they_are(tmp_path, encoding, marked):
    source, target = tmp_path / "评论.csv", tmp_path / "答.csv"
    source.write_text("text,说明\n送餐很快，味道也好，下次还来,一\n等了两个小时也没有人接电话,二\n", encoding=encoding)
    pieces = predict_rows(Lengths(), str(source), RowColumns())
    frames = (with_predictions(*piece) for piece in pieces)
    assert write_frames(frames, target, mark=saved_by_a_spreadsheet(str(source))) == 2
    assert target.read_bytes().startswith(codecs.BOM_UTF8) is marked
    assert read(target)["说明"].to_list() == ["一", "二"]


def test_many_pieces_become_one_file(tmp_path):
    rows = 2 * LARGEST_PIECE + 5
    source = tmp_path / "in.csv"
    polars.DataFrame({"text": [f"text {i}" for i in range(rows)]}).write_csv(source)
    for ending in WRITERS:
        pieces = (with_predictions(*piece) for piece in predict_rows(Lengths(), str(source), RowColumns()))
        assert write_frames(pieces, tmp_path / f"out{ending}") == rows
        result = read(tmp_path / f"out{ending}")
        assert result["text"].to_list() == [f"text {i}" for i in range(rows)]
    assert {path.suffix for path in tmp_path.iterdir()} == {".csv", *WRITERS}
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet"])
def test_a_table_without_rows_is_answered_by_its_columns(tmp_path, ending):
    (tmp_path / "in.csv").write_text("id,text\n", encoding="utf-8")
    pieces = (with_predictions(*piece) for piece in predict_rows(Lengths(), str(tmp_path / "in.csv"), RowColumns()))
    assert write_frames(pieces, tmp_path / f"out{ending}") == 0
    assert read(tmp_path / f"out{ending}").columns == ["id", "text", *ADDED_COLUMNS]


def test_nested_cells_become_json_text_in_csv(tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "好", "tags": ["a", "b"]}\n', encoding="utf-8")
    write_frames(
        (with_predictions(*p) for p in predict_rows(Lengths(), str(source), RowColumns())), tmp_path / "out.csv"
    )
    assert read(tmp_path / "out.csv")["tags"].to_list() == ['["a", "b"]']


def test_a_failure_midway_leaves_no_file(tmp_path, table):
    def frames():
        yield with_predictions(table, Lengths().predict(_corpus(table)))
        raise DataError("line 7 is broken")

    for ending in WRITERS:
        with pytest.raises(DataError):
            write_frames(frames(), tmp_path / f"out{ending}")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_column_lists_what_the_table_has(tmp_path, table):
    table.write_csv(tmp_path / "in.csv")
    with pytest.raises(DataError, match=r"has no column 'txt' \(it has: .*text.*\)"):
        list(predict_rows(Lengths(), str(tmp_path / "in.csv"), RowColumns("txt")))


def test_predicted_columns_never_overwrite(tmp_path, table):
    with_predictions(table, Lengths().predict(_corpus(table))).write_csv(tmp_path / "in.csv")
    with pytest.raises(DataError, match="predicted_label"):
        list(predict_rows(Lengths(), str(tmp_path / "in.csv"), RowColumns()))


def test_an_unknown_ending_lists_the_valid_ones(tmp_path):
    with pytest.raises(UsageError, match=r"\.parquet"):
        write_frames([], tmp_path / "out.docx")


def _corpus(frame):
    from feilun.core.corpus import corpus_of

    return corpus_of([text or "" for text in frame["text"]])


def test_a_number_without_an_interval_has_empty_ends():
    decision = RegressDecision((3.0,), (1.0,))
    predictions = decision.decide(np.zeros((2, 1), np.float32), ("price",))
    frame = with_predictions(polars.DataFrame({"text": ["a", "b"]}), predictions)
    assert frame["predicted_value"].to_list() == [3.0, 3.0]
    assert frame["predicted_low"].to_list() == frame["predicted_high"].to_list() == [None, None]
    assert predict_verb._line("a", predictions[0]) == "3\ta"
