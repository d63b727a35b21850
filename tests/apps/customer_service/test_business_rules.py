"""Business rules: opening hours, limits, who goes first, what is not spoken of, what must be said."""

import sys
from datetime import datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "knowledge"))
from made_service import desk as made_desk
from test_rules import table

from feilun.apps.customer_service.business_rules import OUTPUTS, BusinessRules
from feilun.apps.customer_service.reply import Citation, Reply
from feilun.core.errors import DataError
from feilun.knowledge.rules import DecisionTables

ANSWER = Reply(
    "answer", "收益率 3%。", (Citation("1", "FAQ", "理财", "收益率 3%。"),), 0.9, "理财", slots={"amount": "6000"}
)


def rules(tmp_path, rows, inputs, outputs, hour=10):
    tables = DecisionTables([table(tmp_path / "a.json", rows, inputs=inputs, outputs=outputs)], OUTPUTS)
    return BusinessRules(tables, lambda: datetime(2026, 11, 27, hour))


def test_a_mandatory_disclosure_stands_below_each_answer_of_its_intent(tmp_path):
    made = rules(tmp_path, [("'理财'", "'理财非存款，产品有风险。'")], ("intent",), ("disclosure",))
    assert made.applied(ANSWER, "收益多少", {}, "web").text == "收益率 3%。\n\n理财非存款，产品有风险。"
    assert made.applied(Reply("answer", "a", intent="卡片"), "a", {}, "web").text == "a"


def test_a_forbidden_topic_is_declined_and_no_citation_stays(tmp_path):
    made = rules(tmp_path, [("contains($, '内幕')", "'decline'")], ("text",), ("action",))
    said = made.applied(ANSWER, "有没有内幕消息", {}, "web")
    assert (said.action, said.citations, said.confidence) == ("unknown", (), 0.0)
    assert made.applied(ANSWER, "收益多少", {}, "web") == ANSWER


def test_large_amounts_go_to_a_person_and_vips_go_first(tmp_path):
    made = rules(
        tmp_path,
        [("number($) > 5000", "", "'handoff'", "1"), ("", "'vip'", "", "5")],
        ("slots.amount", "customer.level"), ("action", "priority"),
    )  # fmt: skip
    said = made.applied(ANSWER, "转 6000", {"level": "vip"}, "web")
    assert (said.action, said.handoff, said.priority) == ("handoff", "rule", 5)
    assert made.applied(Reply("answer", "a", slots={"amount": "100"}), "a", {}, "web").action == "answer"


@pytest.mark.parametrize(("hour", "told"), [(10, False), (20, True)])
def test_out_of_hours_who_is_handed_over_is_told_so(tmp_path, hour, told):
    rows = [("'handoff'", "not($ in [9..17])", "'人工客服九点上班。'")]
    made = rules(tmp_path, rows, ("action", "hour"), ("text",), hour)
    said = made.applied(Reply("handoff", "请稍候。", handoff="request"), "转人工", {}, "web")
    assert (said.action, said.text == "人工客服九点上班。") == ("handoff", told)


def test_an_action_that_there_is_not_is_named(tmp_path):
    made = rules(tmp_path, [("", "'explode'")], ("text",), ("action",))
    with pytest.raises(DataError, match="explode"):
        made.applied(ANSWER, "a", {}, "web")


def test_the_desk_applies_rules_and_proposes_nothing_that_they_decline(tmp_path):
    path = table(tmp_path / "a.json", [("contains($, '内幕')", "'decline'")])
    desk = made_desk(f"sqlite:///{tmp_path / 'a.db'}", tables=[path])
    assert desk.say("卡丢了怎么办").reply.action == "answer"
    assert desk.say("有内幕消息吗").reply.action == "unknown"
    assert desk.learning.candidates() == []
    desk.database.close()


def test_rules_hold_for_suggestions_but_hand_nobody_over_again(tmp_path):
    rows = [("'卡片'", "'handoff'", ""), ("'费用'", "", "'理财非存款。'")]
    path = table(tmp_path / "a.json", rows, inputs=("intent",), outputs=("action", "disclosure"))
    made = made_desk(f"sqlite:///{tmp_path / 'a.db'}", tables=[path])
    told = made.say("信用卡年费是多少？")
    assert told.reply.text == "普卡免年费。\n\n理财非存款。"
    made.say("转人工", told.conversation)
    assert made.suggest(told.conversation).reply.text == told.reply.text
    handed = made.say("卡丢了怎么办")
    assert handed.reply.action == "handoff"
    assert made.suggest(handed.conversation).reply.text == "请在掌银里挂失。"  # a person is there already
    made.database.close()


@pytest.mark.parametrize(("before", "said"), [("zh", "好的，正在为您转接人工客服，请稍候。"), ("en", "Of course.")])
def test_who_is_handed_over_by_a_rule_is_told_so_in_the_language_of_the_conversation(tmp_path, before, said):
    made = rules(tmp_path, [("'zh'", "'handoff'"), ("'en'", "'handoff'")], ("language",), ("action",))
    assert made.applied(ANSWER, "1", {}, "web", before).text.startswith(said)


def test_a_row_that_only_sets_a_priority_hides_no_question_without_an_answer(tmp_path):
    path = table(tmp_path / "a.json", [("'vip'", "5")], inputs=("customer.level",), outputs=("priority",))
    made = made_desk(f"sqlite:///{tmp_path / 'a.db'}", tables=[path])
    made.say("火星上有网点吗", customer={"level": "vip"})
    assert [one.question for one in made.learning.candidates()] == ["火星上有网点吗"]
    made.database.close()
