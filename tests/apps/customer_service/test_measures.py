"""Measures agree with what was counted by hand."""

from dataclasses import replace

import pytest

from feilun.apps.customer_service.improving.measures import held, measured, measured_by, unanswered
from feilun.apps.customer_service.settings import CostSettings
from feilun.storage.customer_service import Conversation, Turn

DAY = 86_400.0


def talk(name, started, turns, channel="web", resolved=None, rating=None):
    """Return a conversation and its turns; a turn is (seconds, speaker, text or (action, intent, reason))."""
    said = []
    for number, (at, speaker, what) in enumerate(turns):
        reply = None
        if speaker == "bot":
            action, intent, reason = what
            reply = {"action": action, "intent": intent, "handoff": reason}
        text = what if reply is None else ""
        said.append(Turn(f"{name}{number}", name, started + at, speaker, text, reply))
    conversation = Conversation(name, channel, started, started, "bot", None, None, {}, 0, resolved, rating)
    return conversation, said


TALKS = [
    talk("a", 0.0, [(0, "customer", "卡丢了"), (1, "bot", ("answer", "卡片", None))], resolved=True, rating=5),
    talk(
        "b",
        10.0,
        [
            (0, "customer", "火星"), (2, "bot", ("unknown", None, None)),
            (3, "customer", "火星"), (4, "bot", ("handoff", None, "repeated failure")),
            (64, "person", "您好"),
        ],
        channel="wecom", resolved=False, rating=2,
    ),
    talk("c", DAY, [(0, "customer", "年费"), (3, "bot", ("answer", "费用", None))]),
    talk("d", DAY, []),
]  # fmt: skip
HELD = held([one for one, _ in TALKS], [turn for _, turns in TALKS for turn in turns])


def test_the_figures_of_all_conversations():
    found = measured(HELD)
    assert (found.conversations, found.turns) == (3, 4)
    assert found.answered == pytest.approx(2 / 4)
    assert found.contained == found.deflected == pytest.approx(2 / 3)
    assert found.handed_over == pytest.approx(1 / 3)
    assert found.reasons == {"repeated failure": 1}
    assert (found.resolved, found.rating) == (0.5, 3.5)
    assert found.response_median == pytest.approx(1.5)
    assert found.person_median == 60
    assert found.helpful is None


def test_figures_by_day_channel_and_intent_hold_each_conversation():
    assert {day: own.conversations for day, own in measured_by(HELD, "day").items()} == {
        "1970-01-01": 2,
        "1970-01-02": 1,
    }
    assert measured_by(HELD, "channel")["wecom"].contained == 0
    assert set(measured_by(HELD, "intent")) == {"卡片", "费用", "(none)"}


def test_figures_of_an_intent_are_of_what_was_said_about_it():
    conversation, turns = talk(
        "e", 0.0,
        [
            (0, "customer", "卡丢了"), (1, "bot", ("answer", "卡片", None)),
            (5, "customer", "年费"), (6, "bot", ("handoff", "费用", "request")),
            (9, "customer", "在吗"), (30, "person", "在的"),
        ],
    )  # fmt: skip
    turns[1] = replace(turns[1], helpful=True)
    turns[3] = replace(turns[3], helpful=False)
    found = measured_by(held([conversation], turns), "intent")
    assert {name: (own.turns, own.helpful, own.contained) for name, own in found.items()} == {
        "卡片": (1, 1.0, 1.0),
        "费用": (2, 0.0, 0.0),
    }
    assert found["费用"].person_median == 24


def test_replies_cost_what_the_application_says():
    found = measured(HELD, CostSettings(person=3.0, bot=0.25))
    assert found.cost == pytest.approx(3.0 + 4 * 0.25)
    assert found.cost_each == pytest.approx(found.cost / 3)
    assert measured(HELD).cost is None


def test_what_found_no_answer_is_counted():
    assert unanswered(HELD) == [("火星", 2)]


def test_turns_of_a_conversation_that_began_meanwhile_are_left_out():
    assert held([TALKS[0][0]], [turn for _, turns in TALKS for turn in turns]) == HELD[:1]


def test_nothing_measured_is_nothing_said():
    assert measured([]).to_json()["answered"] is None
