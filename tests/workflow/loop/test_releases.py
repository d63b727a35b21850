"""Promoting and rolling back: the name answers as its champion, and every change is in the audit log."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from feilun.bundles.registry import next_version, resolve
from feilun.bundles.stages import STAGES, Stages, read_stages
from feilun.core.errors import BundleError, UsageError
from feilun.interfaces.cli.main import run
from feilun.storage import audit
from feilun.storage.database import Database, open_database
from feilun.workflow.loop.releases import promote, roll_back, wait
from tiny_bundle import made_bundle


@pytest.fixture
def database(own_home: Path) -> Iterator[Database]:
    opened = open_database()
    yield opened
    opened.close()


@pytest.fixture
def folder(own_home: Path) -> Path:
    """Three versions of a model."""
    for seed in range(3):
        made_bundle(next_version("reviews"), seed)
    return own_home / "models" / "reviews"


def test_the_name_is_the_newest_until_a_version_is_promoted_and_then_the_champion(
    folder: Path, database: Database
) -> None:
    assert resolve("reviews").name == "3"
    promote("reviews@1", database)
    assert resolve("reviews").name == "1"
    made_bundle(next_version("reviews"), 4)
    assert resolve("reviews").name == "1"
    assert resolve("reviews@4").name == "4"


def test_rolling_back_walks_back_over_those_that_are_still_there(folder: Path, database: Database) -> None:
    for version in (1, 2, 3):
        promote(f"reviews@{version}", database)
    shutil.rmtree(folder / "2")
    assert roll_back("reviews", database).champion == 1
    with database.read() as connection:
        assert [entry.action for entry in audit.entries(connection)] == ["promote"] * 3 + ["roll back"]
        assert audit.verify(connection).fault is None


def test_nothing_to_go_back_to_changes_nothing(folder: Path, database: Database) -> None:
    with pytest.raises(UsageError, match="no earlier champion"):
        roll_back("reviews", database)
    with pytest.raises(UsageError, match="Did you mean 'reviews'"):
        roll_back("review", database)
    assert not (folder / STAGES).exists()
    with database.read() as connection:
        assert list(audit.entries(connection)) == []


def test_what_cannot_be_promoted_is_named(folder: Path, database: Database) -> None:
    promote("reviews@2", database)
    with pytest.raises(UsageError, match="champion already"):
        promote("reviews@2", database)
    with pytest.raises(UsageError, match=r"Its versions: 1, 2, 3"):
        promote("reviews", database)
    for reference in ("reviews@9", "reviews@x"):
        with pytest.raises(BundleError, match="has no version"):
            promote(reference, database)
    with pytest.raises(BundleError, match="no bundle 'other@1'"):
        promote("other@1", database)
    assert read_stages(folder).champion == 2


def test_a_champion_that_is_gone_and_damaged_stages_are_told(folder: Path, database: Database) -> None:
    promote("reviews@2", database)
    shutil.rmtree(folder / "2")
    with pytest.raises(BundleError, match="champion reviews@2 is gone: its versions are 1, 3"):
        resolve("reviews")
    (folder / STAGES).write_text('{"champion": "two"', encoding="utf-8")
    with pytest.raises(BundleError, match="is damaged"):
        resolve("reviews")


def test_every_version_has_one_stage(folder: Path, database: Database) -> None:
    promote("reviews@1", database)
    assert read_stages(folder) == Stages(1, (), (3,))  # which was what the name meant before
    (folder / STAGES).unlink()
    wait("reviews", 3, database)
    promote("reviews@1", database)
    stages = read_stages(folder)
    assert [stages.of(version) for version in (1, 2, 3)] == ["champion", "retired", "candidate"]
    assert promote("reviews@2", database) == Stages(2, (3,), (1,))
    assert promote("reviews@3", database) == Stages(3, (), (1, 2))


def test_rolling_back_never_leads_to_what_was_taken_back(folder: Path, database: Database) -> None:
    promote("reviews@3", database)  # the first that anybody chose: 2 was the newest before it
    assert roll_back("reviews", database).champion == 2
    for version in (1, 3):
        promote(f"reviews@{version}", database)
    assert [roll_back("reviews", database).champion for _ in range(2)] == [1, 2]
    with pytest.raises(UsageError, match="no earlier champion"):
        roll_back("reviews", database)
    assert read_stages(folder) == Stages(2)


def test_the_verbs_tell_machines_the_champion(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, champion in ((["promote", "reviews@2"], 2), (["promote", "reviews@1"], 1), (["rollback", "reviews"], 2)):
        assert run(["models", *words, "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"champion": f"reviews@{champion}"}


def test_the_verbs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "promote", "reviews@1"]) == 0
    assert run(["models", "promote", "reviews@2"]) == 0
    assert "reviews@2 is the champion" in capsys.readouterr().out
    assert run(["models"]) == 0
    assert "champion" in capsys.readouterr().out
    assert run(["models", "rollback", "reviews"]) == 0
    assert "reviews@1 is the champion again" in capsys.readouterr().out
    assert run(["models", "--json"]) == 0
    assert capsys.readouterr().out.count('"stage": "champion"') == 1
    assert run(["models", "rollback", "reviews"]) == 0
    assert run(["models", "rollback", "reviews"]) == 2
    assert run(["models", "promote", "nothing@1"]) == 1
