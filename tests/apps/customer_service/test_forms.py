"""Forms: asked for step by step, corrected, cancelled, interrupted, resumed; circular ones are refused."""

import sys
from datetime import date
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from made_service import BY_QUESTION, BY_WORDS, library, settings

from feilun.apps.customer_service.finding.held_out import Thresholds
from feilun.apps.customer_service.forms.settings import FieldSettings
from feilun.apps.customer_service.forms.values import value_of
from feilun.apps.customer_service.ladder import Ladder
from feilun.apps.customer_service.rungs.form import form_entries
from feilun.apps.customer_service.settings import CustomerServiceSettings
from feilun.core.settings import read

FORMS = {
    "card_loss": {
        "starts": ["帮我挂失银行卡", "我要报失"],
        "confirm": "挂失尾号 {card} 的卡，{when} 丢的，对吗？",
        "done": "已登记挂失：尾号 {card}。",
        "fields": {
            "card": {"kind": "card_ending", "name": "尾号", "ask": "卡号末四位是多少？"},
            "when": {"kind": "date", "name": "日期", "ask": "哪天丢的？"},
        },
    },
    "returns": {
        "starts": ["我要退货"],
        "confirm": "退掉 {order}，原因 {reason}，对吗？",
        "done": "退货已登记。",
        "then": "pickup",
        "fields": {
            "order": {"kind": "order_number", "name": "单号", "ask": "单号是多少？"},
            "reason": {"kind": "choice", "name": "原因", "ask": "为什么退？", "options": ["质量问题", "其他"]},
            "why": {"kind": "text", "name": "说明", "ask": "请说明。", "only_if": "reason", "equals": "其他"},
        },
    },
    "pickup": {
        "starts": ["预约取件"],
        "confirm": "{day} 上门取件，对吗？",
        "done": "取件已约好。",
        "fields": {"day": {"kind": "date", "name": "日期", "ask": "哪天方便？", "future": True}},
    },
}


def ladder():
    made, faults = read(CustomerServiceSettings, {
        "application": "customer-service", "name": "bank", "knowledge": {"faq": ["faq.csv"]}, "forms": FORMS,
    })  # fmt: skip
    assert not faults
    known = library()
    known.change(form_entries(made.forms))
    return Ladder(known, Thresholds(BY_WORDS, BY_QUESTION), made)


LADDER = ladder()


def talk(*texts):
    memory, replies = {}, []
    for text in texts:
        reply, memory = LADDER.answer(text, memory)
        replies.append(reply)
    return replies


def test_a_form_asks_for_each_field_confirms_and_is_done():
    first, second, third, last = talk("帮我挂失银行卡", "尾号1234", "2026-03-05", "对")
    assert [r.action for r in (first, second, third, last)] == ["ask_slot"] * 3 + ["answer"]
    assert (first.text, second.text) == ("卡号末四位是多少？", "哪天丢的？")
    assert third.text == "挂失尾号 1234 的卡，2026-03-05 丢的，对吗？"
    assert last.text == "已登记挂失：尾号 1234。"
    assert last.form.state == "done"
    assert last.form.values == {"card": "1234", "when": "2026-03-05"}


def test_what_is_told_at_once_is_not_asked_again():
    *_, confirm = talk("我要报失", "尾号1234，2026年3月5日丢的")
    assert confirm.form.state == "confirming"


def test_a_wrong_value_is_refused_and_the_third_one_hands_over():
    _, second, third, fourth = talk("帮我挂失银行卡", "尾号是十二", "不记得", "真的不记得")
    assert second.text.startswith("抱歉，没能识别您的回答。")
    assert third.form.state == "filling"
    assert (fourth.action, fourth.handoff) == ("handoff", "form")


def test_a_value_is_corrected_by_its_name_or_by_its_kind():
    *_, corrected = talk("帮我挂失银行卡", "尾号1234", "不对，尾号是5678")
    assert corrected.form.values == {"card": "5678"}
    *_, asked, again = talk("帮我挂失银行卡", "尾号1234", "2026-03-05", "不对，尾号错了", "4321")
    assert asked.text == "卡号末四位是多少？"
    assert again.form.values == {"card": "4321", "when": "2026-03-05"}
    *_, which = talk("帮我挂失银行卡", "尾号1234", "2026-03-05", "不对")
    assert which.text == "请告诉我哪一项不对：尾号、日期。"


WRONG = ("帮我挂失银行卡", "尾号1234", "2026-03-05", "不对")


def test_what_is_wrong_is_named_or_told_anew_and_nothing_is_done_before():
    *_, asked, confirm, last = talk(*WRONG, "日期", "2026-03-06", "对")
    assert asked.text == "哪天丢的？"
    assert confirm.form.state == "confirming"
    assert (last.form.state, last.form.values) == ("done", {"card": "1234", "when": "2026-03-06"})
    *_, last = talk(*WRONG, "2026年3月7日", "是的")
    assert last.form.values == {"card": "1234", "when": "2026-03-07"}
    *_, yes, between = talk(*WRONG, "对", "信用卡年费怎么减免？")
    assert yes.text == "抱歉，没能识别您的回答。请告诉我哪一项不对：尾号、日期。"
    assert between.text == "刷满六笔。\n\n请告诉我哪一项不对：尾号、日期。"
    *_, cancelled = talk(*WRONG, "算了")
    assert cancelled.form.state == "cancelled"


def test_a_question_in_between_is_answered_and_the_form_goes_on():
    _, between, last = talk("帮我挂失银行卡", "转账查证需要什么？ 退汇手续费", "尾号1234")
    _, answered, last = talk("帮我挂失银行卡", "信用卡年费怎么减免？", "尾号1234")
    assert answered.action == "answer"
    assert answered.text == "刷满六笔。\n\n卡号末四位是多少？"
    assert last.form.values == {"card": "1234"}
    assert between.form.name == "card_loss"


@pytest.mark.parametrize("text", ["谢谢", "😀", "在吗"])
def test_what_asks_nothing_ends_no_form_and_is_no_wrong_value(text):
    *_, last = talk("帮我挂失银行卡", text, text, text, "尾号1234")
    assert (last.handoff, last.form.values) == (None, {"card": "1234"})


@pytest.mark.parametrize("yes", ["对", "是的，没错", "嗯嗯", "好的谢谢", "确定", "Yes please", "that's right"])
def test_many_words_confirm(yes):
    *_, last = talk("帮我挂失银行卡", "我的卡后四位是1234", "昨天", yes)
    assert last.form.state == "done"


def test_a_form_is_filled_in_traditional_characters():
    told = ("幫我掛失銀行卡", "尾號1234", "上週五", "不對，尾號是5678", "不對", "日期錯了", "昨天", "沒錯")
    *_, wrong, last = talk(*told)
    assert wrong.form.state == "confirming"
    assert last.form.state == "done"
    assert last.form.values["card"] == "5678"
    *_, asked = talk("幫我掛失銀行卡", "尾號1234", "能不能網上辦嗎")
    assert asked.form.values == {"card": "1234"}


def test_thanks_alone_confirm_nothing():
    *_, last = talk("帮我挂失银行卡", "尾号1234", "昨天", "谢谢")
    assert last.form.state == "confirming"


def test_a_question_about_cancelling_does_not_end_a_form():
    *_, last = talk("帮我挂失银行卡", "取消挂失怎么弄", "1234")
    assert last.form.values == {"card": "1234"}


def test_another_form_may_come_in_between_and_the_first_one_is_resumed():
    *_, cancelled, resumed = talk("帮我挂失银行卡", "我要退货", "取消", "尾号1234")
    assert cancelled.text == "好的，已取消。\n\n卡号末四位是多少？"
    assert resumed.form.values == {"card": "1234"}


def test_a_field_is_asked_for_only_where_another_one_says_so_and_a_form_follows():
    *_, confirm = talk("我要退货", "20261124", "质量问题")
    assert confirm.form.state == "confirming"
    *_, why, confirm, followed, appointed = talk("我要退货", "20261124", "其他", "颜色不喜欢", "对", "明天")
    assert why.text == "请说明。"
    assert confirm.form.values["why"] == "颜色不喜欢"
    assert followed.text == "退货已登记。\n\n哪天方便？"
    assert appointed.form.name == "pickup"


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ({"kind": "date", "future": True}, "11月26日", None),
        ({"kind": "date", "future": True}, "12月3号", "2026-12-03"),
        ({"kind": "date"}, "2月30日", None),
        ({"kind": "date"}, "1月5日", "2027-01-05"),
        ({"kind": "date"}, "the day after tomorrow", "2026-11-29"),
        ({"kind": "amount", "maximum": 500.0}, "600 元", None),
        ({"kind": "amount", "maximum": 50000.0}, "2万元", "2万元"),
        ({"kind": "amount"}, "200", "200"),
        ({"kind": "amount"}, ",", None),
        ({"kind": "amount"}, "好,元", None),
        ({"kind": "amount"}, "$,", None),
        ({"kind": "choice", "options": ("甲", "乙")}, "2", "乙"),
        ({"kind": "choice", "options": ("甲", "乙")}, "第一个", "甲"),
        ({"kind": "card_ending"}, "it's 1234", "1234"),
        ({"kind": "card_ending"}, "last 4 digits 1234", "1234"),
        ({"kind": "card_ending"}, "2026年", None),
        ({"kind": "date"}, "昨天晚上", "2026-11-26"),
        ({"kind": "choice", "options": ("甲", "乙")}, "甲和乙", None),
        ({"kind": "text"}, "这是什么意思？", None),
    ],
)
def test_values_are_held_to_what_is_valid(field, text, value):
    made = FieldSettings(name="x", ask="x", **field)
    assert value_of(text, made, date(2026, 11, 27), asked=True) == value


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pickup": {**FORMS["pickup"], "then": "returns"}}, "follow each other in a circle"),
        ({"pickup": {**FORMS["pickup"], "then": "gone"}}, "which is no form"),
        ({"pickup": {**FORMS["pickup"], "done": "{place}"}}, "{place}, which is no field"),
        ({"pickup": {**FORMS["pickup"], "starts": []}}, "starts is empty"),
        ({"pickup": {**FORMS["pickup"], "fields": {}}}, "fields is empty"),
        ({"pickup": {**FORMS["pickup"], "fields": {
            "a": {"kind": "text", "name": "a", "ask": "a", "only_if": "b", "equals": "1"},
            "b": {"kind": "text", "name": "b", "ask": "b", "only_if": "a", "equals": "1"}}}}, "wait for each other"),
        ({"pickup": {**FORMS["pickup"], "fields": {"day": {"kind": "choice", "name": "a", "ask": "a"}}}},
         "two or more"),
    ],
)  # fmt: skip
def test_forms_that_cannot_be_filled_in_are_refused_at_load(changes, said):
    table = {"application": "customer-service", "name": "bank", "knowledge": {"faq": ["faq.csv"]}}
    made, faults = read(CustomerServiceSettings, {**table, "forms": {**FORMS, **changes}})
    assert made is None
    assert said in " ".join(fault.message for fault in faults)


def test_an_application_without_forms_has_none():
    assert settings().forms == {}


def test_a_value_that_is_told_before_it_is_asked_for_is_kept_and_a_question_is_none():
    *_, told, confirm = talk("帮我挂失银行卡", "2026-03-05丢的", "尾号1234")
    assert (told.text, told.form.values) == ("卡号末四位是多少？", {"when": "2026-03-05"})
    assert confirm.form.state == "confirming"
    *_, asked = talk("帮我挂失银行卡", "2026-03-05开门吗？")
    assert asked.form.values == {}
