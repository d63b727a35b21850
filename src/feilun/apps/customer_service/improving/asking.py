"""What a customer really asks: a turn without the request for a person, without anger and without what only greets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from feilun.apps.customer_service.improving.measures import found_no_answer
from feilun.apps.customer_service.words.injection import gives_orders
from feilun.apps.customer_service.words.phrases import AGENT, ANGER, SHOUT, is_angry, leans_on_former, wants_person
from feilun.knowledge.terms import search_terms, simplified
from feilun.storage.customer_service import Turn

FEWEST_TERMS = 4
"""Terms of a question: with fewer it greets, thanks, agrees or tells a value."""

EMPTY = re.compile(
    r"有人(?:在)?(?:吗|么|没)|人呢|(?:还)?在(?:吗|不在|么)|(?:你|您|大家)好|(?:多)?谢谢|麻烦|请问?|帮(?:我|忙)|给我|我(?:要|想|们)?"
    r"|你们?|您|立刻|马上|赶紧|快点?|一下|一个|好的?|知道|明白|的|了|吧|啊|呢|吗|喂"
    r"|\b(?:hello|hi|hey|thanks?|thank you|please|can|could|may|i|want|need|to|an?|the|let|me|with|now|you|are|is"
    r"|any(?:one|body)|some(?:one|body)|still|there|yes|no|ok(?:ay)?)\b|\d+",
    re.IGNORECASE,
)
"""Words that ask nothing by themselves: greetings, thanks, calls whether somebody is there, numbers."""


@dataclass(frozen=True)
class Asked:
    """A question and what it leans on.

    Args:
        text: The question.
        former: The question before it; empty where there is none.
    """

    text: str
    former: str = ""


def question_in(text: str) -> str:
    """Return what a turn asks, without the request for a person and without anger; empty where nothing is left."""
    if gives_orders(text):
        return ""
    rest = text
    if wants_person(text) or is_angry(text):
        rest = simplified(text)
        for pattern in (AGENT, ANGER, SHOUT):
            rest = pattern.sub(" ", rest)
    rest = rest.strip(" ，,。.!！;；、了")
    return rest if _says_something(rest) else ""


def candidate_in(text: str, former: str) -> str:
    """Return what a turn without an answer adds to the FAQ's candidates; empty where it is a number or a greeting.

    Args:
        text: The turn.
        former: The question before it, which a turn such as 那手续费呢 is nothing without.
    """
    if not search_terms(EMPTY.sub(" ", text)):
        return ""
    return f"{former} {text}" if former and leans_on_former(text) else text


def last_question(turns: Sequence[Turn]) -> Asked | None:
    """Return the last question that a customer asks in a conversation; None where nothing is asked."""
    asked = [question for turn in turns if turn.speaker == "customer" and (question := question_in(turn.text))]
    return Asked(asked[-1], asked[-2] if len(asked) > 1 else "") if asked else None


def asked_and_answered(turns: Sequence[Turn]) -> Iterator[tuple[str, str]]:
    """Yield the questions of a conversation that a person answered, or to which the bot knew no answer.

    Args:
        turns: Its turns in order.

    Yields:
        The question, and the longest of what a person said before the next one: people greet first. Empty where the bot
        knew nothing and nobody answered.
    """
    question, answers, missed = "", [""], False
    for turn in turns:
        asked = question_in(turn.text) if turn.speaker == "customer" else ""
        if asked:
            if question and (missed or any(answers)):
                yield question, max(answers, key=len)
            question, answers, missed = asked, [""], False
        elif turn.speaker == "person":
            answers.append(turn.text)
        elif turn.reply is not None:
            missed = missed or found_no_answer(turn.reply)
    if question and (missed or any(answers)):
        yield question, max(answers, key=len)


def taught_by(turns: Sequence[Turn]) -> list[tuple[str, str]]:
    """Return the questions of a conversation that a person answered, each with an answer that says something."""
    return [(question, answer) for question, answer in asked_and_answered(turns) if _says_something(answer)]


def _says_something(text: str) -> bool:
    return len(search_terms(EMPTY.sub(" ", text))) >= FEWEST_TERMS
