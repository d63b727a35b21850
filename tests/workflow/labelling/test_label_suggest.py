"""Texts are chosen from a file, written for people, filled in, and come back as one table and as agreement."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from feilun.bundles.registry import next_version
from feilun.core.errors import DataError, UsageError
from feilun.data.readers.sources import open_rows
from feilun.interfaces.cli.main import run
from feilun.labelling.label_studio import Question
from feilun.labelling.ways import WAYS
from feilun.text.formulas import inert, plain
from feilun.workflow.labelling.annotators import agreement_of, read_ratings, write_labelled
from feilun.workflow.labelling.label_files import read_answers, write_questions
from feilun.workflow.labelling.suggest import pool_of, suggest_texts
from feilun.workflow.labelling.vectors import WORDS
from labelled_table import labelled_table
from tiny import reviews
from tiny_bundle import made_bundle

HARD = ["=good bad", "very good, very bad"]


@pytest.fixture
def new(tmp_path: Path) -> Path:
    path = tmp_path / "new.csv"
    texts = [*reviews(60, 9).text, *HARD, HARD[0], ""]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text"], *([text] for text in texts)])
    return path


@pytest.mark.parametrize("by", WAYS)
def test_by_labelled_rows(new: Path, tmp_path: Path, by: str) -> None:
    table = tmp_path / "labelled.csv"
    labelled_table(table)
    pool = pool_of(str(table), str(new), base=WORDS)
    chosen = suggest_texts(pool, by, 12)
    texts = [one.text for one in chosen]
    assert len(set(texts)) == len(texts) == 12
    with table.open(encoding="utf-8", newline="") as file:
        assert not set(texts) & {row["text"] for row in csv.DictReader(file)}
    if by == "margin":
        assert HARD[0] in texts
    row = next(one for one in chosen if one.text in HARD) if set(HARD) & set(texts) else chosen[0]
    assert pool.corpus.text[list(pool.corpus.id).index(row.identity)] == row.text


def test_by_a_bundle(new: Path) -> None:
    made_bundle(next_version("reviews"))
    pool = pool_of("reviews", str(new))
    by_margin = suggest_texts(pool, "margin", 5)
    assert by_margin[0].score == min(one.score for one in suggest_texts(pool, "margin", 99))
    assert {one.predicted for one in by_margin} <= {"bad", "good", "中立"}
    with pytest.raises(UsageError, match="--file"):
        pool_of("reviews", None)


def test_by_variety_where_nothing_is_labelled(new: Path) -> None:
    chosen = suggest_texts(pool_of(str(new), None, base=WORDS), "both", 10)
    assert {one.reason for one in chosen} == {"diversity"}
    assert {one.predicted for one in chosen} == {None}


def test_nothing_to_choose_from(tmp_path: Path) -> None:
    table = tmp_path / "labelled.csv"
    labelled_table(table)
    with pytest.raises(UsageError, match="Each of the texts has a label"):
        pool_of(str(table), str(table), base=WORDS)
    with pytest.raises(UsageError, match="has the labels 'label'"):
        pool_of(str(table), None)


def fill(path: Path, labels: list[str], out: Path) -> Path:
    """Fill in the column label as a person would."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "label": label} for row, label in zip(rows, labels, strict=False))
    return out


def questions() -> list[Question]:
    texts = ["=1+1", "很好", 'a "quoted", text', "-5 stars"]
    return [Question(str(i + 1), text, "good", 0.5, "margin") for i, text in enumerate(texts)]


def test_people_disagree_and_one_table_comes_of_it(tmp_path: Path) -> None:
    queue = tmp_path / "queue.csv"
    write_questions(questions(), ["good", "bad"], queue, "row")
    people = [
        fill(queue, labels, tmp_path / f"{name}.csv")
        for name, labels in (("ann", ["good", "good", "bad", "bad"]), ("bob", ["good", "bad", "bad", ""]))
    ]
    found = agreement_of(read_ratings(people))
    assert (found["texts"], found["shared"]) == (4, 3)
    assert found["pairs"][0]["people"] == ["ann", "bob"]
    assert found["pairs"][0]["agree"] == pytest.approx(2 / 3)
    assert found["confused"] == [{"labels": ["bad", "good"], "texts": 1}]
    out = tmp_path / "labelled.csv"
    assert run(["label", "collect", *map(str, people), "--out", str(out)]) == 0
    (frame,) = open_rows(str(out))
    assert frame.rows() == [("=1+1", "good"), ('a "quoted", text', "bad"), ("-5 stars", "bad")]


def test_rows_of_one_number_in_two_tables_are_two_texts(tmp_path: Path) -> None:
    weeks = {"week1": ["1,cheap  phone😀,good", "2,bad phone,bad"], "week2": ["1,bad hotel,bad", "2,nice hotel,good"]}
    for name, lines in weeks.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(["row,text,label", *lines]), encoding="utf-8")
    (tmp_path / "ann.csv").write_text("row,text,label\n1,cheap phone,good\n2,,bad\n", encoding="utf-8")
    told = read_ratings([tmp_path / f"{name}.csv" for name in (*weeks, "ann")])
    assert write_labelled(told, tmp_path / "all.csv") == (4, 0)
    (frame,) = open_rows(str(tmp_path / "all.csv"))
    assert frame.rows() == [("cheap phone", "good"), ("bad phone", "bad"), ("bad hotel", "bad"), ("nice hotel", "good")]
    assert agreement_of(told)["shared"] == 2


def test_labels_without_their_texts_are_not_collected(tmp_path: Path) -> None:
    table = tmp_path / "ann.csv"
    table.write_text("row,label\n1,good\n", encoding="utf-8")
    with pytest.raises(DataError, match="No table has the text '1'"):
        write_labelled(read_ratings([table]), tmp_path / "all.csv")


@pytest.mark.parametrize("verb", ["suggest", "errors"])
def test_what_people_filled_in_is_not_written_over(new: Path, tmp_path: Path, verb: str) -> None:
    out, table = tmp_path / "queue.csv", tmp_path / "labelled.csv"
    labelled_table(table, wrong=20)
    more = ["--file", str(new)] if verb == "suggest" else []
    said = ["label", verb, str(table), *more, "--base", WORDS, "--out", str(out)]
    assert [run(said), run(said)] == [0, 0]
    fill(out, ["good"], tmp_path / "filled.csv").replace(out)
    before = out.read_bytes()
    assert run(said) == 2
    assert out.read_bytes() == before


def test_a_table_that_is_read_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "labelled.csv"
    labelled_table(table)
    before = table.read_bytes()
    for verb in (["errors", str(table), "--kept"], ["suggest", "x.csv", "--file", str(table), "--out"],
                 ["collect", str(table), "--out"], ["rules", "r.toml", str(table), "--out"]):  # fmt: skip
        assert run(["label", *verb, str(table)]) == 2
        assert "is read, and would be overwritten" in capsys.readouterr().err
    assert table.read_bytes() == before


def exported(path: Path) -> list[dict]:
    """Return tasks as Label Studio exports them, filled in by two people."""
    tasks = json.loads(path.read_text(encoding="utf-8"))
    for number, task in enumerate(tasks):
        results = [
            [{**task["predictions"][0]["result"][0], "value": {"choices": [label]}}] for label in ("good", "bad")
        ]
        task["annotations"] = [
            {"completed_by": {"id": 7, "email": "ann@example.com"}, "result": results[0]},
            {"completed_by": 8, "result": results[number % 2]},
            {"completed_by": 9, "result": [], "was_cancelled": True},
        ]
    return tasks


def test_label_studio_there_and_back(tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    write_questions(questions(), ["good", 'b"a<d'], path, "row")
    view = ElementTree.fromstring(path.with_suffix(".xml").read_text(encoding="utf-8"))  # noqa: S314 - our own
    assert [choice.get("value") for choice in view.iter("Choice")] == ["good", 'b"a<d']
    path.write_text(json.dumps(exported(path)), encoding="utf-8")
    told = read_ratings([path])
    assert told.ratings["1"] == {"7": "good", "8": "good"}
    assert told.ratings["2"] == {"7": "good", "8": "bad"}
    assert told.texts["1"] == "=1+1"
    least = [{"text": "很好", "label": "good", "annotator": 3, "id": 1}, {"text": "x", "label": {"choices": ["bad"]}}]
    path.write_text(json.dumps(least), encoding="utf-8")
    assert [(one.person, one.label) for one in read_answers(path)] == [("3", "good"), ("?", "bad")]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "line 1"),
        ('{"a": 1}', "no export of Label Studio"),
        ('[{"text": "a", "label": ["x", "y"]}]', "task 1: 2 labels"),
        ("[]", "No label is filled in"),
    ],
)
def test_files_that_are_no_export(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "tasks.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=says):
        read_ratings([path])


def test_nobody_labelled_the_same_text(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("text,label\na,x\nb,y\n", encoding="utf-8")
    with pytest.raises(DataError, match="None of the 2 texts"):
        agreement_of(read_ratings([path]))


@pytest.mark.parametrize("cell", ["=1", "'=1", "-5", "'s Hertogenbosch", "", "plain"])
def test_a_cell_made_inert_comes_back(cell: str) -> None:
    assert plain(inert(cell)) == cell or cell == "'=1"  # as a person who typed it meant


def test_the_verbs(new: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "queue.csv"
    table = tmp_path / "labelled.csv"
    labelled_table(table)
    said = ["label", "suggest", str(table), "--file", str(new), "--base", WORDS, "--count", "6"]
    assert run([*said, "--json"]) == 0
    assert len([json.loads(line) for line in capsys.readouterr().out.splitlines()]) == 6
    assert run([*said, "--by", "margin"]) == 0
    assert "margin" in capsys.readouterr().out
    assert run([*said, "--out", str(out)]) == 0
    assert "feilun label collect" in capsys.readouterr().out
    two = [fill(out, ["good"] * 6, tmp_path / "ann.csv"), fill(out, ["bad"] * 3 + ["good"] * 3, tmp_path / "bob.csv")]
    assert run(["label", "agreement", *map(str, two)]) == 0
    assert "Krippendorff's alpha" in capsys.readouterr().out
    assert run(["label", "agreement", *map(str, two), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pairs"][0]["agree"] == 0.5
    assert run(["label", "collect", *map(str, two), "--out", str(tmp_path / "x.csv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tied"] == 3
    assert run([*said, "--out", "x.docx"]) == 2
