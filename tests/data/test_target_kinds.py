from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feilun.core.errors import DataError
from feilun.data.prepare import prepare
from feilun.data.readers.sources import open_rows
from feilun.data.settings import DataSettings
from feilun.data.target_kinds.label_set import find_separator, split
from feilun.data.target_kinds.numbers import number


def lines(path: Path, rows: list[dict]) -> str:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return str(path)


def table(path: Path, rows: list[tuple]) -> str:
    import polars

    polars.DataFrame(rows, schema=["text", "label"], orient="row").write_csv(path)
    return str(path)


def texts(count: int) -> list[str]:
    return [f"第 {i} 条评论，内容是 {i * 7919 % 1009} 与 {i * 104729 % 997} 号" for i in range(count)]


@given(st.lists(st.text("abc 价格", min_size=1).filter(lambda name: name.strip()), max_size=4))
def test_arrays_and_joined_cells_give_the_same_labels(names):
    stripped = tuple(sorted({name.strip() for name in names}))
    assert split(json.dumps(names), None) == stripped
    assert split("##".join(names), "##") == stripped


@pytest.mark.parametrize("separator", ["##", "|", ";", "、", "，", ","])
def test_what_stands_between_labels_is_found(separator, tmp_path):
    labels = [("价格",), ("动力", "价格"), ("空间",), ("空间", "动力")]
    rows = [(text, separator.join(labels[i % 4])) for i, text in enumerate(texts(80))]
    assert find_separator([label for _, label in rows]) == separator
    splits = prepare(DataSettings(train=table(tmp_path / "a.csv", rows)), task="multilabel")
    assert splits.labels.names == ("价格", "动力", "空间")
    assert splits.profile["read_with"] == {"separator": separator}
    assert sorted(map(len, splits.train.target)) == sorted(1 + len(t) // 2 for t in splits.train.target)


def test_a_separator_that_hardly_any_cell_holds_is_part_of_a_name():
    assert find_separator(["冒充领导、熟人类"] + ["正常"] * 40) is None


def test_empty_lists_are_kept_and_empty_cells_dropped_and_counted(tmp_path):
    rows = [{"text": text, "label": [["a"], ["b", "a"], [], None][i % 4]} for i, text in enumerate(texts(80))]
    splits = prepare(DataSettings(train=lines(tmp_path / "a.jsonl", rows)), task="multilabel")
    kept = [*splits.train.target, *splits.validation.target, *splits.test.target]
    assert sorted(set(kept)) == [(), ("a",), ("a", "b")]
    assert splits.report["rows"] == {"in": 80, "kept": 60, "dropped": {"no label": 20}}
    assert splits.report["labels"]["a"]["train"] == sum("a" in target for target in splits.train.target)


def test_lines_of_one_text_are_gathered_and_every_line_is_accounted_for(tmp_path):
    source = tmp_path / "long.csv"
    body = [f"{i // 2},{text},{('x', 'y', 'z')[i % 3]}" for i, text in enumerate(t for t in texts(50) for _ in (0, 1))]
    source.write_text("\n".join(["id,text,label", *(line.replace("，", " ") for line in body)]), encoding="utf-8")
    splits = prepare(DataSettings(train=str(source), gather="id"), task="multilabel")
    assert splits.report["rows"]["in"] == 100
    assert splits.report["rows"]["kept"] == 50
    assert sum(splits.report["rows"]["dropped"].values()) == 50
    assert all(len(target) == 2 for target in splits.train.target)
    source.write_text("id,text,label\n" + "\n".join(f"{i // 2},文本 {i},x" for i in range(60)), encoding="utf-8")
    with pytest.raises(DataError, match=r"rows 1 and 2 have the same 'id' \(0\) but different texts"):
        prepare(DataSettings(train=str(source), gather="id"), task="multilabel")


def test_rare_labels_reach_every_set(tmp_path):
    rows = [{"text": t, "label": ["often", "rare"] if i % 20 == 0 else ["often"]} for i, t in enumerate(texts(200))]
    splits = prepare(DataSettings(train=lines(tmp_path / "a.jsonl", rows)), task="multilabel")
    for corpus in (splits.train, splits.validation, splits.test):
        assert any("rare" in target for target in corpus.target)


@pytest.mark.parametrize(
    ("cell", "said"), [("[1, {}]", "is no label"), ('["a"', "no list of labels"), ("[true]", "True is no label")]
)
def test_cells_that_are_no_lists_are_named_with_their_row(cell, said, tmp_path):
    rows = [(text, '["a"]') for text in texts(30)]
    rows[4] = (rows[4][0], cell)
    with pytest.raises(DataError, match=r"row 5: the target") as refused:
        prepare(DataSettings(train=table(tmp_path / "a.csv", rows)), task="multilabel")
    assert said in str(refused.value)


def test_as_many_labels_as_rows_and_no_label_at_all_are_refused(tmp_path):
    many = [{"text": text, "label": [text[:9], "x"]} for text in texts(60)]
    with pytest.raises(DataError, match="61 different labels in 60 rows"):
        prepare(DataSettings(train=lines(tmp_path / "a.jsonl", many)), task="multilabel")
    without = DataSettings(train=lines(tmp_path / "b.jsonl", [{"text": text, "label": []} for text in texts(60)]))
    with pytest.raises(DataError, match="None of the 60 rows has a label"):
        prepare(without, task="multilabel")


def test_numbers_are_read_and_split_alike(tmp_path):
    rows = [{"text": text, "a": i, "b": f"{1000 + i:,}"} for i, text in enumerate(texts(100))]
    splits = prepare(DataSettings(train=lines(tmp_path / "a.jsonl", rows), target=("a", "b")), task="regress")
    assert splits.labels.names == ("a", "b")
    assert all(b == a + 1000 for a, b in splits.train.target)
    for corpus in (splits.validation, splits.test):
        assert len({int(a) // 10 for a, _ in corpus.target}) >= 8  # every tenth stands in every set
    assert "lies between 0 and 99" in " ".join(splits.report["notes"])


@pytest.mark.parametrize("cell", ["good", "nan", "inf", "1,2,3", "12%", "三"])
def test_targets_that_are_no_numbers_are_named_with_their_rows(cell, tmp_path):
    rows = [(text, str(i)) for i, text in enumerate(texts(30))]
    rows[2] = rows[7] = (rows[7][0], cell)
    with pytest.raises(DataError, match=r"2 targets .*row 3: .*row 8: "):
        prepare(DataSettings(train=table(tmp_path / "a.csv", rows)), task="regress")


def test_a_column_of_one_number_is_refused(tmp_path):
    rows = [(text, "5") for text in texts(30)]
    with pytest.raises(DataError, match="the same number 5"):
        prepare(DataSettings(train=table(tmp_path / "a.csv", rows)), task="regress")


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_numbers_come_back_as_they_were_written(value):
    assert number(repr(value)) == value
    assert number(f" {int(value):,} ") == int(value)


def entities(path: Path, *odd: object) -> str:
    """Write rows with a span each; odd ones replace the spans of the first rows."""
    rows = [{"text": text, "entities": [{"start": 0, "end": 3, "label": "数"}]} for text in texts(40)]
    for row, spans in zip(rows, odd, strict=False):
        row["entities"] = spans
    return lines(path, rows)


def test_spans_are_read_and_those_that_overlap_reported(tmp_path):
    odd = [{"start": 0, "end": 5, "label": "数"}, {"start": 4, "end": 6, "label": "名"}]
    source = entities(tmp_path / "a.jsonl", odd, [], None)
    splits = prepare(DataSettings(train=source, target="entities"), task="tag")
    everything = [*splits.train.target, *splits.validation.target, *splits.test.target]
    assert splits.report["rows"]["dropped"] == {"no label": 1}
    assert sum(target == () for target in everything) == 1
    assert ((0, 5, "数"),) in everything
    assert "1 span overlapping a longer one left out, as a token has one tag: rows 1." in str(splits.report)
    assert splits.labels.names == ("数",)


@pytest.mark.parametrize(
    ("spans", "said"),
    [
        ([{"start": 0, "end": 99, "label": "a"}], "0 to 99 does not lie within the"),
        ([{"start": 3, "end": 3, "label": "a"}], "3 to 3 does not lie within"),
        ([{"start": "0", "end": 3, "label": "a"}], "lacks a whole start or end, or a label"),
        ([{"start": 0, "end": 3}], "lacks a whole start or end, or a label"),
        ({"start": 0}, "no array of tables"),
        ([{"start": 2, "end": 7, "label": "a", "text": "1 条评论，"}], "`end` seems to be the last character"),
        ([{"start": 4, "end": 9, "label": "a", "text": "1 条"}], "they seem to count UTF-8 bytes"),
        ([{"start": 0, "end": 2, "label": "a", "text": "另外"}], "are '第 ', not '另外'"),
    ],
)
def test_spans_that_cannot_be_are_named_with_their_row_and_how_they_were_counted(spans, said, tmp_path):
    source = entities(tmp_path / "a.jsonl", [], spans)
    with pytest.raises(DataError, match=r"in 1 row: row 2: ") as refused:
        prepare(DataSettings(train=source, target="entities"), task="tag")
    assert said in str(refused.value)


def test_places_counted_in_utf_16_are_recognised_behind_an_emoji(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [
        {"text": f"😀 {text}", "entities": [{"start": 3, "end": 4, "label": "a", "text": "第"}]} for text in texts(30)
    ]
    with pytest.raises(DataError, match="they seem to count UTF-16 units"):
        prepare(DataSettings(train=lines(path, rows), target="entities"), task="tag")


@pytest.mark.parametrize(("encoding", "unit"), [("utf-8", 1), ("utf-16-le", 2)])
def test_other_units_are_recognised_without_the_text_of_spans_by_the_file_as_a_whole(encoding, unit, tmp_path):
    rows = []
    for text in texts(30):
        text = f"😀 {text}"
        start = len(text[:-2].encode(encoding)) // unit
        end = len(text.encode(encoding)) // unit
        rows.append({"text": text, "entities": [{"start": start, "end": end, "label": "a"}]})
    with pytest.raises(DataError, match=r"Counted in UTF-\d+ \w+, all 30 spans of the file lie within"):
        prepare(DataSettings(train=lines(tmp_path / "a.jsonl", rows), target="entities"), task="tag")
    rows[7]["entities"].append({"start": 3, "end": 999, "label": "a"})
    with pytest.raises(DataError, match=r"and 25 rows more\. Write") as refused:
        prepare(DataSettings(train=lines(tmp_path / "a.jsonl", rows), target="entities"), task="tag")
    assert "Counted in" not in str(refused.value)


def test_spans_that_may_be_shifted_by_an_emoji_and_do_not_show_it_are_named(tmp_path):
    rows = [{"text": text, "entities": [{"start": 0, "end": 3, "label": "a"}]} for text in texts(30)]
    rows[3] = {"text": "谢谢😀李明", "entities": [{"start": 4, "end": 5, "label": "a"}]}
    rows[4] = {"text": "谢谢李明😀", "entities": [{"start": 2, "end": 4, "label": "a"}]}
    rows[5] = {"text": "好的😀李明", "entities": [{"start": 3, "end": 5, "label": "a", "text": "李明"}]}
    splits = prepare(DataSettings(train=lines(tmp_path / "a.jsonl", rows), target="entities"), task="tag")
    [note] = [note for note in splits.report["notes"] if "emoji" in note]
    assert "(rows 4)" in note


@pytest.mark.parametrize(
    ("scheme", "tags"),
    [
        ("BIO", "O B-人 I-人 O B-地 O B-org I-org"),
        ("IOB1", "O I-人 I-人 O I-地 O I-org I-org"),
        ("BMES", "O B-人 E-人 O S-地 O B-org E-org"),
        ("BILOU", "O B-人 L-人 O U-地 O B-org L-org"),
    ],
)
def test_conll_columns_give_texts_with_their_spans_in_every_scheme(scheme, tags, tmp_path):
    path = tmp_path / f"{scheme}.conll"
    tokens = ["👍", "李", "明", "去", "京", "with", "Acme", "Inc"]
    block = "\n".join(f"{token}\tx\t{tag}" for token, tag in zip(tokens, tags.split(), strict=True))
    path.write_text(f"-DOCSTART- O\n\n{block}\n\nno O\none O\n", encoding="utf-8")
    (frame,) = open_rows(str(path))
    assert frame["text"].to_list() == ["👍李明去京with Acme Inc", "no one"]
    first, second = map(json.loads, frame["entities"].to_list())
    text = frame["text"][0]
    assert [(text[span["start"] : span["end"]], span["label"]) for span in first] == [
        ("李明", "人"), ("京", "地"), ("Acme Inc", "org"),
    ]  # fmt: skip
    assert second == []


def test_no_blank_is_put_between_chinese_punctuation_and_rare_characters(tmp_path):
    tokens = "他 说 ， “ 𠮷 野 ” ！ （ OK ） 。 《 A B 》"
    path = tmp_path / "a.conll"
    path.write_text("".join(f"{token} O\n" for token in tokens.split()), encoding="utf-8")
    (frame,) = open_rows(str(path))
    assert frame["text"].to_list() == ["他说，“𠮷野”！（OK）。《A B》"]


@pytest.mark.parametrize("line", ["word", "word X", "word B-", "word Q-name"])
def test_a_line_without_a_tag_is_named(line, tmp_path):
    (tmp_path / "a.bio").write_text(f"good O\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.bio, line 2: "):
        list(open_rows(str(tmp_path / "a.bio")))
