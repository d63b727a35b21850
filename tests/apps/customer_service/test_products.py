"""Products and other values that customers name: by format, by list, and by a tagger for what neither knows."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from made_service import BY_QUESTION, BY_WORDS, library

from feilun.apps.customer_service.finding.held_out import Thresholds
from feilun.apps.customer_service.known.entries import FaqEntry
from feilun.apps.customer_service.ladder import Ladder
from feilun.apps.customer_service.rungs.form import form_entries
from feilun.apps.customer_service.settings import CustomerServiceSettings
from feilun.apps.customer_service.words.made_sayings import emptied_of, made_sayings
from feilun.apps.customer_service.words.slots import TAGGED, Products, SlotReader
from feilun.core.settings import read
from feilun.evaluation.baselines.spans import MentionDictionary
from feilun.knowledge.mentions import Tagger

NAMES = {"青禾卡": ("學生卡",), "Harbour Card": ("harbour",)}
LISTED = Products(NAMES)
DICTIONARY = MentionDictionary(
    {"云朵贷": "product", "三千块": "amount", "A7-88": "order_number", "123456元": "product", "青禾卡金": "product"},
    TAGGED,
)
READER = SlotReader(LISTED, Tagger(DICTIONARY, TAGGED))


@pytest.mark.parametrize(
    ("text", "wanted", "found"),
    [
        ("🎓我的学生卡怎么还", ("product",), {"product": "青禾卡"}),
        ("青禾卡和ＨＡＲＢＯＵＲ", ("product",), {"product": "青禾卡"}),
        ("harbours are nice", ("product",), {}),
        ("雲朵貸怎么还", ("product",), {"product": "云朵贷"}),
        ("云朵贷和青禾卡", ("product",), {"product": "青禾卡"}),
        ("扣了三千块，单号A7-88", ("amount", "order_number"), {"amount": "三千块", "order_number": "A7-88"}),
        ("扣了三千块和20元", ("amount",), {"amount": "20元"}),
        ("退我123456元", ("product",), {}),
        ("青禾卡金", ("product",), {"product": "青禾卡"}),
        ("云朵贷", ("amount",), {}),
    ],
)
def test_formats_come_first_then_the_list_then_the_model(text, wanted, found):
    assert READER.found(text, wanted) == found


def test_the_model_is_asked_for_nothing_that_is_known():
    class Refuses:
        def predict(self, corpus):
            raise AssertionError("asked")

    reader = SlotReader(LISTED, Tagger(Refuses(), TAGGED))
    assert reader.found("青禾卡扣了20元", ["product", "amount"]) == {"product": "青禾卡", "amount": "20元"}
    assert reader.found("尾号1234", ["card_ending"]) == {"card_ending": "1234"}


def ladder(tagger=None):
    made, faults = read(CustomerServiceSettings, {
        "application": "customer-service", "name": "bank", "knowledge": {"faq": ["faq.csv"]},
        "products": {name: {"aliases": list(aliases)} for name, aliases in NAMES.items()},
        "forms": {"cancel": {
            "starts": ["我要退订"], "confirm": "退订{which}，对吗？", "done": "已退订{which}。",
            "fields": {"which": {"kind": "product", "name": "产品", "ask": "哪个产品？"}},
        }},
    })  # fmt: skip
    assert not faults
    known = library()
    known.tagger = tagger
    known.change(
        [FaqEntry("p", "产品年费是多少？", "{product}的年费见掌银。", ("年费是多少",)), *form_entries(made.forms)]
    )
    return Ladder(known, Thresholds(BY_WORDS, BY_QUESTION), made)


def talk(made, *texts):
    memory, replies = {}, []
    for text in texts:
        reply, memory = made.answer(text, memory)
        replies.append(reply)
    return replies


def test_an_answer_asks_for_the_product_and_names_it_as_the_list_does():
    asked, answered = talk(ladder(), "年费是多少", "学生卡的")
    assert (asked.action, "产品名称" in asked.text) == ("ask_slot", True)
    assert (answered.action, answered.text) == ("answer", "青禾卡的年费见掌银。")


def test_a_product_that_no_list_knows_is_told_by_the_tagger_alone():
    _, again = talk(ladder(), "年费是多少", "云朵贷")
    assert again.action == "ask_slot"
    _, answered = talk(ladder(Tagger(DICTIONARY, TAGGED)), "年费是多少", "云朵贷")
    assert answered.text == "云朵贷的年费见掌银。"


def test_a_form_takes_a_product_and_a_correction_of_it():
    made = ladder(Tagger(DICTIONARY, TAGGED))
    *_, confirmed, corrected, done = talk(made, "我要退订", "harbour card", "不对，是雲朵貸", "对")
    assert confirmed.text == "退订Harbour Card，对吗？"
    assert corrected.text == "退订云朵贷，对吗？"
    assert done.slots == {"which": "云朵贷"}


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (
            {"products": {"金卡": {"aliases": ["VIP"]}, "白金卡": {"aliases": ["vip"]}}},
            "'vip' stands for 白金卡 and 金卡",
        ),
        ({"tagger": {"spans": "a.jsonl", "made": 10}}, "exclude each other"),
    ],
)
def test_a_name_of_two_products_and_two_ways_to_learn_are_refused(tables, said):
    _, faults = read(CustomerServiceSettings, {
        "application": "customer-service", "name": "bank", "knowledge": {"faq": ["faq.csv"]}, **tables,
    })  # fmt: skip
    assert [said in fault.message for fault in faults] == [True]


OWN = (
    "青禾卡额度是多少", "What does the Harbour card cost?", "怎么改密码", "转5000元要多久", "单号 20261124 到哪了",
    "怎么开户", "网点在哪", "can I call you", "几点关门", "为什么登录不了", "要带什么证件",
)  # fmt: skip


def test_made_sayings_mark_what_was_put_in_and_judge_by_other_names_and_templates():
    learned, judged = made_sayings(NAMES, OWN, 200, 13)
    assert (len(learned), len(judged)) == (200, 50)
    assert made_sayings(NAMES, OWN, 200, 13) == (learned, judged)
    for rows in (learned, judged):
        assert {span.label for _, spans in rows for span in spans} == set(TAGGED)
        assert any(not spans for _, spans in rows)
        for text, spans in rows:
            assert all(
                0 <= span.start < span.end <= len(text) and text[span.start : span.end].strip() for span in spans
            )
            assert "{" not in text

    def products(rows):
        listed = {name.lower() for name in ("青禾卡", "学生卡", "學生卡", "harbour card", "harbour")}
        return {text[one.start : one.end] for text, spans in rows for one in spans if one.label == "product"} - listed

    new = {name for name in products(judged) if name.lower() not in {"harbour card", "harbour", "青禾卡", "學生卡"}}
    assert new
    assert not new & products(learned)


def test_a_saying_of_ones_own_is_emptied_of_what_list_and_formats_find():
    assert emptied_of("青禾卡转5000元，单号20261124 {x}", LISTED) == "{product}转{amount}，单号{order_number}  x "
