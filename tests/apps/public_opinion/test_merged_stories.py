"""Stories that a later document shows to be one are merged, once, and the numbers are those of counting anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.public_opinion.made import NOW, WIDTH, made_intake, record, write_lines
from feilun.apps.public_opinion import trends
from feilun.apps.public_opinion.intake import Intake, Taken
from feilun.apps.public_opinion.sources.files import Files
from feilun.storage import opinion, opinion_counts
from feilun.storage.database import Database, open_database

TEXT = (
    "青禾汽车今日宣布召回三万辆新车，原因是刹车部件存在缺陷，车主可到任意门店免费更换，公司对此深表歉意，"
    "监管部门表示将持续跟进召回进度，并要求企业在三十日内提交整改报告，逾期将依法处理。"
)
PARTS = TEXT[: 3 * len(TEXT) // 4], TEXT[len(TEXT) // 5 :]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    yield opened
    opened.close()


def take(intake: Intake, folder: Path, *texts: str, first: int) -> Taken:
    records = [record(i, text, NOW - 90_000 + 4_000 * i) for i, text in enumerate(texts, first)]
    return intake.take(Files(write_lines(folder / f"{first}.jsonl", records)))


def stories(database: Database) -> list[str]:
    """Return the number of the document that began each document's story, in the order of time."""
    with database.read() as connection:
        rows = list(opinion.documents(connection))
    begun = {row.key: str(number) for number, row in enumerate(rows)}
    return [begun[row.story] for row in rows]


def numbers(database: Database) -> list[tuple[Any, ...]]:
    """Return the numbers, after showing that counting all documents anew gives the same."""
    with database.read() as connection:
        now = [tuple(row) for row in opinion_counts.counts(connection) if any(row[3:])]
    with database.write() as connection:
        trends.recount(connection, WIDTH)
        assert [tuple(row) for row in opinion_counts.counts(connection) if any(row[3:])] == now
    return now


@pytest.mark.parametrize("restarted", [False, True])
def test_the_original_merges_what_came_before_it(database: Database, tmp_path: Path, restarted: bool) -> None:
    intake = made_intake(database)
    take(intake, tmp_path, *PARTS, first=0)
    assert stories(database) == ["0", "1"]
    intake = made_intake(database) if restarted else intake
    take(intake, tmp_path, TEXT, first=2)
    assert stories(database) == ["0", "0", "0"]
    once = numbers(database)
    assert sum(row[-1] for row in once if row[1:3] == ("", "")) == 1
    take(made_intake(database), tmp_path, TEXT, first=2)  # comes again
    assert numbers(database) == once
    with database.read() as connection:
        assert opinion.corrections(connection) == []  # nobody said so
        assert opinion.last_correction(connection) == 1  # and yet it is kept


def test_within_a_batch_stories_are_merged_as_in_several(database: Database, tmp_path: Path) -> None:
    take(made_intake(database), tmp_path, *PARTS, TEXT, first=0)
    assert stories(database) == ["0", "0", "0"]
    numbers(database)


def test_a_merge_that_was_not_written_is_done_the_next_time(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = made_intake(database)
    take(intake, tmp_path, *PARTS, first=0)
    with pytest.MonkeyPatch.context() as patch:

        def killed(*_: Any) -> None:
            raise KeyboardInterrupt

        patch.setattr(opinion, "bury", killed)
        with pytest.raises(KeyboardInterrupt):
            take(intake, tmp_path, TEXT, first=2)
    assert stories(database) == ["0", "1"]
    take(intake, tmp_path, TEXT, first=2)
    assert stories(database) == ["0", "0", "0"]
    numbers(database)
