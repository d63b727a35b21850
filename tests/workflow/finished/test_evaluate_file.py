"""A bundle is judged on tables that lack what only its training needed."""

import pytest

from feilun.bundles.bundle import open_bundle, write_bundle
from feilun.core.errors import DataError
from feilun.workflow.finished.evaluate_file import evaluate_file
from tiny_bundle import LABELS, made_facts, made_files

DATA = {
    "train": "a.csv",
    "text": "text",
    "target": "label",
    "time": "day",
    "group": "story",
    "split": {"by": "time"},
}


@pytest.fixture
def bundle(tmp_path):
    facts = made_facts(recipe={"name": "reviews", "task": "classify", "data": DATA})
    write_bundle(tmp_path / "bundle", made_files(), facts)
    return open_bundle(tmp_path / "bundle", threads=1)


def write(path, header, cells=""):
    rows = "".join(f"good bank {i},{LABELS[i % 3]}{cells}\n" for i in range(30))
    path.write_text(f"{header}\n{rows}", encoding="utf-8")
    return str(path)


def test_time_and_group_are_not_needed_to_judge(bundle, tmp_path):
    bare = evaluate_file(bundle, write(tmp_path / "bare.csv", "text,label"))
    whole = evaluate_file(
        bundle, write(tmp_path / "whole.csv", "text,label,day,story", ",2026-01-02,s"), slices=["time"]
    )
    assert bare.n == whole.n == 30
    assert bare.value("accuracy") == whole.value("accuracy")
    assert set(whole.slices["time"]) == {"2026-01"}


def test_a_report_by_time_needs_its_column(bundle, tmp_path):
    with pytest.raises(DataError, match=r"'day', which a report by time needs.*--slice time"):
        evaluate_file(bundle, write(tmp_path / "bare.csv", "text,label"), slices=["time"])
