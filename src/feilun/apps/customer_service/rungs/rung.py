"""The shape of a rung: it looks at a question and answers it, or leaves it to the next one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from feilun.apps.customer_service.finding.calibration import Calibration
from feilun.apps.customer_service.finding.evidence import Evidence, Weighed
from feilun.apps.customer_service.finding.library import Library
from feilun.apps.customer_service.reply import Reply
from feilun.apps.customer_service.words.slots import RULES, SlotReader
from feilun.knowledge.search import Hit


@dataclass(frozen=True)
class Question:
    """A turn of a customer, as the rungs see it.

    Args:
        text: What was asked, cleaned, personal data replaced.
        search: What is looked for: the text, and the former question before it where it leans on that.
        language: zh or en.
        vector: Vector of `search`, shape (width,).
        entries: Finds the FAQ entries that may ask the same; it looks them up once.
        spoken: Searches passages and answers, once.
        memory: What is remembered of former turns: `asked`, `options`, `pending`, `slots`, `failures`, `forms`.
        customer: What the business tells of the customer; fills the slots of its names.
        orders: Whether it reads like instructions to a machine.
        reader: Reads values of slots in it.
    """

    text: str
    search: str
    language: str
    vector: NDArray[np.float32] | None
    entries: Callable[[], Evidence | None]
    spoken: Callable[[], Sequence[Hit]]
    memory: Mapping[str, Any]
    customer: Mapping[str, str | float | bool]
    orders: bool = False
    reader: SlotReader = RULES


@dataclass(frozen=True)
class Step:
    """What a rung decided.

    Args:
        trace: For the operator: the rung's name and its reasons.
        reply: The answer; None leaves the question to the next rung.
        remember: What is to be remembered for the next turn.
        waiting: What is said and remembered where no rung below answers: it waits for something else.
        resumed: What is said below the answer of a rung below, and remembered then.
    """

    trace: Mapping[str, Any]
    reply: Reply | None = None
    remember: Mapping[str, Any] | None = None
    waiting: tuple[Reply, Mapping[str, Any]] | None = None
    resumed: tuple[Reply, Mapping[str, Any]] | None = None


def weighing(rung: str, best: Weighed, calibration: Calibration) -> dict[str, Any]:
    """Return the trace of a rung that weighed what it found."""
    return {
        "rung": rung, "probability": round(best.probability, 4), "threshold": round(calibration.threshold, 4),
        "features": [round(feature, 4) for feature in best.features],
    }  # fmt: skip


GONE = "taken out meanwhile"
"""The decision of a rung whose best candidate left the library after it was found."""


class Rung(Protocol):
    """A rung of the ladder."""

    def step(self, question: Question, library: Library) -> Step:
        """Answer a question, or say why not."""
        ...
