"""Every kind of table gives the same rows, and what cannot be read is named with its place."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import labelled, write_csv, write_xlsx

from feilun.core.errors import DataError, FeilunError
from feilun.data.paths import no_column
from feilun.data.readers import tables as pieces_module
from feilun.data.readers.sources import column_names, open_rows, open_source

ROWS = [*labelled(30), ('say "hi", 你好\nsecond line', "good"), ("emoji 😀 שלום", "bad")]


def cells(source: str, **more: str) -> list[tuple[str | None, ...]]:
    return [row for frame in open_rows(source, **more) for row in frame.rows()]


def sqlite_of(path: Path, rows: list[tuple[str, str]]) -> str:
    with sqlite3.connect(path) as connection:
        connection.execute("create table reviews (text, label)")
        connection.executemany("insert into reviews values (?, ?)", rows)
    connection.close()
    return f"sqlite:///{path}"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
def test_csv_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    rows = [row for row in ROWS if encoding != "gb18030" or "שלום" not in row[0]]
    source = write_csv(tmp_path / "a.csv", rows, encoding=encoding)
    assert cells(source) == rows
    assert column_names(source) == ["text", "label"]


@pytest.mark.parametrize(
    ("delimiter", "ending"), [(",", "csv"), (";", "csv"), ("\t", "csv"), ("|", "txt"), ("\t", "tsv")]
)
def test_delimiters_are_found(tmp_path: Path, delimiter: str, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_text("\n".join(delimiter.join(row) for row in [("text", "label"), *labelled(20)]), encoding="utf-8")
    assert cells(str(path)) == labelled(20)


def test_a_single_column_needs_no_delimiter(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('text\nwell, yes; or no\n\n"quoted, too"\n', encoding="utf-8")
    assert cells(str(path)) == [("well, yes; or no",), (None,), ("quoted, too",)]


def test_all_kinds_give_the_same_rows(tmp_path: Path) -> None:
    frame = pl.DataFrame(ROWS, schema=["text", "label"], orient="row")
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_ndjson(tmp_path / "a.jsonl")
    sources = [str(tmp_path / "a.parquet"), str(tmp_path / "a.jsonl"), write_csv(tmp_path / "a.csv", ROWS)]
    sources.append(write_xlsx(tmp_path / "a.xlsx", [("text", "label"), *ROWS], ["Notes"]))
    for source in sources:
        assert cells(source) == ROWS, source
    database = sqlite_of(tmp_path / "a.db", ROWS)
    assert cells(database, query="select text, label from reviews order by rowid") == ROWS
    assert open_source(sources[-1]).facts()["unread_sheets"] == ["Notes"]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"))), min_size=1))
def test_any_text_survives_csv_and_jsonl(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    folder = tmp_path_factory.mktemp("any")
    expected = [tuple(cell or None for cell in row) for row in rows]
    assert cells(write_csv(folder / "a.csv", rows)) == expected
    lines = [json.dumps({"text": text, "label": label}) for text, label in rows]
    (folder / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert cells(str(folder / "a.jsonl")) == expected


def test_jsonl_keeps_numbers_and_gives_mixed_and_nested_values_as_text(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [{"n": 1, "x": 1, "m": 1, "b": True, "l": [1, "好"]}, {"n": 2, "x": 0.5, "m": "one", "late": "\ud800"}]
    path.write_text("\n\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    frame = next(open_rows(str(path)))
    assert frame.rows() == [(1, 1.0, "1", True, '[1, "好"]', None), (2, 0.5, "one", None, None, "\ufffd")]
    assert "are read as U+FFFD: 1 line." in open_source(str(path)).facts()["notes"][0]


def test_pieces_are_bounded_by_rows_and_by_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_csv(tmp_path / "a.csv", labelled(25))
    monkeypatch.setattr(pieces_module, "PIECE_ROWS", 10)
    assert [len(frame) for frame in open_rows(source)] == [10, 10, 5]
    monkeypatch.setattr(pieces_module, "PIECE_CHARACTERS", 1)
    assert [len(frame) for frame in open_rows(source)] == [1] * 25


def test_a_table_without_rows_gives_one_empty_frame_with_its_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\n")
    pl.DataFrame(schema={"text": pl.String, "label": pl.Int64}).write_parquet(tmp_path / "a.parquet")
    database = sqlite_of(tmp_path / "a.db", [])
    frames = [*open_rows(str(tmp_path / "a.csv")), *open_rows(str(tmp_path / "a.parquet"))]
    frames += open_rows(database, query="select * from reviews")
    assert [(frame.columns, len(frame)) for frame in frames] == [(["text", "label"], 0)] * 3


def test_a_text_of_a_megabyte_and_nul_bytes_are_read(tmp_path: Path) -> None:
    rows = [("好 x" * 350_000, "good"), ("a\0b", "bad")]
    assert cells(write_csv(tmp_path / "a.csv", rows)) == rows


def test_damaged_utf8_is_read_and_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("text,label\n这家酒店很好,good\n".encode() + b"bad \xff byte,bad\n")
    assert cells(str(path))[1] == ("bad \ufffd byte", "bad")
    assert "line 3" in open_source(str(path)).facts()["notes"][0]


def test_excel_numbers_read_as_a_person_sees_them(tmp_path: Path) -> None:
    source = write_xlsx(tmp_path / "a.xlsx", [("text", "label"), ("fine", 1), ("bad", 2.5), (None, None), ("ok", 3)])
    frame = next(open_rows(source))
    assert pieces_module.texts_of(frame, "label") == ["1", "2.5", None, "3"]


def test_a_title_above_the_header_of_a_sheet_is_told_and_not_learnt(tmp_path: Path) -> None:
    rows = [("2026年 情感标注", None), (None, None), ("text", "label"), ("涨了", "good")]
    with pytest.raises(DataError, match="names only the first of 2 columns"):
        open_source(write_xlsx(tmp_path / "title.xlsx", rows))
    stray = write_xlsx(tmp_path / "stray.xlsx", [("text",), ("fine",), ("bad", "a note of somebody")])
    assert next(open_rows(stray))["text"].to_list() == ["fine", "bad"]


def test_a_first_sheet_without_rows_names_the_sheets_that_were_not_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no rows below its first; not read: 'Data'\. Put the table"):
        open_source(write_xlsx(tmp_path / "notes.xlsx", [("for internal use only",)], ["Data"]))


RAGGED = "text,label\nfine,good\na,b,c\nfine,good\nonly\n"
UNCLOSED = 'text,label\nfine,good\nfine,"good\nfine,good\n'


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("ragged.csv", RAGGED, ["line 3", "3 cells", "the header has 2 (text, label)", "Other such lines: 5"]),
        ("quote.csv", UNCLOSED, ["line 3", "never closed"]),
        ("empty.csv", "", ["is empty (0 bytes)"]),
        ("blank.csv", "\n \n", ["no header and no rows"]),
        ("bad.jsonl", '{"text": "a"}\n{"text": oops}\n', ["line 2, column 10", "oops"]),
        ("list.jsonl", "[1]\n", ["line 1", "not an object"]),
        ("none.jsonl", "\n", ["no rows"]),
        ("a.parquet", "no parquet", ["cannot be read as parquet"]),
        ("a.xlsx", "no workbook", ["cannot be read as xlsx"]),
        ("a.docx", "x", ["'.docx'", ".csv", "database"]),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path: Path, name: str, content: str, says: list[str]) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError) as error:
        cells(str(tmp_path / name))
    for part in (name, *says):
        assert part in str(error.value)


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    write_csv(tmp_path / "reviews.csv", labelled(3))
    for source, says in [
        (tmp_path / "review.csv", "Did you mean 'reviews.csv'?"),
        (tmp_path, "is a folder, not a file. Name one of its files: reviews.csv."),
        (tmp_path / "no" / "x.csv", "does not exist either"),
    ]:
        with pytest.raises(DataError) as error:
            cells(str(source))
        assert says in str(error.value)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gb18030", "这家酒店的服务很好，早餐也不错"),
        ("cp950", "這家酒店的服務很好，早餐也不錯"),
        ("big5hkscs", "呢間酒店嘅服務好好，早餐都唔錯"),
    ],
)
def test_chinese_is_read_in_its_encoding_and_damage_is_counted(tmp_path: Path, encoding: str, text: str) -> None:
    rows = [(text, f"label {i}") for i in range(40)]
    source = write_csv(tmp_path / "a.csv", rows, encoding=encoding)
    assert cells(source) == rows
    raw = Path(source).read_bytes()
    Path(source).write_bytes(raw.replace("酒店".encode(encoding), b"\xff", 1))
    facts = open_source(source).facts()
    assert facts["encoding"] == encoding
    assert f"not {encoding.upper()}, the first in line 2;" in facts["notes"][-1]
    assert cells(source)[1:] == rows[1:]


def test_an_encoding_that_was_named_wrongly(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", [("这家酒店的服务很好", "good")] * 9, encoding="gb18030")
    with pytest.raises(DataError, match=r"is not utf-8: line 2 holds the byte 0xD5.*It reads as gb18030"):
        cells(source, encoding="utf-8")
    with pytest.raises(DataError, match="no encoding 'utf-9'"):
        cells(source, encoding="utf-9")
    assert cells(source, encoding="gbk")[0] == ("这家酒店的服务很好", "good")


def test_a_missing_column_lists_what_there_is(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", labelled(3))
    for name, said in (("labl", r" Did you mean 'label'\?"), ("rating", "$")):
        with pytest.raises(DataError, match=rf"no column '{name}' \(it has: text, label\)\.{said}"):
            next(open_rows(source, columns=[name]))
    assert next(open_rows(source, columns=["label"])).columns == ["label"]


def test_names_of_columns_are_made_unique(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",text,text,label,\n0,a,b,good,\n1,c,d,bad,\n")
    assert column_names(str(tmp_path / "a.csv")) == ["column_1", "text", "text_2", "label"]
    assert cells(str(tmp_path / "a.csv"))[0] == ("0", "a", "b", "good")


def test_databases_say_what_is_wrong_and_are_never_changed(tmp_path: Path) -> None:
    url = sqlite_of(tmp_path / "a.db", labelled(5))
    for source, query, says in [
        (url, None, "needs a query (its tables: reviews)"),
        (url, "select * from review", "no such table: review. Check the query (its tables: reviews)"),
        (url, "delete from reviews", "attempt to write a readonly database"),
        (url, "drop table reviews", "attempt to write a readonly database"),
        (url, "create table copies as select * from reviews", "attempt to write a readonly database"),
        (url, "begin", "The query returns no rows"),
        (f"sqlite:///{tmp_path}/b.db", "select 1", "There is no database file"),
        ("nosuch://host/name", "select 1", "is not the URL of a database"),
    ]:
        with pytest.raises(DataError) as error:
            cells(source, query=query)
        assert says in str(error.value)
    assert not (tmp_path / "b.db").exists()
    assert len(cells(url, query="select * from reviews")) == 5
    assert cells(url, query="select '100%', ':name' from reviews limit 1") == [("100%", ":name")]


def test_a_password_is_never_shown() -> None:
    with pytest.raises(FeilunError) as error:
        cells("postgresql+psycopg://user:secret@127.0.0.1:1/name", query="select 1")
    assert "secret" not in str(error.value)
    lacks = no_column("postgresql+psycopg://user:secret@127.0.0.1:1/name", "label", ["text"])
    assert "127.0.0.1" in lacks
    assert "secret" not in lacks + lacks.chinese
