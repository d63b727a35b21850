"""Documents are told, and with trends written as tables that can be read again; a wrong name is told."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import polars
import pytest
from typer.testing import CliRunner

from apps.public_opinion.made import NOW, made_intake, record, write_lines
from feilun.apps.public_opinion.sources.files import Files
from feilun.interfaces.cli.applications import public_opinion as cli
from feilun.storage.database import open_database


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    database = open_database(url)
    lines = [record(i, f"青禾汽车召回新车 {i}", NOW - i * 86_400) for i in range(1, 6)]
    made_intake(database).take(Files(write_lines(tmp_path / "a.jsonl", lines)))
    database.close()
    monkeypatch.setenv("FEILUN_DATABASE", url)
    (tmp_path / "e.toml").write_text('[[entity]]\nname = "青禾汽车"\n', encoding="utf-8")
    path = tmp_path / "app.toml"
    path.write_text('application = "public-opinion"\nentities = "e.toml"\n', encoding="utf-8")
    return path


def asked(file: Path, *arguments: str) -> tuple[int, str]:
    said = CliRunner().invoke(cli.app, ["export", str(file), *arguments])
    return said.exit_code, said.output + str(said.exception or "")


def test_tables_are_written_and_read_again(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "documents.csv"
    code, said = asked(file, "documents", "--out", str(out), "--days", "2.5", "--json")
    assert (code, json.loads(said)["rows"]) == (0, 3)
    with out.open(encoding="utf-8", newline="") as held:
        assert [row["body"] for row in csv.DictReader(held)] == [f"青禾汽车召回新车 {i}" for i in (1, 2, 3)]
    out = tmp_path / "trends.parquet"
    assert asked(file, "trends", "--out", str(out), "--entity", "青禾汽车", "--topic", "")[0] == 0
    table = polars.read_parquet(out)
    assert table["documents"].to_list() == [1] * 5
    assert set(table["entity"]) == {"青禾汽车"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("trend", "--out", "a.csv"), "no table 'trend'"), (("trends", "--out", "a.xlsx"), "cannot be a.xlsx")],
)
def test_what_cannot_be_is_refused(file: Path, arguments: tuple[str, ...], message: str) -> None:
    code, said = asked(file, *arguments)
    assert code != 0
    assert message in said


def test_documents_are_found_and_told_with_their_keys(file: Path, tmp_path: Path) -> None:
    def told(*arguments: str) -> tuple[int, str]:
        said = CliRunner().invoke(cli.app, ["documents", str(file), *arguments])
        return said.exit_code, said.output + str(said.exception or "")

    code, said = told("召回", "--entity", "青禾汽车", "--sentiment", "negative", "--days", "2.5", "--json")
    found = [json.loads(line) for line in said.splitlines()]
    assert (code, [one["body"] for one in found]) == (0, [f"青禾汽车召回新车 {i}" for i in (1, 2, 3)])
    code, said = told("--limit", "1")
    assert (code, said.count(found[0]["key"]), "青禾汽车: negative" in said) == (0, 1, True)
    assert told("--source", "nobody") == (0, "No document.\n")
    assert "no incident 'abc'" in told("--incident", "abc")[1]
    assert "goes with --limit alone" in told("召回", "--incident", "abc")[1]
    assert "cannot be 'bad'" in told("--sentiment", "bad")[1]
