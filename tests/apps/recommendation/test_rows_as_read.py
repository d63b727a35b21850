"""Rows of tables and JSON as they are read: what they mean counts, and what means nothing is told, not guessed."""

from __future__ import annotations

import math
from datetime import date, datetime

import pytest

from feilun.apps.recommendation.records.catalogue import build_catalogue
from feilun.apps.recommendation.records.context import read_user
from feilun.apps.recommendation.records.events import checked_user, read_interaction, read_item
from feilun.apps.recommendation.records.words import WordVectors
from feilun.core.errors import DataError, UsageError


@pytest.mark.parametrize("said", [True, 1, 1.0, "TRUE ", "y", "yes", "on", "是"])
def test_an_item_is_withdrawn_however_a_table_says_so(said):
    assert read_item({"id": "a", "hidden": said}).hidden


@pytest.mark.parametrize("said", [None, "", False, 0, 0.0, "no", "N", "否"])
def test_an_item_is_shown_where_nothing_or_no_is_said(said):
    assert not read_item({"id": "a", "hidden": said}).hidden


@pytest.mark.parametrize("said", ["maybe", 2, "下架"])
def test_what_is_neither_yes_nor_no_is_told(said):
    with pytest.raises(DataError, match="'hidden' must be"):
        read_item({"id": "a", "hidden": said})


def test_what_was_sold_more_often_than_it_was_there_is_sold_out():
    items = [read_item({"id": f"has {stock}", "title": "tea", "stock": stock}) for stock in (-3, 0, 1, "")]
    assert build_catalogue(items, WordVectors(["tea"])).shown.tolist() == [False, False, True, True]


def test_tags_of_pages_go_and_what_a_person_wrote_between_angles_stays():
    item = read_item({
        "id": "a", "title": "R&amp;D <b>茶</b><script>alert(1)</script> 价格<100元且>50",
        "tags": "R&amp;D;<i>new</i>", "categories": ["<b>tea</b>", None, "a\ud800b", " "],
    })  # fmt: skip
    assert item.title == "R&D 茶 价格<100元且>50"
    assert item.tags == ("R&D", "new")
    assert item.categories == ("tea", "a b")


@pytest.mark.parametrize("row", [{"title": {"en": "tea"}}, {"description": ["tea"]}, {"tags": [{"name": "tea"}]}])
def test_what_is_no_text_is_told_by_column(row):
    with pytest.raises(DataError, match=f"'{next(iter(row))}' must be text"):
        read_item({"id": "a", **row})


def test_whole_numbers_name_the_same_however_a_table_keeps_them():
    kept = read_interaction({"user": 17850.0, "item": 22745.0, "time": 1.0}, 0.0)
    assert kept == read_interaction({"user": 17850, "item": "22745", "time": 1.0}, 0.0)
    assert read_item({"id": 22745.0}).id == kept.item
    assert read_item({"id": 1.5}).id == "1.5"
    assert read_user({"user": 17850.0, "age": 30.0, "city": None}, ("age", "city")) == (kept.user, {"age": "30"})


def test_a_user_is_called_in_a_request_as_in_events():
    assert checked_user(" u7 ") == read_interaction({"user": " u7 ", "item": "a"}, 0.0).user
    for wrong in ("", "  ", "a\x00b", "x" * 201):
        with pytest.raises(UsageError, match="'user' must be"):
            checked_user(wrong)


def test_no_number_is_no_feature():
    with pytest.raises(DataError, match="'price' must be a finite number"):
        read_item({"id": "a", "price": math.nan})


@pytest.mark.parametrize(
    "told", [1772000000, 1772000000000, "1772000000000", "2026-02-25T14:13:20+08:00", datetime(2026, 2, 25, 6, 13, 20)]
)
def test_a_moment_is_the_same_however_it_is_told(told):
    assert read_interaction({"user": "u", "item": "a", "time": told}, 0.0).time == 1772000000
    assert read_item({"id": "a", "published": told}).published == 1772000000


def test_a_moment_that_is_none_is_told_and_a_day_is_its_beginning():
    with pytest.raises(DataError, match="'time' must be"):
        read_interaction({"user": "u", "item": "a", "time": "soon"}, 0.0)
    assert read_item({"id": "a", "published": date(2026, 1, 5)}).published == 1767571200
