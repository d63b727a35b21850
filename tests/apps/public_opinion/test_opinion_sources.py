"""Files are read once, from where they were left, whatever their state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.public_opinion.made import record, write_lines
from feilun.apps.public_opinion.sources import files
from feilun.apps.public_opinion.sources.files import Files
from feilun.core.errors import DataError


def all_of(source: Files, position: Any = None) -> tuple[list[Any], list[Any], Any]:
    records, dead = [], []
    for batch in source.read(position):
        records += [one for _, one in batch.records]
        dead += batch.dead
        position = batch.position
    return records, dead, position


def test_a_file_is_followed_as_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id,text\n1,"多行\n文本, 带逗号"\n2,"未', encoding="utf-8")
    source = Files(path, whole=False)
    records, _, position = all_of(source)
    assert records == [{"id": "1", "text": "多行\n文本, 带逗号"}]
    with path.open("a", encoding="utf-8") as file:
        file.write('完"\n3,x\n')
    records, _, position = all_of(source, position)
    assert records == [{"id": "2", "text": "未完"}, {"id": "3", "text": "x"}]
    assert all_of(source, position)[0] == []


def test_a_folder_reads_each_file_from_its_own_place(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", [record(1)])
    source = Files(tmp_path)
    _, _, position = all_of(source)
    write_lines(tmp_path / "b.jsonl", [record(2)])
    (tmp_path / "notes.md").write_text("none")
    records, _, position = all_of(source, position)
    assert [one["id"] for one in records] == ["2"]
    (tmp_path / "a.jsonl").write_text('{"id": "3"}\n')  # another, shorter file under the same name
    assert [one["id"] for one in all_of(source, position)[0]] == ["3"]


def test_what_cannot_be_read_is_dead_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"id": 1}\n[1]\n{broken\n\n\xff\xff\xff\n' + '{"id": "四"}'.encode("gb18030"))
    records, dead, _ = all_of(Files(path))
    assert records == [{"id": 1}, {"id": "四"}]
    assert [(letter.place, letter.reason.partition(":")[0]) for letter in dead] == [
        ("a.jsonl, line 2", "no JSON object"), ("a.jsonl, line 3", "no JSON"),
        ("a.jsonl, line 5", "neither UTF-8 nor GB 18030 nor Big5"),
    ]  # fmt: skip
    table = tmp_path / "b.csv"
    table.write_text("a,b\n1,2\n3\n")
    records, dead, _ = all_of(Files(table))
    assert records == [{"a": "1", "b": "2"}]
    assert dead[0].place == "b.csv, line 3"


def test_each_line_tells_its_encoding_and_where_it_cannot_the_lines_before_do(tmp_path: Path) -> None:
    said = "青禾汽車召回存在剎車缺陷的新車"
    path = tmp_path / "a.jsonl"
    lines = [said.encode(), said.encode("big5"), "球".encode("big5"), "青禾汽车召回新车".encode("gb18030")]
    path.write_bytes(b"".join(b'{"text": "' + line + b'"}\n' for line in lines))
    records, dead, position = all_of(Files(path))
    assert [one["text"] for one in records] == [said, said, "球", "青禾汽车召回新车"]
    assert dead == []
    table = tmp_path / "b.csv"
    table.write_bytes(f"標題,正文\n{said},「貨車」\n".encode("big5"))
    records, _, position = all_of(Files(table))
    assert records == [{"標題": said, "正文": "「貨車」"}]
    with table.open("ab") as file:
        file.write("球,貨\n".encode("big5"))
    assert all_of(Files(table), json.loads(json.dumps(position)))[0] == [{"標題": "球", "正文": "貨"}]


def test_what_is_no_source_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no file"):
        all_of(Files(tmp_path / "none.csv"))
    (tmp_path / "a.pdf").write_text("x")
    with pytest.raises(DataError, match=r"ends with '\.pdf'"):
        all_of(Files(tmp_path / "a.pdf"))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20), max_size=8), st.integers(3, 40))
def test_records_do_not_depend_on_where_pieces_end(tmp_path_factory: Any, texts: list[str], size: int) -> None:
    path = write_lines(tmp_path_factory.mktemp("pieces") / "a.jsonl", [{"text": text} for text in texts])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "PIECE_BYTES", size)
        records, dead, _ = all_of(Files(path))
    assert [one["text"] for one in records] == texts
    assert not dead


def test_a_quote_within_a_cell_holds_nothing_up(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id,text\n1,5" screen\n2,"a ""b"" c"\n3,x\n', encoding="utf-8")
    records, dead, _ = all_of(Files(path, whole=False))
    assert [one["text"] for one in records] == ['5" screen', 'a "b" c', "x"]
    assert not dead


@pytest.mark.parametrize("after", ["", '5,"y\nz",t\n'])
def test_a_quote_that_is_left_open_takes_its_own_line_alone(tmp_path: Path, after: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f'id,text,time\n1,x,t\n2,"open,t\n3,"whole",t\n4,"two\nlines",t\n{after}', encoding="utf-8")
    records, dead, _ = all_of(Files(path))
    assert [one["id"] for one in records] == ["1", "3", "4", *(["5"] if after else [])]
    assert [(letter.place, letter.reason) for letter in dead] == [("a.csv, line 3", "2 cells where the header has 3")]


def test_no_record_is_too_long_for_those_behind_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LONGEST_RECORD", 400_000)
    monkeypatch.setattr(files, "PIECE_BYTES", 50_000)
    lines, table = tmp_path / "a.jsonl", tmp_path / "b.csv"
    lines.write_text(f'{{"id": "1", "text": "{"x" * 900_000}"}}\n{{"id": {"1" * 5000}}}\n{{"id": "2"}}\n')
    records, dead, position = all_of(Files(lines, whole=False))
    assert (records, position["a.jsonl"]["bytes"]) == ([{"id": "2"}], lines.stat().st_size)
    assert "a record of more than 400,000 bytes" in dead[0].reason
    assert (dead[-1].place, dead[-1].reason.partition(":")[0]) == ("a.jsonl, line 2", "no JSON")
    table.write_text(f'id,text\n1,{"x" * 300_000}\n"2,open\n' + "3,y\n" * 200_000)
    records, dead, _ = all_of(Files(table, whole=False))
    assert (len(records[0]["text"]), len(records), len(dead)) == (300_000, 200_001, 1)


def test_another_file_of_the_same_name_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "latest.csv"
    path.write_text("id,text\n2,b\n1,a\n")
    source = Files(path)
    _, _, position = all_of(source)
    assert all_of(source, position)[0] == []
    path.write_text("id,text\n4,d\n3,c\n2,b\n1,a\n")  # the newest stand first
    records, _, position = all_of(source, position)
    assert [one["id"] for one in records] == ["4", "3", "2", "1"]
    with path.open("a") as file:
        file.write("5,e\n")
    assert [one["id"] for one in all_of(source, position)[0]] == ["5"]
    old = {"latest.csv": {"bytes": 8, "lines": 1, "header": ["id", "text"]}}
    assert len(all_of(source, old)[0]) == 5


def test_a_file_that_cannot_be_read_keeps_no_other_from_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lines(tmp_path / "a.jsonl", [record(1)])
    write_lines(tmp_path / "b.jsonl", [record(2)])
    opened = Path.open

    def refused(path: Path, *given: Any) -> Any:  # whoever runs the tests may be root, who may read all
        if path.name == "a.jsonl":
            raise PermissionError(13, "Permission denied")
        return opened(path, *given)

    monkeypatch.setattr(Path, "open", refused)
    found = Files(tmp_path).read(None)
    assert [one["id"] for _, one in next(found).records] == ["2"]
    with pytest.raises(DataError, match=r"a\.jsonl cannot be read: Permission denied"):
        next(found)
