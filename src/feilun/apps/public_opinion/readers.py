"""What tells the sentiment and the topics of texts: a model for each, or one model of both, which reads a text once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from feilun.apps.public_opinion.wording import with_firm_phrases
from feilun.core.corpus import corpus_of
from feilun.core.ports import Predictor
from feilun.core.prediction import Prediction


class Read(NamedTuple):
    """What texts and clauses say.

    Args:
        sentiments: Of each text, then of each clause.
        topics: Of each text.
    """

    sentiments: Sequence[Prediction]
    topics: Sequence[Prediction]


class Reader(Protocol):
    """Tells what texts say."""

    def read(self, texts: Sequence[str], clauses: Sequence[str]) -> Read:
        """Return the sentiment of texts and clauses, and the topics of texts."""
        ...


@dataclass(frozen=True)
class Apart:
    """A Reader of two models.

    Args:
        sentiment: A Predictor of negative, neutral and positive.
        topics: A Predictor of several labels, the names of topics.
    """

    sentiment: Predictor
    topics: Predictor

    def read(self, texts: Sequence[str], clauses: Sequence[str]) -> Read:
        """Ask one model of texts and clauses, and the other of texts."""
        said = self.sentiment.predict(corpus_of([*texts, *clauses]))
        return Read(said, self.topics.predict(corpus_of(list(texts))))


@dataclass(frozen=True)
class AtOnce:
    """A Reader of one model; firm phrases decide the sentiment against it.

    Args:
        model: A Predictor whose answers are of the tasks `sentiment` and `topics`.
    """

    model: Predictor

    def read(self, texts: Sequence[str], clauses: Sequence[str]) -> Read:
        """Ask the model of texts and clauses at once."""
        asked = [*texts, *clauses]
        answers = [one.answers or {} for one in self.model.predict(corpus_of(asked))]
        said = with_firm_phrases(asked, [one["sentiment"] for one in answers])
        return Read(said, [one["topics"] for one in answers[: len(texts)]])
