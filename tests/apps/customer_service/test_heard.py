"""What is understood without looking anything up: courtesies, anger, wishes for a person, choices, cancelling."""

import pytest

from feilun.apps.customer_service.words.phrases import (
    cancels,
    courtesy,
    is_angry,
    language_in,
    place_named,
    wants_person,
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("你好", "greeting"), ("您好！在吗？", "greeting"), ("Hello there", "greeting"), ("Good morning!", "greeting"),
        ("谢谢！！！", "thanks"), ("謝謝你", "thanks"), ("ok thanks", "thanks"), ("好的，谢谢", "thanks"),
        ("知道了", "noted"), ("好的👌", "noted"), ("稍等", "noted"), ("hold on", "noted"),
        ("are you still there?", "greeting"),        ("再见", "noted"), ("bye", "noted"), ("没有了", "noted"),
        ("你好，卡丢了怎么办", None), ("好的卡有哪些", None), ("hi, my card is gone", None), ("谢谢卡", None),
        ("", None),
    ],
)  # fmt: skip
def test_what_only_greets_thanks_or_takes_note_is_told_from_what_asks(text, kind):
    assert courtesy(text) == kind


@pytest.mark.parametrize(
    "text",
    ["我妈的银行卡丢了怎么办", "总收到垃圾短信怎么退订", "他妈妈的账户能不能代办", "智障人士可以开户吗",
     "接到骗子电话怎么办", "你们能帮我识别骗子吗", "Is my old card useless now?", "谢谢！！！", "垃圾债能买吗"],
)  # fmt: skip
def test_words_that_only_look_like_anger_are_none(text):
    assert not is_angry(text)


@pytest.mark.parametrize(
    "text",
    ["垃圾", "你们真是垃圾", "你们都是骗子！", "什么破银行", "他妈的", "气死我了", "You are useless",
     "you people are idiots", "I am so angry", "到底怎么回事！！！"],
)  # fmt: skip
def test_anger_is_heard(text):
    assert is_angry(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("转人工", True), ("人工", True), ("有没有活人啊", True), ("叫你们经理来", True),
        ("let me speak to your manager", True), ("我要找真人", True), ("帮我转接客服", True), ("human please", True),
        ("Can I speak to a real person?", True), ("put me through to customer service", True),
        ("人工智能理财是什么", False), ("信用卡人工审核要多久", False), ("不要转人工", False),
        ("What does the human resources department do?", False), ("我昨天跟客服说过了", False),
    ],
)  # fmt: skip
def test_a_person_is_wanted_where_one_is_asked_for_alone(text, wanted):
    assert wants_person(text) is wanted


@pytest.mark.parametrize(
    ("text", "place"),
    [("2", 2), ("第二个", 2), ("选1", 1), ("1.", 1), ("我想问第三个", 3), ("the second one", 2), ("first", 1),
     ("option 3", 3), ("都不是", None), ("12", None), ("1 万元", None), ("一类账户", None), ("", None)],
)  # fmt: skip
def test_one_of_several_is_named_by_its_place(text, place):
    assert place_named(text) == place


@pytest.mark.parametrize(
    "text", ["取消", "算了，不办了", "我想取消", "不用了", "Cancel it please", "never mind", "forget it"]
)
def test_cancelling_is_understood(text):
    assert cancels(text)


@pytest.mark.parametrize(
    "text", ["取消挂失怎么弄", "怎么取消自动还款", "How do I cancel my card?", "", "不用身份证可以办吗"]
)
def test_a_question_about_cancelling_cancels_nothing(text):
    assert not cancels(text)


@pytest.mark.parametrize(
    ("text", "before", "language"),
    [("卡", None, "zh"), ("my card", "zh", "en"), ("OK", "zh", "zh"), ("20261124", "zh", "zh"), ("👍", "zh", "zh"),
     ("👍", None, "en"), ("ATM 吞卡", "en", "zh")],
)  # fmt: skip
def test_a_sign_is_in_the_language_of_the_turn_before(text, before, language):
    assert language_in(text, before) == language
