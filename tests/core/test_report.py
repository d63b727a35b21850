import json

import numpy as np

from feilun.core.report import LARGEST_MATRIX, LARGEST_READ, Figure, Report
from feilun.evaluation.judges.table import JUDGES


def report_of(labels, texts=3000):
    source = np.random.default_rng(3)
    matrix = np.zeros((labels, labels), dtype=np.int64)
    np.add.at(matrix, (source.integers(labels, size=texts), source.integers(labels, size=texts)), 1)
    names = [f"label {i}" for i in range(labels)]
    return Report(n=texts, metrics={"accuracy": Figure(0.5, 0.4, 0.6)}, labels=names, confusion=matrix.tolist())


def test_a_report_comes_back_from_json_as_it_was():
    for labels in (3, LARGEST_MATRIX, LARGEST_MATRIX + 1):
        report = report_of(labels)
        again = Report.from_json(json.loads(json.dumps(report.to_json())))
        assert again.to_json() == report.to_json()
        assert again.confusion == report.confusion
        assert bool(report.to_json()["confusion"]) == (labels <= LARGEST_MATRIX)


def test_thousands_of_labels_take_the_room_of_their_texts():
    """Three thousand labels have nine million cells: written as a matrix they were refused when they were read."""
    table = report_of(3000).to_json()
    assert len(json.dumps(table, indent=2)) < 2_000_000
    assert sum(count for *_, count in table["confusion_cells"]) == 3000


def test_a_matrix_that_memory_would_not_hold_is_not_built():
    table = report_of(LARGEST_MATRIX + 1).to_json()
    table["labels"] = [str(i) for i in range(LARGEST_READ + 1)]
    assert not Report.from_json(table).confusion


def test_no_figure_is_hidden_by_another_part_of_the_json_form():
    parts = set(Report(1, {}).to_json())
    for task, judge in JUDGES.items():
        assert not parts & set(judge.metrics), task
    told = Report(9, {"coverage": Figure(0.9, 0.8, 1.0), "mae": Figure(2.0)}, task="regress")
    again = Report.from_json(json.loads(json.dumps(told.to_json())))
    assert again.metrics == told.metrics
    assert told.to_json()["coverage"] == 0.9


def test_a_report_of_an_earlier_version_is_read():
    curve = [{"threshold": 0.5, "coverage": 1.0, "accuracy": 0.75}]
    table = {**report_of(3).to_json(), "coverage": curve}
    del table["coverage_curve"]
    assert Report.from_json(table).coverage == curve
    numbers = Report(9, {"coverage": Figure(0.9), "mae": Figure(2.0)}).to_json() | {"coverage": []}
    del numbers["coverage_curve"]
    assert set(Report.from_json(numbers).metrics) == {"mae"}  # the figure was not written
