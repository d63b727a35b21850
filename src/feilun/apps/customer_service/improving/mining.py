"""What past conversations ask that the FAQ does not answer: questions that mean the same, with a drafted answer.

Each question joins the group whose first question is nearest to it, where that is near enough, else it begins one
(leader clustering; Hartigan 1975): the order of the questions matters little once the most frequent come first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feilun.apps.customer_service.finding.calibration import Calibration
from feilun.apps.customer_service.finding.library import Library
from feilun.apps.customer_service.improving.asking import question_in
from feilun.core.decisions.similarity import unit

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
    asked = [(question, answer) for text, answer in said if (question := question_in(text))]
    counts = Counter(question for question, _ in asked)
    questions = [text for text, _ in counts.most_common() if not _known(text, library, calibration)]
    if not questions:
        return []
    answers = {question: answer for question, answer in reversed(asked) if answer}
    groups = _grouped(questions, library, near)
    found = [
        Mined(own[0], sum(counts[q] for q in own), tuple(own[1 : 1 + EXAMPLES]),
              next((answers[q] for q in own if q in answers), ""))
        for own in groups
    ]  # fmt: skip
    return sorted(found, key=lambda one: -one.asked)


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
