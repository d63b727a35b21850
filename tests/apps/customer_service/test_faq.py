"""Rows are counted, redacted and validated; what a person should settle is listed."""

import pytest

from feilun.apps.customer_service.known.documents import LONGEST, passages_of
from feilun.apps.customer_service.known.faq import alike, entries_of
from feilun.apps.customer_service.known.past import PastReport, answered_in
from feilun.apps.customer_service.known.redacted import kept_but
from feilun.core.errors import DataError
from feilun.text.blocks import Block


def row(question, answer, **more):
    return {"question": question, "answer": answer, **more}


def test_every_row_is_an_entry_or_counted_as_repeated():
    rows = [
        row("怎么开户？", "带身份证。", variants="开户|办卡"),
        row("怎么开户？", "带身份证。", variants="办卡|办张卡", category="开户"),
        row("营业时间", "九点。"),
    ]
    entries, report = entries_of(rows, "faq.csv")
    assert report.rows == report.entries + report.repeated == 3
    assert entries[0].variants == ("开户", "办卡", "办张卡")
    assert entries[0].category == "开户"


def test_contradictions_and_near_duplicates_are_listed():
    rows = [
        row("信用卡年费是多少？", "免费。"),
        row("信用卡年费是多少", "一百元。"),
        row("信用卡年费是多少!", "免费！"),
    ]
    near, contradictions = alike(entries_of(rows, "faq.csv")[0])
    assert contradictions == (("信用卡年费是多少？", "信用卡年费是多少"),)
    assert near == (("信用卡年费是多少？", "信用卡年费是多少!"),)


def test_all_faults_are_named_with_their_rows():
    rows = [row("", "答"), row("问", ""), row("问", "单号 {order_numbr}")]
    with pytest.raises(DataError) as raised:
        entries_of(rows, "faq.csv")
    for part in ("row 1: the question", "row 2: the answer", "row 3", "order_number"):
        assert part in str(raised.value)


def test_personal_data_is_replaced():
    rows = [row("投诉打哪个电话", "请打 13812345678。"), row("改号", "在掌银里改。", variants="我是13912345678，改号")]
    entries, report = entries_of(rows, "faq.csv")
    assert "[PHONE]" in entries[0].answer
    assert entries[1].variants == ("我是[PHONE]，改号",)
    assert report.redacted == 2


def test_contacts_that_a_business_publishes_stay_and_longer_ones_are_none_of_them():
    keep = kept_but(["400-820-8820", "service@bank.example"])
    said = "请拨打400-820-8820，或写信至service@bank.example。"
    (entry,), report = entries_of([row("怎么联系", said)], "faq.csv", keep)
    assert (entry.answer, report.redacted) == (said, 0)
    assert passages_of([Block(said, 0, "page 1")], "a.pdf", keep)[0].text.replace("\n", "") == said
    for other in ("13812345678", "me.service@bank.example", "service@bank.example.com", "1400-820-8820 13812345678"):
        assert "[" in keep(other)
    assert keep(f"{chr(0xF0000)}甲") == "甲"


def test_what_is_far_too_long_for_a_sentence_becomes_passages_and_keeps_its_words():
    for word, language in (("年费一百元", "zh"), ("a fee of one hundred ", "en")):
        text = word * 2000
        found = passages_of([Block(text, 0, "page 1")], "a.pdf")
        assert max(len(passage.text) for passage in found) <= LONGEST[language]
        assert "".join(passage.text for passage in found).replace(" ", "") == text.replace(" ", "")
    kept = "一个很长的句子，" * 60  # a sentence that is long is not cut in half
    assert [passage.text for passage in passages_of([Block(kept, 0, "page 1")], "a.pdf")] == [kept]


def said(*turns):
    return {"turns": [{"speaker": speaker, "text": text} for speaker, text in turns]}


def test_past_conversations_are_counted_and_their_personal_data_is_replaced():
    asked, answer = ("customer", "我是13812345678，怎么改号"), ("agent", "在掌银里改。")
    past, report = answered_in([(1, said(asked, answer, ("customer", "好"))), (3, said(answer))], "past.jsonl")
    assert past.answered == (("我是[PHONE]，怎么改号", "在掌银里改。"),)
    assert report == PastReport(conversations=2, turns=4, answered=1, labelled=0, redacted=1)


@pytest.mark.parametrize(
    "value", [said(("user", "hello")), said(("customer", None)), {"turns": []}, {"turns": {}}, [], {"turns": ["hello"]}]
)
def test_what_is_no_conversation_is_refused_with_its_line(value):
    with pytest.raises(DataError, match=r"past\.jsonl, line 7, .*"):
        answered_in([(7, value)], "past.jsonl")


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
