"""Splits keep together what belongs together, keep label shares, and depend on nothing but rows and seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feilun.core.settings import read
from feilun.data.settings import DataSettings
from feilun.data.split import TEST, TRAIN, VALIDATION, assign, assign_by_time

SHARES = (0.1, 0.2)
units_and_labels = st.integers(1, 120).flatmap(
    lambda rows: st.tuples(
        st.lists(st.integers(0, rows), min_size=rows, max_size=rows),
        st.lists(st.integers(0, 5), min_size=rows, max_size=rows),
    )
)


@settings(max_examples=200)
@given(units_and_labels, st.integers(0, 3), st.booleans())
def test_units_stay_whole_and_equal_seeds_give_equal_sets(
    columns: tuple[list[int], list[int]], seed: int, stratified: bool
) -> None:
    units, labels = np.array(columns[0]), np.array(columns[1])
    sets = assign(units, labels if stratified else None, SHARES, seed)
    assert sets.shape == units.shape
    for unit in np.unique(units):
        assert len(np.unique(sets[units == unit])) == 1
    assert (sets == assign(units, labels if stratified else None, SHARES, seed)).all()
    assert (sets == TRAIN).any()


def test_label_shares_are_kept() -> None:
    labels = np.repeat([0, 1, 2], [700, 250, 50])
    sets = assign(np.arange(1000), labels, SHARES, seed=13)
    assert np.bincount(labels[sets == TEST]).tolist() == [140, 50, 10]
    assert np.bincount(labels[sets == VALIDATION]).tolist() == [70, 25, 5]
    assert (sets != assign(np.arange(1000), labels, SHARES, seed=14)).any()


@pytest.mark.parametrize(
    ("rows", "in_sets"),
    [(1, [1, 0, 0]), (2, [2, 0, 0]), (3, [2, 0, 1]), (4, [3, 0, 1]), (5, [3, 1, 1]), (10, [7, 1, 2])],
)
def test_rare_labels_stay_in_train_first(rows: int, in_sets: list[int]) -> None:
    labels = np.repeat([0, 1], [200, rows])
    sets = assign(np.arange(len(labels)), labels, SHARES, seed=1)
    assert np.bincount(sets[labels == 1], minlength=3).tolist() == in_sets


@pytest.mark.parametrize("rows_a_label", [2, 3])
def test_three_thousand_rare_labels_still_fill_all_sets_and_no_label_leaves_train(rows_a_label: int) -> None:
    labels = np.repeat(np.arange(3000), rows_a_label)
    sets = assign(np.arange(len(labels)), labels, (0.1, 0.1), seed=1)
    assert set(labels[sets == TRAIN]) == set(range(3000))
    assert (sets == VALIDATION).sum() >= 0.05 * len(labels)
    assert (sets == TEST).sum() >= 0.05 * len(labels)


def test_the_latest_rows_are_the_test_and_equal_times_stay_together() -> None:
    times = np.random.default_rng(1).integers(0, 300, size=1000).astype(float)
    sets = assign_by_time(times, SHARES)
    assert times[sets == TRAIN].max() < times[sets == VALIDATION].min()
    assert times[sets == VALIDATION].max() < times[sets == TEST].min()
    assert (sets == TEST).mean() == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"split": {"by": "group"}}, "needs data.group"),
        ({"split": {"by": "time"}}, "needs data.time"),
        ({"split": {"validation": 0.5, "test": 0.5}}, "leave no rows to train on"),
        ({"query": "select 1"}, "data.query is for a database"),
        ({"target": "text"}, "same column 'text'"),
        ({"test": "sqlite:///a.db"}, "data.test is a database URL"),
        ({"split": {"test": 0}}, "must be above 0"),
    ],
)
def test_settings_that_contradict_each_other(table: dict[str, object], says: str) -> None:
    settings_read, faults = read(DataSettings, {"train": "a.csv", **table}, "data")
    assert settings_read is None
    assert [fault for fault in faults if says in fault.message]
