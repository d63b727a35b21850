"""What past conversations ask that the FAQ does not answer: questions that mean the same, with a drafted answer.

Each question joins the group whose first question is nearest to it, where that is near enough, else it begins one
(leader clustering; Hartigan 1975): the order of the questions matters little once the most frequent come first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from feilun.apps.customer_service.calibration import Calibration
from feilun.apps.customer_service.injection import gives_orders
from feilun.apps.customer_service.library import Library
from feilun.apps.customer_service.measures import Held, found_no_answer
from feilun.apps.customer_service.phrases import is_angry, wants_person
from feilun.core.decisions.similarity import unit
from feilun.knowledge.terms import search_terms

FEWEST_TERMS = 4
"""Terms of a question: with fewer it greets, thanks or agrees."""

NEAR_BY_WORDS = 0.5
"""Share of the words that two questions share, each way, from which on they mean the same, where no vectors are."""

EXAMPLES = 5


@dataclass(frozen=True)
class Mined:
    """Questions that mean the same and found no answer.

    Args:
        question: The most frequent of them; suggests a name.
        asked: How often all of them were asked.
        examples: Others of them.
        answer: What a person answered to one of them; empty where nobody did.
    """

    question: str
    asked: int
    examples: tuple[str, ...]
    answer: str


def asked_and_answered(held: Sequence[Held]) -> Iterator[tuple[str, str]]:
    """Yield what customers said and what a person answered to it, or nothing where the bot did not know."""
    for one in held:
        for asked, answered in pairwise(one.turns):
            if asked.speaker != "customer":
                continue
            if answered.speaker == "person":
                yield asked.text, answered.text
            elif answered.reply is not None and found_no_answer(answered.reply):
                yield asked.text, ""


def mined(said: Sequence[tuple[str, str]], library: Library, calibration: Calibration, near: float) -> list[Mined]:
    """Group the questions that the FAQ does not surely answer.

    Args:
        said: What customers said, each with the answer of a person or nothing.
        library: What is known.
        calibration: How sure a curated answer has to be.
        near: Cosine from which on two questions mean the same.

    Returns:
        The groups, the most asked first.
    """
    counts = Counter(question for question, _ in said if _asks(question))
    questions = [text for text, _ in counts.most_common() if not _known(text, library, calibration)]
    if not questions:
        return []
    answers = {question: answer for question, answer in reversed(said) if answer}
    groups = _grouped(questions, library, near)
    found = [
        Mined(own[0], sum(counts[q] for q in own), tuple(own[1 : 1 + EXAMPLES]),
              next((answers[q] for q in own if q in answers), ""))
        for own in groups
    ]  # fmt: skip
    return sorted(found, key=lambda one: -one.asked)


def _asks(text: str) -> bool:
    machine = gives_orders(text) or wants_person(text) or is_angry(text)
    return not machine and len(search_terms(text)) >= FEWEST_TERMS


def _known(text: str, library: Library, calibration: Calibration) -> bool:
    found = library.question(text, library.embed(text))
    return found is not None and calibration.weighed(found)[0].probability >= calibration.threshold


def _grouped(questions: Sequence[str], library: Library, near: float) -> list[list[str]]:
    vectors = None if library.embedder is None else unit(np.stack([_vector(text, library) for text in questions]))
    leaders: list[int] = []
    groups: dict[int, list[str]] = {}
    for number, text in enumerate(questions):
        if vectors is not None:
            nearness = vectors[leaders] @ vectors[number] if leaders else np.empty(0)
            enough = near
        else:
            nearness, enough = np.array([_shared(text, questions[one], library) for one in leaders]), NEAR_BY_WORDS
        if len(nearness) and nearness.max() >= enough:
            groups[leaders[int(nearness.argmax())]].append(text)
        else:
            leaders.append(number)
            groups[number] = [text]
    return list(groups.values())


def _vector(text: str, library: Library) -> NDArray[np.float32]:
    vector = library.embed(text)
    assert vector is not None  # noqa: S101
    return vector


def _shared(one: str, other: str, library: Library) -> float:
    return min(library.questions.coverage(one, other), library.questions.coverage(other, one))
