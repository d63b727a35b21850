"""A record becomes a document, or the reason is said why not."""

from __future__ import annotations

from datetime import datetime

import pytest

from apps.public_opinion.made import NOW
from feilun.apps.public_opinion.document import Form, WrongDocument, moment, parse
from feilun.core.errors import UsageError

MOMENT = datetime.fromisoformat("2026-11-24T10:05+08:00").timestamp()


@pytest.mark.parametrize(
    "text",
    ["2026年11月24日 10:05", "2026-11-24 10:05", "2026-11-24T10:05:00+08:00", "2026-11-24T02:05Z", str(int(MOMENT))],
)
def test_the_same_moment_in_many_forms(text: str) -> None:
    assert moment(text, NOW, "Asia/Shanghai") == MOMENT


def test_the_zone_of_a_source_counts_where_a_time_names_none() -> None:
    assert moment("2026-11-24 10:05", NOW, "UTC") - MOMENT == 8 * 3600
    with pytest.raises(UsageError, match="no time zone 'Mars'"):
        moment("2026-11-24 10:05", NOW, "Mars")


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "no time"), ("0000000000", "before 1990"), ("1970-01-01", "before 1990"), ("2099-01-01", "in the future"),
     ("gestern", "cannot be read"), ("2026-13-40", "cannot be read")],
)  # fmt: skip
def test_times_that_cannot_be(text: str, said: str) -> None:
    with pytest.raises(WrongDocument, match=said):
        moment(text, NOW, "UTC")


def test_tags_scripts_and_personal_data_go() -> None:
    record = {"text": "<p>投诉电话 13812345678</p><script>alert(1)</script>", "time": "2026-11-24"}
    assert parse(record, "x", NOW).body == "投诉电话 [PHONE]"


def test_a_key_holds_for_a_document_and_no_other() -> None:
    one = {"id": "7", "text": "a", "time": "2026-11-24", "source": "s"}
    assert parse(one, "x", NOW).key == parse({**one, "text": "b"}, "y", NOW + 5).key
    assert parse(one, "x", NOW).key != parse({**one, "source": "t"}, "x", NOW).key
    bare = {"text": "a", "time": "2026-11-24"}
    assert parse(bare, "x", NOW).key == parse(bare, "x", NOW).key != parse({**bare, "text": "b"}, "x", NOW).key


def test_columns_of_other_names_and_what_is_missing() -> None:
    form = Form({"body": "评论", "published": "日期"}, "UTC")
    assert parse({"评论": "好", "日期": "2026-11-24"}, "x", NOW, form).body == "好"
    with pytest.raises(WrongDocument, match="neither title nor body"):
        parse({"text": " <b></b> ", "time": "2026-11-24"}, "x", NOW)
    with pytest.raises(WrongDocument, match="100,001 characters"):
        parse({"text": "a" * 100_001, "time": "2026-11-24"}, "x", NOW)
