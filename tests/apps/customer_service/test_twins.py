"""Answers that say the same are no rivals: together they are as probable as one, and none is wrong if one is right."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from made_service import BY_QUESTION, BY_WORDS, settings

from feilun.apps.customer_service.finding.calibration import calibrate
from feilun.apps.customer_service.finding.evidence import Evidence, Weighed, united
from feilun.apps.customer_service.finding.held_out import Thresholds
from feilun.apps.customer_service.finding.library import Library
from feilun.apps.customer_service.known.entries import FaqEntry, Passage
from feilun.apps.customer_service.known.twins import says_the_same
from feilun.apps.customer_service.ladder import Ladder

ANSWER = "请在掌银的卡片服务里办理挂失，五天内带身份证到任一网点办理正式挂失。"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (ANSWER, ANSWER.replace("任一", "任意"), True),
        (ANSWER, ANSWER.replace("掛", "挂").replace("，", ", "), True),
        (ANSWER, ANSWER.replace("五天内带身份证", "五天内不带身份证"), False),
        ("手续费为每笔 5 元，由汇款人承担。", "手续费为每笔 8 元，由汇款人承担。", False),
        ("You can do it in the app or at any branch.", "You can do it in the app or at any branch office.", True),
        ("You can do it in the app or at any branch.", "You can not do it in the app or at any branch.", False),
        ("Block it in the app.", "Pay it at the counter.", False),
        ("", "", False),
    ],
)
def test_answers_say_the_same_but_for_wording(one, other, same):
    assert says_the_same(one, other) == says_the_same(other, one) == same


def test_candidates_that_say_the_same_are_one_and_no_probability_is_lost():
    weighed = [Weighed(name, chance, ()) for name, chance in zip("abcd", (0.4, 0.35, 0.2, 0.001), strict=True)]
    found = united(weighed, lambda one, other: {one, other} <= {"b", "c", "d"})
    assert [(one.id, round(one.probability, 3)) for one in found] == [("b", 0.55), ("a", 0.4), ("d", 0.001)]
    assert united(weighed, lambda one, other: False) == weighed


def test_two_entries_with_one_answer_do_not_keep_each_other_from_answering():
    entries = [FaqEntry("a", "银行卡丢了怎么挂失？", ANSWER), FaqEntry("b", "银行卡丢了怎么挂失？", ANSWER + "谢谢。")]
    other = FaqEntry("c", "银行卡丢了怎么挂失？", "请致电客服热线，按语音提示操作。")

    def asked(*known):
        ladder = Ladder(Library(None, known), Thresholds(BY_WORDS, BY_QUESTION), settings())
        return ladder.answer("银行卡丢了怎么挂失", {})[0]

    alone, twins, rivals = asked(entries[0]), asked(*entries), asked(entries[0], other)
    assert twins.action == alone.action == "answer"
    assert twins.confidence >= alone.confidence
    assert rivals.action == "clarify"
    assert len(asked(*entries, other).options) in {0, 2}  # no answer is offered twice


def test_passages_that_say_the_same_are_one():
    passages = [Passage(name, f"{name}.md", (), "line 1", ANSWER) for name in "ab"]
    library = Library(None, [], passages)
    found = library.passage("挂失要带什么", None)
    assert found is not None
    assert found.same("a", "b")
    assert not found.same("a", "z")


def test_thresholds_count_no_twin_as_a_wrong_answer():
    numbers = np.random.default_rng(0)
    questions = []
    for number in range(60):
        rows = np.array([[0.9], [0.88], [0.4]]) + numbers.normal(0, 0.05, (3, 1))
        ids = (f"{number}", f"twin of {number}", "far")
        questions.append((Evidence(ids, rows, same=lambda one, other: "far" not in {one, other}), ids[0]))
    found = calibrate(questions, 0.9, 0.8)
    rivals = calibrate([(Evidence(own.ids, own.features), right) for own, right in questions], 0.9, 0.8)
    assert found.answered > 0.95 > rivals.answered
    assert found.declined >= 0.9
