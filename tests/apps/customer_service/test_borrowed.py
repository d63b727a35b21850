"""A FAQ without ways to ask borrows the weights of another one, and chooses its threshold on its own questions."""

from functools import cache

import pytest
from made_service import settings

from feilun.apps.customer_service.finding.held_out import FEWEST, Thresholds, held_out, thresholds
from feilun.apps.customer_service.finding.library import Library
from feilun.apps.customer_service.known.entries import FaqEntry, Passage
from feilun.apps.customer_service.ladder import Ladder
from feilun.core.errors import DataError
from feilun.workflow.applications.customer_service.demo import packaged_entries

BANK = packaged_entries()[::4]
PLAIN = tuple(FaqEntry(entry.id, entry.question, entry.answer) for entry in BANK)
SHIPS = FaqEntry("ships", "Do you ship abroad?", "Yes, to all countries of the EU.")
SHOP = (
    FaqEntry("hours", "你们几点开门？", "每天上午十点到晚上九点。"),
    FaqEntry("dogs", "可以带宠物进店吗？", "可以，请牵好绳子。"),
    FaqEntry("cars", "有停车位吗？", "门前有二十个免费车位。"),
    FaqEntry("rooms", "能订包间吗？", "请提前一天打电话预订包间。"),
    FaqEntry("home", "支持外卖吗？", "支持，三公里内免费配送。"),
)


@cache
def calibrated(entries, passages=(), lender=BANK):
    return thresholds(None, entries, passages, declined=0.9, precision=0.8, lender=lender)


def test_nothing_is_claimed_that_could_not_be_measured():
    found = calibrated(PLAIN)
    for rung in (found.curated, found.grounded):
        assert (rung.first, rung.answered, rung.precision, rung.questions) == (None, None, None, 0)
        assert rung.left_out > 30  # the FAQ's own questions, each without its entry
        assert rung.declined >= 0.9
    assert Thresholds.from_json(found.to_json()) == found


def test_the_questions_of_a_faq_are_declined_without_their_entries_as_often_as_was_asked_for():
    found = calibrated(PLAIN).curated
    library = Library(None, PLAIN)
    best = []
    for entry in PLAIN:
        left = library.question(entry.question, None).without(entry.id)
        best.append(found.weighed(left)[0].probability if left.ids else 0.0)
    assert sum(chance < found.threshold for chance in best) / len(best) == pytest.approx(found.declined)
    assert found.declined >= 0.9


def test_a_few_ways_to_ask_are_what_is_measured_on():
    some = [FaqEntry(e.id, e.question, e.answer, e.variants[: 1 + n % 2]) for n, e in enumerate(BANK[:12])]
    found = calibrated((*some, *PLAIN[12:])).curated
    assert found.questions == 2 * 12
    assert found.first is not None
    assert found.answered is not None
    assert found.left_out == len(BANK)


@pytest.mark.parametrize("entries", [SHOP, (SHIPS,), tuple(e for e in PLAIN if e.language == "en")])
def test_a_faq_that_is_tiny_or_of_one_language_answers_its_questions_and_declines_others(entries):
    ladder = Ladder(Library(None, entries), calibrated(entries), settings())
    for one in [entry for entry in entries if entry.speaks][:10]:
        assert ladder.answer(one.question, {})[0].text == one.answer
    for other in ("有没有去火星的船票？", "Can I buy a ticket to Mars?"):
        assert ladder.answer(other, {})[0].action == "unknown"


def test_documents_alone_are_calibrated_by_what_a_stranger_asks():
    passage = Passage("p", "须知.md", ("退汇",), "line 3", "退汇手续费为 100 元，境外银行可能扣除中转费。")
    found = calibrated((), (passage,)).grounded
    assert found.left_out == sum(entry.language == "zh" for entry in BANK)
    assert 0.2 < found.threshold < 1


def test_ways_enough_borrow_nothing():
    found = calibrated(BANK, lender=())
    assert found.curated.left_out == found.grounded.left_out == 0
    assert found.curated.questions == 2 * len(held_out(BANK))


def test_without_a_lender_it_says_what_is_missing():
    assert len(held_out(BANK)) > FEWEST
    with pytest.raises(DataError, match="Only 0 FAQ entries have two variants"):
        calibrated(PLAIN, lender=())


def test_the_lender_lends_what_it_learned_in_the_languages_of_the_faq():
    every = packaged_entries()
    english = tuple(entry for entry in every if entry.language == "en")
    asked = tuple(FaqEntry(entry.id, entry.question, entry.answer) for entry in english[::3])
    assert len(held_out(english)) >= FEWEST
    assert calibrated(asked, lender=every) == calibrated(asked, lender=english)
    few = (*english[: FEWEST - 1], *(entry for entry in every if entry.language == "zh"))
    assert calibrated(asked, lender=few).curated.weights  # too few of a language: all of them lend
