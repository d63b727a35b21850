"""A person fills in a table; what was filled in comes back as feedback, once, and what is wrong is named by row."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from feilun.bundles.bundle import Bundle, open_bundle
from feilun.bundles.registry import next_version
from feilun.core.errors import DataError, UsageError
from feilun.interfaces.cli.main import run
from feilun.monitoring.log import ObservationLog
from feilun.storage import observations
from feilun.storage.database import Database, open_database
from feilun.workflow.labelling.queue import queue, take, write_queue
from tiny_bundle import made_bundle

COLUMNS = ("observation", "text", "predicted", "score", "reason", "label")
TEXTS = ["good bank", "很差 服务", "=HYPERLINK(1)", 'with "quotes", and\u2028lines', "-5 stars", "loan"]


@pytest.fixture
def bundle(own_home: Path) -> Bundle:
    return open_bundle(made_bundle(next_version("reviews")), threads=1)


@pytest.fixture
def database(bundle: Bundle) -> Iterator[Database]:
    opened = open_database()
    with ObservationLog(opened) as log:
        log.observe("reviews@1", TEXTS, bundle.predict(TEXTS), 0.0)
    yield opened
    opened.close()


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def filled(path: Path, labels: list[str], encoding: str = "utf-8-sig") -> Path:
    rows = rows_of(path)
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows({**row, "label": label} for row, label in zip(rows, labels, strict=True))
    return path


@pytest.fixture
def table(bundle: Bundle, database: Database, tmp_path: Path) -> Path:
    path = tmp_path / "queue.csv"
    write_queue(queue(bundle, database, 9), path)
    return path


def test_the_table_holds_each_text_and_no_formula(table: Path) -> None:
    rows = rows_of(table)
    assert len(rows) == len(TEXTS)
    assert {row["text"] for row in rows} == {
        f"'{text}" if text[0] in "=-" else text.replace("\u2028", "\n") for text in TEXTS
    }
    assert table.read_bytes().startswith(b"\xef\xbb\xbf")
    assert {row["label"] for row in rows} == {""}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "gb18030"])
def test_labels_come_back_once(bundle: Bundle, database: Database, table: Path, encoding: str) -> None:
    filled(table, ["good", "中立", "", "bad", "", "good"], encoding)
    first, again = take(bundle, database, table), take(bundle, database, table)
    assert (first.taken, first.repeated, first.empty, first.refused) == (4, 0, 2, [])
    assert (again.taken, again.repeated, again.empty, again.refused) == (0, 4, 2, [])
    with database.read() as connection:
        labels = {one.id: one.known_answer for one in observations.latest(connection, "reviews")}
    assert [labels[row["observation"]] or "" for row in rows_of_any(table, encoding)] == [
        "good", "中立", "", "bad", "", "good",
    ]  # fmt: skip
    assert len(queue(bundle, database, 9)) == 2


def rows_of_any(path: Path, encoding: str) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding).splitlines()))


def test_a_second_opinion_stands_beside_the_first(bundle: Bundle, database: Database, table: Path) -> None:
    take(bundle, database, filled(table, ["good"] * 6))
    assert take(bundle, database, filled(table, ["bad", *["good"] * 5])).taken == 1
    (conflict,) = queue(bundle, database, 9)
    assert conflict.reason == "conflicting feedback"


def test_wrong_rows_are_named_by_row_and_the_others_taken(bundle: Bundle, database: Database, table: Path) -> None:
    filled(table, ["good", "goood", "", "", "", "bad"])
    with table.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow(["0" * 32, "", "", "", "", "good"])
    result = take(bundle, database, table)
    assert (result.taken, result.empty, len(result.refused)) == (2, 3, 2)
    assert "row 3" in result.refused[0]
    assert "Did you mean 'good'?" in result.refused[0]
    assert "no observation" in result.refused[1]


def test_observations_of_another_model_are_refused(bundle: Bundle, database: Database, tmp_path: Path) -> None:
    with ObservationLog(database) as log:
        (identity,) = log.observe("other@1", ["good"], bundle.predict(["good"]), 0.0)
    path = tmp_path / "t.csv"
    path.write_text(f"observation,label\n{identity},good\n", encoding="utf-8")
    assert "no label of other@1" in take(bundle, database, path).refused[0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "has no column 'observation'. It is empty"),
        (b"observation,lable\n1,good\n", r"no column 'label'. Did you mean 'lable'\?"),
        (b"\xff\xfe\x00\xff\xff", "neither UTF-8 nor GB 18030"),
    ],
)
def test_files_that_are_no_such_table(
    bundle: Bundle, database: Database, tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=says):
        take(bundle, database, path)
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        take(bundle, database, tmp_path / "none.csv")


def test_the_verb(bundle: Bundle, database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out" / "queue.csv"
    assert run(["label", "suggest", "reviews", "--count", "3", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["reason"] for line in lines] == ["low score"] * 3
    assert run(["label", "suggest", "reviews"]) == 0
    assert "low score" in capsys.readouterr().out
    assert run(["label", "export", "reviews", "--out", str(out)]) == 0
    assert "feilun label import reviews" in capsys.readouterr().out
    filled(out, ["good"] * 5 + ["wrong"])
    assert run(["label", "import", "reviews", str(out)]) == 1
    said = capsys.readouterr().out
    assert "5 labels taken" in said
    assert "row 7: 'wrong' is no label of reviews@1" in said
    assert run(["label", "import", "reviews", str(out), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["repeated"] == 5


def test_labels_come_back_from_label_studio(bundle: Bundle, database: Database, tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    write_queue(queue(bundle, database, 9), path, bundle.labels.names)
    tasks = json.loads(path.read_text(encoding="utf-8"))
    for task, label in zip(tasks, ["good", "wrong"], strict=False):
        (said,) = task["predictions"][0]["result"]
        result = [{**said, "value": {"choices": [label]}}]
        task["annotations"] = [{"completed_by": 1, "result": result}]
    path.write_text(json.dumps(tasks), encoding="utf-8")
    first, again = take(bundle, database, path), take(bundle, database, path)
    assert (first.taken, again.repeated, len(first.refused)) == (1, 1, 1)
    assert "label 2: 'wrong' is no label" in first.refused[0]
    with database.read() as connection:
        labels = {one.id: one.known_answer for one in observations.latest(connection, "reviews")}
    assert labels[tasks[0]["data"]["observation"]] == "good"
