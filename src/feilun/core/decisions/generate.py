"""Answers that are written token by token: how a prompt is put, how tokens are chosen, and when an answer ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from feilun.core.prediction import Prediction, Reads

NOTICEABLE = 0.1
"""Change of a row's mean log likelihood of a token that counts as another answer."""


Finish = Literal["stop", "length"]
"""Why an answer ended: by itself or at a stop text, or for its length."""


class WrittenAnswer(Protocol):
    """An answer that was written: its text, its tokens, and how likely the model found them.

    Of the tokens, the ending one included, `steps` says how many they are, and `mean_likelihood` their mean log
    likelihood; `finish` is None while the answer goes on.
    """

    text: str
    steps: int
    finish: Finish | None

    @property
    def mean_likelihood(self) -> float:
        """Return the mean log likelihood of a token."""
        ...


@dataclass(frozen=True)
class Turns:
    """What a chat model was trained to see around each turn of a conversation; text, never a program.

    Args:
        unsaid: What stands at the start of a conversation that has no system turn.
        system: What stands before and behind the system turn.
        user: What stands before and behind a turn of the user.
        assistant: What stands before and behind an earlier answer.
        answer: What stands before the answer that is to be written.
    """

    unsaid: str
    system: tuple[str, str]
    user: tuple[str, str]
    assistant: tuple[str, str]
    answer: str

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """Read what `dataclasses.asdict` wrote.

        Raises:
            KeyError, TypeError, ValueError: If the table is not of that form.
        """
        system, user, assistant = (
            (str(a), str(b)) for a, b in (table[role] for role in ("system", "user", "assistant"))
        )
        return cls(str(table["unsaid"]), system, user, assistant, str(table["answer"]))


@dataclass(frozen=True)
class GenerateDecision:
    """How a language model answers a prompt; part of the bundle.

    Args:
        before: What stands before the prompt.
        after: What stands between the prompt and its answer.
        turns: What stands around the turns of a conversation; None where the base knows no conversations.
        ends: Ids of the tokens that end an answer; the first is the one that was learnt.
        max_new_tokens: Longest answer; prompt and answer together never exceed the context.
        temperature: Divides the logits before a token is drawn; 0 takes the likeliest (greedy).
        top_p: Tokens are drawn from the likeliest ones that hold this share (nucleus; Holtzman et al. 2020).
        stop: Texts at which an answer ends; they are no part of it.
        seed: Seeds the draws; a prompt's answer does not depend on what stands beside it.
        abstain_below: Kept at 0: answers are never withheld.
    """

    task: ClassVar[str] = "generate"
    reads: ClassVar[Reads] = "answers"

    before: str = ""
    after: str = "\n"
    turns: Turns | None = None
    ends: tuple[int, ...] = ()
    max_new_tokens: int = 64
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int = 13
    abstain_below: float = 0.0

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """Read what `dataclasses.asdict` wrote.

        Raises:
            KeyError, TypeError, ValueError: If the table is not of that form.
        """
        turns = table["turns"]
        return cls(
            str(table["before"]), str(table["after"]), None if turns is None else Turns.from_table(turns),
            tuple(int(end) for end in table["ends"]), int(table["max_new_tokens"]), float(table["temperature"]),
            float(table["top_p"]), tuple(str(stop) for stop in table["stop"]), int(table["seed"]),
        )  # fmt: skip

    def width(self, labels: int) -> int:
        """Return how many numbers a row has where its answer is known: its surprise, and how many tokens it has."""
        return 2

    def changed(
        self, before: NDArray[np.float32], after: NDArray[np.float32], names: tuple[str, ...]
    ) -> NDArray[np.bool_]:
        """Return of which rows the known answer became noticeably more or less likely, shape (rows,)."""
        one, other = (numbers[:, 0] / np.maximum(numbers[:, 1], 1) for numbers in (before, after))
        still = np.abs(other - one) <= NOTICEABLE
        moved: NDArray[np.bool_] = ~still  # what is not a number has moved
        return moved

    def decide(self, logits: Any, names: tuple[str, ...]) -> list[Prediction]:
        """Turn answers that were written into predictions.

        Args:
            logits: The answers, one a row.
            names: Not looked at: answers have no labels.
        """
        answers: Sequence[WrittenAnswer] = logits
        return [
            Prediction.of_text(one.text, float(np.exp(one.mean_likelihood)), one.steps, one.finish) for one in answers
        ]
