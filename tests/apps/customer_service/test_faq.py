"""Rows are counted, redacted and validated; what a person should settle is listed."""

import pytest

from feilun.apps.customer_service.known.documents import LONGEST, passages_of
from feilun.apps.customer_service.known.faq import entries_of
from feilun.core.errors import DataError
from feilun.text.blocks import Block


def row(question, answer, **more):
    return {"question": question, "answer": answer, **more}


def test_every_row_is_an_entry_or_counted_as_repeated():
    rows = [
        row("怎么开户？", "带身份证。", variants="开户|办卡"),
        row("怎么开户？", "带身份证。"),
        row("营业时间", "九点。"),
    ]
    entries, report = entries_of(rows, "faq.csv")
    assert report.rows == report.entries + report.repeated == 3
    assert entries[0].variants == ("开户", "办卡")


def test_contradictions_and_near_duplicates_are_listed():
    rows = [
        row("信用卡年费是多少？", "免费。"),
        row("信用卡年费是多少", "一百元。"),
        row("信用卡年费是多少!", "免费！"),
    ]
    _, report = entries_of(rows, "faq.csv")
    assert report.contradictions == (("信用卡年费是多少？", "信用卡年费是多少"),)
    assert report.near == (("信用卡年费是多少？", "信用卡年费是多少!"),)


def test_all_faults_are_named_with_their_rows():
    rows = [row("", "答"), row("问", ""), row("问", "单号 {order_numbr}")]
    with pytest.raises(DataError) as raised:
        entries_of(rows, "faq.csv")
    for part in ("row 1: the question", "row 2: the answer", "row 3", "order_number"):
        assert part in str(raised.value)


def test_personal_data_is_replaced():
    entries, report = entries_of([row("投诉打哪个电话", "请打 13812345678。")], "faq.csv")
    assert "[PHONE]" in entries[0].answer
    assert report.redacted == 1


def test_passages_stand_under_their_headings_and_hold_every_sentence():
    text = "第一句话说明了一件事情。" * 60
    above = [Block("章", 1, "line 1"), Block("节", 2, "line 2"), Block(text, 0, "line 3")]
    blocks = [*above, Block("另一章", 1, "line 9"), Block("末句。", 0, "line 10")]
    found = passages_of(blocks, "a.md")
    assert {passage.headings for passage in found} == {("章", "节"), ("另一章",)}
    assert all(len(passage.text) <= LONGEST["zh"] + 30 for passage in found)
    assert "".join(p.text.replace("\n", "") for p in found) == text + "末句。"


def test_a_document_without_text_is_refused():
    with pytest.raises(DataError, match="no text"):
        passages_of([Block("只有标题", 1, "line 1")], "a.md")
