"""The keeper's verbs: status, backup, restore, forget, and the audit log of them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from feilun.core.observation import Observation
from feilun.interfaces.cli.main import run
from feilun.storage import audit, observations, tokens
from feilun.storage.database import open_database
from tiny_bundle import made_bundle


@pytest.fixture(autouse=True)
def some(own_home: Path) -> None:
    database = open_database()
    with database.write() as connection:
        prediction = {"label": "good", "score": 0.5}
        texts = ["订单 4711 很好", "bad", "good"]
        observations.add(
            connection, [Observation(f"o{i}", float(i), "m@1", t, prediction, 0.0) for i, t in enumerate(texts)]
        )
    database.close()


def answered(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    assert run([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out.splitlines()[-1])  # type: ignore[no-any-return]


def test_copy_forget_and_restore_are_audited(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, own_home: Path
) -> None:
    copy = str(tmp_path / "copy.db")
    assert answered(capsys, "database", "backup", copy)["backup"] == copy
    assert answered(capsys, "database", "forget", "--containing", "4711") == {"deleted": 1, "exported": {}}
    assert b"4711" not in (own_home / "feilun.db").read_bytes()
    assert answered(capsys, "database", "forget", "--model", "m", "--older-than", "1") == {"deleted": 2, "exported": {}}
    assert answered(capsys, "database", "status")["observations"] == 0
    assert run(["audit", "show"]) == 0
    shown = capsys.readouterr().out
    assert [line.split("  ")[3].split(":")[0] for line in shown.splitlines()] == [
        "back up", "delete observations", "delete observations",
    ]  # fmt: skip
    assert "4711" not in shown
    verdict = answered(capsys, "audit", "verify")
    assert (verdict["entries"], verdict["fault"]) == (3, None)
    assert answered(capsys, "database", "restore", copy, "--yes")["observations"] == 3
    assert run(["database", "status"]) == 0
    assert "3 observations since 1970" in capsys.readouterr().out
    assert "entries were removed" in answered(capsys, "audit", "verify", "--head", verdict["head"], code=1)["fault"]


def test_a_copy_does_not_take_the_place_of_the_database(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, own_home: Path
) -> None:
    own, other_way = own_home / "feilun.db", tmp_path / "link.db"
    other_way.symlink_to(own)
    inode = own.stat().st_ino
    for path in (own, other_way):
        assert run(["database", "backup", str(path)]) == 2
        assert "is the database itself" in capsys.readouterr().err
    assert own.stat().st_ino == inode
    assert answered(capsys, "database", "status")["observations"] == 3


@pytest.mark.parametrize("words", ["", "  "])
def test_an_empty_text_does_not_forget_everything(capsys: pytest.CaptureFixture[str], words: str) -> None:
    assert run(["database", "forget", "--containing", words]) == 2
    assert "Every observation holds" in capsys.readouterr().err
    assert answered(capsys, "database", "status")["observations"] == 3


def test_what_is_forgotten_leaves_the_tables_that_were_exported(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, own_home: Path
) -> None:
    made_bundle(tmp_path / "m", name="m")
    table, moved = tmp_path / "队列.csv", tmp_path / "moved.csv"
    for path in (table, moved):
        assert answered(capsys, "label", "export", str(tmp_path / "m"), "--out", str(path))["texts"] == 3
    moved.unlink()
    saved = table.read_text("utf-8-sig").replace(",\n", ",bad\n")  # a person filled it in, and saved it otherwise
    table.write_text(saved, "gb18030")
    found = answered(capsys, "database", "forget", "--containing", "4711")
    assert found == {"deleted": 1, "exported": {str(table): 1, str(moved): None}}
    left = table.read_text("gb18030")
    assert "4711" not in left
    assert left.count("\n") == 3  # the header and two rows
    assert answered(capsys, "label", "import", str(tmp_path / "m"), str(table))["refused"] == []
    assert b"4711" not in b"".join(path.read_bytes() for path in own_home.rglob("*") if path.is_file())


def test_a_token_that_was_revoked_stays_so_when_a_copy_is_restored(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in ("shop", "desk"):
        answered(capsys, "token", "create", name, "--scope", "predict")
    answered(capsys, "database", "backup", str(tmp_path / "copy.db"))
    answered(capsys, "token", "revoke", "shop")
    answered(capsys, "database", "restore", str(tmp_path / "copy.db"), "--yes")
    database = open_database()
    with database.read() as connection:
        assert [token.name for token in tokens.valid(connection)] == ["desk"]
        assert audit.last(connection, "restore") == {"file": "copy.db", "revoked": ["shop"]}
    database.close()


def test_tampering_is_named_with_exit_code_1(capsys: pytest.CaptureFixture[str], own_home: Path) -> None:
    answered(capsys, "database", "forget", "--observation", "o1")
    with sqlite3.connect(own_home / "feilun.db") as connection:
        connection.execute("update audit set details = '{}'")
    connection.close()
    assert run(["audit", "verify"]) == 1
    assert "Entry 1 was altered" in capsys.readouterr().out


def test_wrong_use_is_explained(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["database", "forget"]) == 2
    assert "everything would be deleted" in capsys.readouterr().err
    assert run(["database", "restore", str(tmp_path / "none"), "--yes"]) == 1
    assert "There is no file" in capsys.readouterr().err


def test_an_age_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["database", "forget", "--older-than", "inf"]) == 2
    assert "no number of days" in capsys.readouterr().err


@pytest.mark.parametrize("application", ["", "a\nb", "x" * 81, "../other"])
def test_no_application_can_be_called_so(application: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["token", "create", "shop", "--application", application]) == 2
    assert "No application can be called" in capsys.readouterr().err


@pytest.mark.parametrize("language", ["en_GB.UTF-8", "zh_CN.UTF-8"])
def test_a_token_for_an_application_that_nobody_trained_here_is_made_with_a_word(
    language: str, own_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", language)
    (own_home / "applications" / "bank").mkdir(parents=True)
    for name, told in (("bank", False), ("bnak", True)):
        assert run(["token", "create", f"of-{name}", "--application", name]) == 0
        said = capsys.readouterr()
        assert said.out.startswith("feilun_")
        assert (f"{name!r}" in said.err) == told
    assert ("名为 'bnak' 的应用（已训练：bank）" in said.err) == language.startswith("zh")
