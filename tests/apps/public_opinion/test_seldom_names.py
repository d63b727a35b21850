"""Names that no list has become series once they are counted as often as a surge must be at least."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from feilun.apps.public_opinion.series import Series
from feilun.monitoring.surge import SurgeSettings


def row(bucket: int, entity: str, documents: int, topic: str = "") -> Any:
    return SimpleNamespace(bucket=bucket, topic=topic, entity=entity, negative=0, documents=documents)


def test_thousands_of_names_that_come_once_are_no_series_and_one_that_comes_again_is() -> None:
    series = Series.new(3600, SurgeSettings(minimum=5), frozenset({"青禾汽车"}))
    once = [row(0, f"n{number}", 1) for number in range(5_000)]
    series.by_bucket([row(0, "", 9), row(0, "青禾汽车", 1), *once, row(0, "n1", 1, "recall")])
    assert list(series.numbers) == [("", ""), ("", "青禾汽车")]
    found = series.by_bucket([row(3600, "n1", 4), row(3600, "n1", 3, "recall"), row(3600, "n2", 1)])
    assert list(series.numbers)[2:] == [("", "n1"), ("recall", "n1")]
    assert found == {3600: [(2, 0, 4), (3, 0, 3)]}
    assert series.by_bucket([row(7200, "n1", 1)]) == {7200: [(2, 0, 1)]}


def test_a_name_whose_first_documents_are_a_surge_is_a_series_at_once() -> None:
    series = Series.new(3600, None, frozenset())
    assert series.by_bucket([row(0, "星野电子", 40)]) == {0: [(0, 0, 40)]}


def test_without_a_list_all_are_series() -> None:
    assert Series.new(3600, None).by_bucket([row(0, "a", 1)]) == {0: [(0, 0, 1)]}
