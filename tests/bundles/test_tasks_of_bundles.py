"""A bundle is opened as its task wants it."""

from __future__ import annotations

from pathlib import Path

import pytest

from feilun.bundles.bundle import open_bundle, write_bundle
from feilun.core.errors import BundleError
from tiny_bundle import LABELS, made_bundle, made_facts, made_files

SETS = {"threshold": 0.5, "label_thresholds": [["good", 0.0], ["bad", 1.1]]}


def test_a_bundle_of_several_labels_answers_with_sets(tmp_path: Path) -> None:
    write_bundle(tmp_path / "sets", made_files(**SETS), made_facts(task="multilabel"))
    for prediction in open_bundle(tmp_path / "sets").predict(["loan bad", "服务 很好"]):
        assert prediction.labels is not None
        assert "good" in prediction.labels
        assert "bad" not in prediction.labels
        assert set(prediction.to_json()) == {"label", "score", "abstained", "labels", "ranked"}


def test_a_bundle_from_before_there_were_tasks_beside_classify_still_opens(tmp_path: Path) -> None:
    facts = made_facts()
    del facts["task"]
    write_bundle(tmp_path / "old", made_files(), facts)
    (prediction,) = open_bundle(tmp_path / "old").predict(["good"])
    assert prediction.label in LABELS
    assert prediction.labels is None
    assert open_bundle(tmp_path / "old").report.task == "classify"


def test_a_task_that_is_not_known_and_a_calibration_of_another_task_are_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path / "new", made_files(), made_facts(task="dream"))
    with pytest.raises(BundleError, match="for the task 'dream', which this Feilun does not know"):
        open_bundle(tmp_path / "new")
    write_bundle(tmp_path / "odd", made_files(), made_facts(task="multilabel"))
    with pytest.raises(BundleError, match=r"calibration\.json"):
        open_bundle(tmp_path / "odd")


def test_a_model_of_another_width_than_its_task_wants_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path / "tags", made_files(), made_facts(task="tag"))
    with pytest.raises(BundleError, match=r"gives 3 scores"):
        open_bundle(tmp_path / "tags")
    assert made_bundle(tmp_path / "plain").is_dir()
