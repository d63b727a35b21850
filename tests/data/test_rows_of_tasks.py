from __future__ import annotations

from pathlib import Path

import pytest

from feilun.core.errors import DataError
from feilun.data.multitask import TaskRows, prepare_tasks
from feilun.data.settings import DataSettings


def file(path: Path, texts: list[str], labels: list[str]) -> str:
    lines = ["text,label", *(f"{text},{label}" for text, label in zip(texts, labels, strict=True))]
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def test_no_task_learns_from_a_text_that_another_is_judged_by_and_all_rows_are_accounted_for(tmp_path: Path) -> None:
    texts = [f"text number {i}" for i in range(80)]
    mood = file(tmp_path / "mood.csv", texts[:60], ["good", "bad"] * 30)
    size = file(tmp_path / "size.csv", texts[20:], ["1.5", "2"] * 30)
    tasks = [TaskRows("mood", "classify", DataSettings(mood)), TaskRows("size", "regress", DataSettings(size))]
    splits = prepare_tasks(tasks)
    judged = {*splits.validation.text, *splits.test.text}
    assert not judged & set(splits.train.text)
    left_out = sum(
        int(note.split()[0])
        for own in splits.report["tasks"].values()
        for note in own["notes"]
        if "another task" in note
    )
    assert len(splits.train) + len(splits.validation) + len(splits.test) + left_out == 120
    assert left_out > 0
    assert splits.labels.names == ("mood: bad", "mood: good", "size: label")
    assert {(target.task, target.kind) for target in splits.train.target or ()} == {
        ("mood", "classify"), ("size", "regress"),
    }  # fmt: skip
    assert prepare_tasks(tasks).fingerprint == splits.fingerprint != prepare_tasks(tasks[::-1]).fingerprint


def test_a_fault_names_its_task(tmp_path: Path) -> None:
    mood = file(tmp_path / "mood.csv", [f"a {i}" for i in range(40)], ["good"] * 40)
    with pytest.raises(DataError, match="Task 'mood': All 40 rows have the same label"):
        prepare_tasks([TaskRows("mood", "classify", DataSettings(mood))])


def test_a_column_that_is_missing_is_named_by_the_key_of_its_task(tmp_path: Path) -> None:
    mood = file(tmp_path / "mood.csv", [f"a {i}" for i in range(40)], ["good", "bad"] * 20)
    with pytest.raises(DataError, match=r"Set tasks\.mood\.data\.target in .* --set tasks\.mood\.data\.target=label"):
        prepare_tasks([TaskRows("mood", "classify", DataSettings(mood, target="topic"))])
