"""What tells the sentiment and the topics of texts: a model for each, or one model of both, which reads a text once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from feilun.apps.public_opinion.scheme import Scheme
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


YES, NO = "yes", "no"
"""What a model of one topic says of a text."""


@dataclass(frozen=True)
class WithNewTopics:
    """A Reader to whose topics newer ones are added: of a model of their own, and before there is one by their words.

    Args:
        reader: Tells sentiment and the topics that it was trained for.
        scheme: All topics, with their words.
        own: The model of a new topic, a Predictor of `YES` and `NO`, by the topic's name.
    """

    reader: Reader
    scheme: Scheme
    own: Mapping[str, Predictor]

    def read(self, texts: Sequence[str], clauses: Sequence[str]) -> Read:
        """Ask the reader of all, and of new topics their words and models."""
        found, corpus = self.reader.read(texts, clauses), corpus_of(list(texts))
        said = {name: [one.label == YES for one in model.predict(corpus)] for name, model in self.own.items()}
        topics = []
        for place, (told, worded) in enumerate(zip(found.topics, self.scheme.predict(corpus), strict=True)):
            known = set(told.ranked.names)
            labels = {*(told.labels or ()), *(name for name in worded.labels or () if name not in known)}
            labels = {name for name in labels if name not in said} | {name for name in said if said[name][place]}
            # in the order of the scheme, those first that it does not name
            ordered = tuple(sorted(labels, key=lambda name: (*self.scheme.names, name).index(name)))
            topics.append(replace(told, label=", ".join(ordered), labels=ordered))
        return Read(found.sentiments, topics)
